package memnet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A log is a Handler that writes down what it hears, with the time since its start. A
// server's log also answers every request with 200.
type log struct {
	mu     sync.Mutex
	start  time.Time
	lines  []string
	answer bool
}

func (l *log) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%v ", time.Since(l.start))+fmt.Sprintf(format, args...))
}

func (l *log) Receive(f transport.Flow, from netip.AddrPort, m *sipmsg.Message, err error) {
	if err != nil {
		l.note("bad: %v", err)
		return
	}
	received, _ := m.Via[0].Params.Get("received")
	if !m.IsRequest() {
		l.note("%d from %s", m.StatusCode, from)
		return
	}
	l.note("%s %s received=%s", m.Method, m.CallID, received)
	if l.answer {
		wire, err := m.Response(200, "").Append(nil)
		if err != nil {
			panic(err)
		}
		_ = f.Send(wire)
	}
}
func (l *log) FlowUp(f transport.Flow)                { l.note("up %v", f.Reliable()) }
func (l *log) FlowFailed(f transport.Flow, err error) { l.note("failed: %v", err) }
func (l *log) Pong(f transport.Flow, mapped netip.AddrPort) {
	l.note("pong %v", mapped.IsValid())
}

// world is an agent at 10.0.0.1 and a server at 10.0.0.2, 10 ms apart.
type world struct {
	net           *Net
	agent, server *Host
	heard, served *log
}

func newWorld() *world {
	w := &world{net: New(), heard: &log{start: time.Now()}, served: &log{start: time.Now(), answer: true}}
	w.agent = w.net.Host("10.0.0.1:5060", w.heard)
	w.server = w.net.Host("10.0.0.2:5060", w.served)
	w.net.Path(w.agent, w.server).Delay(10 * time.Millisecond)
	w.net.Path(w.server, w.agent).Delay(10 * time.Millisecond)
	return w
}

func options(callID string) []byte {
	return []byte("OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n" +
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n" +
		"Call-ID: " + callID + "\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
}

func (w *world) flow(t *testing.T, p transport.Proto, name string) transport.Flow {
	t.Helper()
	target := w.server.Target(p)
	target.Name = name
	f, err := w.agent.Flow(target)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// settle lets time pass, and what happens then be finished.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func send(t *testing.T, f transport.Flow, wire []byte) {
	t.Helper()
	if err := f.Send(wire); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, who string, l *log, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.lines, want) {
		t.Errorf("%s heard\n  %s\nwant\n  %s", who, strings.Join(l.lines, "\n  "), strings.Join(want, "\n  "))
	}
}

