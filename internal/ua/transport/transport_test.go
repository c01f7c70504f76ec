package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/sipmsg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An event is one call of the Handler.
type event struct {
	kind   string // receive up failed pong
	flow   Flow
	from   netip.AddrPort
	m      *sipmsg.Message
	err    error
	mapped netip.AddrPort
}

// A recorder is a Handler whose calls a test waits for.
type recorder chan event

func (r recorder) Receive(f Flow, from netip.AddrPort, m *sipmsg.Message, err error) {
	r <- event{kind: "receive", flow: f, from: from, m: m, err: err}
}
func (r recorder) FlowUp(f Flow)                { r <- event{kind: "up", flow: f} }
func (r recorder) FlowFailed(f Flow, err error) { r <- event{kind: "failed", flow: f, err: err} }
func (r recorder) Pong(f Flow, mapped netip.AddrPort) {
	r <- event{kind: "pong", flow: f, mapped: mapped}
}

// next is the next event, which must be of that kind.
func (r recorder) next(t *testing.T, kind string) event {
	t.Helper()
	select {
	case e := <-r:
		if e.kind != kind {
			t.Fatalf("got %s (err %v, message %v), want %s", e.kind, e.err, e.m, kind)
		}
		return e
	case <-time.After(5 * time.Second):
		t.Fatalf("no %s in 5 s", kind)
	}
	panic("unreachable")
}

// quiet fails when something was told that nobody waited for.
func (r recorder) quiet(t *testing.T) {
	t.Helper()
	select {
	case e := <-r:
		t.Fatalf("unexpected %s: err %v, message %v", e.kind, e.err, e.m)
	default:
	}
}

var (
	loopback  = netip.MustParseAddr("127.0.0.1")
	loopback6 = netip.MustParseAddr("::1")
)

// start opens a layer on loopback with free ports.
func start(t testing.TB, change func(*Config)) (*Layer, recorder) {
	t.Helper()
	r := make(recorder, 1024)
	cfg := Config{Bind: loopback}
	if change != nil {
		change(&cfg)
	}
	l, err := New(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, r
}

// flow asks a layer for a flow.
func flow(t testing.TB, l *Layer, p Proto, to string, name ...string) Flow {
	t.Helper()
	f, err := l.Flow(Target{Proto: p, Addr: netip.MustParseAddrPort(to), Name: strings.Join(name, "")})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// at is a layer's own address for a protocol.
func at(l *Layer, p Proto) string { return fmt.Sprintf("127.0.0.1:%d", l.Port(p)) }

// options is a request with that topmost Via.
func options(via string) []byte {
	return []byte("OPTIONS sip:b@example.com SIP/2.0\r\n" +
		"Via: " + via + "\r\n" +
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n" +
		"Call-ID: c1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
}

const somebody = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport"

// answer sends the 200 to a received request on the flow it came with.
func answer(t testing.TB, e event) {
	t.Helper()
	res := e.m.Response(200, "")
	wire, err := res.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.flow.Send(wire); err != nil {
		t.Fatal(err)
	}
}

func mustSend(t testing.TB, f Flow, wire []byte) {
	t.Helper()
	if err := f.Send(wire); err != nil {
		t.Fatal(err)
	}
}

func TestPortTakenIsNamed(t *testing.T) {
	l, _ := start(t, nil)
	flow(t, l, UDP, "127.0.0.1:9") // a connected socket shares the port; nobody else may
	for _, c := range []struct {
		what string
		cfg  Config
	}{
		{"udp", Config{Bind: loopback, UDPPort: l.Port(UDP)}},
		{"tcp", Config{Bind: loopback, TCPPort: l.Port(TCP)}},
		{"udp", Config{UDPPort: l.Port(UDP)}},
	} {
		other, err := New(c.cfg, make(recorder))
		if err == nil {
			_ = other.Close()
			t.Fatalf("a second layer took %s port too", c.what)
		}
		port := c.cfg.UDPPort + c.cfg.TCPPort
		if want := fmt.Sprint(port); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), c.what) ||
			!strings.Contains(err.Error(), "in use") {
			t.Errorf("got %q, want it to name %s port %s", err, c.what, want)
		}
	}
}

func TestFlowNeedsAnAddress(t *testing.T) {
	l, _ := start(t, nil)
	for _, target := range []Target{
		{},
		{Addr: netip.MustParseAddrPort("0.0.0.0:5060")},
		{Addr: netip.MustParseAddrPort("127.0.0.1:0")},
		{Addr: netip.MustParseAddrPort("[::1]:5060")}, // bound to an IPv4 address
	} {
		if f, err := l.Flow(target); err == nil {
			t.Errorf("flow to %s: got %v, want an error", target, f)
		}
	}
}

func TestCloseWaitsAndIsFinal(t *testing.T) {
	l, r := start(t, nil)
	u := flow(t, l, UDP, at(l, UDP))
	s := flow(t, l, TCP, at(l, TCP))
	r.next(t, "up")
	r.next(t, "up")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r.quiet(t) // no FlowFailed: the owner closed it
	for _, f := range []Flow{u, s} {
		if err := f.Send(options(somebody)); err == nil {
			t.Errorf("%s: sent after Close", f.Target())
		}
	}
	if _, err := l.Flow(u.Target()); err == nil {
		t.Error("a flow after Close")
	}
	_ = l.Close() // again: nothing happens
}

func TestCauseKeepsTheErrno(t *testing.T) {
	_, err := net.Dial("tcp", "127.0.0.1:1")
	if got := cause(err); got != syscall.ECONNREFUSED {
		t.Errorf("cause of %q: got %v, want ECONNREFUSED", err, got)
	}
}
