package call

import (
	"context"
	"time"

	"tipring/agent/fax"
	"tipring/lines"
	"tipring/lines/fxs"
)

// clerkTime is how long a clerk may take: it promises the budget of a lookup inside a call.
const clerkTime = 5 * time.Second

// permitted asks the provider about a call, and has then called on the port's goroutine with
// the answer: at once where nobody is to be asked. A port that is closed meanwhile gives the
// permit back, and closed is called on another goroutine.
func (p *Port) permitted(a fax.Attempt, then func(fax.Permit), closed func()) {
	if p.dev.Clerk == nil {
		then(fax.Permit{})
		return
	}
	p.clerks.Go(func() {
		ctx, cancel := context.WithTimeout(p.life, clerkTime)
		defer cancel()
		permit := p.dev.Clerk.Begin(ctx, a)
		if !p.post(func() { then(permit) }) {
			giveUp(permit, ErrClosed.Error())
			closed()
		}
	})
}

// giveUp ends the account of a fax that there will be none of.
func giveUp(permit fax.Permit, why string) {
	if permit.Session != nil {
		permit.Session.Stop(fax.Outcome{Reason: why, Ended: time.Now()})
	}
}

// relayTo makes an outgoing call of a port with a fax machine that talks to the far end's.
func (p *Port) relayTo(c *conversation, line *lines.Line, dialled string) {
	number, info := SplitNumber(dialled, p.cfg.Fax.Delimiter)
	a := fax.Attempt{
		Port: p.cfg.Number, Line: p.cfg.Line, Send: true, Number: number, Info: info,
		ANI: p.ani(), CSID: p.cfg.Fax.CSID,
	}
	p.permitted(a, func(permit fax.Permit) {
		switch {
		case c.gone:
			giveUp(permit, errHungUp.Error())
		case permit.Refused != "":
			p.refused(c, a, permit)
		default:
			p.placeRelay(c, line, a, permit)
		}
	}, func() {})
}

// refused ends a call that the provider does not want.
func (p *Port) refused(c *conversation, a fax.Attempt, permit fax.Permit) {
	p.log.Warn("fax not permitted", "to", a.Number, "cause", permit.Refused)
	giveUp(permit, permit.Refused)
	if p.dev.FaxEnded != nil {
		p.dev.FaxEnded(p.cfg.Number, a, fax.Outcome{Peer: a.Number, Reason: permit.Refused, Permanent: true, Ended: time.Now()})
	}
	c.over(errNotPermitted)
	p.now = nil
	p.hungUp(fxs.Reorder)
}

// placeRelay calls.
func (p *Port) placeRelay(c *conversation, line *lines.Line, a fax.Attempt, permit fax.Permit) {
	a = p.withPermit(a, permit)
	r := p.relay(c, a, permit.Session)
	c.whenMapped(func(m lines.Media) {
		r.offer(&m)
		line.Dial(lines.Dial{To: a.Number, ANI: a.ANI, Port: p.cfg.Number, Media: m, Handler: listener{c}})
	})
}

// withPermit is an attempt as the provider wants it.
func (p *Port) withPermit(a fax.Attempt, permit fax.Permit) fax.Attempt {
	if permit.ANI != "" {
		a.ANI = permit.ANI
	}
	if permit.CSID != "" && permit.CSID != a.CSID {
		// What the machine says of itself is its own.
		p.log.Warn("identification not changed: the machine's own passes", "wanted", permit.CSID)
	}
	return a
}

// reserve asks the provider about a call before it rings here.
func (p *Port) reserve(g *group) {
	a := fax.Attempt{
		Port: p.cfg.Number, Line: p.cfg.Line, Number: p.ani(), CallerID: g.call.Info().Peer,
		ANI: p.ani(), CSID: p.cfg.Fax.CSID,
	}
	p.permitted(a, func(permit fax.Permit) {
		p.lookAtOffer()
		if permit.Refused != "" {
			p.log.Warn("fax not permitted", "from", a.CallerID, "cause", permit.Refused)
			giveUp(permit, permit.Refused)
			g.leave(p, 480)
			return
		}
		c := p.ringFor(g)
		if c == nil {
			giveUp(permit, errNotRung.Error())
			return
		}
		p.relay(c, p.withPermit(a, permit), permit.Session)
	}, func() {
		p.lookAtOffer()
		g.leave(p, 480)
	})
}
