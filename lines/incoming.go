package lines

import (
	"strings"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

const (
	// ringHere is how long a call may ring here. Who is still there then would have
	// been told to try later by any exchange.
	ringHere = 5 * time.Minute

	// ringAgain: RFC 3261 section 13.3.1.1: a proxy on the way forgets a call that is
	// not heard of for three minutes; a provisional response every minute prevents it.
	ringAgain = time.Minute
)

// extensions are the option tags that a request may require of us.
var extensions = []string{"100rel", "replaces", "timer", "norefersub"}

// incoming takes every new request to the line but ACK and CANCEL.
func (l *Line) incoming(now time.Time, in *ua.Incoming) {
	if r := understood(in); r != nil {
		r.answer(now, in)
		return
	}
	if in.Req.To.Tag() != "" {
		l.inDialog(now, in)
		return
	}
	switch in.Req.Method {
	case sipmsg.NOTIFY, sipmsg.MESSAGE:
		if !l.mayLeave(in.From.Addr()) { // with accept_from = any
			in.Respond(now, 403, "")
			return
		}
	}
	switch in.Req.Method {
	case sipmsg.INVITE:
		l.incomingCall(now, in)
	case sipmsg.OPTIONS:
		l.answerOptions(now, in)
	case sipmsg.NOTIFY:
		if asksToSync(in.Req) {
			l.synced(now, in)
			return
		}
		l.notified(now, in)
	case sipmsg.BYE, sipmsg.PRACK, sipmsg.UPDATE, sipmsg.INFO:
		in.Respond(now, 481, "")
	case sipmsg.REFER:
		in.Respond(now, 403, "Not Outside A Call")
	case sipmsg.MESSAGE:
		l.texted(now, in)
	default:
		methodNotAllowed.answer(now, in)
	}
}

// understood inspects a request in the order of RFC 3261 section 8.2: its method, what it
// requires, its body. Nil lets it pass.
func understood(in *ua.Incoming) *refusal {
	switch in.Req.Method {
	case sipmsg.INVITE, sipmsg.BYE, sipmsg.OPTIONS, sipmsg.PRACK, sipmsg.UPDATE, sipmsg.INFO,
		sipmsg.REFER, sipmsg.NOTIFY, sipmsg.SUBSCRIBE, sipmsg.MESSAGE:
	default:
		return methodNotAllowed
	}
	if missing := unsupported(in.Req); missing != "" {
		return &refusal{420, sipmsg.Field{Name: "Unsupported", Value: missing}, "it requires " + missing}
	}
	return readable(in)
}

// methodNotAllowed is RFC 3261 section 8.2.1.
var methodNotAllowed = &refusal{405, sipmsg.Field{Name: "Allow", Value: allowed}, ""}

// unsupported lists the required option tags that we do not have.
func unsupported(req *sipmsg.Message) string {
	var missing []string
	for _, line := range req.Header.Values("Require") {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = strings.TrimSpace(tag); tag != "" && !knows(tag) {
				missing = append(missing, tag)
			}
		}
	}
	return strings.Join(missing, ", ")
}

func knows(tag string) bool {
	for _, have := range extensions {
		if strings.EqualFold(tag, have) {
			return true
		}
	}
	return false
}

// answerOptions tells what we can (RFC 3261 section 11.2).
func (l *Line) answerOptions(now time.Time, in *ua.Incoming) {
	code := 200
	if l.cfg.EnableDND || !l.cfg.Enabled {
		code = 486
	}
	res := in.Response(code, "")
	res.Header.Add("Allow", allowed)
	res.Header.Add("Accept", acceptOf(sdpType))
	res.Header.Add("Supported", supported+", timer")
	in.RespondWith(now, res)
}

// incomingCall offers a call to the line's owner.
func (l *Line) incomingCall(now time.Time, in *ua.Incoming) {
	if !l.mayCall(now, in) {
		return
	}
	req := in.Req
	c := l.newCall(now)
	c.in = in
	c.info.Incoming, c.info.SIPCallID = true, req.CallID
	c.info.Server = l.serverOf(in.From)
	c.traceIncoming(now, in)
	c.info.Peer, c.info.Name = caller(l.identitySource(in.From.Addr()), req)
	c.info.Anonymous, c.info.Alert = hidden(req), alertOf(req)
	c.stranger = !l.trusts(in.From.Addr())
	c.info.Callback = l.callback(now, req, c.stranger)
	c.ringBy = now.Add(ringHere)
	if n, ok := req.Expires(); ok && n > 0 && n < int(ringHere/time.Second) { // RFC 3261 section 13.3.1
		c.ringBy = now.Add(time.Duration(n) * time.Second)
	}
	in.OnCancel = c.cancelled
	c.show()
	if !c.takeOffer(now) {
		return
	}
	if r, code := dialog.ReplacesOf(req); r != nil || code != 0 {
		c.replace(now, r, code)
		return
	}
	if l.cfg.EnableDND && !c.info.Callback {
		c.refuse(now, 486, Reason{Code: 486, Text: "do not disturb"})
		return
	}
	h, code := l.dev.Owner.Incoming(c)
	if c.over {
		return
	}
	if h == nil {
		if code < 400 {
			code = 480
		}
		c.refuse(now, code, Reason{Code: code, Text: "refused: " + sipmsg.Phrase(code)})
		return
	}
	c.handler = h
	c.setState(Proceeding)
	h.Started(c)
}

