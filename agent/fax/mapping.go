package fax

import (
	"context"
	"net/netip"
	"time"

	"tipring/internal/media"
	"tipring/internal/nat"
	"tipring/lines"
)

// mappingSchedule is how long a STUN server is waited for: 750 ms. A call does not fail for it.
var mappingSchedule = nat.Config{RTOMS: 250, Sends: 2, LastN: 2}

// findMapping asks how the call's sockets look from outside, before they are offered to anybody.
func (c *call) findMapping(ctx context.Context, m *lines.Media, stun func() netip.AddrPort) {
	if stun == nil || !stun().IsValid() {
		return
	}
	server := stun()
	type question struct {
		query *nat.Query
		sock  media.Conn
		found *netip.AddrPort
	}
	asked := []question{
		{nat.NewQuery(server, mappingSchedule), c.pair.RTP, &m.Mapped},
		{nat.NewQuery(server, mappingSchedule), c.pair.RTCP, &m.MappedRTCP},
	}
	if c.beside != nil {
		asked = append(asked, question{nat.NewQuery(server, mappingSchedule), c.beside.RTP, &m.MappedUDPTL})
	}
	take := func(q question, s nat.Step) {
		if s.Send != nil {
			_ = q.sock.Write(s.Send, server) // one that is not sent is one that is lost: it is repeated
		}
		if s.Mapped.IsValid() {
			*q.found = s.Mapped
		}
	}
	for _, q := range asked {
		take(q, q.query.Start(time.Now()))
	}
	tick := time.NewTicker(tickTime)
	defer tick.Stop()
	var buf [512]byte
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		waiting = false
		for _, q := range asked {
			for !q.query.Done() {
				d, ok := q.sock.Read(buf[:])
				if !ok {
					break
				}
				if s, mine := q.query.Receive(d.From, buf[:d.N]); mine {
					take(q, s)
				}
			}
			if at := q.query.Deadline(); !q.query.Done() && !at.IsZero() && !time.Now().Before(at) {
				take(q, q.query.Expire(time.Now()))
			}
			waiting = waiting || !q.query.Done()
		}
	}
	if !m.Mapped.IsValid() {
		c.log.Warn("no address from the STUN server, the local one is offered", "server", server)
		m.MappedRTCP = netip.AddrPort{}
	}
}
