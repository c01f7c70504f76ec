package lines

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// maxRedirects bounds how many 3xx one call follows.
const maxRedirects = 5

// An invitation says where an INVITE goes.
type invitation struct {
	srv    *server
	target transport.Target
	others []transport.Target // of the same server, not asked yet
	final  bool               // nobody is left to ask after it

	to        *sipmsg.URI // instead of the number that was dialled: a redirected call
	redirects int
	been      []sipmsg.URI // targets that redirected it

	insists bool // on SRTP: what was offered beside plain sound was refused
}

// A leg is one INVITE of a call, with all that its forks answer.
type leg struct {
	invitation
	c           *Call
	req         *ua.Request
	offer       *offer.Session
	body        []byte
	timer       dialog.SessionTimer
	dialogs     *dialog.Forks
	invited     *sipmsg.Message // what dialogs are forks of
	forks       map[*dialog.Dialog]*fork
	patience    time.Time      // a 100 alone is not enough after this
	heard       int            // highest provisional status
	abandoned   bool           // cancelled, or given up: a 2xx is answered by BYE
	overtaking  []*ua.Incoming // requests that have overtaken its 2xx
	overtakenBy time.Time
}

// invite sends an INVITE with its own Call-ID and tag.
func (c *Call) invite(now time.Time, to invitation) {
	c.inviteWith(now, to, dialog.SessionTimer{Want: c.l.sessionExpires()})
}

func (c *Call) inviteWith(now time.Time, to invitation, timer dialog.SessionTimer) {
	l := c.l
	if cause := l.tooClear(to.target.Proto, c.dial.Emergency); cause != nil {
		c.fail(now, Here, 488, cause)
		return
	}
	g := &leg{invitation: to, c: c, timer: timer, forks: map[*dialog.Dialog]*fork{}}
	caps := c.capabilities(to.target.Proto)
	if to.insists {
		caps.Security = offer.Encrypted
	}
	g.offer = offer.New(caps, offer.Local{})
	g.offer.SetMode(c.media.Want)
	uri := c.requestURI(to.srv)
	if to.to != nil {
		uri = *to.to
	}
	m := &sipmsg.Message{
		Method: sipmsg.INVITE, RequestURI: uri, To: sipmsg.Addr{URI: uri},
		CallID: ua.NewTag() + "@" + to.srv.domain.Host, CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.INVITE},
		Route: to.srv.route,
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Allow", allowed)
	m.Header.Add("Supported", supported)
	c.identify(m, to.srv)
	m.From = m.From.WithTag(ua.NewTag())
	if c.dial.replaces != "" {
		m.Header.Add("Replaces", c.dial.replaces)
		m.Header.Add("Require", "replaces")
	}
	if c.dial.referredBy != "" {
		m.Header.Add("Referred-By", c.dial.referredBy)
	}
	g.timer.Request(m)
	g.req = &ua.Request{
		Msg: m, Target: to.target, Contact: true, Own: true, Server: to.srv.id.String(),
		Retransmissions: l.retransmissions(to.final),
		Prepare:         g.prepare,
		On:              g.on,
	}
	c.info.SIPCallID = m.CallID
	c.legs = append(c.legs, g)
	c.traceLeg(m, to)
	l.ep.Send(now, g.req)
	c.show()
}

// supported lists the extensions of the line; timer is added by SessionTimer.
const supported = "100rel, replaces, norefersub"

// prepare writes the offer once the flow, and so our own address, is known.
func (g *leg) prepare(m *sipmsg.Message, f transport.Flow) {
	if g.body == nil {
		g.offer.SetLocal(g.c.local(g.c.l.ep.Address(f).Addr()))
		d, err := g.offer.Offer()
		if err != nil {
			return
		}
		g.body = d.Bytes()
	}
	m.SetBody(sdpType, g.body)
}

// on takes what becomes of the INVITE.
func (g *leg) on(now time.Time, a ua.Answer) {
	switch {
	case a.Response == nil:
		g.lost(now, a.Err)
	case a.Response.IsProvisional():
		g.provisional(now, a)
	case a.Response.IsSuccess():
		g.success(now, a)
	default:
		g.refused(now, a)
	}
}

// lost: nobody answered, or the way is gone.
func (g *leg) lost(now time.Time, cause error) {
	c := g.c
	g.drop()
	if c.over || g.abandoned {
		c.tidy(now)
		return
	}
	g.abandoned = true // a late 2xx finds nobody waiting
	g.next(now, cause, c.serverFailed)
}

// next asks the server's next address, or leaves the server.
func (g *leg) next(now time.Time, cause error, leave func(time.Time, registrar.Server, error)) {
	c := g.c
	c.lastErr = cause
	c.l.log.Warn("server does not take the call", "id", c.info.ID, "server", g.srv.id, "address", g.target, "cause", cause)
	c.event(now, g.target.Addr, "%s: %v; %s", g.srv.id, cause, c.whatNext(g))
	if len(g.others) > 0 {
		c.tryTargets(now, g.srv, g.others)
		return
	}
	leave(now, g.srv.id, cause)
}