// mayCall refuses an INVITE that cannot make a call.
func (l *Line) mayCall(now time.Time, in *ua.Incoming) bool {
	switch {
	case !l.cfg.Enabled || l.stopping:
		in.Respond(now, 480, "")
		return false
	case len(in.Req.Contact) == 0:
		in.Respond(now, 400, "Missing Contact")
		return false
	case !reachable(in.Req.Contact[0].URI):
		in.Respond(now, 400, "Contact Not A SIP URI")
		return false
	}
	if err := l.tooClear(in.Flow.Target().Proto, false); err != nil {
		warned(302, err.Error()).answer(now, in)
		return false
	}
	if timer := (dialog.SessionTimer{}); timer.Judge(in.Req) != 0 {
		res := in.Response(422, "")
		timer.Refuse(res)
		in.RespondWith(now, res)
		return false
	}
	return true
}

// reachable reports a Contact that requests of a dialog can be sent to: RFC 3261 section
// 8.1.1.8: the Contact of an INVITE is one SIP or SIPS URI.
func reachable(u sipmsg.URI) bool { return (u.Scheme == "sip" || u.Scheme == "sips") && u.Host != "" }

// takeOffer reads the caller's offer, if there is one, and refuses what cannot be taken.
func (c *Call) takeOffer(now time.Time) bool {
	caps := c.l.capabilities()
	c.l.secure(&caps, c.in.Flow.Target().Proto, false)
	if f := c.l.dev.T38; f != nil {
		caps.T38 = f()
	}
	p := &answering{in: c.in, l: c.l, c: c, offer: offer.New(caps, offer.Local{}), initial: true}
	c.pending = p
	theirs, r := offerIn(c.in.Req)
	if theirs != nil {
		// A trial with an address of the caller's family; Answer makes the real one.
		trial := offer.New(caps, c.local(c.in.Flow.Local().Addr()))
		if _, err := trial.Answer(theirs); err != nil {
			r = offerRefusal(err)
		}
	}
	if r != nil {
		c.refuseAs(now, r, "offer not usable: "+r.String())
		return false
	}
	p.theirs = theirs
	return true
}

// Offered tells, as long as the call is not answered, which media an INVITE of the far end offers:
// Fax is of T.38 alone, which only a call with Media.T38 can answer. Owner.Incoming and Handler
// may call it, on the line's goroutine.
func (c *Call) Offered() offer.Mode {
	if c.pending == nil || c.pending.theirs == nil {
		return offer.Sound
	}
	return c.pending.theirs.Mode()
}

// cancelled ends a call that its caller gave up.
func (c *Call) cancelled(now time.Time) {
	c.elsewhere = takenElsewhere(c.in.Cancel)
	c.refuse(now, 487, Reason{Code: 487, Text: "the caller gave up" + because(c.in.Cancel), By: FarEnd, Cause: causeOf(c.in.Cancel)})
}

// refuse answers the INVITE with a failure.
func (c *Call) refuse(now time.Time, code int, r Reason) {
	c.unanswer(now, &refusal{code: code})
	c.finish(now, r)
}

// refuseAs is refuse with a response that says more.
func (c *Call) refuseAs(now time.Time, r *refusal, text string) {
	c.unanswer(now, r)
	c.finish(now, Reason{Code: r.code, Text: text, By: FarEnd})
}

func (c *Call) unanswer(now time.Time, r *refusal) {
	if c.in != nil && !c.in.Answered() {
		r.answer(now, c.in)
	}
	c.pending, c.in = nil, nil
}

// Ring tells the caller that the telephone rings.
func (c *Call) Ring() {
	c.post(func(now time.Time) {
		if c.in == nil {
			return
		}
		c.pending.ring(now)
		c.setState(Ringing)
	})
}

// Refuse answers the call with a failure: 486 busy, 480 nobody there.
func (c *Call) Refuse(code int) {
	c.post(func(now time.Time) {
		if c.in != nil {
			c.refuse(now, code, Reason{Code: code, Text: "refused here: " + sipmsg.Phrase(code), Local: true})
		}
	})
}

// Answer takes the call. The media are those that the owner opened for it.
func (c *Call) Answer(m Media, port int) {
	c.post(func(now time.Time) {
		if c.in == nil {
			return
		}
		c.media, c.info.Port = m, port
		if s := c.accept(now); s != nil {
			c.confirmed(now, s)
		}
	})
}

// accept sends the 2xx. Nil: it could not, and the call is refused.
func (c *Call) accept(now time.Time) *session {
	p := c.pending
	p.offer.SetLocal(c.local(c.l.ep.Address(c.in.Flow).Addr()))
	p.offer.SetCapabilities(c.capabilities(c.in.Flow.Target().Proto))
	p.offer.SetMode(c.media.Want)
	res := p.response(200)
	if err := p.describe(res); err != nil {
		c.refuseAs(now, offerRefusal(err), err.Error())
		return nil
	}
	timer := dialog.SessionTimer{Want: c.l.sessionExpires()}
	timer.Answer(now, c.in.Req, res)
	d, err := dialog.FromRequest(c.in.Req, res)
	if err != nil || !p.final(now, res) {
		c.refuse(now, 500, answerNotSent)
		return nil
	}
	s := c.newSession(d, p.offer, c.info.Server)
	s.timer = timer
	s.allow(c.in.Req)
	s.offers.Received(sipmsg.INVITE, p.theirs != nil)
	s.offers.SentResponse(sipmsg.INVITE, 200, true, false)
	p.s = s
	s.unacked = p
	c.pending, c.in = nil, nil
	return s
}

func (l *Line) sessionExpires() time.Duration {
	return time.Duration(l.cfg.SessionExpiresS) * time.Second
}
