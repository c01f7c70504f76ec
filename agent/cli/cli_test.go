package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/webui/api"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Unsetenv("TIPRING_STATE_DIR")
	goleak.VerifyTestMain(m)
}

// A box is the device behind the socket.
type box struct {
	did []string
	err error
}

func (b *box) Lines() []api.Line {
	return []api.Line{
		{Line: 1, AOR: "sip:1001@pbx.example", State: "registered", Server: "backup", ServerAddr: "192.0.2.2:5060", Transport: "udp",
			Since: api.At(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)), Calls: 1, Why: "On the backup since 09:00."},
		{Line: 2, State: "disabled", Server: "none"},
	}
}

func (b *box) Ports() []api.Port {
	return []api.Port{{Port: 1, Kind: "phone", Line: 1, Driver: "sim", Card: true, Hook: "off", State: "talking", Call: "c1"}}
}

func (b *box) Calls() []api.Call {
	return []api.Call{{ID: "c1", Line: 1, Port: api.Number(1), Direction: "in", Peer: "sip:\x1b[2Jevil@x", State: "ended", Codec: "pcmu",
		Started: api.At(time.Unix(0, 0)), Answered: api.At(time.Unix(3, 0)), Ended: api.At(time.Unix(68, 0)), Reason: "BYE"}}
}

func (b *box) Status() api.Status {
	return api.Status{Version: "1.0", UptimeS: 3661, Draining: true, Device: api.Names{MAC: "0C383E000001"}, Lines: b.Lines(), Ports: b.Ports(),
		Provisioning: api.Provisioning{State: "failed", Source: "https://h.example/x", Error: "404 Not Found"}, Faults: []string{"t.ini:3: wrong"},
		Waiting: []api.Waiting{{Section: "port1", For: "port 1 to be on-hook"}}}
}

func (b *box) do(format string, args ...any) error {
	b.did = append(b.did, fmt.Sprintf(format, args...))
	return b.err
}

func (b *box) Register(_ context.Context, line int) error { return b.do("register %d", line) }
func (b *box) Call(_ context.Context, port int, to string) (string, error) {
	return "c2", b.do("call %d %s", port, to)
}
func (b *box) TestDialPlan(int, string) (api.DialResult, error) { return api.DialResult{}, nil }
func (b *box) HangUp(context.Context, string) error             { return nil }
func (b *box) Drain(resume bool) error                          { return b.do("drain resume=%v", resume) }
func (b *box) Ready() error                                     { return nil }

// start serves b in a new state directory.
func start(t *testing.T, b *box) (dir string) {
	dir, err := os.MkdirTemp("", "tipring") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	log := slog.New(slog.DiscardHandler)
	socket, err := api.ServeSocket(nil, dir, api.New(b, nil, log).Behind(api.Open{}), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(context.Background()) })
	return dir
}

func runWith(hooks Hooks, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = Main(args, &out, &err, hooks)
	return status, out.String(), err.String()
}

func run(args ...string) (status int, stdout, stderr string) {
	return runWith(Hooks{Version: "1.0"}, args...)
}

func TestTables(t *testing.T) {
	dir := start(t, &box{})
	const lines = `LINE  AOR                   STATE       SERVER  ADDRESS         OVER  SINCE                CALLS
1     sip:1001@pbx.example  registered  backup  192.0.2.2:5060  udp   2026-03-01 09:00:00  1
2     -                     disabled    none    -               -     -                    0
line 1: On the backup since 09:00.
`
	const ports = `PORT  KIND   LINE  DRIVER  CARD  HOOK  STATE    CALL
1     phone  1     sim     yes   off   talking  c1
`
	for _, tt := range []struct{ command, want string }{
		{"lines", lines},
		{"ports", ports},
		{"calls", `CALL  LINE  PORT  WAY  PEER              STATE  CODEC  SERVER  STARTED              TALKED  REASON
c1    1     1     in   sip:?[2Jevil@x  ended  pcmu   -       1970-01-01 00:00:00  1m5s    BYE
`},
		{"status", `tipring 1.0, up 1h1m1s, draining
MAC 0C383E000001, serial -, account -
provisioning failed, source https://h.example/x: 404 Not Found
fault: t.ini:3: wrong
waiting: [port1] for port 1 to be on-hook

` + lines + "\n" + ports},
		{"register 1", lines[:strings.Index(lines, "2     -")] + "line 1: On the backup since 09:00.\n"},
		{"call --port 1 --to 600", "port 1 dials 600, call c2\n"},
		{"drain", "new calls and faxes are refused; running ones may finish\n"},
		{"drain --resume", "new calls and faxes are taken again\n"},
	} {
		status, stdout, stderr := run(append(strings.Fields(tt.command), "--state-dir", dir)...)
		if want := squeeze(tt.want); status != 0 || squeeze(stdout) != want || stderr != "" {
			t.Errorf("%s: %d %q\n%s\nwant\n%s", tt.command, status, stderr, stdout, tt.want)
		}
	}
}

