package netlab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Process is a program running on a host. Its output goes to a file that is
// kept when the test fails.
type Process struct {
	Log string // file with standard output and error

	t    T
	what string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid once done is closed
}

// Start runs a program on the host until the test ends or Stop is called.
func (h *Host) Start(dir, name string, args ...string) *Process {
	h.t.Helper()
	return h.StartEnv(dir, nil, name, args...)
}

// StartEnv is Start with extra environment.
func (h *Host) StartEnv(dir string, env []string, name string, args ...string) *Process {
	t := h.t
	t.Helper()
	base := fmt.Sprintf("%s-%s-%d", h.Name, filepath.Base(name), h.seq.Add(1))
	p := &Process{t: t, what: base, Log: filepath.Join(dir, base+".log"), done: make(chan struct{})}
	if h.dns.IsValid() {
		// The program gets a mount namespace whose resolv.conf names our server.
		conf := filepath.Join(dir, base+".resolv.conf")
		text := fmt.Sprintf("nameserver %s\noptions timeout:1 attempts:2\n", h.dns)
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatalf("netlab: %v", err)
		}
		script := `mount --bind "$0" /etc/resolv.conf && exec "$@"`
		args = append([]string{"-c", script, conf, name}, args...)
		name = "/bin/sh"
	}
	p.cmd = exec.Command(name, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if h.dns.IsValid() {
		p.cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	log, err := os.Create(p.Log)
	if err != nil {
		t.Fatalf("netlab: %v", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	err = h.Do(p.cmd.Start)
	_ = log.Close()
	if err != nil {
		t.Fatalf("netlab: start %s: %v", base, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.Stop)
	return p
}

// Namespace is the file of the host's network, as nsenter(1) takes it.
func (h *Host) Namespace() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), h.ns.fd) }

// Run runs a program on the host to its end and returns what it printed.
func (h *Host) Run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := h.Do(cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// Pid is the program's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the program's end and returns its exit status.
func (p *Process) Wait(limit time.Duration) (int, error) {
	select {
	case <-p.done:
	case <-time.After(limit):
		return -1, fmt.Errorf("%s still runs after %v", p.what, limit)
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, p.err
}

// Signal sends a signal to the program and what it started.
func (p *Process) Signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.Pid(), s)
	}
}

// Stop ends the program: politely, then not.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(3 * time.Second):
	}
	p.Kill()
}

// Kill ends the program at once, as a power cut would.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Tail returns the last n lines that the program printed.
func (p *Process) Tail(n int) string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Until asks again, at first after a millisecond, until ok says yes or limit is
// over. It is how the lab waits for programs that cannot tell when they are ready.
func Until(limit time.Duration, ok func() bool) bool {
	over := time.After(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 25*time.Millisecond) {
		if ok() {
			return true
		}
		select {
		case <-over:
			return ok()
		case <-time.After(pause):
		}
	}
}

// Holds asks again and again for as long as span whether ok goes on saying yes, and returns
// at once when it does not. It is how the lab sees that something does not happen.
func Holds(span time.Duration, ok func() bool) bool {
	return !Until(span, func() bool { return !ok() })
}
