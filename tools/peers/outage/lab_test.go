package outage

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/dns"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/relay"
	"tipring/tools/peers/wire"
)

// Timers of the agent in these tests: T1, and the span of a server with three
// retransmissions, T1 * (1 + 2 + 4 + 8).
const (
	t1   = 100
	span = 15 * t1 * time.Millisecond
)

// patience bounds every wait: far beyond what is due, since cells run side by
// side on few processors.
const patience = 30 * time.Second

// A lab is one device with a line and a telephone, two servers, and a far end
// that answers 600 at once and lets 601 ring.
type lab struct {
	t         *testing.T
	transport string

	host, p, b, farHost *netlab.Host
	primary, backup     *kamailio.Server
	relays              []*relay.Relay
	dns                 *dns.Server
	far                 *farend.UA
	watch               *wire.Watch

	good, bad certs.Pair
	ca        *certs.Authority
	config    agent.Ini
	agent     *agent.Agent
	phone     *phone.Phone
}

// newLab starts everything but the agent. relayed puts a relay in front of the
// primary's TCP ports; primary may alter the options of the primary.
func newLab(t *testing.T, transport string, relayed bool, primary ...func(*kamailio.Options)) *lab {
	t.Helper()
	lan := netlab.New(t)
	l := &lab{
		t: t, transport: transport,
		host: lan.Host("agent", 10), p: lan.Host("primary", 1), b: lan.Host("backup", 2), farHost: lan.Host("far", 20),
	}
	l.watch = wire.Listen(t, lan, netlab.WorkDir(t))
	l.far = farend.New(t, l.farHost, func(c *farend.Call) {
		if c.Number() == "601" {
			c.Reply(180, "Ringing")
			return
		}
		c.Answer()
	})
	dir := netlab.WorkDir(t)
	l.ca = certs.NewAuthority(t, dir, "ca")
	l.good = l.ca.Server("good", certs.Good, "10.9.0.1", "10.9.0.2", "primary.test", "backup.test", "p.test")
	l.bad = l.ca.Server("bad", certs.Expired, "10.9.0.1", "10.9.0.2", "primary.test", "backup.test", "p.test")
	o := kamailio.Options{Far: l.far.Addr, TLS: &l.good, Other: l.b.Addr, Relayed: relayed}
	forPrimary := o
	for _, change := range primary {
		change(&forPrimary)
	}
	l.primary = kamailio.Start(t, l.p, forPrimary)
	if relayed {
		l.relays = []*relay.Relay{
			relay.Start(t, l.p, "10.9.0.1:5060", "10.9.0.1:5066"),
			relay.Start(t, l.p, "10.9.0.1:5061", "10.9.0.1:5051"),
		}
	}
	o.Other, o.Relayed = l.p.Addr, false
	l.backup = kamailio.Start(t, l.b, o)
	port := 5060
	if transport == "tls" {
		port = 5061
	}
	l.config = agent.Base(t1).
		Set("sip", "tls_ca_file", l.ca.File).
		Set("sip1", "username", "1001").
		Set("sip1", "auth_password", kamailio.Password("1001")).
		Set("sip1", "register_addr", l.p.Addr).
		Set("sip1", "register_port", port).
		Set("sip1", "transport", transport).
		Set("sip1", "backup_addr", l.b.Addr).
		Set("sip1", "backup_port", port).
		Set("sip1", "backup_transport", transport).
		Set("sip1", "keepalive", "none").
		Set("sip1", "codecs", "pcmu").
		Set("port1", "line", 1).
		Set("port1", "driver", "unix:p1")
	return l
}

// run starts the agent and its telephone.
func (l *lab) run() {
	l.t.Helper()
	l.agent = agent.Start(l.t, l.host, l.config)
	l.phone = l.agent.Phone("p1")
}

// dial lifts the receiver, waits for dial tone and dials.
func (l *lab) dial(number string) {
	l.t.Helper()
	l.phone.OffHook()
	l.phone.WaitTone(patience, phone.DialTone...)
	l.phone.Dial(number + "#")
}

// talk checks the sound of a call in both directions.
func (l *lab) talk(c *farend.Call) {
	l.t.Helper()
	l.phone.Say(700, -12)
	c.Media.Say(1100, -12)
	l.phone.WaitTone(patience, 1100)
	if err := c.Media.WaitTone(patience, 700, -12); err != nil {
		l.t.Errorf("the far end does not hear the telephone: %v", err)
	}
}

// through is the server that a call came to the far end by.
func (l *lab) through(c *farend.Call) string {
	switch c.From().Addr() {
	case l.p.Addr:
		return "primary"
	case l.b.Addr:
		return "backup"
	}
	return c.From().String()
}

// established waits until the newest call of the far end is ACKed. The call may
// be the second for one that the user dialled.
func (l *lab) established(server string, after int) *farend.Call {
	l.t.Helper()
	var c *farend.Call
	if !l.far.Wait(patience, func() bool {
		for _, each := range l.far.Calls()[after:] {
			if l.through(each) == server && len(each.Got("ACK")) > 0 {
				c = each
				return true
			}
		}
		return false
	}) {
		var all []string
		for _, each := range l.far.Calls()[after:] {
			all = append(all, fmt.Sprintf("through %s: %d ACK, ended %v", l.through(each), len(each.Got("ACK")), each.Ended()))
		}
		l.t.Fatalf("no call through the %s within %v; calls at the far end: %v; line: %v", server, patience, all, l.agent.Line(1))
	}
	return c
}

// completes makes a whole call: dialled, heard both ways, ended by the caller,
// and it must come to the far end through server.
func (l *lab) completes(server string) {
	l.t.Helper()
	before := len(l.far.Calls())
	l.dial("600")
	c := l.established(server, before)
	l.talk(c)
	l.phone.OnHook()
	if !c.Wait("BYE", patience) {
		l.t.Errorf("the far end gets no BYE")
	}
	l.agent.WaitPort(patience, 1, "idle")
}

// sent lists what the agent sent of a method to a server since a moment, by UDP or TCP.
func (l *lab) sent(from time.Time, method string, to netip.Addr) []wire.Event {
	return l.watch.Since(from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == method && e.Src.Addr() == l.host.Addr && e.Dst.Addr() == to
	})
}
