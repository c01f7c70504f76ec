package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

// peer is a plain UDP socket.
func peer(t testing.TB, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func addrOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// read is the next datagram at a peer.
func read(t testing.TB, c *net.UDPConn) (string, netip.AddrPort) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 65536)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), from
}

func write(t testing.TB, c *net.UDPConn, to netip.AddrPort, data []byte) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort(data, to); err != nil {
		t.Fatal(err)
	}
}

func local(l *Layer) netip.AddrPort { return netip.MustParseAddrPort(at(l, UDP)) }

func TestUDPFlowSendsFromTheListenersPort(t *testing.T) {
	l, r := start(t, nil)
	server := peer(t, "127.0.0.1:0")
	f := flow(t, l, UDP, addrOf(server).String())
	if f.Local() != local(l) {
		t.Errorf("local address %s, want the listener's, %s", f.Local(), local(l))
	}
	if f.Reliable() || !f.Up() {
		t.Errorf("reliable %v, up %v: want a UDP flow to be unreliable and up", f.Reliable(), f.Up())
	}
	mustSend(t, f, options(somebody))
	got, from := read(t, server)
	if from != local(l) || got != string(options(somebody)) {
		t.Errorf("server got %q from %s, want the request from %s", got, from, local(l))
	}
	write(t, server, from, bytes.Replace(options(somebody), []byte("OPTIONS sip:b@example.com SIP/2.0"), []byte("SIP/2.0 200 OK"), 1))
	e := r.next(t, "receive")
	if e.flow != f || e.from != addrOf(server) || e.m.StatusCode != 200 || e.err != nil {
		t.Errorf("got %+v, want the 200 on the flow", e)
	}
	if again := flow(t, l, UDP, addrOf(server).String(), "other name"); again != f {
		t.Error("a second flow to the same UDP server")
	}
	if n := l.Counters().Sent[UDP].Load(); n != 1 {
		t.Errorf("counted %d sent, want 1", n)
	}
}

func TestUDPOverIPv6(t *testing.T) {
	l, r := start(t, func(c *Config) { c.Bind = loopback6 })
	server := peer(t, "[::1]:0")
	f := flow(t, l, UDP, addrOf(server).String())
	mustSend(t, f, options(somebody))
	_, from := read(t, server)
	write(t, server, from, options("SIP/2.0/UDP [::1]:5060;branch=z9hG4bK1;rport"))
	e := r.next(t, "receive")
	if e.flow != f {
		t.Errorf("got the request on %v, want the flow", e.flow)
	}
	if got, _ := e.m.Via[0].Params.Get("received"); got != "::1" {
		t.Errorf("received=%q, want ::1 without brackets", got)
	}
	answer(t, e)
	if got, _ := read(t, server); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Errorf("server got %q, want the 200", got)
	}

	_ = server.Close()
	start := time.Now()
	mustSend(t, f, options(somebody))
	e = r.next(t, "failed")
	var icmp *ICMPError
	if !errors.As(e.err, &icmp) || !errors.Is(e.err, syscall.ECONNREFUSED) || icmp.Version != 6 ||
		e.err.Error() != "connection refused: ICMPv6 port unreachable (type 1 code 4) from ::1" {
		t.Errorf("got %v", e.err)
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("known after %v, want at once", d)
	}
}

func TestClosedPortFailsAtOnceAndTheFlowStaysUsable(t *testing.T) {
	l, r := start(t, nil)
	server := peer(t, "127.0.0.1:0")
	addr := addrOf(server)
	_ = server.Close()
	f := flow(t, l, UDP, addr.String())
	for range 3 { // every one is told, none is taken for the next one's
		begin := time.Now()
		mustSend(t, f, options(somebody))
		e := r.next(t, "failed")
		if e.flow != f || !errors.Is(e.err, syscall.ECONNREFUSED) ||
			e.err.Error() != "connection refused: ICMP port unreachable (type 3 code 3) from 127.0.0.1" {
			t.Errorf("got %v", e.err)
		}
		if d := time.Since(begin); d > 500*time.Millisecond {
			t.Errorf("known after %v, want at once", d)
		}
	}
	back := peer(t, addr.String())
	mustSend(t, f, options(somebody))
	if got, _ := read(t, back); got != string(options(somebody)) {
		t.Errorf("got %q", got)
	}
	if n := l.Counters().ICMPErrors.Load(); n != 3 {
		t.Errorf("counted %d ICMP errors, want 3", n)
	}
}

