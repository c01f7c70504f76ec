package lines

import (
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// early takes a provisional response above 100: the early dialog of its fork, early
// media, and the PRACK it may want (RFC 3262).
func (g *leg) early(now time.Time, a ua.Answer) {
	res := a.Response
	if res.To.Tag() == "" {
		return
	}
	f := g.fork(res)
	if f == nil {
		return
	}
	switch what, rack := f.reliable.Receive(res); what {
	case dialog.Next:
		g.prack(now, f, rack)
	case dialog.Repeated, dialog.Gap:
		return
	}
	if d := sdpOf(res); d != nil && f.offer.TakeAnswer(d) == nil {
		g.c.tellMedia(f.offer)
	}
}

// fork finds or makes the dialog that a response belongs to.
func (g *leg) fork(res *sipmsg.Message) *fork {
	if g.invited != g.req.Msg { // as it is after a challenge
		g.dialogs, g.invited = dialog.NewForks(g.req.Msg), g.req.Msg
	}
	d, _, err := g.dialogs.Receive(res)
	if err != nil {
		g.c.l.log.Warn("response makes no dialog", "id", g.c.info.ID, "response", res, "err", err)
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

// sdpOf reads the session description of a message; nil without one, or when it cannot
// be read.
func sdpOf(m *sipmsg.Message) *offer.Description {
	if len(m.Body) == 0 {
		return nil
	}
	if t, _ := m.ContentType(); t != "application/sdp" {
		return nil
	}
	d, err := offer.Parse(m.Body)
	if err != nil {
		return nil
	}
	return d
}

// success takes a 2xx: the first makes the call, any other dialog is ended at once, and
// repetitions are acknowledged again.
func (g *leg) success(now time.Time, a ua.Answer) {
	c := g.c
	f := g.fork(a.Response)
	if f == nil {
		return
	}
	for _, s := range append(c.strays, c.s) {
		if s != nil && s.d == f.d {
			s.acknowledgeAgain()
			return
		}
	}
	if c.over || g.abandoned || c.s != nil {
		g.decline(now, f, a)
		return
	}
	g.drop()
	c.abandonLegs(now)
	c.info.Server = g.srv.id
	c.signalAnswered(now, g.srv.id)
	d := sdpOf(a.Response)
	if d != nil {
		if err := f.offer.TakeAnswer(d); err != nil {
			g.decline(now, f, a)
			c.finish(now, Reason{Code: 488, Text: "answer not usable: " + err.Error()})
			return
		}
	} else if f.offer.Audio() == nil {
		g.decline(now, f, a)
		c.finish(now, Reason{Code: 488, Text: "answered without a session description"})
		return
	}
	s := c.newSession(f.d, f.offer, g.srv.id)
	s.timer = g.timer
	s.allow(a.Response)
	s.acknowledge(now, g.req.Msg, a)
	s.timer.Response(now, a.Response)
	c.report(now, a.Response)
	c.confirmed(now, s)
}

// decline ends an answered call that nobody wants: ACK and BYE (RFC 3261 section
// 13.2.2.4; the abandoned server's late 2xx).
func (g *leg) decline(now time.Time, f *fork, a ua.Answer) {
	c := g.c
	c.l.log.Info("answer not wanted, ended by BYE", "id", c.info.ID, "server", g.srv.id, "address", g.target)
	s := &session{l: c.l, c: c, d: f.d, offer: f.offer, server: g.srv.id, stray: true}
	s.acknowledge(now, g.req.Msg, a)
	c.strays = append(c.strays, s)
	s.bye(now)
}

// prack acknowledges a reliable provisional response (RFC 3262 section 4).
func (g *leg) prack(now time.Time, f *fork, rack string) {
	s := &session{l: g.c.l, c: g.c, d: f.d, offer: f.offer, server: g.srv.id}
	s.send(now, f.d.Prack(rack), func(time.Time, ua.Answer) {})
}
