// Package agent runs the product, tipring run, on a lab's host and talks to it
// as anybody outside would: configuration file, signals, control socket, logs.
package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
)

// Binary is the path of the program under test; Build sets it.
func Binary() string { return os.Getenv("TIPRING_BINARY") }

// Build builds the program under test from the module two folders up, unless
// TIPRING_BINARY names one already. It belongs into TestMain, outside the sandbox.
func Build() error {
	if Binary() != "" {
		return nil
	}
	dir, err := Top()
	if err != nil {
		return err
	}
	out := filepath.Join(dir, "build", "peers", "tipring")
	// Packages are tested side by side: none may write to what another one runs.
	fresh := fmt.Sprintf("%s.%d", out, os.Getpid())
	cmd := exec.Command(filepath.Join(dir, "tools", "setup", "build.sh"), fresh)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the program under test does not build: %w\n%s", err, text)
	}
	if err := os.Rename(fresh, out); err != nil {
		return err
	}
	return os.Setenv("TIPRING_BINARY", out)
}

// Top is the repository's top, above the working directory.
func Top() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !exists(filepath.Join(dir, ".ci", "run")) {
		if dir = filepath.Dir(dir); dir == "/" {
			return "", fmt.Errorf("the repository's top is not above the working directory")
		}
	}
	return dir, nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// Ini is a configuration: section, key, value.
type Ini map[string]map[string]string

// Set sets a key and returns the configuration for the next one.
func (c Ini) Set(section, key string, value any) Ini {
	if c[section] == nil {
		c[section] = map[string]string{}
	}
	c[section][key] = fmt.Sprint(value)
	return c
}

func (c Ini) String() string {
	var b strings.Builder
	for _, section := range sorted(c) {
		fmt.Fprintf(&b, "[%s]\n", section)
		for _, key := range sorted(c[section]) {
			fmt.Fprintf(&b, "%s = %s\n", key, c[section][key])
		}
	}
	return b.String()
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// An Agent is a running tipring.
type Agent struct {
	*netlab.Process
	Host *netlab.Host
	Dir  string // its files: tipring.ini, the state directory, line-card sockets

	t    netlab.T
	http *http.Client
}

// Base is a configuration that every test starts from: debug log, fast timers
// (t1 milliseconds), no web page.
func Base(t1 int) Ini {
	return Ini{}.
		Set("device", "mac", "02:00:00:00:00:01").
		Set("device", "log_level", "debug").
		Set("device", "drain_s", 2).
		Set("sip", "t1_ms", t1).
		Set("web", "listen", "")
}

// Start runs the agent with a configuration and waits for its control socket.
// Drivers of the form unix:NAME get a socket in the agent's directory.
func Start(t netlab.T, host *netlab.Host, config Ini) *Agent {
	t.Helper()
	a := Prepare(t, host, config)
	a.Run()
	if !netlab.Until(10*time.Second, func() bool { return a.Get("/api/v1/status", nil) == nil || a.ended() }) || a.ended() {
		t.Fatalf("the agent does not answer on its control socket: %v\n%s", a.Get("/api/v1/status", nil), a.Tail(30))
	}
	return a
}

// Prepare writes the agent's files without running it.
func Prepare(t netlab.T, host *netlab.Host, config Ini) *Agent {
	t.Helper()
	a := &Agent{Host: host, Dir: netlab.WorkDir(t), t: t}
	socket := filepath.Join(a.Dir, "state", "control.sock")
	a.http = &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			},
		},
	}
	if err := os.MkdirAll(filepath.Join(a.Dir, "state"), 0o700); err != nil {
		t.Fatalf("agent: %v", err)
	}
	for section, keys := range config {
		if name, ok := strings.CutPrefix(keys["driver"], "unix:"); ok && !strings.HasPrefix(name, "/") {
			config.Set(section, "driver", "unix:"+filepath.Join(a.Dir, "cards", name))
		}
	}
	a.Write(config.String())
	if err := os.WriteFile(filepath.Join(a.Dir, "factory.ini"), []byte(nowhere), 0o600); err != nil {
		t.Fatalf("agent: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() && a.Process != nil {
			t.Logf("the agent's last words:\n%s", a.Tail(60))
		}
	})
	return a
}

// Write replaces the configuration file.
func (a *Agent) Write(text string) {
	a.t.Helper()
	if err := os.WriteFile(a.File(), []byte(text), 0o600); err != nil {
		a.t.Fatalf("agent: %v", err)
	}
}

