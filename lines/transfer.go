package lines

import (
	"errors"
	"fmt"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// Transfer sends the far end elsewhere without asking there first (RFC 3515, RFC 5589
// section 6). done, which may be nil, learns on the line's goroutine whether it worked;
// on success the call is over. heard, which may be nil too, learns meanwhile what the far end
// tells of the call that it makes: 100, 180.
func (c *Call) Transfer(to string, heard func(status int), done func(err error)) {
	c.whenUp(done, func(now time.Time) {
		if err := c.l.permit(now, to); err != nil {
			tell(done, err)
			return
		}
		c.s.refer(now, sipmsg.Addr{URI: c.requestURIAt(to)}, nil, heard, done)
	})
}

// TransferTo connects the far ends of two calls of the device (RFC 5589 section 7): the
// one of c is asked to replace this device in other.
func (c *Call) TransferTo(other *Call, done func(err error)) {
	other.whenUp(done, func(time.Time) {
		target := sipmsg.Addr{URI: other.s.d.Target.Clone()}
		target.URI.Params.Del("transport")
		replaces := dialog.ReplacesFor(other.s.d)
		c.whenUp(done, func(now time.Time) { c.s.refer(now, target, &replaces, nil, done) })
	})
}

// whenUp runs fn on the line's goroutine; without a call that is up done hears it.
func (c *Call) whenUp(done func(error), fn func(now time.Time)) {
	ok := c.l.ep.Post(func(now time.Time) {
		if c.over || c.s == nil || c.l.ended {
			tell(done, errNotUp)
			return
		}
		fn(now)
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
	if srv := c.l.servers[c.info.Server]; srv != nil {
		return c.uriAt(to, srv)
	}
	if u, ok := fullURI(to); ok {
		return u
	}
	return sipmsg.URI{Scheme: "sip", User: to, Host: c.s.d.Target.Host}
}

// A transfer is a REFER of ours and who wants to know how it goes.
type transfer struct {
	*dialog.Transfer
	begun    time.Time
	accepted bool
	heard    func(status int) // nil: nobody asks
	done     func(error)
}

// refer sends the REFER and waits for the NOTIFY that tells how it went.
func (s *session) refer(now time.Time, to sipmsg.Addr, replaces *dialog.Replaces, heard func(int), done func(error)) {
	if s.transfer != nil {
		tell(done, errors.New("a transfer is under way"))
		return
	}
	m := s.d.Request(sipmsg.REFER)
	dialog.Refer(m, to, replaces, s.d.Local.URI)
	t := &transfer{Transfer: dialog.NewTransfer(now, m), begun: now, heard: heard, done: done}
	s.transfer = t
	s.send(now, m, func(now time.Time, a ua.Answer) {
		switch {
		case s.transfer != t:
		case a.Response == nil:
			s.transferred(now, a.Err)
		case a.Response.IsProvisional():
		case a.Response.IsSuccess():
			t.accepted = true
			t.Accepted(a.Response)
			if t.Quiet {
				s.transferred(now, nil)
			}
		default:
			s.transferred(now, fmt.Errorf("REFER refused: %s", sipmsg.Told(a.Response.StatusCode, a.Response.Reason)))
		}
	})
}

// again is dialog.Again for a request of the session. The notifications of a REFER name
// its CSeq (RFC 3515 section 2.4.6), which a challenge changes.
func (s *session) again(req *sipmsg.Message) *sipmsg.Message {
	next := s.d.Again(req)
	if next.Method == sipmsg.REFER && s.transfer != nil {
		s.transfer.Transfer = dialog.NewTransfer(s.transfer.begun, next)
	}
	return next
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
		if t := s.transfer; t.heard != nil && status > 0 {
			t.heard(status)
		}
	case status >= 300:
		s.transferred(now, fmt.Errorf("the transfer failed: %s", sipmsg.Told(status, "")))
	case status < 200:
		s.transferred(now, errUntold)
	default:
		s.transferred(now, nil)
	}
}

var errUntold = errors.New("the far end does not tell how the transfer went")

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

// endTransfer tells the one who waits that the call ended first. A far end that accepted
// the REFER and hung up is on its way to where it was sent.
func (s *session) endTransfer(r Reason) {
	t := s.transfer
	if t == nil {
		return
	}
	s.transfer = nil
	if t.accepted && !r.Local && r.Code == 0 {
		tell(t.done, nil)
		return
	}
	tell(t.done, errors.New("the call ended first: "+r.Text))
}

// referred takes a REFER: the far end asks us to call somebody else, at the line's expense. So
// it is heard only in a call that a server of the line has let through.
func (s *session) referred(now time.Time, in *ua.Incoming) {
	if s.c.stranger {
		in.Respond(now, 403, "")
		return
	}
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
	res.Contact = []sipmsg.Addr{s.l.ep.Contact(in.Flow)}
	r.Accept(res)
	in.RespondWith(now, res)
	if !r.Done() {
		s.referral = &referral{Referral: r}
		s.notify(now, 100, "")
	}
}

// A referral is a REFER of theirs that was accepted. Its subscription outlives the call (RFC
// 5057 section 4.1): its sender, which may hang up as soon as the REFER is accepted, hears of
// the new call's end anyhow.
type referral struct {
	*dialog.Referral
	dialled bool      // the new call has begun
	dialBy  time.Time // the old one has ended: when no new call will begin any more; zero: no limit
}

// dialSoon is how long a new call may begin after the end of the one that asked for it.
const dialSoon = 10 * time.Second

// begun notes that the call which was asked for is being made.
func (r *referral) begun() { r.dialled, r.dialBy = true, time.Time{} }

// abandonReferral tells the far end that nobody will make the call it asked for, since this
// side hangs up before it began.
func (s *session) abandonReferral(now time.Time) {
	if s.referral != nil && !s.referral.dialled {
		s.notify(now, 487, "")
	}
}

// Decline tells the far end whose REFER was accepted that the call it asked for is not made after all.
func (d Dial) Decline() {
	if s := d.referrer; s != nil {
		s.l.ep.Post(s.abandonReferral)
	}
}

// report tells the one who referred us how the new call goes.
func (c *Call) report(now time.Time, res *sipmsg.Message) {
	if res.StatusCode > 100 {
		c.reportTo(now, res.StatusCode, res.Reason)
	}
}

// reportEnd tells it how the call ended, unless a final status was told before.
func (c *Call) reportEnd(now time.Time, r Reason) {
	code := r.Code
	if code < 300 {
		code = 487
	}
	c.reportTo(now, code, "")
}

func (c *Call) reportTo(now time.Time, code int, reason string) {
	c.referrer(now, func(s *session, now time.Time) { s.notify(now, code, reason) })
}

// referrer has fn done with the session that referred us, if one did: on its line's goroutine.
func (c *Call) referrer(now time.Time, fn func(s *session, now time.Time)) {
	switch s := c.dial.referrer; {
	case s == nil:
	case s.l == c.l:
		fn(s, now)
	default:
		s.l.ep.Post(func(now time.Time) { fn(s, now) })
	}
}

// referredCallBegins keeps the notifications of a referral for the call that it asked for.
func (s *session) referredCallBegins(time.Time) {
	if s.referral != nil {
		s.referral.begun()
	}
}

// notify sends a NOTIFY with the status of a referred call.
func (s *session) notify(now time.Time, code int, reason string) {
	r := s.referral
	if r == nil {
		return
	}
	m := s.d.Request(sipmsg.NOTIFY)
	r.Notify(now, m, code, reason)
	if r.Done() {
		s.referral = nil
	}
	s.send(now, m, func(_ time.Time, a ua.Answer) {
		if s.referral == r && (a.Response == nil || dialog.Gone(a.Response.StatusCode)) {
			s.referral = nil // nobody listens
		}
	})
}

// resubscribed takes a SUBSCRIBE that prolongs, or ends, the subscription of a REFER.
func (s *session) resubscribed(now time.Time, in *ua.Incoming) {
	code, expires := 481, ""
	if s.referral != nil {
		code, expires = s.referral.Resubscribed(now, in.Req)
	}
	if code != 200 {
		in.Respond(now, code, "")
		return
	}
	res := in.Response(200, "")
	res.Contact = []sipmsg.Addr{s.l.ep.Contact(in.Flow)}
	res.Header.Add("Expires", expires)
	in.RespondWith(now, res)
	if expires != "0" { // else the NOTIFY that ends it is due now
		s.notify(now, 100, "")
	}
}

// expireTransfers acts on subscriptions of transfers that run out.
func (s *session) expireTransfers(now time.Time) {
	if s.transfer != nil && deadline.Due(now, s.transfer.Deadline()) && s.transfer.Expire(now) {
		s.transferred(now, errUntold)
	}
	if s.referral != nil && deadline.Due(now, s.referral.dialBy) {
		s.abandonReferral(now)
	}
	if s.referral != nil && deadline.Due(now, s.referral.Deadline()) && s.referral.Expire(now) {
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
	switch {
	case code != 0:
	case old.over || old.handler == nil:
		code = 603
	case c.stranger && !old.stranger:
		code = 403
	}
	if code != 0 {
		c.refuse(now, code, Reason{Code: code, Text: "cannot take the place of another call: " + sipmsg.Phrase(code), By: FarEnd})
		return
	}
	c.media, c.info.Port = old.media, old.info.Port
	s := c.accept(now)
	if s == nil {
		return // refused, and the old call goes on
	}
	c.handler, old.handler = old.handler, nil
	c.handler.Started(c)
	c.confirmed(now, s)
	old.s.bye(now)
	old.finish(now, Reason{Text: "replaced by another call", By: FarEnd})
}
