package call

import (
	"tipring/agent/fax"
	"tipring/internal/media"
	"tipring/lines"
)

// refer takes the far end's wish that the telephone call somebody else instead (RFC 3515).
// It is called on the line's goroutine; the sockets are opened here because what was
// accepted has to be tried.
func (c *conversation) refer(d lines.Dial) bool {
	p := c.p
	line := p.dev.Line(p.cfg.Line)
	if line == nil || p.dev.Refuse() || p.several.Load() || c.aside.Load() || !c.referred.CompareAndSwap(false, true) {
		return false
	}
	pair, err := p.listen()
	if err != nil {
		p.log.Warn("referral refused", "cause", err)
		c.referred.Store(false)
		return false
	}
	if !p.post(func() { p.follow(c, line, d, pair) }) {
		p.giveBack(pair)
		return false
	}
	return true
}

func (p *Port) giveBack(pair *media.Pair) {
	if err := pair.Close(); err != nil {
		p.log.Warn("RTP sockets not closed in good order", "err", err)
	}
}

// follow makes the call that the far end of old asked for. The old one stays until the
// new one is answered, so that the telephone can come back to it (RFC 5589 section 6).
func (p *Port) follow(old *conversation, line *lines.Line, d lines.Dial, pair *media.Pair) {
	if p.now != old || old.stage != up || p.held != nil || p.waiting != nil {
		p.giveBack(pair)
		old.referred.Store(false)
		d.Decline()
		return
	}
	p.keyUp()
	p.digits.Stop()
	c := p.converse(calling)
	c.open(pair)
	c.before = old
	p.now = c
	p.fx.Place()
	if p.relays() {
		f := p.cfg.Fax()
		a := fax.Attempt{Port: p.cfg.Number, Line: p.cfg.Line, Send: true, Number: d.To, ANI: p.ani(), CSID: f.CSID}
		p.relay(c, f, a, nil).openBeside()
	}
	d.Anonymous, d.Emergency = p.wishes().Anonymous, p.fx.Emergency(d.To)
	c.emergency = d.Emergency
	c.whenMapped(func(m lines.Media) {
		if r, ok := c.fax.(*relay); ok {
			r.offer(&m)
		}
		d.Media, d.Handler, d.ANI, d.Port = m, listener{c}, p.ani(), p.cfg.Number
		line.Dial(d)
	})
}

// comeBack goes on with the call that had led to one which failed.
func (p *Port) comeBack(old *conversation) {
	old.referred.Store(false)
	p.now = old
	p.fx.Talk()
}