// squeeze makes runs of blanks one: a table's widths are text/tabwriter's.
func squeeze(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func TestActionsReachTheDevice(t *testing.T) {
	b := &box{}
	dir := start(t, b)
	for _, command := range []string{"register 2", "call --port=1 --to=*72600#", "drain", "drain --resume"} {
		if status, _, stderr := run(append(strings.Fields(command), "--state-dir="+dir)...); status != 0 {
			t.Errorf("%s: %d %s", command, status, stderr)
		}
	}
	if got, want := strings.Join(b.did, ", "), "register 2, call 1 *72600#, drain resume=false, drain resume=true"; got != want {
		t.Errorf("the device was asked %s, want %s", got, want)
	}
}

func TestJSONIsTheInterfacesOwn(t *testing.T) {
	dir := start(t, &box{})
	for command, want := range map[string]string{
		"lines --json":                     `[{"line":1,"aor":"sip:1001@pbx.example",`,
		"status --json":                    `{"version":"1.0","uptime_s":3661,"draining":true,`,
		"calls --json":                     `[{"id":"c1","sip_call_id":null,`,
		"register 1 --json":                `{"line":1,`,
		"call --json --port 1 --to 600":    `{"id":"c2"}`,
		"drain --json":                     `{"draining":true}`,
		"ports --json --factory /dev/null": `[{"port":1,`,
	} {
		status, stdout, stderr := run(append(strings.Fields(command), "--state-dir", dir)...)
		if status != 0 || !strings.HasPrefix(stdout, want) || !strings.HasSuffix(stdout, "\n") {
			t.Errorf("%s: %d %s%s", command, status, stdout, stderr)
		}
	}
}

func TestTheStateDirectoryComesFromFlagThenEnvironmentThenFile(t *testing.T) {
	dir := start(t, &box{})
	ini := filepath.Join(t.TempDir(), "t.ini")
	os.WriteFile(ini, []byte("[device]\nstate_dir = "+dir+"\nthis line is a fault\n"), 0o600)
	other := filepath.Join(t.TempDir(), "t.ini")
	os.WriteFile(other, []byte("[device]\nstate_dir = /nowhere\n"), 0o600)

	if status, _, stderr := run("lines", "-c", ini); status != 0 {
		t.Errorf("from the file: %s", stderr)
	}
	t.Setenv("TIPRING_STATE_DIR", dir)
	if status, _, stderr := run("lines", "-c", other); status != 0 {
		t.Errorf("from the environment: %s", stderr)
	}
	t.Setenv("TIPRING_STATE_DIR", "/nowhere")
	if status, _, stderr := run("lines", "--state-dir", dir, "-c", other); status != 0 {
		t.Errorf("from the flag: %s", stderr)
	}
}

func TestFailuresNameWhatWasTried(t *testing.T) {
	dir := start(t, &box{err: fmt.Errorf("port 1: %w: it is ringing", api.ErrConflict)})
	empty := t.TempDir()
	stale, err := os.MkdirTemp("", "tipring")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(stale)
	l, err := net.Listen("unix", filepath.Join(stale, api.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()

	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"lines --state-dir " + empty, 1,
			"tipring lines: GET /api/v1/lines at " + empty + "/control.sock: no agent runs here: there is no such socket (another --state-dir?)\n"},
		{"lines --state-dir " + stale, 1,
			"tipring lines: GET /api/v1/lines at " + stale + "/control.sock: no agent answers: the one that made the socket has ended\n"},
		{"drain --state-dir " + dir + " -c " + empty + "/none.ini", 1,
			"tipring drain: finding the state directory: open " + empty + "/none.ini: no such file or directory\n"},
		{"lines --state-dir " + dir + " --factory " + empty + "/none.ini", 1,
			"tipring lines: finding the state directory: open " + empty + "/none.ini: no such file or directory\n"},
		{"lines -c " + empty + "/none.ini", 1,
			"tipring lines: finding the state directory: open " + empty + "/none.ini: no such file or directory\n"},
		{"register 7 --state-dir " + dir, 1,
			"tipring register: POST /api/v1/lines/7/register at " + dir + "/control.sock: 404 Not Found: there is no line 7\n"},
		{"call --port 1 --to 600 --state-dir " + dir, 1,
			"tipring call: POST /api/v1/ports/1/call at " + dir + "/control.sock: 409 Conflict: port 1: not possible now: it is ringing\n"},
	} {
		status, stdout, stderr := run(strings.Fields(tt.args)...)
		if status != tt.status || stderr != tt.want || stdout != "" {
			t.Errorf("%s: %d %q\n%s", tt.args, status, stdout, stderr)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "Usage: tipring COMMAND"},
		{"dance", `there is no command "dance"`},
		{"run", `there is no command "run"`}, // no hook
		{"help dance", `there is no command "dance"`},
		{"lines 1", `what is "1" for?`},
		{"lines --yaml", "flag provided but not defined: -yaml"},
		{"register", "LINE is missing"},
		{"register 0", `"0" is not the number of a line`},
		{"register one", `"one" is not the number of a line`},
		{"call --to 600", "--port N and --to NUMBER are wanted"},
		{"call --port x --to 600", `invalid value "x"`},
		{"check --json", "flag provided but not defined: -json"},
		{"check -c=", "-c is empty"},
		{"check --factory=", "--factory is empty"},
		{"status --state-dir=", "--state-dir is empty"},
		{"call --port 1 --to=", "--to is empty"},
		{"check -c a -c b", "it was given before"},
		{"call --port 1 --port 2 --to 600", "it was given before"},
		{"drain --resume --resume=0", "it was given before"},
		{"version -c a", "flag provided but not defined: -c"},
		{"version --factory a", "flag provided but not defined: -factory"},
		{"version 1", `what is "1" for?`},
		{"call --port 0x1 --to 600", "want a number from 1 to 1024"},
		{"call --port 01 --to 600", "want a number from 1 to 1024"},
		{"call --port 1025 --to 600", "want a number from 1 to 1024"},
		{"call 1 600", `what is "1" for?`},
		{"register +1", `"+1" is not the number of a line`},
		{"register 01", `"01" is not the number of a line`},
		{"register 1025", `"1025" is not the number of a line`},
		{"register 1 2", `what is "2" for?`},
		{"register -- -1", `"-1" is not the number of a line`},
		{"drain now", `what is "now" for?`},
		{"-c a status", "-c stands before the command"},
		{"help check lines", `what is "lines" for?`},
		{"STATUS", `there is no command "STATUS"`},
	} {
		status, stdout, stderr := run(strings.Fields(tt.args)...)
		if status != 2 || !strings.Contains(stderr, tt.want) || stdout != "" {
			t.Errorf("tipring %s: %d %q %q", tt.args, status, stdout, stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	hooks := Hooks{Run: func(RunOptions) error { return nil }, Demo: func(DemoOptions) error { return nil }}
	for _, args := range []string{"help", "--help"} {
		status, stdout, _ := runWith(hooks, args)
		for _, cmd := range commands(hooks) {
			if status != 0 || !strings.Contains(stdout, "\n  "+cmd.name+" ") {
				t.Errorf("tipring %s: %d, %s is missing", args, status, cmd.name)
			}
		}
	}
	for _, args := range []string{"help call", "call --help", "call -h"} {
		status, stdout, _ := run(strings.Fields(args)...)
		if status != 0 || !strings.HasPrefix(stdout, "Usage: tipring call [flags] --port N --to NUMBER\n") || !strings.Contains(stdout, "--state-dir DIR") {
			t.Errorf("tipring %s: %d\n%s", args, status, stdout)
		}
	}
	if status, stdout, _ := run("version"); status != 0 || !strings.HasPrefix(stdout, "tipring 1.0 (go") {
		t.Errorf("version: %d %q", status, stdout)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.ini", "[sip1]\nusername = 1\n[port1]\n")
	bad := file("bad.ini", "[sip1]\ntransport = 2\nauth_password = hunter2\nauth_password = hunter3\nhunter4\n")
	waiting := file("waiting.ini", "[port1]\n")
	factory := file("factory.ini", "[radius]\ntries = 99\n")
	fifo := filepath.Join(dir, "fifo.ini")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args           string
		status         int
		stdout, stderr string
	}{
		{"-c " + good, 0, good + ": ok, 1 line, 1 port\n", ""},
		{"-c " + waiting, 0, waiting + ": ok, 0 lines, 1 port\n",
			"warning: " + waiting + ":1: [port1] line = 1: wanted a section [sip1], from this file or provisioned\n"},
		{"-c " + bad, 1, bad + ":2: [sip1] transport = 2: wanted 0 (udp), 1 (tcp) or 3 (tls)\n" +
			bad + ":4: [sip1] auth_password = ********: wanted each key once; line 3 has it already\n" +
			bad + ":5: [sip1]: wanted [section], key = value or a comment line\n",
			"tipring check: " + bad + ": 3 faults\n"},
		{"--factory " + factory + " -c " + good, 1, factory + ":2: [radius] tries = 99: wanted 1 to 10\n", "tipring check: " + good + ": 1 fault\n"},
		{"-c " + dir + "/none.ini", 1, "", "tipring check: open " + dir + "/none.ini: no such file or directory\n"},
		{"-c " + dir, 1, "", "tipring check: open " + dir + ": it is not a regular file\n"},
		{"-c " + fifo, 1, "", "tipring check: open " + fifo + ": it is not a regular file\n"},
	} {
		status, stdout, stderr := run(append([]string{"check"}, strings.Fields(tt.args)...)...)
		if status != tt.status || stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("check %s: %d\n%s%s", tt.args, status, stdout, stderr)
		}
	}
}

// fullDisk is a standard output that takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWhatCannotBeWrittenIsAFailure(t *testing.T) {
	dir := start(t, &box{})
	for _, command := range []string{"status", "lines", "lines --json", "register 1", "version"} {
		var stderr bytes.Buffer
		status := Main(append(strings.Fields(command), "--state-dir", dir), fullDisk{}, &stderr, Hooks{})
		if status != 1 || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%s: %d %s", command, status, &stderr)
		}
	}
}

func TestHooksAreHandedTheirFlags(t *testing.T) {
	var ran RunOptions
	var shown DemoOptions
	hooks := Hooks{
		Run:  func(o RunOptions) error { ran = o; return errors.New("port 5060 is taken") },
		Demo: func(o DemoOptions) error { shown = o; return nil },
	}
	status, _, stderr := runWith(hooks, "run", "-c", "a.ini", "--factory", "f.ini", "--state-dir", "/s")
	if want := (config.Files{Factory: "f.ini", File: "a.ini", StateDir: "/s"}); ran.Files != want || status != 1 || stderr != "tipring run: port 5060 is taken\n" {
		t.Errorf("run: %+v, %d %s", ran, status, stderr)
	}
	t.Setenv("TIPRING_STATE_DIR", "/elsewhere") // is an agent's, and not the demo's
	if status, _, _ := runWith(hooks, "demo", "--once", "--fast"); status != 0 || !shown.Once || !shown.Fast || shown.Dir != "" || shown.Stdout == nil {
		t.Errorf("demo: %+v, %d", shown, status)
	}
	if status, _, _ := runWith(hooks, "demo", "--state-dir", "/d"); status != 0 || shown.Dir != "/d" || shown.Once {
		t.Errorf("demo: %+v, %d", shown, status)
	}
	for _, flag := range []string{"-c", "--factory"} {
		if status, _, stderr := runWith(hooks, "demo", flag, "a.ini"); status != 2 || !strings.Contains(stderr, "flag provided but not defined") {
			t.Errorf("demo %s: %d %s", flag, status, stderr)
		}
	}
}