func TestPendingErrorDoesNotEatTheNextMessage(t *testing.T) {
	l, r := start(t, nil)
	dead := peer(t, "127.0.0.1:0")
	addr := addrOf(dead)
	_ = dead.Close()
	f := flow(t, l, UDP, addr.String())
	for range 100 {
		mustSend(t, f, options(somebody)) // the error of the one before may be pending
	}
	r.next(t, "failed")
	if n := l.Counters().Sent[UDP].Load(); n != 100 {
		t.Errorf("counted %d sent, want 100", n)
	}
}

func TestRequestsAreStampedAndAnswered(t *testing.T) {
	for _, c := range []struct {
		name, via          string
		received, rport    string // as stamped; "-": absent
		answerTo           string // port: src (where it came from), sentby
		maddr              bool
		sentByLiteralMatch bool
	}{
		{name: "rport asked for (RFC 3581)", via: "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport", received: "127.0.0.1", rport: "src", answerTo: "src"},
		{name: "rport with a value that lies", via: "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport=9", received: "127.0.0.1", rport: "src", answerTo: "src"},
		{name: "sent-by is another address", via: "SIP/2.0/UDP 192.0.2.1:SENTBY;branch=z9hG4bK1", received: "127.0.0.1", rport: "-", answerTo: "sentby"},
		{name: "sent-by is a name", via: "SIP/2.0/UDP pc.example.com:SENTBY;branch=z9hG4bK1", received: "127.0.0.1", rport: "-", answerTo: "sentby"},
		{name: "sent-by is where it came from", via: "SIP/2.0/UDP 127.0.0.1:SENTBY;branch=z9hG4bK1", received: "-", rport: "-", answerTo: "sentby"},
		{name: "received forged", via: "SIP/2.0/UDP 127.0.0.1:SENTBY;branch=z9hG4bK1;received=192.0.2.9", received: "-", rport: "-", answerTo: "sentby"},
		{name: "maddr", via: "SIP/2.0/UDP 192.0.2.1:SENTBY;branch=z9hG4bK1;maddr=127.0.0.1", received: "127.0.0.1", rport: "-", answerTo: "sentby"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := start(t, nil)
			src, sentBy := peer(t, "127.0.0.1:0"), peer(t, "127.0.0.1:0")
			via := strings.Replace(c.via, "SENTBY", fmt.Sprint(addrOf(sentBy).Port()), 1)
			write(t, src, local(l), options(via))
			e := r.next(t, "receive")
			if e.from != addrOf(src) {
				t.Errorf("from %s, want %s", e.from, addrOf(src))
			}
			for name, want := range map[string]string{"received": c.received, "rport": c.rport} {
				got, ok := e.m.Via[0].Params.Get(name)
				if want == "src" {
					want = fmt.Sprint(addrOf(src).Port())
				}
				if !ok {
					got = "-"
				}
				if got != want {
					t.Errorf("%s=%s, want %s", name, got, want)
				}
			}
			answer(t, e)
			to := src
			if c.answerTo == "sentby" {
				to = sentBy
			}
			got, from := read(t, to)
			if !strings.HasPrefix(got, "SIP/2.0 200 OK") || from != local(l) {
				t.Errorf("answer %q from %s, want a 200 from %s", got, from, local(l))
			}
		})
	}
}

func TestRequestFromAServerComesOnItsFlow(t *testing.T) {
	l, r := start(t, nil)
	server, aside := peer(t, "127.0.0.1:0"), peer(t, "127.0.0.1:0")
	f := flow(t, l, UDP, addrOf(server).String())
	write(t, server, local(l), options(somebody))
	if e := r.next(t, "receive"); e.flow != f {
		t.Errorf("with rport: came on %v, want the flow", e.flow)
	}
	// Without rport, and with another port in sent-by, the answer leaves the flow.
	write(t, server, local(l), options(fmt.Sprintf("SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK2", addrOf(aside).Port())))
	e := r.next(t, "receive")
	if e.flow == f {
		t.Error("without rport: came on the flow, though the answer goes elsewhere")
	}
	answer(t, e)
	if got, _ := read(t, aside); !strings.HasPrefix(got, "SIP/2.0 200") {
		t.Errorf("got %q", got)
	}
}