// File is the configuration file's path.
func (a *Agent) File() string { return filepath.Join(a.Dir, "tipring.ini") }

// nowhere is the factory's file of an agent whose network is none of a test's business, in
// which it would look for settings otherwise.
const nowhere = "[provisioning]\norder =\n"

// Run starts the program.
func (a *Agent) Run() {
	a.t.Helper()
	name, args := netlab.Measured(Binary(), "run", "-c", a.File(), "--factory", filepath.Join(a.Dir, "factory.ini"),
		"--state-dir", filepath.Join(a.Dir, "state"))
	a.Process = a.Host.Start(a.Dir, name, args...)
}

// Command runs another command of the program to its end, with this agent's
// state directory, and returns what it printed and its exit status.
func (a *Agent) Command(args ...string) (string, int) {
	a.t.Helper()
	return a.Plain(append([]string{args[0], "--state-dir", filepath.Join(a.Dir, "state")}, args[1:]...)...)
}

// Plain is Command without a state directory.
func (a *Agent) Plain(args ...string) (string, int) {
	a.t.Helper()
	out, err := a.Host.Run(Binary(), args...)
	if exit, ok := err.(*exec.ExitError); ok {
		return out, exit.ExitCode()
	}
	if err != nil {
		a.t.Fatalf("agent: %v", err)
	}
	return out, 0
}

func (a *Agent) ended() bool {
	select {
	case <-a.Done():
		return true
	default:
		return false
	}
}

// Reload sends SIGHUP.
func (a *Agent) Reload() { _ = syscall.Kill(a.Pid(), syscall.SIGHUP) }

// A Line is what /lines tells.
type Line struct {
	Line       int     `json:"line"`
	AOR        string  `json:"aor"`
	State      string  `json:"state"`
	Server     string  `json:"server"`
	ServerAddr *string `json:"server_addr"`
	Transport  string  `json:"transport"`
	Since      *string `json:"since"`
	ExpiresS   *int    `json:"expires_s"`
	RefreshInS *int    `json:"refresh_in_s"`
	FailbackIn *int    `json:"failback_in_s"`
	Failovers  int     `json:"failovers"`
	Failbacks  int     `json:"failbacks"`
	LastError  *string `json:"last_error"`
	Calls      int     `json:"calls"`
	Why        string  `json:"why"`
}

func (l Line) String() string {
	text := fmt.Sprintf("line %d %s at %s, %d failovers, %d failbacks, why %q", l.Line, l.State, l.Server, l.Failovers, l.Failbacks, l.Why)
	if l.LastError != nil {
		text += ", last error " + *l.LastError
	}
	return text
}

// A Port is what /ports tells.
type Port struct {
	Port   int     `json:"port"`
	Kind   string  `json:"kind"`
	Line   int     `json:"line"`
	Driver string  `json:"driver"`
	Card   bool    `json:"card"`
	Hook   string  `json:"hook"`
	State  string  `json:"state"`
	Call   *string `json:"call"`
}

// A Call is what /calls tells.
type Call struct {
	ID        string `json:"id"`
	SIPCallID string `json:"sip_call_id"`
	Line      int    `json:"line"`
	Port      int    `json:"port"`
	Direction string `json:"direction"`
	Peer      string `json:"peer"`
	State     string `json:"state"`
	Server    string `json:"server"`
	Codec     string `json:"codec"`
	Media     *struct {
		SRTP bool `json:"srtp"`
	} `json:"media"`
	Answered *string `json:"answered"`
	Ended    *string `json:"ended"`
	Reason   *string `json:"reason"`
	Quality  *struct {
		LossPct  float64 `json:"loss_pct"`
		JitterMS float64 `json:"jitter_ms"`
		RTTMS    float64 `json:"rtt_ms"`
		MOS      float64 `json:"mos"`
	} `json:"quality"`
}

// A Status is what /status tells.
type Status struct {
	Version  string `json:"version"`
	UptimeS  int    `json:"uptime_s"`
	Draining bool   `json:"draining"`
	Lines    []Line `json:"lines"`
	Ports    []Port `json:"ports"`
}

// Get asks the control socket and decodes the answer into v, if any.
func (a *Agent) Get(path string, v any) error { return a.request("GET", path, nil, v) }

// Post sends a body, if any, to the control socket.
func (a *Agent) Post(path string, body any) error { return a.request("POST", path, body, nil) }

