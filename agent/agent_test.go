package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/ua"
	"tipring/internal/ua/transport"
	"tipring/registrar"
	"tipring/webui/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for; reaching it is a failure.
const patience = 20 * time.Second

// A registry is a registrar on loopback that grants every binding.
type registry struct {
	port int

	mu   sync.Mutex
	seen map[string]int    // REGISTERs by user
	at   map[string]string // the latest Contact by user

	callers []string // From users of INVITEs, all of which are answered
	callees []string // To users of the same
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{seen: map[string]int{}, at: map[string]string{}}
	stack := ua.NewStack(nil)
	layer, err := transport.New(transport.Config{Bind: netip.MustParseAddr("127.0.0.1"), TCPPort: -1, TLSPort: -1}, stack)
	if err != nil {
		t.Fatal(err)
	}
	stack.Attach(layer)
	r.port = layer.Port(transport.UDP)
	e := stack.NewEndpoint(ua.EndpointConfig{Fallback: true, Incoming: func(now time.Time, in *ua.Incoming) {
		r.mu.Lock()
		r.seen[in.Req.To.URI.User]++
		if in.Req.Method == "INVITE" {
			r.callers = append(r.callers, in.Req.From.URI.User)
			r.callees = append(r.callees, in.Req.To.URI.User)
		}
		if len(in.Req.Contact) > 0 {
			r.at[in.Req.To.URI.User] = in.Req.Contact[0].URI.String()
		}
		r.mu.Unlock()
		res := in.Response(200, "")
		res.Contact = in.Req.Contact
		in.RespondWith(now, res)
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		timer := time.NewTimer(time.Hour)
		defer timer.Stop()
		for {
			now := time.Now()
			e.Work(now)
			if d := e.Deadline(); !d.IsZero() {
				timer.Reset(max(0, d.Sub(now)))
			}
			select {
			case <-ctx.Done():
				return
			case <-e.Ready():
			case <-timer.C:
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		layer.Close()
	})
	return r
}

func (r *registry) registers(user string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[user]
}

// contact is where a user is bound.
func (r *registry) contact(user string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at[user]
}

func (r *registry) called() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.callers)
}

// lastCall tells who called whom last.
func (r *registry) lastCall() (from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.callers); n > 0 {
		return r.callers[n-1], r.callees[n-1]
	}
	return "", ""
}

// A rig is an agent with its file.
type rig struct {
	t    *testing.T
	file string
	log  *syncBuffer
	done chan struct{} // closed when Run has returned
	*Agent
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

const base = "[sip]\nbind = 127.0.0.1\nudp_port = 0\ntcp_port = 0\ntls_port = 0\n"

// start runs an agent on text, with a state directory of its own.
// nowhere keeps an agent from looking for settings in the network that the test runs in, and
// from being seen there.
const nowhere = "[provisioning]\norder =\n[web]\nlisten =\n"

func start(t *testing.T, text string) *rig {
	t.Helper()
	return startIn(t, t.TempDir(), text)
}

// startIn keeps file and state below a directory, which may have had a device before.
func startIn(t *testing.T, dir, text string) *rig {
	t.Helper()
	r := &rig{t: t, file: filepath.Join(dir, "tipring.ini"), log: &syncBuffer{}, done: make(chan struct{})}
	r.write(text)
	factory := filepath.Join(dir, "factory.ini")
	if err := os.WriteFile(factory, []byte(nowhere), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Files: config.Files{Factory: factory, File: r.file, StateDir: filepath.Join(dir, "state")}, Version: "test", Stderr: r.log})
	if err != nil {
		t.Fatal(err)
	}
	r.Agent = a
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(r.done)
		if err := a.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-r.done
	})
	return r
}

func (r *rig) write(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// until waits for a condition that comes true in the background.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	r.within(patience, what, ok)
}

func (r *rig) within(limit time.Duration, what string, ok func() bool) {
	r.t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("not within %v: %s\n%s", limit, what, r.log)
		}
	}
}

func (r *rig) registered(n int) bool {
	u := r.unit(n)
	return u != nil && u.line.Snapshot().State == registrar.Registered
}

func line(n, port int) string {
	return fmt.Sprintf("[sip%d]\nusername = 100%d\nregister_addr = 127.0.0.1\nregister_port = %d\nkeepalive = none\n", n, n, port)
}

func TestLinesComeUp(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port)+line(2, server.port))
	r.until("both lines registered", func() bool { return r.registered(1) && r.registered(2) })
	r.until("ready", func() bool { return device{r.Agent}.Ready() == nil })
	for _, l := range (device{r.Agent}).Lines() {
		if l.State != "registered" || l.Server != "primary" || l.ServerAddr != api.Text(fmt.Sprintf("127.0.0.1:%d", server.port)) || l.Why == "" {
			t.Errorf("line as shown: %+v", l)
		}
	}
}

