package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fifoEnv holds the priority of programs under test, for this process and the sandbox.
const fifoEnv = "TIPRING_FIFO"

// SetFIFO has every program under test run under SCHED_FIFO with a priority from 1 to 99,
// whole and from its first moment (chrt -f), so that what else the machine does is kept out
// of its times. 0: as the system likes. It is an error where the system does not let us.
func SetFIFO(priority int) error {
	if priority == 0 {
		return os.Unsetenv(fifoEnv)
	}
	if priority < 1 || priority > 99 {
		return fmt.Errorf("a priority of %d: want 1 to 99, or 0 for none", priority)
	}
	if err := os.Setenv(fifoEnv, strconv.Itoa(priority)); err != nil {
		return err
	}
	return TryFIFO()
}

// TryFIFO reports an error where programs under test cannot run as SetFIFO asked.
func TryFIFO() error {
	name, args := Measured("true")
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s: run as root, or without it", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// FIFO is the priority that SetFIFO set; 0: none.
func FIFO() int {
	n, _ := strconv.Atoi(os.Getenv(fifoEnv))
	return n
}

// RealTime is the real-time priority that this process has itself, as under chrt, and hands on to
// all that it starts; 0: none.
func RealTime() int {
	a, err := unix.SchedGetAttr(0, 0)
	if err != nil || a.Policy != unix.SCHED_FIFO && a.Policy != unix.SCHED_RR || a.Flags&unix.SCHED_FLAG_RESET_ON_FORK != 0 {
		return 0
	}
	return int(a.Priority)
}

// coreEnv holds the one processor of programs under test.
const coreEnv = "TIPRING_CORE"

// OneCore has every program under test that is started until undo run on the machine's first
// processor alone (taskset).
func OneCore() (undo func()) {
	_ = os.Setenv(coreEnv, "0")
	return func() { _ = os.Unsetenv(coreEnv) }
}

// Measured is the command line that starts a program under test: with the priority of SetFIFO, and
// with none where that is 0, whatever this process has. chrt and taskset become that program, so
// that the process is the same.
func Measured(name string, args ...string) (string, []string) {
	if core := os.Getenv(coreEnv); core != "" {
		name, args = "taskset", append([]string{"-c", core, name}, args...)
	}
	switch {
	case FIFO() != 0:
		name, args = "chrt", append([]string{"-f", strconv.Itoa(FIFO()), name}, args...)
	case RealTime() != 0:
		name, args = "chrt", append([]string{"-o", "0", name}, args...)
	}
	return name, args
}
