package outage

import (
	"testing"
	"time"

	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// Behind an outbound proxy and a backup proxy the same story is told: requests
// for the domain go to the proxy, and to the other one when it is dead.
func TestProxyPair(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, transport, false)
			l.config.
				Set("sip1", "register_addr", kamailio.Realm).
				Set("sip1", "backup_addr", kamailio.Realm).
				Set("sip1", "proxy_addr", l.p.Addr).
				Set("sip1", "backup_proxy_addr", l.b.Addr)
			l.run()
			l.agent.WaitRegistered(patience, 1, "primary")
			first := l.sent(time.Time{}, "REGISTER", l.p.Addr)
			if len(first) == 0 || first[0].URI != "sip:"+kamailio.Realm && first[0].URI != "sip:"+kamailio.Realm+":5060" {
				t.Errorf("REGISTER requests at the proxy: %v, want the domain as their target", first)
			}
			l.completes("primary")
			k := &cell{lab: l, Case: Case{Fault: "black hole both ways", Transport: transport, Moment: Invite, Outcome: Silence}}
			before := len(l.far.Calls())
			k.dialInto("600")
			c := l.established("backup", before)
			l.talk(c)
			l.phone.OnHook()
			if !c.Wait("BYE", patience) {
				t.Error("the far end gets no BYE")
			}
			l.agent.WaitRegistered(patience, 1, "backup")
		})
	}
}

// A CRLF ping that is not answered, over TCP, tells that the server is gone.
func TestCRLFKeepalive(t *testing.T) {
	t.Parallel()
	l := newLab(t, "tcp", false)
	l.config.Set("sip1", "keepalive", "crlf").Set("sip1", "keepalive_interval_s", 1)
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	from := time.Now()
	line := l.agent.Line(1)
	if !netlab.Holds(3*time.Second, func() bool {
		line = l.agent.Line(1)
		return line.Server == "primary" && line.State == "registered"
	}) {
		t.Errorf("with a server that answers pings: %v", line)
	}
	if n := len(l.watch.Since(from, func(e wire.Event) bool { return e.Kind == wire.SYN && e.Dst.Addr() == l.p.Addr })); n != 0 {
		t.Errorf("%d new connections to a server that answers pings", n)
	}
	l.p.BlackHole(l.host.Addr)
	l.agent.WaitRegistered(patience+10*time.Second, 1, "backup") // a pong is due within 10 s (RFC 5626 section 4.4.1)
	l.completes("backup")
}
