package lan_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/provisioning/lan"
	"tipring/provisioning/lan/lantest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	group = netip.MustParseAddrPort("224.0.1.75:5060")
	host  = netip.MustParseAddrPort("192.0.2.1:5060")
	quiet = slog.New(slog.DiscardHandler)
)

// An echo asks every second until it has had three datagrams, and answers each.
type echo struct {
	next time.Time
	to   netip.AddrPort
	got  []string
}

func (e *echo) Deadline() time.Time { return e.next }
func (e *echo) Done() bool          { return len(e.got) == 3 }

func (e *echo) Expire(now time.Time) []lan.Datagram {
	if now.Before(e.next) {
		return nil
	}
	e.next = now.Add(time.Second)
	return []lan.Datagram{{To: e.to, Wire: []byte("ask")}}
}

func (e *echo) Receive(_ time.Time, from netip.AddrPort, data []byte) []lan.Datagram {
	e.got = append(e.got, string(data))
	return []lan.Datagram{{To: from, Wire: data}}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lantest.New()
		c.Answer = func(_ []byte, n int) {
			if n != 2 {
				c.Deliver(300*time.Millisecond, host, []byte{byte('a' + n)})
			}
		}
		c.Deliver(1500*time.Millisecond, host, []byte("x"))
		start := time.Now()
		e := echo{to: group}
		if err := lan.Run(t.Context(), c, &e, quiet); err != nil {
			t.Fatal(err)
		}
		if got := e.got[0] + e.got[1] + e.got[2]; got != "bxd" || time.Since(start) != 2300*time.Millisecond {
			t.Errorf("got %q after %v", got, time.Since(start))
		}
		if n := len(c.Sent()); n != 6 {
			t.Errorf("%d datagrams sent, want three questions and three answers", n)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		c := lantest.New()
		start := time.Now()
		if err := lan.Run(ctx, c, &echo{to: group}, quiet); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2500*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := lan.Run(ctx, c, &echo{to: group}, quiet); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("begun too late: %v", err)
		}
	})
}

func TestRunCannotSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lantest.New()
		c.Fault = errors.New("network is unreachable")
		if err := lan.Run(t.Context(), c, &echo{to: group}, quiet); !errors.Is(err, c.Fault) {
			t.Errorf("got %v", err)
		}
	})
}

// On a real socket the loop asks, takes what comes, and is ended by its context.
func TestRunOnASocket(t *testing.T) {
	local := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	c, err := net.ListenUDP("udp4", local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	peer, err := net.ListenUDP("udp4", local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	e := echo{to: peer.LocalAddr().(*net.UDPAddr).AddrPort()}
	go func() { ended <- lan.Run(ctx, c, &e, quiet) }()
	b := make([]byte, 100)
	n, from, err := peer.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != "ask" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	if _, err := peer.WriteToUDPAddrPort([]byte("here"), from); err != nil {
		t.Fatal(err)
	}
	if n, _, err = peer.ReadFromUDPAddrPort(b); err != nil || string(b[:n]) != "here" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || len(e.got) != 1 {
		t.Errorf("ended with %v after %q", err, e.got)
	}
}
