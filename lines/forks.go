package lines

import (
	"errors"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// A fork is one early dialog of a leg (RFC 3261 section 13.2.2).
type fork struct {
	d        *dialog.Dialog
	offer    *offer.Session
	reliable dialog.Provisionals
	spoiled  error // why the latest early answer was of no use; nil: it was, or none came
}

// early takes a provisional response above 100: the early dialog of its fork, early
// media, and the PRACK it may want (RFC 3262). It reports false for one to be dropped: a
// repetition, or one that came before its predecessor.
func (g *leg) early(now time.Time, a ua.Answer) bool {
	f := g.fork(a.Response)
	if f == nil {
		return true // without a tag: no dialog comes of it
	}
	switch what, rack := f.reliable.Receive(a.Response); what {
	case dialog.Next:
		g.prack(now, f, rack)
	case dialog.Repeated, dialog.Gap:
		return false
	}
	d, err := answerIn(a.Response)
	if d != nil {
		err = f.offer.TakeAnswer(d)
	}
	switch {
	case err != nil: // the 2xx may say it better
		f.spoiled = err
		g.c.l.log.Warn("early answer not usable", "id", g.c.info.ID, "response", a.Response, "err", err)
	case d != nil:
		f.spoiled = nil
		g.c.tellMedia(f.offer)
	}
	return true
}

// fork finds or makes the dialog that a response belongs to.
func (g *leg) fork(res *sipmsg.Message) *fork {
	if g.invited != g.req.Msg { // as it is after a challenge
		g.dialogs, g.invited = dialog.NewForks(g.req.Msg), g.req.Msg
	}
	d, _, err := g.dialogs.Receive(res)
	if err != nil {
		if g.c.undialogued++; g.c.undialogued == 1 { // a crowd of forks says it once
			g.c.l.log.Warn("response makes no dialog", "id", g.c.info.ID, "response", res, "err", err)
		}
	}
	if d == nil {
		return nil
	}
	f := g.forks[d]
	if f == nil {
		f = &fork{d: d, offer: g.offer.Fork()}
		g.forks[d] = f
	}
	return f
}

// success takes a 2xx: the first makes the call, any other dialog is ended at once, and
// repetitions are acknowledged again.
func (g *leg) success(now time.Time, a ua.Answer) {
	c := g.c
	f := g.fork(a.Response)
	if f == nil {
		return
	}
	if s := c.sessionOf(f.d); s != nil {
		s.ack.again(now)
		return
	}
	g.drop()
	if c.over || g.abandoned || c.s != nil {
		g.decline(now, f, a)
		return
	}
	c.abandonLegs(now)
	c.info.Server = g.srv.id
	c.signalAnswered(now, g.srv.id)
	if err := f.answeredBy(a.Response); err != nil {
		g.unusable(now, f, a, err)
		return
	}
	s := c.newSession(f.d, f.offer, g.srv.id)
	s.timer = g.timer
	s.allow(a.Response)
	s.ack = s.acknowledge(now, a)
	s.timer.Response(now, a.Response)
	c.report(now, a.Response)
	c.confirmed(now, s)
}

// sessionOf is the session that was made of a dialog, wanted or not.
func (c *Call) sessionOf(d *dialog.Dialog) *session {
	if c.s != nil && c.s.d == d {
		return c.s
	}
	for _, s := range c.strays {
		if s.d == d {
			return s
		}
	}
	return nil
}

// answeredBy takes the answer of a 2xx, which may have come before it.
func (f *fork) answeredBy(res *sipmsg.Message) error {
	d, err := answerIn(res)
	switch {
	case err != nil || d == nil && f.offer.Agreed():
		return err
	case d != nil:
		return f.offer.TakeAnswer(d)
	case f.spoiled != nil:
		return f.spoiled
	}
	return errNoAnswer
}

// errNoAnswer: an offer of ours, and no word to it.
var errNoAnswer = errors.New("no session description came")

// notUsable is why a call ends whose far end answered an offer in a way that cannot be
// followed. There is no response to refuse it with: it is BYE that says so.
func notUsable(err error) Reason {
	return Reason{Code: 488, Text: "the far end's answer is not usable: " + err.Error(), By: FarEnd}
}

// unusable ends a call whose answer is of no use.
func (g *leg) unusable(now time.Time, f *fork, a ua.Answer, err error) {
	g.decline(now, f, a)
	g.c.finish(now, notUsable(err))
}

// decline ends an answered call that nobody wants: ACK and BYE (RFC 3261 section
// 13.2.2.4; the abandoned server's late 2xx).
func (g *leg) decline(now time.Time, f *fork, a ua.Answer) {
	c := g.c
	c.l.log.Info("answer not wanted, ended by BYE", "id", c.info.ID, "server", g.srv.id, "address", g.target)
	s := c.newSession(f.d, f.offer, g.srv.id)
	s.stray = true
	c.l.keep(c) // again, where the call was over and forgotten
	s.ack = s.acknowledge(now, a)
	c.strays = append(c.strays, s)
	s.bye(now)
}

// prack acknowledges a reliable provisional response (RFC 3262 section 4).
func (g *leg) prack(now time.Time, f *fork, rack string) {
	s := g.c.newSession(f.d, f.offer, g.srv.id)
	s.send(now, f.d.Prack(rack), func(time.Time, ua.Answer) {})
}
