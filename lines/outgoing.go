package lines

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// ringLimit is how long a call may wait after a 1xx: timer C of RFC 3261 section 16.6,
// the time after which a proxy may forget the call anyway.
const ringLimit = 3 * time.Minute

// maxRedirects bounds how many 3xx one call follows.
const maxRedirects = 5

// Dial makes a call. Whatever becomes of it is told to d.Handler.
func (l *Line) Dial(d Dial) {
	ok := l.ep.Post(func(now time.Time) {
		c := l.newCall(now)
		c.dial, c.handler, c.media = d, d.Handler, d.Media
		c.info.Port, c.info.Peer = d.Port, d.To
		c.show()
		d.Handler.Started(c)
		c.begin(now)
	})
	if !ok {
		d.Handler.Ended(nil, Reason{Code: 503, Text: "the line is closed"})
	}
}

// begin chooses the first server, or waits for one.
func (c *Call) begin(now time.Time) {
	l := c.l
	if l.stopping || !l.cfg.Enabled {
		c.finish(now, Reason{Code: 503, Text: "the line is switched off"})
		return
	}
	if first := l.reg.First(); first != registrar.None {
		c.try(now, first)
		return
	}
	wait, do := l.reg.Demand(now)
	switch {
	case wait:
		c.waiting, c.from = true, registrar.None
		l.do(now, do)
	case l.cfg.DialWithoutRegistered && l.servers[registrar.Primary] != nil:
		c.try(now, registrar.Primary)
	default:
		c.fail(now, 503, fmt.Errorf("line %d is not registered: %s", l.cfg.N, l.reg.Status(now).Why))
	}
}

// try asks server s. Each of its addresses gets a leg until one answers.
func (c *Call) try(now time.Time, s registrar.Server) {
	l, srv := c.l, c.l.servers[s]
	c.tried[s] = true
	c.info.Server = s
	l.resolve(now, srv, func(now time.Time, err error) {
		switch {
		case c.over:
		case err != nil:
			c.serverFailed(now, s, err)
		default:
			c.tryTargets(now, srv, l.livingFirst(srv.targets))
		}
	})
}

// tryTargets sends the INVITE to the first of targets that is not known to be dead.
func (c *Call) tryTargets(now time.Time, srv *server, targets []transport.Target) {
	last := !c.hasOther(srv.id)
	for i, t := range targets {
		final := last && i == len(targets)-1
		if down, _, cause := c.l.dev.Stack.Health.State(t); down && !final && !c.asksAnyway(srv.id) {
			c.lastErr = fmt.Errorf("%s is known to be down: %w", t, cause)
			continue
		}
		c.invite(now, srv, t, targets[i+1:], final, nil, nil)
		return
	}
	c.serverFailed(now, srv.id, c.lastErr)
}

// asksAnyway reports a server that is asked although it is known to be dead: with Signal
// Failback that is how the line learns that the primary is back.
func (c *Call) asksAnyway(s registrar.Server) bool {
	return c.l.cfg.SignalFailback && s == registrar.Primary && c.l.reg.Current() == registrar.Backup
}

// hasOther reports that another server is left for this call.
func (c *Call) hasOther(s registrar.Server) bool {
	o := s.Other()
	return c.l.servers[o] != nil && !c.tried[o]
}

// serverFailed leaves a server that could not take the call: the registrar makes sure of
// the other one (the document's Invite Failover), then the call goes there.
func (c *Call) serverFailed(now time.Time, s registrar.Server, cause error) {
	c.lastErr = cause
	c.waiting, c.from = true, s
	c.l.do(now, c.l.reg.RequestFailed(now, s, cause))
}

// serverRefused is serverFailed for a 500 or 503: it moves this call, and the line only
// if a REGISTER fails too.
func (c *Call) serverRefused(now time.Time, s registrar.Server, cause error) {
	c.lastErr = cause
	c.waiting, c.from = true, s
	c.l.do(now, c.l.reg.RequestRefused(now, s, cause))
}