func TestWaysBackToOneSourceAreEqual(t *testing.T) {
	l, r := start(t, nil)
	src := peer(t, "127.0.0.1:0")
	write(t, src, local(l), options(somebody))
	write(t, src, local(l), options(somebody))
	a, b := r.next(t, "receive").flow, r.next(t, "receive").flow
	if a != b {
		t.Errorf("%v and %v differ", a, b)
	}
	if a.Local() != local(l) {
		t.Errorf("local %s, want the address asked, %s", a.Local(), local(l))
	}
}

// An answer leaves from the address that the request was sent to, also where the
// listener serves every address.
func TestAnswerLeavesFromTheAddressAsked(t *testing.T) {
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	src := peer(t, "127.0.0.1:0")
	asked := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.77"), uint16(l.Port(UDP)))
	write(t, src, asked, options(somebody))
	e := r.next(t, "receive")
	if e.flow.Local() != asked {
		t.Errorf("local %s, want %s", e.flow.Local(), asked)
	}
	answer(t, e)
	if _, from := read(t, src); from != asked {
		t.Errorf("answer from %s, want %s", from, asked)
	}
}

// The buffer of a datagram is used for the next: nothing of a message may lie in it.
func TestMessagesDoNotLieInTheBuffer(t *testing.T) {
	l, r := start(t, nil)
	src := peer(t, "127.0.0.1:0")
	send := func(c byte) {
		wire := bytes.Replace(options(somebody), []byte("Content-Length: 0"), []byte("X-Note: "+strings.Repeat(string(c), 30)+"\r\nContent-Length: 30"), 1)
		write(t, src, local(l), append(wire, bytes.Repeat([]byte{c}, 30)...))
	}
	send('a')
	first := r.next(t, "receive").m
	for range 20 {
		send('b')
		r.next(t, "receive")
	}
	want := strings.Repeat("a", 30)
	if got := first.Header.Get("X-Note"); string(first.Body) != want || got != want {
		t.Errorf("the message became header %q, body %q", got, first.Body)
	}
}

func TestDroppedDatagramsAreCounted(t *testing.T) {
	l, r := start(t, func(c *Config) {
		c.Accept = func(a netip.Addr) bool { return a == loopback }
	})
	good, stranger := peer(t, "127.0.0.1:0"), peer(t, "127.0.0.2:0")
	n := l.Counters()
	write(t, stranger, local(l), options(somebody))
	write(t, good, local(l), bytes.Repeat([]byte("x"), sipmsg.MaxDatagram+1))
	write(t, good, local(l), []byte("\r\n\r\n"))
	write(t, good, local(l), []byte{0, 0, 0, 0})
	write(t, good, local(l), binding(t, "000000000000", "192.0.2.1:1"))
	write(t, good, local(l), []byte("hello\r\n\r\n"))
	e := r.next(t, "receive")
	var bad *sipmsg.Error
	if !errors.As(e.err, &bad) {
		t.Errorf("got %v, want a parse error", e.err)
	}
	for _, c := range []struct {
		name      string
		got, want int64
	}{
		{"source", n.DroppedSource.Load(), 1},
		{"too long", n.DroppedTooLong.Load(), 1},
		{"keep-alives", n.KeepAlives.Load(), 2},
		{"STUN", n.DroppedSTUN.Load(), 1},
		{"received", n.Received[UDP].Load(), 1},
		{"parse errors", n.ParseErrors.Load(), 1},
	} {
		if c.got != c.want {
			t.Errorf("counted %d for %s, want %d", c.got, c.name, c.want)
		}
	}
	// A server that we talk to is not asked for by Accept.
	f := flow(t, l, UDP, addrOf(stranger).String())
	write(t, stranger, local(l), options(somebody))
	if e := r.next(t, "receive"); e.flow != f {
		t.Errorf("came on %v, want the flow", e.flow)
	}
}

