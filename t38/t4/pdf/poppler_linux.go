package pdf

import "golang.org/x/sys/unix"

// confine sets the limits of a program that has just begun: besides the given ones, no
// dumps, small files, and few descriptors.
func confine(pid int, l Limits) error {
	const mega = 1 << 20
	for _, limit := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_AS, uint64(l.MemoryMB) * mega},
		{unix.RLIMIT_CPU, uint64(l.CPUSeconds)},
		{unix.RLIMIT_FSIZE, mega},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 64},
	} {
		r := unix.Rlimit{Cur: limit.most, Max: limit.most}
		if err := unix.Prlimit(pid, limit.resource, &r, nil); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}