// settled goes on with a call that waited for the registrar.
func (c *Call) settled(now time.Time) {
	if c.s != nil {
		c.s.settled(now)
	}
	for _, s := range c.strays {
		s.settled(now)
	}
	if !c.waiting || c.over {
		return
	}
	next := c.l.reg.Current()
	if c.from != registrar.None {
		next = c.from.Other()
	}
	switch {
	case next != registrar.None && !c.tried[next] && c.l.servers[next] != nil && c.l.reg.Usable(now, next):
		c.waiting = false
		c.try(now, next)
	case c.l.reg.Hunting():
	default:
		c.waiting = false
		cause := c.lastErr
		if cause == nil {
			cause = errors.New(c.l.reg.Status(now).Why)
		}
		c.fail(now, 503, cause)
	}
}

// fail ends a call that could not be made.
func (c *Call) fail(now time.Time, code int, cause error) {
	if r := c.dial.referrer; r != nil {
		r.notify(now, code, "")
	}
	c.l.log.Warn("call failed", "id", c.info.ID, "to", c.dial.To, "code", code, "cause", cause)
	c.finish(now, Reason{Code: code, Text: cause.Error()})
}

// A leg is one INVITE of a call, with all that its forks answer.
type leg struct {
	c         *Call
	srv       *server
	target    transport.Target
	others    []transport.Target // of the same server, not asked yet
	final     bool               // nobody is left to ask after it
	req       *ua.Request
	offer     *offer.Session
	body      []byte
	timer     dialog.SessionTimer
	dialogs   *dialog.Forks
	invited   *sipmsg.Message // what dialogs are forks of
	forks     map[*dialog.Dialog]*fork
	patience  time.Time // a 100 alone is not enough after this
	heard     int       // highest provisional status
	abandoned bool      // cancelled, or given up: a 2xx is answered by BYE
	redirects int
}

// A fork is one early dialog of a leg (RFC 3261 section 13.2.2).
type fork struct {
	d        *dialog.Dialog
	offer    *offer.Session
	reliable dialog.Provisionals
}

// invite sends an INVITE with its own Call-ID and tag. to overrides the number, for a
// redirected call; again is the leg whose answer asked for this one.
func (c *Call) invite(now time.Time, srv *server, t transport.Target, others []transport.Target, final bool, to *sipmsg.URI, again *leg) {
	l := c.l
	g := &leg{c: c, srv: srv, target: t, others: others, final: final, forks: map[*dialog.Dialog]*fork{}}
	g.offer = offer.New(l.capabilities(), offer.Local{})
	uri := c.requestURI(srv)
	if to != nil {
		uri = *to
	}
	m := &sipmsg.Message{
		Method: sipmsg.INVITE, RequestURI: uri,
		From:   sipmsg.Addr{Display: l.cfg.DisplayName, URI: l.aor(srv)}.WithTag(ua.NewTag()),
		To:     sipmsg.Addr{URI: withoutPort(uri)},
		CallID: ua.NewTag() + "@" + l.aor(srv).Host, CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.INVITE},
		Route: srv.route,
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Allow", allowed)
	m.Header.Add("Supported", "100rel, replaces, norefersub")
	if c.dial.replaces != "" {
		m.Header.Add("Replaces", c.dial.replaces)
		m.Header.Add("Require", "replaces")
	}
	if c.dial.referredBy != "" {
		m.Header.Add("Referred-By", c.dial.referredBy)
	}
	g.timer = dialog.SessionTimer{Want: l.sessionExpires()}
	if again != nil {
		g.redirects, g.timer = again.redirects, again.timer
	}
	g.timer.Request(m)
	g.req = &ua.Request{
		Msg: m, Target: t, Contact: true, Own: true, Server: srv.id.String(),
		Retransmissions: l.retransmissions(final),
		Prepare:         g.prepare,
		On:              g.on,
	}
	c.info.SIPCallID = m.CallID
	c.legs = append(c.legs, g)
	l.ep.Send(now, g.req)
	c.show()
}

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
	m.Header.Set("Content-Type", "application/sdp")
	m.Body = g.body
}

