package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

// accepted is a TCP server that one flow of l has connected to.
func accepted(t testing.TB, l *Layer, r recorder) (Flow, *net.TCPConn) {
	t.Helper()
	ln := listenTCP(t)
	f := flow(t, l, TCP, ln.Addr().String())
	conn := acceptOne(t, ln)
	if e := r.next(t.(*testing.T), "up"); e.flow != f || !f.Up() {
		t.Fatalf("up: got %v (up %v), want the flow asked for", e.flow, f.Up())
	}
	return f, conn
}

func listenTCP(t testing.TB) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.(*net.TCPListener)
}

func acceptOne(t testing.TB, ln *net.TCPListener) *net.TCPConn {
	t.Helper()
	_ = ln.SetDeadline(time.Now().Add(5 * time.Second))
	conn, err := ln.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// expect reads exactly that from a connection.
func expect(t testing.TB, conn io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got[:n], err, want)
	}
}

const overTCP = "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1;rport"

func TestTCPQueuesWhileItConnects(t *testing.T) {
	l, r := start(t, nil)
	ln := listenTCP(t)
	f := flow(t, l, TCP, ln.Addr().String(), "pbx.example")
	mustSend(t, f, options(overTCP))
	mustSend(t, f, options(overTCP))
	conn := acceptOne(t, ln)
	r.next(t, "up")
	expect(t, conn, string(options(overTCP))+string(options(overTCP)))
	if f.Local().String() != conn.RemoteAddr().String() {
		t.Errorf("local %s, want %s", f.Local(), conn.RemoteAddr())
	}
	if again := flow(t, l, TCP, ln.Addr().String()); again != f {
		t.Error("a second TCP connection to the same server")
	}
}

func TestTCPFramesWhateverTheSegments(t *testing.T) {
	l, r := start(t, nil)
	f, conn := accepted(t, l, r)
	all := bytes.Repeat(options(overTCP), 3)
	for i := range all {
		_, _ = conn.Write(all[i : i+1])
	}
	_, _ = conn.Write(all)
	for i := range 6 {
		e := r.next(t, "receive")
		if e.flow != f || e.err != nil || e.m.Method != "OPTIONS" || e.from != f.Target().Addr {
			t.Fatalf("message %d: %+v", i, e)
		}
		if got, _ := e.m.Via[0].Params.Get("received"); got != "127.0.0.1" {
			t.Fatalf("received=%q, want 127.0.0.1", got)
		}
	}
}

func TestCRLFKeepAlive(t *testing.T) {
	l, r := start(t, nil)
	f, conn := accepted(t, l, r)
	if err := f.Ping(CRLF); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "\r\n\r\n")
	_, _ = conn.Write([]byte("\r\n"))
	if e := r.next(t, "pong"); e.flow != f || e.mapped.IsValid() {
		t.Errorf("got %+v, want a pong without an address", e)
	}
	_, _ = conn.Write([]byte("\r\n\r\n")) // the far end may ask, too
	expect(t, conn, "\r\n")
	if err := f.Ping(STUN); !errors.Is(err, ErrUnsupported) {
		t.Errorf("STUN over TCP: got %v, want ErrUnsupported", err)
	}
}

func TestHowStreamsEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(f Flow, conn *net.TCPConn)
		want string
		is   error
	}{
		{"closed between messages", func(_ Flow, conn *net.TCPConn) { _ = conn.Close() },
			"closed by the far end", errEOF},
		{"cut in the middle of a message", func(_ Flow, conn *net.TCPConn) {
			_, _ = conn.Write(options(overTCP)[:90])
			_ = conn.Close()
		}, "closed by the far end in the middle of a message", errCut},
		{"reset", func(_ Flow, conn *net.TCPConn) { _ = conn.SetLinger(0); _ = conn.Close() },
			"connection reset by peer", syscall.ECONNRESET},
		{"given up by its owner", func(f Flow, _ *net.TCPConn) { f.Close(errors.New("no answer in 7.5s")) },
			"no answer in 7.5s", nil},
		{"not SIP", func(_ Flow, conn *net.TCPConn) { _, _ = conn.Write([]byte("\x16\x03\x01\x02\x00")) },
			"far end sent what is not SIP", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, r := start(t, nil)
			f, conn := accepted(t, l, r)
			c.act(f, conn)
			e := <-r
			for e.kind == "receive" && e.err != nil { // of what is not SIP
				e = <-r
			}
			if e.kind != "failed" || e.flow != f || !strings.Contains(e.err.Error(), c.want) {
				t.Fatalf("got %s, %v, want %q", e.kind, e.err, c.want)
			}
			if c.is != nil && !errors.Is(e.err, c.is) {
				t.Errorf("%v does not wrap %v", e.err, c.is)
			}
			if twice := f.Target().Addr.String(); strings.Contains(e.err.Error(), twice) {
				t.Errorf("%q names %s, as everybody does who passes it on", e.err, twice)
			}
			if f.Up() {
				t.Error("still up")
			}
			if err := f.Send(options(overTCP)); !errors.Is(err, ErrClosed) {
				t.Errorf("Send: got %v, want ErrClosed", err)
			}
			if again := flow(t, l, TCP, f.Target().Addr.String()); again == f {
				t.Error("the dead flow is found again")
			}
		})
	}
}