// Patch changes what the body, whose JSON it is, names.
func (a *Agent) Patch(path string, body any) error { return a.request("PATCH", path, body, nil) }

// Delete is DELETE.
func (a *Agent) Delete(path string) error { return a.request("DELETE", path, nil, nil) }

func (a *Agent) request(method, path string, body, v any) error {
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, "http://control"+path, send)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return &HTTPError{Status: res.StatusCode, Body: string(text)}
	}
	if s, ok := v.(*string); ok {
		*s = string(text)
		return nil
	}
	if v != nil {
		if err := json.Unmarshal(text, v); err != nil {
			return fmt.Errorf("%s %s: %w: %s", method, path, err, text)
		}
	}
	return nil
}

// An HTTPError is an answer of the control socket that is not a success.
type HTTPError struct {
	Status int
	Body   string
}

func (e *HTTPError) Error() string { return strconv.Itoa(e.Status) + ": " + e.Body }

// Line asks for one line.
func (a *Agent) Line(n int) Line {
	a.t.Helper()
	var l Line
	a.get(fmt.Sprintf("/api/v1/lines/%d", n), &l)
	return l
}

// Lines asks for all lines.
func (a *Agent) Lines() []Line {
	a.t.Helper()
	var l []Line
	a.get("/api/v1/lines", &l)
	return l
}

// Port asks for one port.
func (a *Agent) Port(n int) Port {
	a.t.Helper()
	var p Port
	a.get(fmt.Sprintf("/api/v1/ports/%d", n), &p)
	return p
}

// Calls asks for the running calls and the last ended ones.
func (a *Agent) Calls() []Call {
	a.t.Helper()
	var c []Call
	a.get("/api/v1/calls", &c)
	return c
}

func (a *Agent) get(path string, v any) {
	a.t.Helper()
	if err := a.Get(path, v); err != nil {
		a.t.Fatalf("agent: GET %s: %v", path, err)
	}
}

// WaitLine waits until a line is as ok likes it, or fails the test.
func (a *Agent) WaitLine(limit time.Duration, n int, what string, ok func(Line) bool) Line {
	a.t.Helper()
	var l Line
	var err error
	if !netlab.Until(limit, func() bool {
		l = Line{}
		err = a.Get(fmt.Sprintf("/api/v1/lines/%d", n), &l) // a line may have yet to appear
		return err == nil && ok(l)
	}) {
		a.t.Fatalf("line %d is not %s within %v: %v %v", n, what, limit, l, err)
	}
	return l
}

// WaitRegistered waits until a line is registered at a server: "primary",
// "backup", or "" for either.
func (a *Agent) WaitRegistered(limit time.Duration, n int, server string) Line {
	a.t.Helper()
	return a.WaitLine(limit, n, "registered at "+server, func(l Line) bool {
		return l.State == "registered" && (server == "" || l.Server == server)
	})
}

// WaitPort waits until a port is in a state, or fails the test.
func (a *Agent) WaitPort(limit time.Duration, n int, state string) {
	a.t.Helper()
	var p Port
	if !netlab.Until(limit, func() bool { p = a.Port(n); return p.State == state }) {
		a.t.Fatalf("port %d is not %s within %v: %+v", n, state, limit, p)
	}
}

// Phone connects a telephone to a port whose driver is unix:NAME.
func (a *Agent) Phone(name string) *phone.Phone {
	a.t.Helper()
	return a.PhoneWith(name, nil)
}

// PhoneWith is Phone with settings made before the telephone does anything.
func (a *Agent) PhoneWith(name string, set func(*phone.Phone)) *phone.Phone {
	a.t.Helper()
	p := phone.Connect(a.t, "unix", filepath.Join(a.Dir, "cards", name), "", set)
	n := p.Hello.Port
	if !netlab.Until(10*time.Second, func() bool { return a.Port(n).Card }) {
		a.t.Fatalf("port %d does not say that its card is connected: %+v", n, a.Port(n))
	}
	return p
}

// LogLines returns the log lines that hold every one of the texts.
func (a *Agent) LogLines(texts ...string) []string {
	a.t.Helper()
	all, err := os.ReadFile(a.Log)
	if err != nil {
		a.t.Fatalf("agent: %v", err)
	}
	var found []string
next:
	for line := range strings.Lines(string(all)) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		found = append(found, strings.TrimSpace(line))
	}
	return found
}