// requestURI is the number at the server's domain.
func (c *Call) requestURI(srv *server) sipmsg.URI {
	if u, ok := fullURI(c.dial.To); ok {
		return u
	}
	return sipmsg.URI{Scheme: "sip", User: c.dial.To, Host: srv.domain.Host, Port: srv.domain.Port}
}

// fullURI reads what is dialled as user@host or a sip URI; ok is false for a number.
func fullURI(to string) (u sipmsg.URI, ok bool) {
	if !strings.Contains(to, "@") && !strings.HasPrefix(to, "sip:") {
		return u, false
	}
	if !strings.HasPrefix(to, "sip:") && !strings.HasPrefix(to, "sips:") {
		to = "sip:" + to
	}
	u, err := sipmsg.ParseURI(to)
	return u, err == nil
}

func withoutPort(u sipmsg.URI) sipmsg.URI {
	u = u.Clone()
	u.Port = 0
	return u
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
		g.abandoned = true
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
}

func (g *leg) provisional(now time.Time, a ua.Answer) {
	c, code := g.c, a.Response.StatusCode
	g.heard = max(g.heard, code)
	if g.abandoned || c.over {
		return
	}
	if code == 100 {
		if g.heard == 100 && !g.final && g.patience.IsZero() {
			span := transaction.Span(c.l.dev.Timers, sipmsg.INVITE, c.l.cfg.SignalRetryCounts)
			g.patience = now.Add(2 * span)
		}
		if g.final && c.ringBy.IsZero() {
			c.ringBy = now.Add(ringLimit)
		}
		return
	}
	// The server works on it: from here on the call is not sent again.
	g.patience = time.Time{}
	c.ringBy = now.Add(ringLimit)
	c.signalAnswered(now, g.srv.id)
	g.early(now, a)
	state := Proceeding
	if code == 180 {
		state = Ringing
	}
	if c.info.State != Ringing || state == Ringing {
		c.setState(state)
	}
	if code == 180 && c.handler != nil {
		c.handler.Ringing(c)
	}
	c.report(now, a.Response)
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
	c := g.c
	g.patience = time.Time{}
	g.abandoned = true
	g.cancel(now)
	g.next(now, fmt.Errorf("INVITE at %s: 100 Trying and then silence", g.target), c.serverFailed)
}

// cancel sends the CANCEL. Its timeout is a sign of a dead server, as the document says.
func (g *leg) cancel(now time.Time) {
	l, id := g.c.l, g.srv.id
	l.ep.Cancel(now, g.req, l.cfg.SignalRetryCounts, func(now time.Time, a ua.Answer) {
		if cause := a.Unavailable(); cause != nil && a.Response == nil && !errors.Is(cause, ua.ErrCancelled) {
			l.do(now, l.reg.KeepaliveFailed(now, id, cause))
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
	switch {
	case res.StatusCode < 400 && g.redirects < maxRedirects && len(res.Contact) > 0 && res.Contact[0].URI.Scheme == "sip":
		to := res.Contact[0].URI.Clone()
		g.redirects++
		c.invite(now, g.srv, g.target, nil, g.final, &to, g)
		return
	case res.StatusCode == 422 && g.timer.TooBrief(res):
		to := g.req.Msg.RequestURI
		c.invite(now, g.srv, g.target, nil, g.final, &to, g)
		return
	}
	c.report(now, res)
	text := fmt.Sprintf("%d %s", res.StatusCode, res.Reason)
	if a.Err != nil {
		text += ": " + a.Err.Error()
	}
	c.finish(now, Reason{Code: res.StatusCode, Text: text})
}