func TestTooLongToSend(t *testing.T) {
	l, _ := start(t, nil)
	f := flow(t, l, UDP, "127.0.0.1:9")
	if err := f.Send(make([]byte, sipmsg.MaxDatagram+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

func TestTooLargeForUDP(t *testing.T) {
	l, _ := start(t, nil)
	f := flow(t, l, UDP, "127.0.0.1:9")
	for n, want := range map[int]bool{500: false, 1300: false, 1301: true} {
		if got := TooLarge(f, n); got != want {
			t.Errorf("%d octets: got %v, want %v (RFC 3261 section 18.1.1)", n, got, want)
		}
	}
}

func TestLeastUsedSocketIsLetGoAndComesBack(t *testing.T) {
	l, _ := start(t, func(c *Config) { c.MaxFlows = 2 })
	var servers []*net.UDPConn
	var flows []Flow
	for range 3 {
		s := peer(t, "127.0.0.1:0")
		servers = append(servers, s)
		flows = append(flows, flow(t, l, UDP, addrOf(s).String()))
	}
	if flows[0].(*udpFlow).sock != nil {
		t.Error("the first of three flows has a socket, want it let go at two")
	}
	mustSend(t, flows[0], options(somebody)) // takes the place of the second
	if got, from := read(t, servers[0]); got == "" || from != local(l) {
		t.Errorf("got %q from %s", got, from)
	}
	if again := flow(t, l, UDP, addrOf(servers[0]).String()); again != flows[0] {
		t.Error("the flow that came back is not the one that is found")
	}
	// Asked for anew while the old one was let go: both lead to one socket.
	anew := flow(t, l, UDP, addrOf(servers[1]).String())
	mustSend(t, flows[1], options(somebody))
	if got, _ := read(t, servers[1]); got == "" || flows[1].(*udpFlow).sock != nil {
		t.Error("want the old flow to send over the new one")
	}
	mustSend(t, anew, options(somebody))
	read(t, servers[1])
}

func TestSourceAddress(t *testing.T) {
	l, _ := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	a, err := l.Source(Target{Proto: TCP, Addr: netip.MustParseAddrPort("127.0.0.1:5060")})
	if err != nil || a != loopback {
		t.Errorf("got %v, %v, want 127.0.0.1", a, err)
	}
}

// BenchmarkUDP/exchange is a message sent on one connected flow and handed up from
// another, so the parser's share is in it; it stands beside.
func BenchmarkUDP(b *testing.B) {
	l, err := New(Config{Bind: loopback}, nullHandler{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	got := make(countHandler, 1)
	far, err := New(Config{Bind: loopback}, got)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	wire := options(somebody)
	b.Run("send", func(b *testing.B) {
		f := flow(b, l, UDP, addrOf(peer(b, "127.0.0.1:0")).String())
		b.ReportAllocs()
		for b.Loop() {
			if err := f.Send(wire); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("exchange", func(b *testing.B) {
		f := flow(b, l, UDP, at(far, UDP))
		flow(b, far, UDP, at(l, UDP))
		b.ReportAllocs()
		for b.Loop() {
			if err := f.Send(wire); err != nil {
				b.Fatal(err)
			}
			<-got
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := sipmsg.Parse(wire); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type nullHandler struct{}

func (nullHandler) Receive(Flow, netip.AddrPort, *sipmsg.Message, error) {}
func (nullHandler) FlowUp(Flow)                                          {}
func (nullHandler) FlowFailed(Flow, error)                               {}
func (nullHandler) Pong(Flow, netip.AddrPort)                            {}

type countHandler chan struct{}

func (c countHandler) Receive(Flow, netip.AddrPort, *sipmsg.Message, error) { c <- struct{}{} }
func (countHandler) FlowUp(Flow)                                            {}
func (countHandler) FlowFailed(Flow, error)                                 {}
func (countHandler) Pong(Flow, netip.AddrPort)                              {}