func TestTCPRefused(t *testing.T) {
	l, r := start(t, nil)
	ln := listenTCP(t)
	_ = ln.Close()
	begin := time.Now()
	f := flow(t, l, TCP, ln.Addr().String())
	mustSend(t, f, options(overTCP))
	e := r.next(t, "failed")
	if e.flow != f || !errors.Is(e.err, syscall.ECONNREFUSED) || e.err.Error() != "connect: connection refused" {
		t.Errorf("got %v", e.err)
	}
	if d := time.Since(begin); d > 500*time.Millisecond {
		t.Errorf("known after %v, want at once", d)
	}
	r.quiet(t)
}

// full is a TCP port whose backlog is full: it answers no SYN, which is how a black hole
// looks from here.
func full(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	filler, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = filler.Close() })
	return addr
}

func TestConnectTimeoutAndCancel(t *testing.T) {
	addr := full(t)
	t.Run("timeout", func(t *testing.T) {
		l, r := start(t, func(c *Config) { c.ConnectTimeout = 50 * time.Millisecond })
		f := flow(t, l, TCP, addr)
		if e := r.next(t, "failed"); e.flow != f || !strings.Contains(e.err.Error(), "connect: no answer in time") {
			t.Errorf("got %v", e.err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		l, r := start(t, nil)
		f := flow(t, l, TCP, addr)
		mustSend(t, f, options(overTCP))
		if f.Up() || f.Local().IsValid() {
			t.Errorf("up %v, local %s while it connects", f.Up(), f.Local())
		}
		f.Close(errors.New("span is over"))
		if e := r.next(t, "failed"); !strings.Contains(e.err.Error(), "span is over") {
			t.Errorf("got %v", e.err)
		}
		f.Close(nil) // once is enough
		r.quiet(t)
	})
	t.Run("layer closed", func(t *testing.T) {
		l, r := start(t, nil)
		flow(t, l, TCP, addr)
		_ = l.Close()
		r.quiet(t)
	})
}

func TestWriteQueueIsBounded(t *testing.T) {
	l, _ := start(t, nil)
	f := flow(t, l, TCP, full(t)) // connects for long
	var err error
	n := 0
	for ; err == nil && n < 10000; n++ {
		err = f.Send(options(overTCP))
	}
	if want := maxQueued / len(options(overTCP)); !errors.Is(err, ErrQueueFull) || n != want+1 {
		t.Errorf("%v after %d messages, want ErrQueueFull after %d", err, n, want+1)
	}
	if got := l.Counters().DroppedQueue.Load(); got != 1 {
		t.Errorf("counted %d, want 1", got)
	}
}

func TestFarEndThatDoesNotRead(t *testing.T) {
	l, r := start(t, func(c *Config) { c.WriteTimeout = 100 * time.Millisecond })
	f, _ := accepted(t, l, r)
	big := bytes.Repeat([]byte("x"), 60000)
	begin := time.Now()
	for len(r) == 0 { // fills the send buffer, then the queue
		if err := f.Send(big); errors.Is(err, ErrClosed) {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("never given up")
		}
	}
	if e := r.next(t, "failed"); !errors.Is(e.err, errUnread) {
		t.Errorf("got %v", e.err)
	}
}

func TestPartialWritesArriveWhole(t *testing.T) {
	l, r := start(t, nil)
	f, conn := accepted(t, l, r)
	var want bytes.Buffer
	for i := 0; want.Len() < 8<<20; i++ { // more than the socket buffers hold
		wire := bytes.Repeat([]byte{byte(i)}, 30000)
		for f.Send(wire) != nil {
			got := make([]byte, 30000)
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want.Next(30000)) {
				t.Fatalf("message %d: torn (%v)", i, err)
			}
		}
		want.Write(wire)
		if i > 2000 {
			break
		}
	}
	expect(t, conn, want.String())
}

func TestAcceptedConnectionIsAFlow(t *testing.T) {
	l, r := start(t, nil)
	conn := dialTCP(t, at(l, TCP))
	up := r.next(t, "up")
	if up.flow.Target().Addr.String() != conn.LocalAddr().String() || !up.flow.Reliable() {
		t.Errorf("flow to %s, want %s", up.flow.Target(), conn.LocalAddr())
	}
	_, _ = conn.Write(options("SIP/2.0/TCP pc.example.com:5070;branch=z9hG4bK1"))
	e := r.next(t, "receive")
	if e.flow != up.flow {
		t.Error("received on another flow")
	}
	answer(t, e)
	expect(t, conn, "SIP/2.0 200 OK\r\n")
	want := Target{Proto: TCP, Addr: netip.MustParseAddrPort("127.0.0.1:5070")}
	if got := ReplyTarget(e.m, e.flow); got != want {
		t.Errorf("when the connection is gone the answer goes to %v, want %v (RFC 3261 section 18.2.2)", got, want)
	}
	_ = conn.Close()
	if e := r.next(t, "failed"); e.flow != up.flow {
		t.Error("another flow failed")
	}
}

func dialTCP(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// eof waits until the far end has closed.
func eof(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := io.Copy(io.Discard, conn); n != 0 || isTimeout(err) {
		t.Errorf("read %d octets, %v, want the connection closed", n, err)
	}
}

func TestAcceptedConnectionsAreCapped(t *testing.T) {
	l, r := start(t, func(c *Config) {
		c.MaxInbound, c.MaxPerSource = 3, 2
		c.Accept = func(a netip.Addr) bool { return a != netip.MustParseAddr("127.0.0.9") }
	})
	from := func(addr string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
		conn, err := d.Dial("tcp", at(l, TCP))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn
	}
	eof(t, from("127.0.0.9")) // not wanted
	first := from("127.0.0.1")
	from("127.0.0.1")
	r.next(t, "up")
	r.next(t, "up")
	eof(t, from("127.0.0.1")) // a third of one source
	from("127.0.0.2")
	r.next(t, "up")
	eof(t, from("127.0.0.3")) // a fourth in all
	n := l.Counters()
	if n.DroppedSource.Load() != 1 || n.DroppedInbound.Load() != 2 {
		t.Errorf("counted %d by source and %d over the caps, want 1 and 2", n.DroppedSource.Load(), n.DroppedInbound.Load())
	}
	_ = first.Close()
	r.next(t, "failed")
	from("127.0.0.3")
	r.next(t, "up") // room again
}

func TestIdleAcceptedConnectionIsClosed(t *testing.T) {
	l, r := start(t, func(c *Config) { c.InboundIdle = 50 * time.Millisecond })
	conn := dialTCP(t, at(l, TCP))
	r.next(t, "up")
	eof(t, conn)
	if e := r.next(t, "failed"); !errors.Is(e.err, errIdle) {
		t.Errorf("got %v, want %v", e.err, errIdle)
	}
}

// A request whose end cannot be found gets its 400 before the connection is closed.
func TestAnswerBeforeTheEnd(t *testing.T) {
	r := make(recorder, 100)
	l, err := New(Config{Bind: loopback}, refuser{r})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn := dialTCP(t, at(l, TCP))
	_, _ = conn.Write(bytes.Replace(options(overTCP), []byte("Content-Length: 0"), []byte("Content-Length: x"), 1))
	got, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(got), "SIP/2.0 400 ") {
		t.Errorf("got %q, %v, want a 400 and the end", got, err)
	}
}

// A refuser answers every message that did not parse.
type refuser struct{ recorder }

func (r refuser) Receive(f Flow, from netip.AddrPort, m *sipmsg.Message, err error) {
	var bad *sipmsg.Error
	if errors.As(err, &bad) && bad.Code != 0 {
		if wire, err := m.Response(bad.Code, bad.Reason).Append(nil); err == nil {
			_ = f.Send(wire)
		}
	}
}
