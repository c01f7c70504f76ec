package lines

import (
	"errors"
	"fmt"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// Transfer sends the far end elsewhere without asking there first (RFC 3515, RFC 5589
// section 6). done, which may be nil, learns on the line's goroutine whether it worked;
// on success the call is over.
func (c *Call) Transfer(to string, done func(err error)) {
	c.post(func(now time.Time) {
		if c.s == nil {
			tell(done, errNotUp)
			return
		}
		u := c.requestURIAt(to)
		c.s.refer(now, sipmsg.Addr{URI: u}, nil, done)
	})
}

// TransferTo connects the far ends of two calls of the device (RFC 5589 section 7): the
// one of c is asked to replace this device in other.
func (c *Call) TransferTo(other *Call, done func(err error)) {
	ok := other.l.ep.Post(func(time.Time) {
		if other.s == nil || other.over {
			tell(done, errNotUp)
			return
		}
		target := sipmsg.Addr{URI: other.s.d.Target.Clone()}
		target.URI.Params.Del("transport")
		replaces := dialog.ReplacesFor(other.s.d)
		c.post(func(now time.Time) {
			if c.s == nil {
				tell(done, errNotUp)
				return
			}
			c.s.refer(now, target, &replaces, done)
		})
	})
	if !ok {
		tell(done, errNotUp)
	}
}

var errNotUp = errors.New("the call is not up")

func tell(done func(error), err error) {
	if done != nil {
		done(err)
	}
}

// requestURIAt is a number at the domain of the call's server.
func (c *Call) requestURIAt(to string) sipmsg.URI {
	if u, ok := fullURI(to); ok {
		return u
	}
	srv := c.l.servers[c.info.Server]
	if srv == nil {
		return sipmsg.URI{Scheme: "sip", User: to, Host: c.s.d.Target.Host}
	}
	return sipmsg.URI{Scheme: "sip", User: to, Host: srv.domain.Host, Port: srv.domain.Port}
}

// A transfer is a REFER of ours and who wants to know how it goes.
type transfer struct {
	*dialog.Transfer
	done func(error)
}

// refer sends the REFER and waits for the NOTIFY that tells how it went.
func (s *session) refer(now time.Time, to sipmsg.Addr, replaces *dialog.Replaces, done func(error)) {
	if s.transfer != nil {
		tell(done, errors.New("a transfer is under way"))
		return
	}
	m := s.d.Request(sipmsg.REFER)
	dialog.Refer(m, to, replaces, s.d.Local.URI)
	s.transfer = &transfer{dialog.NewTransfer(now, m), done}
	s.send(now, m, func(now time.Time, a ua.Answer) {
		switch {
		case s.transfer == nil:
		case a.Response == nil:
			s.transferred(now, a.Err)
		case a.Response.IsProvisional():
		case a.Response.IsSuccess():
			s.transfer.Accepted(a.Response)
			if s.transfer.Quiet {
				s.transferred(now, nil)
			}
		default:
			s.transferred(now, fmt.Errorf("REFER refused: %d %s", a.Response.StatusCode, a.Response.Reason))
		}
	})
}

// transferNotified takes the NOTIFYs of our REFER's implicit subscription.
func (s *session) transferNotified(now time.Time, in *ua.Incoming) {
	if s.transfer == nil {
		in.Respond(now, 481, "")
		return
	}
	code, status, done := s.transfer.Notify(now, in.Req)
	in.Respond(now, code, "")
	switch {
	case !done:
	case status >= 300:
		s.transferred(now, fmt.Errorf("the transfer failed: %d %s", status, sipmsg.Phrase(status)))
	case status < 200:
		s.transferred(now, errors.New("the far end does not tell how the transfer went"))
	default:
		s.transferred(now, nil)
	}
}

// transferred ends a transfer, and with success the call.
func (s *session) transferred(now time.Time, err error) {
	done := s.transfer.done
	s.transfer = nil
	tell(done, err)
	if err == nil {
		s.bye(now)
		s.c.finish(now, Reason{Text: "transferred", Local: true})
	}
}

// referred takes a REFER: the far end asks us to call somebody else.
func (s *session) referred(now time.Time, in *ua.Incoming) {
	r, code := dialog.ParseRefer(now, in.Req, !s.referredBefore)
	if code != 0 {
		in.Respond(now, code, "")
		return
	}
	d := Dial{To: r.Target.URI.String(), Port: s.c.info.Port, referrer: s, referredBy: r.ReferredBy}
	if r.Replaces != nil {
		d.replaces = r.Replaces.String()
	}
	if s.c.handler == nil || s.c.over || s.referral != nil || !s.c.handler.Referred(s.c, d) {
		in.Respond(now, 603, "")
		return
	}
	s.referredBefore = true
	res := in.Response(202, "")
	r.Accept(res)
	in.RespondWith(now, res)
	if !r.Done() {
		s.referral = r
		s.notify(now, 100, "")
	}
}

// report tells the one who referred us how the new call goes.
func (c *Call) report(now time.Time, res *sipmsg.Message) {
	if r := c.dial.referrer; r != nil && res.StatusCode > 100 {
		r.notify(now, res.StatusCode, res.Reason)
	}
}

// notify sends a NOTIFY with the status of a referred call.
func (s *session) notify(now time.Time, code int, reason string) {
	if s.referral == nil || s.ended {
		return
	}
	m := s.d.Request(sipmsg.NOTIFY)
	s.referral.Notify(now, m, code, reason)
	if s.referral.Done() {
		s.referral = nil
	}
	s.send(now, m, func(time.Time, ua.Answer) {})
}

// expireTransfers acts on subscriptions of transfers that run out.
func (s *session) expireTransfers(now time.Time) {
	if s.transfer != nil && due(now, s.transfer.Deadline()) && s.transfer.Expire(now) {
		s.transferred(now, errors.New("the far end does not tell how the transfer went"))
	}
	if s.referral != nil && due(now, s.referral.Deadline()) && s.referral.Expire(now) {
		m := s.d.Request(sipmsg.NOTIFY)
		s.referral.Timeout(m)
		s.referral = nil
		s.send(now, m, func(time.Time, ua.Answer) {})
	}
}

// replace lets an incoming call take the place of one of ours (RFC 3891): the old one
// ends, the new one is answered at once by the same handler.
func (c *Call) replace(now time.Time, r *dialog.Replaces, code int) {
	var old *Call
	var d *dialog.Dialog
	for x := range c.l.calls {
		if r != nil && x.s != nil && r.Match(x.s.d) {
			old, d = x, x.s.d
		}
	}
	if code == 0 {
		code = r.Judge(d)
	}
	if code == 0 && old.over {
		code = 603
	}
	if code != 0 {
		c.refuse(now, code, Reason{Code: code, Text: "cannot take the place of another call: " + sipmsg.Phrase(code)})
		return
	}
	c.handler, c.media, c.info.Port = old.handler, old.media, old.info.Port
	old.handler = nil
	c.handler.Started(c)
	c.answer(now)
	old.s.bye(now)
	old.finish(now, Reason{Text: "replaced by another call"})
}
