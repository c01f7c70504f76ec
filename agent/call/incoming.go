package call

import (
	"sync"
	"time"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
)

// Incoming offers a call to ports: all that are free ring, or where they hunt one after the other, and
// the first to answer has it. It is called on the line's goroutine. A nil handler refuses the call with code.
func Incoming(c *lines.Call, ports []*Port) (h lines.Handler, code int) {
	if h, code, ok := spoolIncoming(c, ports); ok {
		return h, code
	}
	g := &group{call: c, ringing: map[*Port]*conversation{}}
	free, code := offered(ports, roomToRing, c.Offered() == offer.Fax)
	bells := len(free) > 0
	if !bells { // somebody who talks can take it, too
		free, code = offered(ports, roomToWait, c.Offered() == offer.Fax)
	}
	if len(free) == 0 {
		return nil, code
	}
	if s := free[0].cfg.HuntS; s > 0 && bells {
		g.hunting(time.Duration(s)*time.Second, free[1:])
		free = free[:1]
	}
	for _, p := range free {
		g.ringing[p] = nil
	}
	// A telephone that rings for a call it cannot have would be worse than none.
	pair, err := free[0].listen()
	if err != nil {
		free[0].log.Error("call not taken", "cause", err)
		for _, p := range free {
			p.lookAtOffer()
		}
		return nil, 503
	}
	g.begin(free[0], pair)
	for _, p := range free {
		if !p.post(func() { p.ring(g) }) {
			g.leave(p, 480)
		}
	}
	return g, 0
}

// offered reserves those of the ports that have room for a call, or tells why none has.
func offered(ports []*Port, r room, t38 bool) (free []*Port, code int) {
	code = 480
	for _, p := range ports {
		if t38 && !p.takesT38() {
			code = max(code, 488)
			continue
		}
		switch refusal := p.offer(r); refusal {
		case 0:
			free = append(free, p)
		default:
			code = max(code, refusal)
		}
	}
	return free, code
}

// offer reserves the port for a call that is about to ring it, or to wait, or says why it cannot:
// 480 without a telephone, 486 busy.
func (p *Port) offer(r room) (refusal int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed || p.card.Load() == nil:
		return 480
	case p.offered || room(p.room.Load()) != r:
		return 486
	}
	p.offered = true
	return 0
}

func (p *Port) lookAtOffer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offered = false
}

// ring begins to ring one port.
func (p *Port) ring(g *group) {
	if p.relays() {
		p.reserve(g)
		return
	}
	p.lookAtOffer()
	p.ringFor(g)
}

// ringFor rings; nil if that cannot be.
func (p *Port) ringFor(g *group) *conversation {
	if p.card.Load() == nil { // gone in the same moment
		g.leave(p, 480)
		return nil
	}
	c := p.converse(ringing)
	c.group, c.call, c.id = g, g.call, g.call.Info().ID
	switch {
	case p.roomNow() == roomToWait:
		p.wait(c)
	case p.engaged() || !p.bell(c): // lifted in the same moment
		g.leave(p, 486)
		return nil
	default:
		p.now = c
	}
	if over, first := g.rings(c); over {
		c.ended(lines.Reason{})
		return nil
	} else if first {
		g.call.Ring()
	}
	return c
}

// bell rings for a call. What a fax machine is to show of it nobody reads.
func (p *Port) bell(c *conversation) bool {
	if p.mode != "" {
		return p.fx.Ring(nil)
	}
	return p.fx.RingFor(c.incoming())
}

// answer takes the call that rings here: the telephone was lifted.
func (p *Port) answer() {
	c := p.now
	switch {
	case c == nil: // the bell's time was over in the same moment
		p.hungUp(fxs.Reorder)
		return
	case c.stage == recalled:
		p.comeFromHold(c)
		return
	case c.group == nil:
		c.fax.lifted()
		return
	}
	if pair := c.group.win(c); pair != nil {
		c.take(pair)
		return
	}
	// Somebody else has it, or nobody.
	c.over(nil)
	if c.fax != nil {
		c.fax.left()
	}
	p.now = nil
	p.hungUp(fxs.Reorder)
}

