package web

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// The owner who has forgotten his password sets another one at a terminal of the device: it is
// asked for twice, and what is typed is not shown. What ends the program in between leaves a terminal
// that shows again.
func TestPasswdAtATerminal(t *testing.T) {
	t.Parallel()
	const word = "quite another word"
	s := besiege(t, nil)
	works := func(password string, want int) {
		t.Helper()
		if got := s.visitor(s.people).ask("POST", "/api/v1/session", map[string]string{"user": "admin", "password": password}).status; got != want {
			t.Errorf("a login with %q: %d, want %d", password, got, want)
		}
	}
	for _, tt := range []struct {
		name   string
		args   []string
		type1  string
		type2  string // empty: it is not asked for
		status int
		says   string
	}{
		{"two that differ", nil, word, word + "!", 1, "the two passwords are not the same"},
		{"too short", nil, "short", "short", 1, "at least 10 characters"},
		{"nobody", []string{"nobody"}, word, word, 1, "there is no user nobody"},
		{"nothing", nil, "", "", 1, "The new password is missing"},
		{"an interrupt", nil, "\x03", "", 1, ""},
		{"an end of file", nil, "\x04", "", 1, "EOF"},
	} {
		x := newTerminal(t, s.agent, tt.args...)
		x.asks("New password of " + strings.Join(append(tt.args, "admin")[:1], "") + ": ")
		x.types(tt.type1)
		if tt.name != "an interrupt" && tt.name != "an end of file" {
			x.asks("Again: ")
			x.types(tt.type2)
		}
		if status := x.ends(); status != tt.status || !strings.Contains(x.text(), tt.says) {
			t.Errorf("%s: %d, %q", tt.name, status, x.text())
		}
		if tt.type1 != "" && strings.Contains(x.text(), tt.type1) || !x.echoes() {
			t.Errorf("%s: it shows %q, and then what is typed: %v", tt.name, x.text(), x.echoes())
		}
		works(masterWord, 200)
	}
	x := newTerminal(t, s.agent)
	x.asks("New password of admin: ")
	x.types(word)
	x.asks("Again: ")
	x.types(word)
	if status := x.ends(); status != 0 || !strings.Contains(x.text(), "the password of admin is set") || strings.Contains(x.text(), word) || !x.echoes() {
		t.Errorf("%d, %q", status, x.text())
	}
	works(word, 200)
	works(masterWord, 401)
	s.owner.must(401, "GET", "/api/v1/status", nil) // who is logged in with the old one is not any more
}

// A terminal is what a person sits at (pty(7)) who has typed tipring passwd.
type terminal struct {
	t    *testing.T
	us   *os.File
	its  *os.File
	cmd  *exec.Cmd
	done chan struct{} // closed when all that it shows was read

	mu    sync.Mutex
	shown []byte
}

func newTerminal(t *testing.T, a *agent.Agent, args ...string) *terminal {
	t.Helper()
	us, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(us.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(us.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	its, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, us: us, its: its, done: make(chan struct{})}
	x.cmd = exec.Command(agent.Binary(), append([]string{"passwd", "--state-dir", filepath.Join(a.Dir, "state")}, args...)...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = its, its, its
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go x.watch()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill() // else nothing wakes who reads
		_ = x.cmd.Wait()
		_ = its.Close()
		<-x.done
		_ = us.Close()
	})
	return x
}

// watch reads what the terminal shows until it is closed.
func (x *terminal) watch() {
	defer close(x.done)
	b := make([]byte, 4096)
	for {
		n, err := x.us.Read(b)
		x.mu.Lock()
		x.shown = append(x.shown, b[:n]...)
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return string(x.shown)
}

// asks waits until it asks for something, and hides what is typed.
func (x *terminal) asks(what string) {
	x.t.Helper()
	if !netlab.Until(browser.Patience, func() bool { return strings.HasSuffix(x.text(), what) && !x.echoes() }) {
		x.t.Fatalf("it does not ask for %q, or shows what is typed: %q", what, x.text())
	}
}

// types is a line, or one key.
func (x *terminal) types(line string) {
	if len(line) != 1 || line[0] >= ' ' {
		line += "\r"
	}
	if _, err := x.us.WriteString(line); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for its end, and until all is read that it showed.
func (x *terminal) ends() int {
	x.t.Helper()
	ended := time.AfterFunc(browser.Patience, func() { _ = x.cmd.Process.Kill() })
	defer ended.Stop()
	_ = x.cmd.Wait() // its status tells
	const mark = "that is all\n"
	_, _ = x.its.WriteString(mark)
	if !netlab.Until(browser.Patience, func() bool { return strings.Contains(x.text(), strings.TrimSpace(mark)) }) {
		x.t.Fatalf("the terminal is silent: %q", x.text())
	}
	return x.cmd.ProcessState.ExitCode()
}

// echoes reports whether the terminal shows what is typed.
func (x *terminal) echoes() bool {
	x.t.Helper()
	state, err := unix.IoctlGetTermios(int(x.its.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}
