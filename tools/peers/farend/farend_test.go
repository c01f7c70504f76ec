package farend

import (
	"net/netip"
	"testing"
	"time"

	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// Two far ends call each other through both servers of a pair: the callee
// answers, each hears the other's tone, and a BYE by either reaches the other.
func TestCallThroughPair(t *testing.T) {
	lan := netlab.New(t)
	p, b := lan.Host("primary", 1), lan.Host("backup", 2)
	callee := New(t, lan.Host("callee", 20), func(c *Call) {
		c.Reply(180, "Ringing")
		c.Answer()
	})
	caller := New(t, lan.Host("caller", 21), nil)
	for _, h := range []*netlab.Host{p, b} {
		kamailio.Start(t, h, kamailio.Options{Far: callee.Addr})
	}
	for i, server := range []netip.Addr{p.Addr, b.Addr} {
		out, status := caller.Dial(netip.AddrPortFrom(server, 5060), "600", 5*time.Second)
		if status != 200 {
			t.Fatalf("call through %v: status %d", server, status)
		}
		in := callee.WaitCall(time.Second, i+1)
		out.Media.Say(700, -10)
		in.Media.Say(1100, -20)
		if err := in.Media.WaitTone(3*time.Second, 700, -10); err != nil {
			t.Errorf("callee: %v", err)
		}
		if err := out.Media.WaitTone(3*time.Second, 1100, -20); err != nil {
			t.Errorf("caller: %v", err)
		}
		end, other := out, in
		if i == 1 {
			end, other = in, out
		}
		if status := end.Bye(); status != 200 || !other.Wait("BYE", time.Second) {
			t.Errorf("BYE through %v: status %d, other side ended %v", server, status, other.Ended())
		}
		if len(in.Got("ACK")) != 1 {
			t.Errorf("%d ACKs through %v, want 1", len(in.Got("ACK")), server)
		}
	}
}

// With media relays in between, the two still hear each other, through the relays.
func TestRelayedMedia(t *testing.T) {
	lan := netlab.New(t)
	p := lan.Host("primary", 1)
	callee := New(t, lan.Host("callee", 20), nil)
	caller := New(t, lan.Host("caller", 21), nil)
	kamailio.Start(t, p, kamailio.Options{Far: callee.Addr, RTPEngine: kamailio.RTPEngine(t, p)})
	out, status := caller.Dial(netip.AddrPortFrom(p.Addr, 5060), "600", 5*time.Second)
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	in := callee.WaitCall(time.Second, 1)
	out.Media.Say(700, -10)
	if err := in.Media.WaitTone(3*time.Second, 700, -10); err != nil {
		t.Errorf("callee: %v", err)
	}
	if err := out.Media.WaitTone(3*time.Second, 1000, -10); err != nil {
		t.Errorf("caller: %v", err)
	}
	if to := out.Media.to.Addr(); to != p.Addr {
		t.Errorf("media goes to %v, want the relay %v", to, p.Addr)
	}
	out.Bye()
}

// A callee that only rings sees the caller's CANCEL.
func TestCancel(t *testing.T) {
	lan := netlab.New(t)
	p := lan.Host("primary", 1)
	callee := New(t, lan.Host("callee", 20), func(c *Call) { c.Reply(180, "Ringing") })
	caller := New(t, lan.Host("caller", 21), nil)
	kamailio.Start(t, p, kamailio.Options{Far: callee.Addr})
	status := make(chan int)
	go func() {
		_, n := caller.Dial(netip.AddrPortFrom(p.Addr, 5060), "600", 5*time.Second)
		status <- n
	}()
	in := callee.WaitCall(5*time.Second, 1)
	netlab.Until(5*time.Second, func() bool { return len(caller.Calls()) == 1 && caller.Calls()[0].Invite() != nil })
	caller.Calls()[0].Cancel()
	if got := <-status; got != 487 || !in.Ended() {
		t.Errorf("status %d, callee ended %v, want 487 and a CANCEL", got, in.Ended())
	}
}
