package lines

import (
	"slices"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// bye ends the dialog. A server that does not take the BYE is replaced (the document's
// Bye Failover).
func (s *session) bye(now time.Time) {
	if s.ended {
		return
	}
	s.abandonReferral(now)
	s.stop(now)
	if p := s.unacked; p != nil && p.initial {
		// RFC 3261 section 15: a callee does not send BYE before its 2xx is
		// acknowledged or has timed out.
		p.byeAfter = true
		return
	}
	s.unacked = nil
	s.sendBye(now)
}

func (s *session) sendBye(now time.Time) {
	m := s.d.Request(sipmsg.BYE)
	b := &farewell{session: s}
	on := s.under(b.answered)
	s.l.hopTarget(now, s.server, s.d.NextHop(), func(now time.Time, t transport.Target, own registrar.Server, err error) {
		if err != nil {
			on(now, ua.Answer{Err: err})
			return
		}
		b.own, b.hop = own, s.d.NextHop()
		b.send(now, m, t, on)
	})
}

// A farewell is the BYE of a session, on its way through one server and address after
// another.
type farewell struct {
	*session
	own   registrar.Server   // whose address it went to; None: not one of the line's
	hop   sipmsg.URI         // the route entry by which it went there
	tried [3]bool            // by server
	asked []transport.Target // addresses, in their normal form
}

func (b *farewell) send(now time.Time, m *sipmsg.Message, t transport.Target, on func(time.Time, ua.Answer)) {
	b.tried[b.own] = true
	b.asked = append(b.asked, t.Normal())
	b.sendTo(now, m, t, b.own == registrar.None || !b.hasOther() && len(b.others()) == 0, on)
}

// hasOther reports that it could go through another server.
func (b *farewell) hasOther() bool {
	o := b.own.Other()
	return b.l.servers[o] != nil && !b.tried[o]
}

// others are the addresses of the same server that were not asked.
func (b *farewell) others() (list []transport.Target) {
	s := b.l.servers[b.own]
	if s == nil {
		return nil
	}
	for _, t := range s.targets {
		if !slices.Contains(b.asked, t.Normal()) && !b.l.isDown(t) {
			list = append(list, t)
		}
	}
	return list
}

// answered takes the end of one try. What somebody else than a server of the line's did to
// it says nothing of those.
func (b *farewell) answered(now time.Time, a ua.Answer) {
	l, cause := b.l, a.Unavailable()
	if a.Response != nil && a.Response.IsProvisional() || cause == nil || b.own == registrar.None {
		return
	}
	if others := b.others(); len(others) > 0 {
		b.again(now, b.own, l.servers[b.own].uriOf(others[0]), others[0])
		return
	}
	if !b.hasOther() {
		return
	}
	l.log.Warn("server does not take the BYE", "id", b.c.info.ID, "server", b.own, "cause", cause)
	b.farewell = b
	silent := a.Silent() && l.registers()
	if silent && b.own == l.reg.Current() {
		// The far end may be gone rather than the server: a REGISTER tells. Until it has,
		// no call goes there.
		l.servers[b.own].suspect = true
	}
	if silent || a.Response != nil {
		l.do(now, l.reg.RequestRefused(now, b.own, cause))
	} else {
		l.do(now, l.reg.RequestFailed(now, b.own, cause))
	}
}

// again sends the BYE another way: Request-URI, Call-ID and tags stay, CSeq is one more,
// and the Route entry by which it went is replaced.
func (b *farewell) again(now time.Time, server registrar.Server, uri sipmsg.URI, t transport.Target) {
	b.c.event(now, t.Addr, "the BYE goes by the %s", server)
	b.d.ReplaceRoute(b.hop, uri)
	b.own, b.hop, b.server = server, b.d.NextHop(), server
	b.send(now, b.d.Request(sipmsg.BYE), t, b.under(b.answered))
}

// settled sends what waited for the registrar through the other server.
func (s *session) settled(now time.Time) {
	s.found(now)
	b := s.farewell
	if b == nil {
		return
	}
	next := b.own.Other()
	if !s.l.reg.Usable(now, next) {
		if !s.l.reg.Hunting() {
			s.farewell = nil
			s.c.tidy(now)
		}
		return
	}
	s.farewell = nil
	other := s.l.servers[next]
	on := s.under(func(time.Time, ua.Answer) {})
	s.l.resolve(now, other, func(now time.Time, err error) {
		if err == nil {
			b.again(now, next, other.uri(), other.target())
		}
		on(now, ua.Answer{Err: err})
	})
}
