package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test's binary the program itself, where a test starts it as such.
func TestMain(m *testing.M) {
	if os.Getenv("TIPRING_IS_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A program is tipring as a process of its own, with a temporary directory that is to be
// empty after it.
type program struct {
	*exec.Cmd
	t      *testing.T
	tmp    string
	stderr bytes.Buffer
	out    *os.File // what it prints
	lines  *bufio.Reader
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	tmp, err := os.MkdirTemp("", "tipring")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	p := &program{Cmd: exec.Command(os.Args[0], args...), t: t, tmp: tmp}
	p.Env = append(os.Environ(), "TIPRING_IS_PROGRAM=1", "TMPDIR="+tmp)
	p.Stderr = &p.stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdout, p.out, p.lines = w, r, bufio.NewReader(r)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { r.Close() })
	return p
}

// told waits for a line of the story.
func (p *program) told(line string) {
	p.t.Helper()
	for {
		text, err := p.lines.ReadString('\n')
		if strings.HasPrefix(text, line) {
			return
		}
		if err != nil {
			p.t.Fatalf("%q was not told: %v\n%s", line, err, &p.stderr)
		}
	}
}

// ends waits for the end and compares the exit status and what stderr ends with.
func (p *program) ends(status int, reason string) {
	p.t.Helper()
	timer := time.AfterFunc(30*time.Second, func() { _ = p.Process.Kill() })
	defer timer.Stop()
	_ = p.Wait() // the status tells
	if got := p.ProcessState.ExitCode(); got != status || !strings.HasSuffix(p.stderr.String(), reason+"\n") {
		p.t.Errorf("exit status %d, want %d\n%s\nwant %s", got, status, &p.stderr, reason)
	}
	left, err := os.ReadDir(p.tmp)
	if err != nil || len(left) > 0 {
		p.t.Errorf("left behind: %v %v", left, err)
	}
}

// Whatever ends the demo, wherever it is, it clears up.
func TestDemoIsInterrupted(t *testing.T) {
	for _, tt := range []struct {
		after string
		by    syscall.Signal
	}{
		{"step lab", syscall.SIGINT},
		{"step agent-up", syscall.SIGTERM},
		{"step registered", syscall.SIGHUP},
		{"step call ok", syscall.SIGINT},
	} {
		t.Run(tt.after, func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, "demo", "--fast")
			p.told(tt.after)
			if err := p.Process.Signal(tt.by); err != nil {
				t.Fatal(err)
			}
			p.ends(1, "tipring demo: interrupted")
		})
	}
}

func TestDemoWithoutAudience(t *testing.T) {
	p := startProgram(t, "demo", "--fast")
	p.told("step lab")
	p.out.Close()
	p.ends(1, "tipring demo: write /dev/stdout: broken pipe")
}

func TestDemoWhereItCannotWork(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dir, step string }{
		{filepath.Join(dir, "none"), "step lab FAIL "},
		{long, "step lab FAIL " + long + " is too long a name for sockets in it"},
	} {
		p := startProgram(t, "demo", "--once", "--fast", "--state-dir", tt.dir)
		p.told(tt.step)
		p.ends(1, "tipring demo: a step failed")
	}
	if left, err := os.ReadDir(long); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// An agent whose log nobody reads any more goes on.
func TestAgentOutlivesItsLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.ini")
	if err := os.WriteFile(file, []byte("[sip]\nbind = 127.0.0.1\nudp_port = 0\ntcp_port = 0\ntls_port = 0\n[web]\nlisten =\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tipring")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "run", "-c", file, "--factory", os.DevNull, "--state-dir", dir)
	cmd.Env = append(os.Environ(), "TIPRING_IS_PROGRAM=1")
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, "started") {
		t.Fatalf("%q, %v", line, err)
	}
	r.Close()
	for range 3 { // each is logged
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

// An agent whose log nobody drains goes on answering, and ends when it is told to; one that
// still hangs, such as with its terminal, ends at the second signal.
func TestAgentWhoseLogHangs(t *testing.T) {
	for _, signals := range []int{1, 2} {
		dir, err := os.MkdirTemp("", "tipring")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "t.ini")
		if err := os.WriteFile(file, []byte("[sip]\nbind = 127.0.0.1\nudp_port = 0\ntcp_port = 0\ntls_port = 0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		fill(t, w)
		cmd := exec.Command(os.Args[0], "run", "-c", file, "--factory", os.DevNull, "--state-dir", dir)
		cmd.Env = append(os.Environ(), "TIPRING_IS_PROGRAM=1")
		cmd.Stderr = w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		limit := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		answers(t, dir)
		for range 3 { // each would be logged
			if err := os.WriteFile(file, []byte("[sip]\nbind = nowhere\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}
		for range signals {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		err = cmd.Wait()
		limit.Stop()
		if signals == 1 && err != nil {
			t.Errorf("after %d signals the agent ended with %v", signals, err)
		}
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() && status.Signal() == syscall.SIGKILL {
			t.Errorf("after %d signals the agent did not end", signals)
		}
	}
}

// answers waits for the control socket, a while.
func answers(t *testing.T, dir string) {
	t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for {
		conn, err := net.Dial("unix", filepath.Join(dir, "control.sock"))
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the agent does not answer: %v", err)
		}
	}
}

// fill writes into a pipe until it takes no more.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		if cerr := raw.Control(func(fd uintptr) { _, err = syscall.Write(int(fd), make([]byte, 1)) }); cerr != nil {
			t.Fatal(cerr)
		}
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Fatalf("the pipe is not full: %v", err)
	}
}
