package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

func startLab(t *testing.T, cfg Config) *Lab {
	t.Helper()
	l, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(primaryAddr, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return unmapped(c.LocalAddr()).Port()
}

// dial connects to a server by any protocol.
func dial(t *testing.T, s *Server, p transport.Proto) net.Conn {
	t.Helper()
	c, err := connect(s, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func connect(s *Server, p transport.Proto) (net.Conn, error) {
	at := s.Addr(p).String()
	switch p {
	case transport.UDP:
		return net.Dial("udp", at)
	case transport.TCP:
		return net.Dial("tcp", at)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CA()) {
		return nil, errors.New("no certificate in CA")
	}
	return tls.DialWithDialer(&net.Dialer{Timeout: 200 * time.Millisecond}, "tcp", at, &tls.Config{RootCAs: roots})
}

// options is an OPTIONS for the server, different each time.
func options(c net.Conn, p transport.Proto, n int) string {
	return fmt.Sprintf("OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK-%d;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		p.Via(), c.LocalAddr(), n, n)
}

// ask sends OPTIONS and returns the answer's status.
func ask(c net.Conn, p transport.Proto, n int) (int, error) {
	_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := io.WriteString(c, options(c, p, n)); err != nil {
		return 0, err
	}
	b := make([]byte, 4096)
	got, err := c.Read(b)
	if err != nil {
		return 0, err
	}
	m, err := sipmsg.Parse(b[:got])
	if err != nil {
		return 0, err
	}
	return m.StatusCode, nil
}

func TestWaysToDie(t *testing.T) {
	for _, p := range []transport.Proto{transport.UDP, transport.TCP, transport.TLS} {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			l := startLab(t, Config{Users: users, TLS: true})
			s := l.Primary
			c := dial(t, s, p)
			if code, err := ask(c, p, 1); code != 200 || err != nil {
				t.Fatalf("well: %d, %v, want 200", code, err)
			}

			s.Silence()
			var late net.Error
			if code, err := ask(c, p, 2); !errors.As(err, &late) || !late.Timeout() {
				t.Errorf("silent: %d, %v, want a timeout", code, err)
			}
			if p == transport.TLS {
				if _, err := connect(s, p); !errors.As(err, &late) || !late.Timeout() {
					t.Errorf("silent: handshake %v, want a timeout", err)
				}
			}

			s.Answer503(30)
			if code, err := ask(c, p, 3); code != 503 || err != nil {
				t.Errorf("refusing: %d, %v, want 503", code, err)
			}

			s.Refuse()
			_, err := ask(c, p, 4)
			if p == transport.UDP {
				if !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("closed: %v, want connection refused", err)
				}
			} else {
				if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					t.Errorf("closed: %v, want the connection cut", err)
				}
				if _, err := connect(s, p); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("closed: %v, want connection refused", err)
				}
			}

			if err := s.Revive(); err != nil {
				t.Fatal(err)
			}
			if code, err := ask(dial(t, s, p), p, 5); code != 200 || err != nil {
				t.Errorf("revived: %d, %v, want 200", code, err)
			}
		})
	}
}

// RFC 5626 section 4.4.1: CRLF CRLF is answered by CRLF; not by a black hole.
func TestPing(t *testing.T) {
	l := startLab(t, Config{})
	c := dial(t, l.Primary, transport.TCP)
	b := make([]byte, 10)
	ping := func() (string, error) {
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := io.WriteString(c, "\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(b)
		return string(b[:n]), err
	}
	if got, err := ping(); got != "\r\n" {
		t.Errorf("a ping is answered by %q, %v", got, err)
	}
	l.Primary.Silence()
	if got, err := ping(); err == nil {
		t.Errorf("a silent server answers a ping by %q", got)
	}
}

func TestMalformed(t *testing.T) {
	l := startLab(t, Config{})
	c := dial(t, l.Primary, transport.UDP)
	if _, err := io.WriteString(c, strings.Replace(options(c, transport.UDP, 1), "CSeq: 1 OPTIONS", "CSeq: OPTIONS", 1)); err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Second))
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 400 ") {
		t.Errorf("answered by %q, %v, want 400", b[:n], err)
	}
}

// Two far telephones call each other through both servers: one holds the other, takes it
// back, and hangs up.
func TestFarEnds(t *testing.T) {
	events := make(chan Event, 100)
	l := startLab(t, Config{Users: users, Timers: transaction.WithT1(50 * time.Millisecond), Hook: func(e Event) { events <- e }})
	other, err := NewFarEnd(backupAddr, transaction.Timers{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.RingFor(0)
	l.Primary.Route("700", other.Addr())

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	call, err := l.Far.Call(ctx, l.Primary.Addr(transport.UDP), "700")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := other.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []offer.Direction{offer.SendOnly, offer.SendRecv} {
		if err := theirs.Reinvite(d); err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		call.sound.mu.Lock()
		if got := call.sound.agreed.Direction; got != d.Reverse() {
			t.Errorf("%v offered, %v here, want %v", d, got, d.Reverse())
		}
		call.sound.mu.Unlock()
	}
	theirs.Hangup()
	select {
	case <-call.Ended():
	case <-ctx.Done():
		t.Error("the BYE did not arrive")
	}
	for _, want := range []Kind{Calling, Answered, HungUp} {
		if e := <-events; e.Kind != want {
			t.Errorf("event %v, want %v", e, want)
		}
	}
	if _, err := l.Far.Call(ctx, l.Primary.Addr(transport.UDP), "999"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a call to nobody ended with %v, want 404", err)
	}
}

// A caller who gives up cancels.
func TestFarCancel(t *testing.T) {
	l := startLab(t, Config{Users: users})
	other, err := NewFarEnd(backupAddr, transaction.Timers{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.RingFor(time.Hour)
	l.Primary.Route("700", other.Addr())
	failed := make(chan Event, 10)
	l.Primary.do(func(time.Time) {
		l.Primary.core.cfg.Hook = func(e Event) {
			if e.Kind == Failed {
				failed <- e
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := l.Far.Call(ctx, l.Primary.Addr(transport.UDP), "700"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call ended with %v, want the deadline", err)
	}
	if e := <-failed; e.Code != 487 {
		t.Errorf("event %v, want 487", e)
	}
}