// drop takes the leg out of the call.
func (g *leg) drop() {
	legs := g.c.legs[:0]
	for _, x := range g.c.legs {
		if x != g {
			legs = append(legs, x)
		}
	}
	g.c.legs = legs
	g.patience = time.Time{}
	if len(g.overtaking) > 0 {
		g.c.l.ep.Post(g.takeOvertaken) // once the dialog is there, if one comes of it
	}
}

func (g *leg) provisional(now time.Time, a ua.Answer) {
	c, code := g.c, a.Response.StatusCode
	g.heard = max(g.heard, code)
	if g.abandoned || c.over {
		return
	}
	if code == 100 {
		g.trying(now)
		return
	}
	if !g.early(now, a) {
		return
	}
	// The server works on it: from here on the call is not sent again.
	g.patience = time.Time{}
	c.ringBy = now.Add(ringLimit)
	c.signalAnswered(now, g.srv.id)
	switch {
	case code == 180:
		c.setState(Ringing)
		if c.handler != nil {
			c.handler.Ringing(c)
		}
	case c.info.State != Ringing:
		c.setState(Proceeding)
	}
	c.report(now, a.Response)
}

// trying takes a 100. It says no more than that the next hop lives: two spans of silence
// after it, and another server is asked, if there is one.
func (g *leg) trying(now time.Time) {
	c := g.c
	switch {
	case g.final:
		if c.ringBy.IsZero() {
			c.ringBy = now.Add(ringLimit)
		}
	case g.heard == 100 && g.patience.IsZero():
		span := transaction.Span(c.l.dev.Timers, sipmsg.INVITE, c.l.cfg.SignalRetryCounts)
		g.patience = now.Add(2 * span)
	}
}

// signalAnswered tells the registrar that the primary works while the line is at the
// backup (signal_failback).
func (c *Call) signalAnswered(now time.Time, s registrar.Server) {
	if s == registrar.Primary && c.l.cfg.SignalFailback {
		c.l.do(now, c.l.reg.PrimaryAnswered(now))
	}
}

// impatient gives up a server that said 100 and nothing else for two spans: CANCEL, and
// the other server.
func (g *leg) impatient(now time.Time) {
	g.patience = time.Time{}
	g.abandoned = true
	g.cancel(now)
	g.next(now, fmt.Errorf("INVITE at %s: 100 Trying and then silence", g.target), g.c.serverFailed)
}

// cancel sends the CANCEL. Its timeout is a sign of a dead server, as the document says.
func (g *leg) cancel(now time.Time) {
	l, id := g.c.l, g.srv.id
	l.ep.Cancel(now, g.req, l.cfg.SignalRetryCounts, func(now time.Time, a ua.Answer) {
		if a.Response == nil && !errors.Is(a.Err, ua.ErrCancelled) {
			l.do(now, l.reg.KeepaliveFailed(now, id, a.Err))
		}
	})
}

// abandonLegs gives up everything that has not been answered.
func (c *Call) abandonLegs(now time.Time) {
	c.ringBy = time.Time{}
	for _, g := range append([]*leg(nil), c.legs...) {
		g.patience = time.Time{}
		if !g.abandoned {
			g.abandoned = true
			g.cancel(now)
		}
	}
}

// refused takes a final response of 300 or more.
func (g *leg) refused(now time.Time, a ua.Answer) {
	c, res := g.c, a.Response
	g.drop()
	if c.over || g.abandoned {
		c.tidy(now)
		return
	}
	if cause := a.Unavailable(); cause != nil && g.heard <= 100 {
		g.abandoned = true
		g.next(now, fmt.Errorf("INVITE at %s: %w", g.target, cause), c.serverRefused)
		return
	}
	c.signalAnswered(now, g.srv.id)
	again := g.invitation
	again.been = append(slices.Clone(g.been), g.req.Msg.RequestURI)
	to := elsewhere(res, again.been)
	switch {
	case res.StatusCode < 400 && g.redirects < maxRedirects && to != nil:
		// By way of our server, which knows how to get there.
		if err := c.permitSentOn(now, to.String()); err != nil {
			c.fail(now, Here, 403, err)
			return
		}
		again.to = to
		again.redirects++
		c.invite(now, again)
		return
	case g.mayInsist(res):
		again = g.invitation
		again.insists = true
		c.invite(now, again)
		return
	case res.StatusCode == 422 && g.timer.TooBrief(res):
		c.inviteWith(now, g.invitation, g.timer)
		return
	}
	c.report(now, res)
	text := sipmsg.Told(res.StatusCode, res.Reason) + because(res)
	if a.Err != nil {
		text += ": " + a.Err.Error()
	}
	c.finish(now, Reason{Code: res.StatusCode, Text: text, By: FarEnd, Cause: causeOf(res)})
}

// elsewhere is the first Contact of a redirection that has not been asked; nil without one. RFC
// 3261 section 8.1.3.4: no target may be added to those of a request a second time.
func elsewhere(res *sipmsg.Message, been []sipmsg.URI) *sipmsg.URI {
	for _, c := range res.Contact {
		to := c.URI.Clone()
		to.Headers = ""
		if to.Scheme == "sip" && !slices.ContainsFunc(been, to.Equal) {
			return &to
		}
	}
	return nil
}
