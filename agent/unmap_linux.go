package agent

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// letGo unmaps the program's own pages: what only its start needed, and what the kernel
// mapped around it (64 kB a fault), would else stay with it for good, and a kernel that is
// short of memory takes pages that nobody maps first. What is used again is mapped again from
// the page cache, at the cost of a minor fault. Only pages that cannot have been written to
// are touched, so that nothing is lost (madvise(2), MADV_DONTNEED).
func letGo() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	for s := bufio.NewScanner(maps); s.Scan(); {
		if from, to, ok := ownPages(s.Text(), program); ok {
			_, _, _ = syscall.RawSyscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}

// ownPages reads a line of /proc/PID/maps (proc_pid_maps(5)); ok for pages of the program
// that are only read.
func ownPages(line, program string) (from, to uintptr, ok bool) {
	f := strings.Fields(line)
	if len(f) < 6 || f[5] != program || len(f[1]) != 4 || f[1][1] == 'w' || f[1][3] != 'p' {
		return 0, 0, false
	}
	first, last, _ := strings.Cut(f[0], "-")
	a, errFrom := strconv.ParseUint(first, 16, strconv.IntSize)
	b, errTo := strconv.ParseUint(last, 16, strconv.IntSize)
	return uintptr(a), uintptr(b), errFrom == nil && errTo == nil && a < b
}
