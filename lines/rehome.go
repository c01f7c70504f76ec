package lines

import (
	"errors"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/registrar"
)

// A loss is a re-INVITE or a refresh that a server of the line's did not take. It waits until the
// registrar has made sure of the other one, and goes by that.
type loss struct {
	server registrar.Server // None: nothing is lost
	again  func(now time.Time)
	twice  bool // nothing was heard of the far end since the last one was repeated
}

// rehome sends what follows in the dialog through the other server, if the one on its way is dead:
// the document's Bye Failover, for a dialog that goes on. Dead is one that a request was lost at, and
// one that the line has left and that nothing was heard of since.
func (s *session) rehome(now time.Time) {
	l, hop := s.l, s.d.NextHop()
	at := l.ownerOf(s.server, hop)
	if at == nil {
		return
	}
	other := l.servers[at.id.Other()]
	if other == nil || len(other.targets) == 0 || !l.reg.Usable(now, other.id) {
		return
	}
	dead := l.reg.Current() == other.id && (at.suspect || l.isDown(at.targetOf(hop)))
	if !dead && s.lost.server != at.id {
		return
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
// that the request will be repeated by the other one, unless it is one that was. By no server to
// be reached, it is the far end that is gone.
func (s *session) lose(now time.Time, a ua.Answer, again func(now time.Time)) bool {
	at, ok := s.mayRehome(s.d.NextHop())
	if !ok || s.ended || s.stray || s.lost.twice || errors.Is(a.Err, ua.ErrCancelled) {
		return false
	}
	s.lost = loss{server: at, again: again}
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
	case s.l.reg.Usable(now, lost.server.Other()):
		s.rehome(now)
		s.lost = loss{twice: true}
		lost.again(now)
	case !s.l.reg.Hunting():
		s.lost = loss{}
		s.notSwitched(408)
	}
}
