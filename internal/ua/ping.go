package ua

import (
	"errors"
	"net/netip"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/ua/transport"
)

// A ping is a CRLF or STUN keep-alive under way.
type ping struct {
	kind  transport.Ping
	flow  transport.Flow
	sent  bool          // else it waits for the connection
	next  time.Time     // of a STUN request: when it is repeated
	wait  time.Duration // between the last one and next
	until time.Time     // when the server counts as dead
}

// pongWait: RFC 5626 section 4.4.1.
const pongWait = 10 * time.Second

var errNoPong = errors.New("no answer to the keep-alive in " + pongWait.String())

func (p *ping) deadline() time.Time { return deadline.Earlier(p.next, p.until) }

// sendPing asks for a sign of life, as soon as there is a connection.
func (m *Monitor) sendPing(now time.Time, t transport.Target, x *watched, kind KeepAlive) {
	f, err := m.stack.flow(t)
	if err != nil {
		m.stack.Health.Down(t, err, now)
		return
	}
	x.ping = &ping{kind: transport.CRLF, flow: f, until: now.Add(pongWait)}
	if kind == STUNPing && !t.Proto.Reliable() {
		x.ping.kind, x.ping.wait = transport.STUN, m.e.t1()
	}
	if f.Up() {
		m.transmitPing(now, t, x)
	} // else it connects, and failing that it says so
}

func (m *Monitor) transmitPing(now time.Time, t transport.Target, x *watched) {
	p := x.ping
	p.sent = true
	err := p.flow.Ping(p.kind)
	switch {
	case err != nil && t.Proto.Reliable():
		x.ping = nil // it has just ended, or is stuck; the next one makes another
		p.flow.Close(err)
	case p.kind == transport.STUN:
		// RFC 8489 section 6.2.1: it is repeated, as UDP loses some.
		p.next, p.wait = now.Add(p.wait), 2*p.wait
	case !t.Proto.Reliable():
		x.ping = nil // a CRLF on UDP has no answer
	}
}

// expirePing repeats a STUN request, or gives the server up.
func (m *Monitor) expirePing(now time.Time, t transport.Target, x *watched) {
	p := x.ping
	if !deadline.Due(now, p.until) {
		m.transmitPing(now, t, x)
		return
	}
	x.ping = nil
	if !p.sent && p.flow.Up() {
		return // that it connects is sign enough of life
	}
	m.stack.Health.Down(t, errNoPong, now)
	p.flow.Close(errNoPong) // of a connection; the next use makes another
}

// ponged takes the answer to a CRLF or STUN ping.
func (m *Monitor) ponged(now time.Time, f transport.Flow, at netip.AddrPort) {
	t := f.Target()
	if x := m.watched[t]; x != nil {
		x.ping = nil
	}
	m.stack.Health.Up(t, now)
	if !at.IsValid() {
		return
	}
	m.stack.learn(f, at)
	if m.mapped != nil {
		m.mapped(f, at)
	}
}
