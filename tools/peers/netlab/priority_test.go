package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestProgramsUnderTestGetTheirPriority(t *testing.T) {
	t.Setenv(fifoEnv, "")
	if name, args := Measured("sleep", "9"); name != "sleep" || fmt.Sprint(args) != "[9]" {
		t.Errorf("without a priority: %s %v", name, args)
	}
	for _, wrong := range []int{-1, 100} {
		if err := SetFIFO(wrong); err == nil || FIFO() != 0 {
			t.Errorf("priority %d: %v, now %d", wrong, err, FIFO())
		}
	}
	if err := SetFIFO(7); err != nil {
		if !strings.Contains(err.Error(), "not permitted") {
			t.Errorf("where it may not be set: %v", err)
		}
		return
	}
	name, args := Measured("sleep", "9")
	if got, want := name+" "+strings.Join(args, " "), "chrt -f 7 sleep 9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	const fifo = "1" // SCHED_FIFO
	var priority, policy string
	if !Until(10*time.Second, func() bool {
		priority, policy = scheduling(cmd.Process.Pid)
		return priority == "7" && policy == fifo
	}) {
		t.Errorf("priority %s, policy %s", priority, policy)
	}
	if err := SetFIFO(0); err != nil || FIFO() != 0 {
		t.Errorf("priority 0: %v, now %d", err, FIFO())
	}
}

// scheduling reads rt_priority and policy of /proc/PID/stat, fields 40 and 41.
func scheduling(pid int) (priority, policy string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return err.Error(), ""
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name is field 3
	f := strings.Fields(rest)
	return f[37], f[38]
}

func TestProgramsUnderTestHaveOneCore(t *testing.T) {
	t.Setenv(fifoEnv, "")
	undo := OneCore()
	name, args := Measured("nproc")
	out, err := exec.Command(name, args...).Output()
	if undo(); err != nil || strings.TrimSpace(string(out)) != "1" {
		t.Errorf("a program under test has %s processors: %v", out, err)
	}
	if name, _ := Measured("nproc"); name != "nproc" {
		t.Errorf("%s after undo", name)
	}
}

// Under chrt programs under test are started without what they would inherit, unless they get a
// priority of their own.
func TestProgramsUnderTestInheritNoPriority(t *testing.T) {
	t.Setenv(fifoEnv, "")
	if n := RealTime(); n != 0 {
		t.Fatalf("the test itself runs with priority %d", n)
	}
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 5}, 0); err != nil {
		if err != unix.EPERM {
			t.Errorf("where it may not be set: %v", err)
		}
		return
	}
	if n := RealTime(); n != 5 {
		t.Errorf("under chrt -f 5 the priority is %d", n)
	}
	name, args := Measured("sleep", "9")
	if got, want := name+" "+strings.Join(args, " "), "chrt -o 0 sleep 9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	name, args = Measured("cat", "/proc/self/stat")
	out, err := exec.Command(name, args...).Output()
	if _, rest, _ := strings.Cut(string(out), ") "); err != nil || strings.Fields(rest)[38] != "0" {
		t.Errorf("%v; not SCHED_OTHER: %s", err, out)
	}
	t.Setenv(fifoEnv, "7")
	if name, args := Measured("sleep"); fmt.Sprint(name, args) != "chrt[-f 7 sleep]" {
		t.Errorf("with a priority of its own: %s %v", name, args)
	}
	own := unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 5, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	if err := unix.SchedSetAttr(0, &own, 0); err != nil || RealTime() != 0 {
		t.Errorf("%v; a priority that is not handed on counts: %d", err, RealTime())
	}
}
