package call

import (
	"sync"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
)

// Incoming offers a call to ports: all that are free ring, the first to answer has it.
// It is called on the line's goroutine. A nil handler refuses the call with code.
func Incoming(c *lines.Call, ports []*Port) (h lines.Handler, code int) {
	g := &group{call: c, ringing: map[*Port]*conversation{}}
	code = 480
	for _, p := range ports {
		switch {
		case p.card.Load() == nil:
		case !p.claimed.CompareAndSwap(false, true):
			code = 486
		default:
			g.ringing[p] = nil
		}
	}
	if len(g.ringing) == 0 {
		return nil, code
	}
	for p := range g.ringing {
		p.post(func() { p.ring(g) })
	}
	return g, 0
}

// A group is the ports that ring for one call. It is the call's handler until one of
// them has answered, and passes everything on to that one afterwards.
type group struct {
	call *lines.Call

	mu      sync.Mutex
	ringing map[*Port]*conversation
	winner  *conversation
	over    bool
	told    bool // 180 was sent
}

// ring begins to ring one port.
func (p *Port) ring(g *group) {
	c := &conversation{p: p, group: g, call: g.call, id: g.call.Info().ID}
	if p.now != nil || !p.fx.Ring(nil) {
		// Lifted in the same moment.
		g.leave(p)
		return
	}
	p.now = c
	g.mu.Lock()
	over := g.over || g.winner != nil
	g.ringing[p] = c
	first := !g.told
	g.told = true
	g.mu.Unlock()
	switch {
	case over:
		c.ended(lines.Reason{})
	case first:
		g.call.Ring()
	}
}

// leave takes a port out; when it was the last, the call is refused.
func (g *group) leave(p *Port) {
	g.mu.Lock()
	delete(g.ringing, p)
	none := len(g.ringing) == 0 && g.winner == nil && !g.over
	g.mu.Unlock()
	if none {
		g.call.Refuse(486)
	}
}

// answer takes the call that rings here.
func (p *Port) answer() {
	c := p.now
	if c == nil || c.group == nil {
		return
	}
	open, err := p.open()
	if err != nil {
		p.log.Error("call not answered", "cause", err)
		c.group.call.Refuse(500)
		return
	}
	c.session, c.pair, c.rtp = open.session, open.pair, open.rtp
	if !c.group.win(c) {
		c.ended(lines.Reason{})
		return
	}
	c.answered = true
	c.whenMapped(func(m lines.Media) { c.call.Answer(m, p.cfg.Number) })
}

// win gives the call to one port and stops the others; false when it was not the first.
func (g *group) win(c *conversation) bool {
	g.mu.Lock()
	if g.winner != nil || g.over {
		g.mu.Unlock()
		return false
	}
	g.winner = c
	others := g.others(c.p)
	g.mu.Unlock()
	g.stop(others)
	return true
}

// others lists the ports that ring besides p. The lock is held.
func (g *group) others(p *Port) []*conversation {
	var list []*conversation
	for q, c := range g.ringing {
		if q != p && c != nil {
			list = append(list, c)
		}
	}
	return list
}

func (g *group) stop(list []*conversation) {
	for _, c := range list {
		c.p.post(func() {
			if !c.gone {
				c.ended(lines.Reason{})
			}
		})
	}
}

// to passes something on to the port that has the call.
func (g *group) to(fn func(listener)) {
	g.mu.Lock()
	c := g.winner
	g.mu.Unlock()
	if c != nil {
		fn(listener{c})
	}
}

// Started implements lines.Handler.
func (g *group) Started(c *lines.Call) {
	g.to(func(l listener) { l.Started(c) }) // a call that takes the place of another
}

// Ringing implements lines.Handler.
func (g *group) Ringing(*lines.Call) {}

// Media implements lines.Handler.
func (g *group) Media(c *lines.Call, a *offer.Audio) { g.to(func(l listener) { l.Media(c, a) }) }

// Answered implements lines.Handler.
func (g *group) Answered(c *lines.Call) { g.to(func(l listener) { l.Answered(c) }) }

// Digit implements lines.Handler.
func (g *group) Digit(c *lines.Call, d byte) { g.to(func(l listener) { l.Digit(c, d) }) }

// Referred implements lines.Handler.
func (g *group) Referred(c *lines.Call, d lines.Dial) (ok bool) {
	g.to(func(l listener) { ok = l.Referred(c, d) })
	return ok
}

// Ended implements lines.Handler.
func (g *group) Ended(c *lines.Call, r lines.Reason) {
	g.mu.Lock()
	g.over = true
	w := g.winner
	rest := g.others(nil)
	g.mu.Unlock()
	if w != nil {
		listener{w}.Ended(c, r)
		return
	}
	g.stop(rest)
}

// Quality is how a call of this port went, or goes.
func (p *Port) Quality(id string) (media.Stats, bool) {
	if s := p.live.Load(); s != nil && s.id == id {
		return s.session.Stats(), true
	}
	return p.records.find(id)
}