func TestReloadTouchesOnlyWhatDiffers(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port)+line(2, server.port))
	r.until("both lines registered", func() bool { return r.registered(1) && r.registered(2) })
	before := r.unit(1)

	r.write(base + line(1, server.port) + strings.Replace(line(2, server.port), "1002", "2002", 1) + line(3, server.port))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.until("the changed and the new line registered", func() bool {
		return server.registers("2002") > 0 && server.registers("1003") > 0 && r.registered(2) && r.registered(3)
	})
	if r.unit(1) != before {
		t.Error("the line that did not change was made anew")
	}

	r.write(base + line(1, server.port))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if r.unit(2) != nil || r.unit(3) != nil {
		t.Error("lines that are no more are still there")
	}
}

func TestReloadWithFaultsChangesNothing(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })
	before := r.unit(1)
	r.write(base + line(1, server.port) + "[sip2]\nregister_port = 70000\n")
	if err := r.Reload(); err == nil {
		t.Error("a file with a fault was applied")
	}
	if r.unit(1) != before || r.unit(2) != nil {
		t.Error("the lines were touched")
	}
	faults := device{r.Agent}.Status().Faults
	if len(faults) != 1 || !strings.Contains(faults[0], "tipring.ini:") || !strings.Contains(faults[0], "register_port = 70000") {
		t.Errorf("faults shown: %q", faults)
	}
	r.write(base + line(1, server.port))
	if err := r.Reload(); err != nil || len(device{r.Agent}.Status().Faults) != 0 {
		t.Errorf("after correction: %v, %q", err, device{r.Agent}.Status().Faults)
	}
}

func TestNewSIPPortsMakeEverythingAnew(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })
	n := server.registers("1001")
	r.write(strings.Replace(base, "[sip]\n", "[sip]\nt1_ms = 250\n", 1) + line(1, server.port))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.until("unregistered and registered again", func() bool { return r.registered(1) && server.registers("1001") >= n+2 })
	if t1 := r.sip.Load().timers.T1; t1 != 250*time.Millisecond {
		t.Errorf("T1 is %v", t1)
	}
}

func TestPortTakenLeavesTheRestRunning(t *testing.T) {
	server := newRegistry(t) // whose own port is the one that is taken
	r := start(t, strings.Replace(base, "udp_port = 0", fmt.Sprintf("udp_port = %d", server.port), 1)+line(1, server.port))
	r.until("an error that names the port", func() bool {
		l := device{r.Agent}.Lines()
		return len(l) == 1 && l[0].State == "failed" && strings.Contains(string(l[0].LastError), fmt.Sprint(server.port))
	})
	if err := (device{r.Agent}).Ready(); err == nil {
		t.Error("ready without a SIP port")
	}
}

func TestUnconfigured(t *testing.T) {
	r := start(t, "[sip1]\nusername = \nnonsense\n")
	if err := (device{r.Agent}).Ready(); err == nil {
		t.Error("ready with a configuration that was refused")
	}
	if f := (device{r.Agent}).Status().Faults; len(f) == 0 {
		t.Error("no faults shown")
	}
	if len(*r.lineList.Load()) != 0 {
		t.Error("a line was made out of a refused configuration")
	}
}

func TestStopUnregistersAndEnds(t *testing.T) {
	server := newRegistry(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "tipring.ini")
	if err := os.WriteFile(file, []byte(base+line(1, server.port)), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Files: config.Files{File: file, StateDir: dir}, Stderr: &syncBuffer{}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(context.Background()) }()
	r := &rig{t: t, log: &syncBuffer{}, Agent: a}
	r.until("registered", func() bool { return r.registered(1) })
	a.Stop()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := server.registers("1001"); n != 2 {
		t.Errorf("%d REGISTERs, want one to bind and one to unbind", n)
	}
}

func TestPortsAndDialPlan(t *testing.T) {
	server := newRegistry(t)
	sock := filepath.Join(t.TempDir(), "p1.sock")
	r := start(t, base+line(1, server.port)+"[port1]\ndriver = unix:"+sock+"\ndial_plan = (911|[2-9]xxx|E:112)\n[port2]\nkind = fax\ndriver = none\n")
	r.until("ports", func() bool { return len(device{r.Agent}.Ports()) == 2 })
	for digits, want := range map[string]string{"9": "incomplete", "911": "matched", "112": "complete", "2345": "complete", "0": "unmatched"} {
		got, err := device{r.Agent}.TestDialPlan(1, digits)
		if err != nil || got.State != want {
			t.Errorf("%s: %+v, %v, want %s", digits, got, err, want)
		}
	}
	for digits, want := range map[string]string{"*72": "*72 is a star code (forward all)", "*753": "speed dial", "": "type a number first", "23x4": `"x" is not a key`, strings.Repeat("2", 61): "61 digits are too many"} {
		if _, err := (device{r.Agent}).TestDialPlan(1, digits); !errors.Is(err, api.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", digits, err, want)
		}
	}
	if _, err := (device{r.Agent}).Call(context.Background(), 1, "600"); err == nil {
		t.Error("a call without a line card")
	}
	if _, err := (device{r.Agent}).Call(context.Background(), 9, "600"); err == nil {
		t.Error("a call from a port that does not exist")
	}
}
