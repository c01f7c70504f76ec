package killpoints

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tipring/internal/config/generations"
)

const performEnv = "TIPRING_PERFORM" // the apply's name

// strace counts the calls of each thread by itself: all of ours are the first one's.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if name := os.Getenv(performEnv); name != "" {
		if err := perform(name, os.Args[1]); err != nil && !errors.Is(err, generations.ErrUntidy) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(tinyEnv); dir != "" {
		os.Exit(tiny(dir))
	}
	os.Exit(m.Run())
}

// calls are those by which a configuration changes. Which of several names is used
// depends on the architecture.
var calls = []struct {
	name, strace string
	fails        []string
}{
	{"open", "?open,openat", []string{"ENOSPC"}}, // the others come from reading, too
	{"write", "write,pwrite64", []string{"ENOSPC", "EIO", "EROFS"}},
	{"fsync", "fsync,fdatasync", []string{"ENOSPC", "EIO", "EROFS"}},
	{"rename", "?rename,?renameat,renameat2", []string{"ENOSPC", "EIO", "EROFS"}},
	{"unlink", "?unlink,?rmdir,unlinkat", []string{"ENOSPC", "EIO", "EROFS"}},
	{"mkdir", "?mkdir,mkdirat", []string{"ENOSPC", "EIO", "EROFS"}},
	{"close", "close", nil},
}

// A point is one call that is interfered with: the n-th of its name.
type point struct {
	apply  apply
	call   string // as strace wants it
	inject string // kill, or error=…
	n      int
}

const kill = "signal=KILL"

// run is the program under test with the point; hit is false if it makes fewer calls.
func (p point) run(ctx context.Context, dir string) (hit, done bool, err error) {
	log := dir + ".strace"
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return false, false, err
	}
	args := []string{"-f", "-qq", "-o", log, "-e", "trace=" + p.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", p.call, p.inject, p.n), self, dir}
	if p.inject != kill { // strace 6.1 stops at far fewer calls with it, but sends no signal then
		args = append([]string{"--seccomp-bpf"}, args...)
	}
	cmd := exec.CommandContext(ctx, "strace", args...)
	cmd.Env = []string{performEnv + "=" + p.apply.name, "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		return false, false, fmt.Errorf("strace: %v, %v: %s", err, ctx.Err(), out)
	}
	text, e := os.ReadFile(log)
	if e != nil {
		return false, false, e
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus) // strace ends as its program did
	killed := status.Signal() == syscall.SIGKILL
	hit = killed || strings.Contains(string(text), "(INJECTED)")
	if err != nil && !killed && cmd.ProcessState.ExitCode() != 3 {
		return hit, false, fmt.Errorf("exit status %v: %s", err, out)
	}
	return hit, err == nil, nil
}

// At every call that changes a configuration the program is killed, and the call fails
// with each of several errors: the next start has the old or the new configuration, the
// new one if the program said so, and everything in order.
func TestKillPoints(t *testing.T) {
	origin := filepath.Join(t.TempDir(), "state")
	if err := prepare(origin); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	kills, failures := tally{}, tally{}
	var mu sync.Mutex
	turn := make(chan struct{}, max(2, runtime.NumCPU()))
	for _, a := range applies {
		for _, call := range calls {
			for _, failure := range append([]string{"KILL"}, call.fails...) {
				work.Go(func() {
					turn <- struct{}{}
					defer func() { <-turn }()
					inject, count := "error="+failure, failures
					if failure == "KILL" {
						inject, count = kill, kills
					}
					dir := filepath.Join(t.TempDir(), "state")
					for n := 1; ; n++ {
						hit, err := try(t.Context(), point{a, call.strace, inject, n}, origin, dir)
						if err != nil {
							t.Errorf("%s, %s at %s %d: %v", a.name, inject, call.name, n, err)
							return
						}
						if !hit {
							return
						}
						mu.Lock()
						count[call.name]++
						mu.Unlock()
					}
				})
			}
		}
	}
	work.Wait()
	t.Logf("killed at %v", kills)
	t.Logf("failed %v", failures)
	for _, call := range calls {
		if kills[call.name] == 0 || failures[call.name] == 0 && call.fails != nil {
			t.Errorf("%s: killed at %d, failed %d", call.name, kills[call.name], failures[call.name])
		}
	}
	if kills.sum() < 30*len(applies) || failures.sum() < 60*len(applies) {
		t.Errorf("killed at %d calls, failed %d: want 30 and 60 for each of %d applies", kills.sum(), failures.sum(), len(applies))
	}
}

// tally counts by the name of the call.
type tally map[string]int

func (c tally) sum() (n int) {
	for _, one := range c {
		n += one
	}
	return n
}

// try tells whether there was such a point, and what is wrong with what came of it.
func try(ctx context.Context, p point, origin, dir string) (hit bool, err error) {
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(origin))); err != nil {
		return false, err
	}
	hit, done, err := p.run(ctx, dir)
	if err != nil {
		return hit, err
	}
	found, err := next(dir)
	switch {
	case err != nil:
	case found == p.apply.after:
	case found == p.apply.before && !done:
	default:
		err = fmt.Errorf("%s in force, done: %v", found, done)
	}
	if !hit && !done {
		err = errors.Join(err, errors.New("it fails by itself"))
	}
	return hit, err
}
