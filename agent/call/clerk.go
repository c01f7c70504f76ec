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
func (p *Port) permitted(a fax.Attempt, then func(permit), closed func()) {
	if p.dev.Clerk == nil {
		then(permit{})
		return
	}
	p.aside(func() {
		ctx, cancel := context.WithTimeout(p.life, clerkTime)
		defer cancel()
		got := permit{p.dev.Clerk.Begin(ctx, a)}
		if !p.post(func() { then(got) }) {
			got.stop(fax.Outcome{Reason: ErrClosed.Error()})
			closed()
		}
	})
}

// relayTo makes an outgoing call of a port with a fax machine that talks to the far end's.
func (p *Port) relayTo(c *conversation, line *lines.Line, dialled string) {
	f := p.cfg.Fax()
	number, info := SplitNumber(dialled, f.Delimiter)
	a := fax.Attempt{
		Port: p.cfg.Number, Line: p.cfg.Line, Send: true, Number: number, Info: info,
		ANI: p.ani(), CSID: f.CSID,
	}
	p.permitted(a, func(got permit) {
		switch {
		case c.gone:
			got.stop(fax.Outcome{Reason: errHungUp.Error()})
		case got.Refused != "":
			p.refused(c, a, got)
		default:
			p.placeRelay(c, line, f, a, got)
		}
	}, func() {})
}

// refused ends a call that the provider does not want.
func (p *Port) refused(c *conversation, a fax.Attempt, got permit) {
	p.log.Warn("fax not permitted", "to", a.Number, "cause", got.Refused)
	got.stop(fax.Outcome{Reason: got.Refused})
	if p.dev.FaxEnded != nil {
		p.dev.FaxEnded(p.cfg.Number, a, fax.Outcome{Peer: a.Number, Reason: got.Refused, Permanent: true, Ended: time.Now()})
	}
	c.over(errNotPermitted)
	p.now = nil
	p.hungUp(fxs.Reorder)
}

// placeRelay calls.
func (p *Port) placeRelay(c *conversation, line *lines.Line, f *FaxPort, a fax.Attempt, got permit) {
	a = p.withPermit(a, got)
	r := p.relay(c, f, a, got.Session)
	r.openBeside()
	c.whenMapped(func(m lines.Media) {
		r.offer(&m)
		line.Dial(lines.Dial{To: a.Number, ANI: a.ANI, Port: p.cfg.Number, Media: m, Handler: listener{c}})
	})
}

// withPermit is an attempt as the provider wants it.
func (p *Port) withPermit(a fax.Attempt, got permit) fax.Attempt {
	if got.ANI != "" {
		a.ANI = got.ANI
	}
	if got.CSID != "" {
		a.CSID = got.CSID
	}
	return a
}

// reserve asks the provider about a call before it rings here.
func (p *Port) reserve(g *group) {
	f := p.cfg.Fax()
	a := fax.Attempt{
		Port: p.cfg.Number, Line: p.cfg.Line, Number: p.ani(), CallerID: g.call.Info().Peer,
		ANI: p.ani(), CSID: f.CSID,
	}
	p.permitted(a, func(got permit) {
		p.lookAtOffer()
		if got.Refused != "" {
			p.log.Warn("fax not permitted", "from", a.CallerID, "cause", got.Refused)
			got.stop(fax.Outcome{Reason: got.Refused})
			g.leave(p, 480)
			return
		}
		c := p.ringFor(g)
		if c == nil {
			got.stop(fax.Outcome{Reason: errNotRung.Error()})
			return
		}
		p.relay(c, f, p.withPermit(a, got), got.Session)
	}, func() {
		p.lookAtOffer()
		g.leave(p, 480)
	})
}
