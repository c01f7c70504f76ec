package call

import (
	"net/netip"
	"time"

	"tipring/internal/media"
	"tipring/internal/nat"
)

// A mapping asks a STUN server how the sockets of a conversation look from outside, before they
// are offered to anybody (use_stun): those of RTP and RTCP, and that of T.38 beside them, if there
// is one. It is worked between frames.
type mapping struct {
	socks []media.Conn
	asked []*nat.Query
	found []netip.AddrPort
	then  func(outside)
}

// The outside addresses of a conversation's sockets; zero: not known.
type outside struct{ rtp, rtcp, udptl netip.AddrPort }

// A caller waits for it in silence, so a server that does not answer is given up soon:
// asked again after 250 ms, it has 500 ms more.
var mappingSchedule = nat.Config{RTOMS: 250, Sends: 2, LastN: 2}

// mapped finds the outside addresses of the conversation's sockets and calls then, at
// once when there is no server to ask.
func (c *conversation) mapped(then func(outside)) {
	server := netip.AddrPort{}
	if c.p.cfg.STUN != nil {
		server = c.p.cfg.STUN()
	}
	if !server.IsValid() {
		then(outside{})
		return
	}
	m := &mapping{socks: []media.Conn{c.pair.RTP, c.pair.RTCP}, then: then}
	if r, ok := c.fax.(*relay); ok && r.second != nil {
		m.socks = append(m.socks, r.second.RTP)
	}
	m.found = make([]netip.AddrPort, len(m.socks))
	now := time.Now()
	for i := range m.socks {
		m.asked = append(m.asked, nat.NewQuery(server, mappingSchedule))
		m.step(i, m.asked[i].Start(now))
	}
	c.mapping = m
}

// findMapping works the questions that are under way.
func (p *Port) findMapping() {
	for _, c := range p.conversations() {
		if c.mapping != nil {
			c.findMapping()
		}
	}
}

func (c *conversation) findMapping() {
	p, m := c.p, c.mapping
	if !m.work(time.Now()) {
		return
	}
	c.mapping = nil
	if !m.found[0].IsValid() {
		p.log.Warn("no address from the STUN server, the local one is offered", "call", c.id, "server", m.asked[0].Server())
	}
	m.then(m.addresses())
}

// work takes what has come in and does what is due. It reports that all are known, or
// given up.
func (m *mapping) work(now time.Time) bool {
	var buf [512]byte
	done := true
	for i, q := range m.asked {
		for !q.Done() {
			d, ok := m.socks[i].Read(buf[:])
			if !ok {
				break
			}
			if s, mine := q.Receive(d.From, buf[:d.N]); mine {
				m.step(i, s)
			}
		}
		if !q.Done() && !q.Deadline().IsZero() && !now.Before(q.Deadline()) {
			m.step(i, q.Expire(now))
		}
		done = done && q.Done()
	}
	return done
}

func (m *mapping) step(i int, s nat.Step) {
	if s.Send != nil {
		// A datagram that is not sent is one that is lost: it is repeated.
		_ = m.socks[i].Write(s.Send, m.asked[i].Server())
	}
	if s.Mapped.IsValid() {
		m.found[i] = s.Mapped
	}
}

// addresses are those to offer. Only one of RTP and RTCP is of no use: without RTP's, RTCP's is
// not offered, and without RTCP's it is where a far end looks that was told nothing, at
// the next port.
func (m *mapping) addresses() outside {
	o := outside{rtp: m.found[0], rtcp: m.found[1]}
	if len(m.found) > 2 {
		o.udptl = m.found[2]
	}
	switch {
	case !o.rtp.IsValid() || o.rtp.Port() == 65535:
		o.rtcp = netip.AddrPort{}
	case !o.rtcp.IsValid():
		o.rtcp = netip.AddrPortFrom(o.rtp.Addr(), o.rtp.Port()+1)
	}
	return o
}
