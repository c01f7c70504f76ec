package lines

import (
	"errors"
	"slices"
	"time"

	"tipring/internal/ua"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// A loss is a re-INVITE or a refresh that a server of the line's did not take. It goes by the server's
// other addresses, and when the registrar has made sure of the other server, by that.
type loss struct {
	server registrar.Server // None: nothing waits for the registrar
	again  func(now time.Time)
	asked  []transport.Target // where it went since something was heard, in their normal form
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
	s.c.event(now, other.target().Addr, "the call goes on by the %s", other.id)
	l.log.Info("call goes on by the other server", "id", s.c.info.ID, "server", other.id)
	s.d.ReplaceRoute(hop, other.uri())
	s.server, s.c.info.Server = other.id, other.id
	s.c.show()
}

// mayRehome reports a server of the line's on the way, and another way to go.
func (s *session) mayRehome() bool {
	at := s.l.ownerOf(s.server, s.d.NextHop())
	return at != nil && (len(at.targets) > 1 || s.l.servers[at.id.Other()] != nil)
}

// lose has a request repeated that was lost on its way, and reports that it will be. Each address is
// asked once: where none answers, it is the far end that is gone.
func (s *session) lose(now time.Time, a ua.Answer, again func(now time.Time)) bool {
	l, hop := s.l, s.d.NextHop()
	at := l.ownerOf(s.server, hop)
	if at == nil || s.ended || s.stray || errors.Is(a.Err, ua.ErrCancelled) {
		return false
	}
	asked := append(s.lost.asked, at.targetOf(hop).Normal())
	s.lost = loss{asked: asked}
	for _, t := range at.targets {
		if !slices.Contains(asked, t.Normal()) && !l.isDown(t) {
			s.d.ReplaceRoute(hop, at.uriOf(t))
			again(now)
			return true
		}
	}
	other := l.servers[at.id.Other()]
	if other == nil || slices.Contains(asked, other.target().Normal()) {
		return false
	}
	s.lost.server, s.lost.again = at.id, again
	s.mistrust(now, at, a)
	return true
}

// mistrust tells the registrar of a server that did not take a request.
func (s *session) mistrust(now time.Time, at *server, a ua.Answer) {
	l := s.l
	if !a.Silent() || !l.registers() {
		l.do(now, l.reg.RequestFailed(now, at.id, a.Err))
		return
	}
	// The far end may be gone rather than the server: a REGISTER tells.
	at.suspect = at.suspect || at.id == l.reg.Current()
	l.do(now, l.reg.RequestRefused(now, at.id, a.Err))
}

// found repeats what was lost, by the server where the line is now, or gives it up.
func (s *session) found(now time.Time) {
	lost := s.lost
	switch {
	case lost.server == registrar.None:
	case s.l.reg.Usable(now, lost.server.Other()):
		s.rehome(now)
		s.lost = loss{asked: lost.asked}
		lost.again(now)
	case !s.l.reg.Hunting():
		s.lost = loss{}
		s.notSwitched(408)
	}
}
