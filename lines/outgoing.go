package lines

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// ringLimit is how long a call may wait after a 1xx: timer C of RFC 3261 section 16.6,
// the time after which a proxy may forget the call anyway.
const ringLimit = 3 * time.Minute

// Dial makes a call. Whatever becomes of it is told to d.Handler.
func (l *Line) Dial(d Dial) {
	ok := l.ep.Post(func(now time.Time) {
		c := l.newCall(now)
		c.dial, c.handler, c.media = d, d.Handler, d.Media
		c.info.Port, c.info.Peer = d.Port, d.To
		c.show()
		c.referrer(now, (*session).referredCallBegins)
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
	switch {
	case l.ended:
		c.finish(now, Reason{Code: 503, Text: "the line is closed"})
		return
	case l.stopping, !l.cfg.Enabled:
		c.fail(now, Here, 503, errors.New("the line is switched off"))
		return
	case !l.usable():
		c.fail(now, Here, 503, errors.New("the line has no server"))
		return
	}
	if err := c.permit(now); err != nil {
		c.fail(now, Here, 403, err)
		return
	}
	first := l.reg.First()
	if first == registrar.None && c.needsNoBinding() {
		first = registrar.Primary
	}
	if first != registrar.None {
		c.try(now, first)
		return
	}
	wait, do := l.reg.Demand(now)
	if !wait {
		c.fail(now, Network, 503, errors.New(l.reg.Status().Why))
		return
	}
	c.waiting, c.from = true, registrar.None
	c.traceWait(now, registrar.None)
	l.do(now, do)
}

// needsNoBinding reports a call that may be made without a registration.
func (c *Call) needsNoBinding() bool { return c.dial.Emergency || c.l.cfg.DialWithoutRegistered }

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
			c.tryTargets(now, srv, l.callOrder(srv))
		}
	})
}

// tryTargets sends the INVITE to the first of targets that is not known to be dead.
func (c *Call) tryTargets(now time.Time, srv *server, targets []transport.Target) {
	last := !c.hasOther(srv.id)
	for i, t := range targets {
		to := invitation{srv: srv, target: t, others: targets[i+1:], final: last && i == len(targets)-1 && len(c.skipped) == 0}
		if cause := c.avoid(srv, t); cause != nil && !to.final {
			c.lastErr = cause
			c.event(now, t.Addr, "%s is not asked: %v", srv.id, cause)
			c.skip(to)
			continue
		}
		c.invite(now, to)
		return
	}
	c.serverFailed(now, srv.id, c.lastErr)
}

// skip leaves an address out that is known to be dead. An emergency call comes back to it when
// nobody else is left: what is known may be out of date.
func (c *Call) skip(to invitation) {
	if c.dial.Emergency {
		to.others = nil
		c.skipped = append(c.skipped, to)
	}
}

// tryProvenDead asks the next address that was skipped, and reports that there was one.
func (c *Call) tryProvenDead(now time.Time) bool {
	if len(c.skipped) == 0 {
		return false
	}
	to := c.skipped[0]
	c.skipped = c.skipped[1:]
	to.final = len(c.skipped) == 0
	c.info.Server = to.srv.id
	c.invite(now, to)
	return true
}

// avoid says why not to ask a target while another is left. With signal_failback a call
// looks for itself whether the primary has returned.
func (c *Call) avoid(srv *server, t transport.Target) error {
	l := c.l
	if l.cfg.SignalFailback && srv.id == registrar.Primary && l.reg.Current() == registrar.Backup {
		return nil
	}
	if srv.suspect {
		return fmt.Errorf("%s left a request unanswered", t)
	}
	if down, _, cause := l.dev.Stack.Health.State(t); down {
		return fmt.Errorf("%s is known to be down: %w", t, cause)
	}
	return nil
}

// hasOther reports that another server is left for this call.
func (c *Call) hasOther(s registrar.Server) bool {
	o := s.Other()
	return c.l.servers[o] != nil && !c.tried[o]
}

// serverFailed leaves a server that could not take the call: the registrar makes sure of
// the other one (the document's Invite Failover), then the call goes there.
func (c *Call) serverFailed(now time.Time, s registrar.Server, cause error) {
	if !c.leave(now, s, cause) {
		c.fail(now, Network, 503, cause)
	}
	c.l.do(now, c.l.reg.RequestFailed(now, s, cause))
}

// leave turns away from a server and reports whether there is another: the call waits for the
// registrar to settle, or being an emergency goes there at once.
func (c *Call) leave(now time.Time, s registrar.Server, cause error) bool {
	c.lastErr = cause
	switch other := c.hasOther(s); {
	case c.dial.Emergency && other:
		c.try(now, s.Other())
		return true
	case c.dial.Emergency:
		return c.tryProvenDead(now)
	default:
		c.waiting, c.from = other, s
		if other {
			c.traceWait(now, s.Other())
		}
		return other
	}
}

// serverRefused is serverFailed for a 500 or 503: it moves this call, and the line only
// if a REGISTER fails too.
func (c *Call) serverRefused(now time.Time, s registrar.Server, cause error) {
	if !c.leave(now, s, cause) {
		c.fail(now, Network, 503, cause)
		return
	}
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
	case next != registrar.None && (c.l.reg.Usable(now, next) || c.needsNoBinding()):
		c.waiting = false
		c.try(now, next)
	case !c.l.reg.Hunting():
		c.waiting = false
		cause := c.lastErr
		if cause == nil {
			cause = errors.New(c.l.reg.Status().Why)
		}
		c.fail(now, Network, 503, cause)
	}
}

// fail ends a call that could not be made.
func (c *Call) fail(now time.Time, by Ender, code int, cause error) {
	c.finish(now, Reason{Code: code, Text: cause.Error(), By: by})
}

// requestURI is the number at the server's domain.
func (c *Call) requestURI(srv *server) sipmsg.URI {
	return c.uriAt(c.dial.To, srv)
}

// uriAt is a number at a server's domain, or the address that it is already.
func (c *Call) uriAt(to string, srv *server) sipmsg.URI {
	if u, ok := fullURI(to); ok {
		return u
	}
	if strings.HasPrefix(to, "tel:") {
		to = strings.Map(unmarked, sipmsg.UserOf(to))
	}
	return sipmsg.URI{Scheme: "sip", User: to, Host: srv.domain.Host, Port: srv.domain.Port}
}

// unmarked drops the marks that people put between digits: RFC 3966 section 5.1.1 has them mean nothing.
func unmarked(r rune) rune {
	if strings.ContainsRune("-.()", r) {
		return -1
	}
	return r
}

// fullURI reads what is dialled as user@host or a sip URI; ok is false for a number.
func fullURI(to string) (u sipmsg.URI, ok bool) {
	switch {
	case strings.HasPrefix(to, "sip:"), strings.HasPrefix(to, "sips:"):
	case strings.Contains(to, "@"):
		to = "sip:" + to
	default:
		return u, false
	}
	u, err := sipmsg.ParseURI(to)
	return u, err == nil
}