// One exchange, and how each fault shows in it, over each protocol.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		proto  transport.Proto
		fault  func(w *world)
		agent  []string
		server []string
	}{
		{name: "udp alive", proto: transport.UDP,
			agent:  []string{"20ms 200 from 10.0.0.2:5060"},
			server: []string{"10ms OPTIONS a received=10.0.0.1"}},
		{name: "udp silent", proto: transport.UDP, fault: func(w *world) { w.server.Fail(Silent) }},
		{name: "udp mute", proto: transport.UDP, fault: func(w *world) { w.server.Fail(Mute) }},
		{name: "udp port closed", proto: transport.UDP, fault: func(w *world) { w.server.Fail(Refusing) },
			agent: []string{"20ms failed: connection refused: ICMP port unreachable (type 3 code 3) from 10.0.0.2"}},
		{name: "udp dead neighbour", proto: transport.UDP, fault: func(w *world) { w.server.Fail(Unreachable); w.server.UnreachableAfter(3 * time.Second) },
			agent: []string{"3s failed: no route to host: ICMP host unreachable (type 3 code 1) from 10.0.0.1"}},
		{name: "udp replies lost", proto: transport.UDP, fault: func(w *world) { w.net.Path(w.server, w.agent).Drop(All) },
			server: []string{"10ms OPTIONS a received=10.0.0.1"}},
		{name: "udp requests lost", proto: transport.UDP, fault: func(w *world) { w.net.Path(w.agent, w.server).Drop(All) }},

		{name: "tcp alive", proto: transport.TCP,
			agent:  []string{"20ms up true", "40ms 200 from 10.0.0.2:5060"},
			server: []string{"10ms up true", "30ms OPTIONS a received=10.0.0.1"}},
		{name: "tcp refused", proto: transport.TCP, fault: func(w *world) { w.server.Fail(Refusing) },
			agent: []string{"20ms failed: connect: connection refused"}},
		{name: "tcp SYN black hole", proto: transport.TCP, fault: func(w *world) { w.server.Fail(Silent) },
			agent: []string{"32s failed: connect: no answer in time"}},
		{name: "tcp SYN black hole, shorter patience", proto: transport.TCP, fault: func(w *world) { w.server.Fail(Silent); w.agent.ConnectTimeout(time.Second) },
			agent: []string{"1s failed: connect: no answer in time"}},
		{name: "tcp dead neighbour", proto: transport.TCP, fault: func(w *world) { w.server.Fail(Unreachable); w.server.UnreachableAfter(3 * time.Second) },
			agent: []string{"3s failed: connect: no route to host"}},
		{name: "tcp accepted, then silent", proto: transport.TCP, fault: func(w *world) { w.server.Fail(Mute) },
			agent: []string{"20ms up true"}},
		{name: "tcp SYN-ACK lost", proto: transport.TCP, fault: func(w *world) { w.net.Path(w.server, w.agent).Drop(All) },
			agent: []string{"32s failed: connect: no answer in time"}},
		{name: "tcp cut", proto: transport.TCP, fault: func(w *world) { time.AfterFunc(35*time.Millisecond, w.server.Cut) },
			agent:  []string{"20ms up true", "35ms failed: connection reset by peer"},
			server: []string{"10ms up true", "30ms OPTIONS a received=10.0.0.1", "35ms failed: connection reset by peer"}},
		{name: "tcp cut in the middle of a message", proto: transport.TCP, fault: func(w *world) { time.AfterFunc(35*time.Millisecond, w.server.CutShort) },
			agent:  []string{"20ms up true", "35ms failed: closed by the far end in the middle of a message"},
			server: []string{"10ms up true", "30ms OPTIONS a received=10.0.0.1", "35ms failed: closed by the far end in the middle of a message"}},
		{name: "tcp program dies with the connection open", proto: transport.TCP, fault: func(w *world) { time.AfterFunc(15*time.Millisecond, func() { w.server.Fail(Refusing) }) },
			agent:  []string{"20ms up true", "40ms failed: connection reset by peer"},
			server: []string{"10ms up true"}},

		{name: "tls right name", proto: transport.TLS, fault: func(w *world) { w.server.Certificate("pbx.example") },
			agent:  []string{"20ms up true", "40ms 200 from 10.0.0.2:5060"},
			server: []string{"10ms up true", "30ms OPTIONS a received=10.0.0.1"}},
		{name: "tls wrong name", proto: transport.TLS, fault: func(w *world) { w.server.Certificate("other.example") },
			agent: []string{"20ms failed: TLS: certificate is for another server: x509: certificate is valid for other.example, not pbx.example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				if c.fault != nil {
					c.fault(w)
				}
				send(t, w.flow(t, c.proto, "pbx.example"), options("a"))
				settle(time.Minute)
				check(t, "agent", w.heard, c.agent...)
				check(t, "server", w.served, c.server...)
			})
		})
	}
}

func TestOrderIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.served.answer = false
		f := w.flow(t, transport.UDP, "")
		for i := range 50 {
			send(t, f, options(fmt.Sprint(i)))
		}
		w.net.Path(w.agent, w.server).Delay(0) // what is sent later does not overtake
		send(t, f, options("last"))
		settle(time.Second)
		for i, line := range w.served.lines {
			want := fmt.Sprintf("10ms OPTIONS %d ", i)
			if i == 50 {
				want = "10ms OPTIONS last "
			}
			if !strings.HasPrefix(line, want) {
				t.Errorf("line %d: %q, want %q", i, line, want)
			}
		}
		if len(w.served.lines) != 51 {
			t.Errorf("%d arrived, want 51", len(w.served.lines))
		}
	})
}

func TestFlowsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		if w.flow(t, transport.UDP, "a.example") != w.flow(t, transport.UDP, "b.example") {
			t.Error("two UDP flows to one address")
		}
		if w.flow(t, transport.TLS, "a.example") == w.flow(t, transport.TLS, "b.example") {
			t.Error("one TLS connection for two names")
		}
		a := w.flow(t, transport.TCP, "")
		settle(time.Second)
		a.Close(errors.New("no answer in time"))
		if err := a.Send(options("a")); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
		if w.flow(t, transport.TCP, "") == a {
			t.Error("a closed flow is found again")
		}
		settle(time.Second)
		if !slices.Contains(w.heard.lines, "1s failed: no answer in time") ||
			!slices.Contains(w.served.lines, "1.01s failed: closed by the far end") {
			t.Errorf("agent heard %q, server %q", w.heard.lines, w.served.lines)
		}
	})
}

