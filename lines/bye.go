package lines

import (
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
	s.stop()
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
	s.byeTried[s.server] = true
	own := registrar.None
	on := s.under(func(now time.Time, a ua.Answer) { s.byeAnswered(now, own, a) })
	s.l.hopTarget(now, s.server, s.d.NextHop(), func(now time.Time, t transport.Target, hop registrar.Server, err error) {
		own = hop
		if err != nil {
			on(now, ua.Answer{Err: err})
			return
		}
		s.sendTo(now, m, t, own == registrar.None || !s.hasOther(), on)
	})
}

// hasOther reports that the BYE could go through another server.
func (s *session) hasOther() bool {
	o := s.server.Other()
	return s.l.servers[o] != nil && !s.byeTried[o]
}

// byeAnswered takes the end of a BYE. own is the server that it went to; what somebody
// else's did to it says nothing of the line's servers.
func (s *session) byeAnswered(now time.Time, own registrar.Server, a ua.Answer) {
	l, cause := s.l, a.Unavailable()
	if a.Response != nil && a.Response.IsProvisional() || cause == nil || own == registrar.None || !s.hasOther() {
		return
	}
	l.log.Warn("server does not take the BYE", "id", s.c.info.ID, "server", own, "cause", cause)
	s.byeWaiting = true
	silent := a.Silent() && l.registers()
	if silent && own == l.reg.Current() {
		// The far end may be gone rather than the server: a REGISTER tells. Until it has,
		// no call goes there.
		l.servers[own].suspect = true
	}
	if silent || a.Response != nil {
		l.do(now, l.reg.RequestRefused(now, own, cause))
	} else {
		l.do(now, l.reg.RequestFailed(now, own, cause))
	}
}

// settled sends a BYE that waited for the registrar through the other server:
// Request-URI, Call-ID and tags stay, CSeq is one more, and the Route entry of the dead
// server is the other's.
func (s *session) settled(now time.Time) {
	if !s.byeWaiting {
		return
	}
	next := s.server.Other()
	if !s.l.reg.Usable(now, next) {
		if !s.l.reg.Hunting() {
			s.byeWaiting = false
			s.c.tidy(now)
		}
		return
	}
	s.byeWaiting = false
	dead, other := s.l.servers[s.server], s.l.servers[next]
	s.d.ReplaceRoute(s.deadHop(dead), other.uri())
	s.server = next
	s.byeTried[next] = true
	m := s.d.Request(sipmsg.BYE)
	on := s.under(func(now time.Time, a ua.Answer) { s.byeAnswered(now, next, a) })
	s.l.resolve(now, other, func(now time.Time, err error) {
		if err != nil {
			on(now, ua.Answer{Err: err})
			return
		}
		s.sendTo(now, m, other.target(), true, on)
	})
}

// deadHop is the route entry that names the dead server, or its own URI when none does.
func (s *session) deadHop(dead *server) sipmsg.URI {
	for _, match := range []func(*server, sipmsg.URI) bool{(*server).names, (*server).mayName} {
		for _, a := range s.d.Routes {
			if match(dead, a.URI) {
				return a.URI
			}
		}
	}
	return dead.uri()
}
