package lines

import (
	"errors"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/registrar"
)

// A loss is a re-INVITE or a refresh that a server of the line's did not take. It waits for the
// registrar to say whether the line has left that server, and then goes by the other one.
type loss struct {
	server registrar.Server // None: nothing is lost
	again  func(now time.Time)
}

// rehome sends what follows in the dialog through the server where the line is, if the one on its
// way is known to be dead and the line has left it: the document's Bye Failover, for a dialog
// that goes on.
func (s *session) rehome(now time.Time) {
	l, hop := s.l, s.d.NextHop()
	at := l.ownerOf(s.server, hop)
	if at == nil {
		return
	}
	other := l.servers[at.id.Other()]
	if other == nil || len(other.targets) == 0 || l.reg.Current() != other.id || !l.reg.Usable(now, other.id) {
		return
	}
	if !at.suspect && !l.isDown(at.targetOf(hop)) && s.lost.server != at.id {
		return // the line is elsewhere, and the call's server lives
	}
	l.log.Info("call goes on by the other server", "id", s.c.info.ID, "server", other.id)
	s.d.ReplaceRoute(hop, other.uri())
	s.server, s.c.info.Server = other.id, other.id
	s.c.show()
}

// mayRehome reports a server of the line's on the way, and another one to go by.
func (s *session) mayRehome(hop sipmsg.URI) (registrar.Server, bool) {
	at := s.l.ownerOf(s.server, hop)
	if at == nil || s.l.servers[at.id.Other()] == nil {
		return registrar.None, false
	}
	return at.id, true
}

// lose tells the registrar of a server that did not take a request in the dialog, and reports
// that the request will be repeated if the line leaves that server.
func (s *session) lose(now time.Time, a ua.Answer, again func(now time.Time)) bool {
	at, ok := s.mayRehome(s.d.NextHop())
	if !ok || s.ended || s.stray || errors.Is(a.Err, ua.ErrCancelled) {
		return false
	}
	s.lost = loss{at, again}
	if !a.Silent() || !s.l.registers() {
		s.l.do(now, s.l.reg.RequestFailed(now, at, a.Err))
		return true
	}
	if at == s.l.reg.Current() {
		// The far end may be gone rather than the server: a REGISTER tells.
		s.l.servers[at].suspect = true
	}
	s.l.do(now, s.l.reg.RequestRefused(now, at, a.Err))
	return true
}

// found repeats what was lost, by the server where the line is now, or gives it up.
func (s *session) found(now time.Time) {
	lost := s.lost
	switch {
	case lost.server == registrar.None:
	case s.l.reg.Current() == lost.server.Other() && s.l.reg.Usable(now, lost.server.Other()):
		s.rehome(now)
		s.lost = loss{}
		lost.again(now)
	case !s.l.reg.Hunting():
		s.lost = loss{}
		s.notSwitched(408)
	}
}
