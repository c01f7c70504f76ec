package call

import (
	"net/netip"
	"time"

	"tipring/internal/media"
	"tipring/internal/nat"
)

// A mapping asks a STUN server how the RTP and RTCP sockets of a conversation look from
// outside, before they are offered to anybody (use_stun). It is worked between frames.
type mapping struct {
	socks [2]media.Conn
	asked [2]*nat.Query
	found [2]netip.AddrPort
	then  func(rtp, rtcp netip.AddrPort)
}

// A caller waits for it in silence, so a server that does not answer is given up soon:
// asked again after 250 ms, it has 500 ms more.
var mappingSchedule = nat.Config{RTOMS: 250, Sends: 2, LastN: 2}

// mapped finds the outside addresses of the conversation's sockets and calls then, at
// once when there is no server to ask.
func (c *conversation) mapped(then func(rtp, rtcp netip.AddrPort)) {
	server := netip.AddrPort{}
	if c.p.cfg.STUN != nil {
		server = c.p.cfg.STUN()
	}
	if !server.IsValid() {
		then(netip.AddrPort{}, netip.AddrPort{})
		return
	}
	m := &mapping{socks: [2]media.Conn{c.pair.RTP, c.pair.RTCP}, then: then}
	now := time.Now()
	for i := range m.asked {
		m.asked[i] = nat.NewQuery(server, mappingSchedule)
		m.step(i, m.asked[i].Start(now))
	}
	c.mapping = m
}

// findMapping works the question that is under way.
func (p *Port) findMapping() {
	c := p.now
	if c == nil || c.mapping == nil {
		return
	}
	m := c.mapping
	if !m.work(time.Now()) {
		return
	}
	c.mapping = nil
	if !m.found[0].IsValid() {
		p.log.Warn("no address from the STUN server, the local one is offered", "call", c.id, "server", m.asked[0].Server())
	}
	m.then(m.addresses())
}

// work takes what has come in and does what is due. It reports that both are known, or
// given up.
func (m *mapping) work(now time.Time) bool {
	var buf [512]byte
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
	}
	return m.asked[0].Done() && m.asked[1].Done()
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

// addresses are those to offer. Only one of them is of no use: without RTP's, RTCP's is
// not offered, and without RTCP's it is where a far end looks that was told nothing, at
// the next port.
func (m *mapping) addresses() (rtp, rtcp netip.AddrPort) {
	rtp, rtcp = m.found[0], m.found[1]
	switch {
	case !rtp.IsValid() || rtp.Port() == 65535:
		return rtp, netip.AddrPort{}
	case !rtcp.IsValid():
		rtcp = netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
	}
	return rtp, rtcp
}