// take answers a call.
func (c *conversation) take(pair *media.Pair) {
	c.stage = lifted
	c.open(pair)
	c.whenMapped(func(m lines.Media) {
		if r, ok := c.fax.(*relay); ok {
			r.offer(&m)
		}
		c.call.Answer(m, c.p.cfg.Number)
	})
}

// A group is the ports that ring for one call. It is the call's handler until one of
// them has answered, and passes everything on to that one afterwards.
type group struct {
	call *lines.Call
	home *Port // which reserved the sockets

	mu      sync.Mutex
	pair    *media.Pair             // reserved for who answers; nil: taken or given back
	ringing map[*Port]*conversation // nil: not rung yet
	refusal int                     // the highest status of those that left
	winner  *conversation
	over    bool
	told    bool // 180 was sent
	hunt    hunt
}

// rings notes a port that rings now. It reports whether it is too late for that, and
// whether it is the first.
func (g *group) rings(c *conversation) (over, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, wanted := g.ringing[c.p]
	if !wanted || g.over || g.winner != nil {
		return true, false
	}
	g.ringing[c.p] = c
	first = !g.told
	g.told = true
	return false, first
}

// leave takes a port out; when it was the last, the next one rings, or the call is refused.
func (g *group) leave(p *Port, code int) {
	g.mu.Lock()
	delete(g.ringing, p)
	g.refusal = max(g.refusal, code)
	code = g.refusal
	none := len(g.ringing) == 0 && g.winner == nil && !g.over
	if none && g.ringNext() {
		none = false
	}
	var pair *media.Pair
	if none {
		pair = g.takePair()
	}
	g.mu.Unlock()
	if none {
		if pair != nil {
			p.giveBack(pair)
		}
		g.call.Refuse(code)
	}
}

// takePair takes what is reserved, if it still is. The lock is held.
func (g *group) takePair() *media.Pair {
	pair := g.pair
	g.pair = nil
	return pair
}

// win gives the call and the sockets to one port and stops the others; nil when it was not
// the first.
func (g *group) win(c *conversation) *media.Pair {
	g.mu.Lock()
	if g.winner != nil || g.over {
		g.mu.Unlock()
		return nil
	}
	pair := g.takePair()
	g.winner = c
	g.hunt.stop()
	others := g.others(c.p)
	g.mu.Unlock()
	g.stop(others)
	return pair
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

// stop ends the bells of ports. Who was passed over and lifted in the same moment has the call, and keeps it.
func (g *group) stop(list []*conversation) {
	for _, c := range list {
		listener{c}.post(func() {
			if c.stage == ringing {
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

// Started implements lines.Handler: of a call that takes the place of another.
func (g *group) Started(c *lines.Call) { g.to(func(l listener) { l.Started(c) }) }

// Ringing implements lines.Handler; only outgoing calls have it.
func (g *group) Ringing(*lines.Call) {}

// Media implements lines.Handler.
func (g *group) Media(c *lines.Call, a *offer.Audio) { g.to(func(l listener) { l.Media(c, a) }) }

// Image implements lines.FaxHandler.
func (g *group) Image(c *lines.Call, i *offer.Image) { g.to(func(l listener) { l.Image(c, i) }) }

// SwitchRefused implements lines.FaxHandler.
func (g *group) SwitchRefused(c *lines.Call, code int) {
	g.to(func(l listener) { l.SwitchRefused(c, code) })
}

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
	g.hunt.stop()
	w := g.winner
	rest := g.others(nil)
	pair := g.takePair()
	g.mu.Unlock()
	if pair != nil {
		g.home.giveBack(pair)
	}
	if w != nil {
		listener{w}.Ended(c, r)
		return
	}
	g.stop(rest)
}