func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		u, s := w.flow(t, transport.UDP, ""), w.flow(t, transport.TCP, "")
		settle(time.Second)
		if u.Ping(transport.CRLF) != nil || u.Ping(transport.STUN) != nil || s.Ping(transport.CRLF) != nil {
			t.Error("ping failed")
		}
		if err := s.Ping(transport.STUN); !errors.Is(err, transport.ErrUnsupported) {
			t.Errorf("STUN over TCP: %v", err)
		}
		settle(time.Second)
		w.server.STUN(true)
		_ = u.Ping(transport.STUN)
		settle(time.Second)
		w.server.Fail(Silent)
		_, _ = u.Ping(transport.STUN), s.Ping(transport.CRLF)
		settle(time.Second)
		check(t, "agent", w.heard, "20ms up true", "1.02s pong false", "2.02s pong true")
	})
}

func TestWatchSeesWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var seen []string
		w.net.Watch(func(p Packet) {
			seen = append(seen, fmt.Sprintf("%s>%s %s %d lost=%v", p.From.Addr(), p.To.Addr(), p.Proto, len(p.Wire), p.Lost))
		})
		n := 0
		w.net.Path(w.agent, w.server).Drop(func(Packet) bool { n++; return n == 1 })
		f := w.flow(t, transport.UDP, "")
		send(t, f, options("a"))
		send(t, f, options("a"))
		settle(time.Second)
		want := []string{
			fmt.Sprintf("10.0.0.1:5060>10.0.0.2:5060 udp %d lost=true", len(options("a"))),
			fmt.Sprintf("10.0.0.1:5060>10.0.0.2:5060 udp %d lost=false", len(options("a"))),
		}
		if len(seen) != 3 || !slices.Equal(seen[:2], want) {
			t.Errorf("saw %q, want %q and the answer", seen, want)
		}
	})
}

func TestBothSendRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		f := w.flow(t, transport.TCP, "")
		back, err := w.server.Flow(w.agent.Target(transport.UDP))
		if err != nil {
			t.Fatal(err)
		}
		send(t, f, options("a"))
		send(t, back, options("b"))
		settle(time.Second)
		check(t, "agent", w.heard, "10ms OPTIONS b received=10.0.0.2", "20ms up true", "40ms 200 from 10.0.0.2:5060")
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		send(t, w.flow(t, transport.UDP, ""), options("a"))
		w.flow(t, transport.TCP, "")
		w.net.Close()
		settle(time.Minute)
		check(t, "agent", w.heard)
		check(t, "server", w.served)
	})
}

func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Names
		n.Set("pbx.example", time.Minute, "10.0.0.2:0", "10.0.0.3:5080")
		n.Fail("broken.example", transport.ServerFailure, 2*time.Second)
		ctx := context.Background()
		got, ttl, err := n.Lookup(ctx, transport.Query{Host: "pbx.example", Proto: transport.TLS, Device: "tun0"})
		want := []transport.Target{
			{Proto: transport.TLS, Addr: netip.MustParseAddrPort("10.0.0.2:5061"), Name: "pbx.example", Device: "tun0"},
			{Proto: transport.TLS, Addr: netip.MustParseAddrPort("10.0.0.3:5080"), Name: "pbx.example", Device: "tun0"},
		}
		if err != nil || ttl != time.Minute || !slices.Equal(got, want) {
			t.Errorf("got %v for %v, %v", got, ttl, err)
		}
		got, _, err = n.Lookup(ctx, transport.Query{Host: "10.0.0.9", Port: 5070})
		if err != nil || len(got) != 1 || got[0] != (transport.Target{Addr: netip.MustParseAddrPort("10.0.0.9:5070")}) {
			t.Errorf("literal: got %v, %v", got, err)
		}
		begin := time.Now()
		var fault *transport.LookupError
		_, _, err = n.Lookup(ctx, transport.Query{Host: "broken.example"})
		if !errors.As(err, &fault) || fault.Fault != transport.ServerFailure || time.Since(begin) != 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		if _, _, err = n.Lookup(ctx, transport.Query{Host: "absent.example"}); !errors.As(err, &fault) || fault.Fault != transport.NotFound {
			t.Errorf("absent: %v", err)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, _, err = n.Lookup(gone, transport.Query{Host: "broken.example"}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// Both satisfy what is built upon.
var (
	_ transport.Network  = (*Host)(nil)
	_ transport.Network  = (*transport.Layer)(nil)
	_ transport.Resolver = (*Names)(nil)
)
