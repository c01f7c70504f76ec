package lines

import (
	"errors"
	"strings"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transaction"
	"tipring/registrar"
)

// extensions are the option tags that a request may require of us.
var extensions = []string{"100rel", "replaces", "timer", "norefersub", "from-change"}

// incoming takes every new request to the line but ACK and CANCEL.
func (l *Line) incoming(now time.Time, in *ua.Incoming) {
	req := in.Req
	if missing := unsupported(req); missing != "" && req.Method != sipmsg.CANCEL {
		res := in.Response(420, "")
		res.Header.Add("Unsupported", missing)
		in.RespondWith(now, res)
		return
	}
	if req.To.Tag() != "" {
		l.inDialog(now, in)
		return
	}
	switch req.Method {
	case sipmsg.INVITE:
		l.incomingCall(now, in)
	case sipmsg.OPTIONS:
		l.answerOptions(now, in)
	case sipmsg.NOTIFY:
		// RFC 6665 section 4.1.2.4 allows no NOTIFY without its subscription, but
		// many servers send message-summary so, unasked.
		l.notified(now, in)
	case sipmsg.BYE, sipmsg.PRACK, sipmsg.UPDATE, sipmsg.INFO:
		in.Respond(now, 481, "")
	default:
		res := in.Response(405, "")
		res.Header.Add("Allow", allowed)
		in.RespondWith(now, res)
	}
}

// unsupported lists the required option tags that we do not have.
func unsupported(req *sipmsg.Message) string {
	var missing []string
	for _, line := range req.Header.Values("Require") {
	tags:
		for _, tag := range strings.Split(line, ",") {
			tag = strings.TrimSpace(tag)
			for _, have := range extensions {
				if strings.EqualFold(tag, have) {
					continue tags
				}
			}
			if tag != "" {
				missing = append(missing, tag)
			}
		}
	}
	return strings.Join(missing, ", ")
}

// answerOptions tells what we can (RFC 3261 section 11.2).
func (l *Line) answerOptions(now time.Time, in *ua.Incoming) {
	code := 200
	if l.cfg.EnableDND || !l.cfg.Enabled {
		code = 486
	}
	res := in.Response(code, "")
	res.Header.Add("Allow", allowed)
	res.Header.Add("Accept", "application/sdp")
	res.Header.Add("Supported", "100rel, replaces, timer, norefersub")
	in.RespondWith(now, res)
}

// incomingCall offers a call to the line's owner.
func (l *Line) incomingCall(now time.Time, in *ua.Incoming) {
	req := in.Req
	switch {
	case !l.cfg.Enabled || l.stopping:
		in.Respond(now, 480, "")
		return
	case l.cfg.EnableDND:
		in.Respond(now, 486, "Do Not Disturb")
		return
	case len(req.Contact) == 0 || req.Contact[0].URI.IsWildcard():
		in.Respond(now, 400, "Missing Contact")
		return
	}
	if timer := (dialog.SessionTimer{}); timer.Judge(req) != 0 {
		res := in.Response(422, "")
		timer.Refuse(res)
		in.RespondWith(now, res)
		return
	}
	c := l.newCall(now)
	c.in = in
	c.info.Incoming, c.info.SIPCallID = true, req.CallID
	c.info.Server = l.serverOf(in)
	c.info.Peer, c.info.Name = caller(l.cfg.CallerID, req)
	in.OnCancel = c.cancelled
	c.show()
	if !c.takeOffer(now) {
		return
	}
	if r, code := dialog.ReplacesOf(req); r != nil || code != 0 {
		c.replace(now, r, code)
		return
	}
	h, code := l.dev.Owner.Incoming(c)
	if c.over {
		return
	}
	if h == nil {
		c.refuse(now, code, Reason{Code: code, Text: "refused: " + sipmsg.Phrase(code)})
		return
	}
	c.handler = h
	c.setState(Proceeding)
	h.Started(c)
}

// serverOf is the server that a request came from; the current one when it is neither.
func (l *Line) serverOf(in *ua.Incoming) registrar.Server {
	from := in.From.Addr().Unmap()
	for _, id := range []registrar.Server{l.reg.Current(), registrar.Primary, registrar.Backup} {
		s := l.servers[id]
		if s == nil {
			continue
		}
		for _, t := range s.targets {
			if t.Addr.Addr().Unmap() == from {
				return id
			}
		}
	}
	return l.reg.Current()
}

// caller is who calls, from the header that caller_id names.
func caller(source string, req *sipmsg.Message) (number, name string) {
	a := req.From
	headers := map[string]string{"ppi": "P-Preferred-Identity", "pai": "P-Asserted-Identity", "rpid": "Remote-Party-ID"}
	if h, ok := headers[source]; ok {
		if v, ok := req.Header.Lookup(h); ok {
			if all, err := sipmsg.ParseAddrs(v); err == nil && len(all) > 0 {
				a = all[0]
			}
		}
	}
	number = a.URI.User
	if number == "" {
		number = a.URI.HostPort()
	}
	return number, a.Display
}

// takeOffer reads the caller's offer, if there is one, and refuses what cannot be taken.
func (c *Call) takeOffer(now time.Time) bool {
	p := &answering{in: c.in, l: c.l, c: c, offer: offer.New(c.l.capabilities(), offer.Local{})}
	c.pending = p
	if len(c.in.Req.Body) == 0 {
		return true
	}
	if t, _ := c.in.Req.ContentType(); t != "application/sdp" {
		res := c.in.Response(415, "")
		res.Header.Add("Accept", "application/sdp")
		c.in.RespondWith(now, res)
		c.finish(now, Reason{Code: 415, Text: "offer of an unknown type"})
		return false
	}
	d, err := offer.Parse(c.in.Req.Body)
	if err == nil {
		// A trial with an address of the caller's family; Answer makes the real one.
		trial := offer.New(c.l.capabilities(), c.local(c.in.Flow.Local().Addr()))
		_, err = trial.Answer(d)
	}
	if err != nil {
		code := offerStatus(err)
		c.refuse(now, code, Reason{Code: code, Text: err.Error()})
		return false
	}
	p.theirs = d
	return true
}

// cancelled ends a call that its caller gave up.
func (c *Call) cancelled(now time.Time) {
	c.refuse(now, 487, Reason{Code: 487, Text: "the caller gave up"})
}

// refuse answers the INVITE with a failure.
func (c *Call) refuse(now time.Time, code int, r Reason) {
	if c.in != nil && !c.in.Answered() {
		c.in.Respond(now, code, "")
	}
	c.pending, c.in = nil, nil
	c.finish(now, r)
}

// Ring tells the caller that the telephone rings.
func (c *Call) Ring() {
	c.post(func(now time.Time) {
		if c.in == nil || c.s != nil {
			return
		}
		res := c.in.Response(180, "")
		c.describe(res)
		c.pending.provisional(now, res)
		c.setState(Ringing)
	})
}

// describe adds what every response that makes a dialog carries.
func (c *Call) describe(res *sipmsg.Message) {
	res.Contact = []sipmsg.Addr{c.l.ep.Contact(c.in.Flow)}
	res.Header.Add("Allow", allowed)
	res.Header.Add("Supported", "100rel, replaces, timer, norefersub")
}

// Refuse answers the call with a failure: 486 busy, 480 nobody there.
func (c *Call) Refuse(code int) {
	c.post(func(now time.Time) {
		if c.in != nil && c.s == nil {
			c.refuse(now, code, Reason{Code: code, Text: "refused here: " + sipmsg.Phrase(code), Local: true})
		}
	})
}

// Answer takes the call. The media are those that the owner opened for it.
func (c *Call) Answer(m Media, port int) {
	c.post(func(now time.Time) {
		if c.in == nil || c.s != nil {
			return
		}
		c.media, c.info.Port = m, port
		c.answer(now)
	})
}

func (c *Call) answer(now time.Time) {
	p := c.pending
	p.offer.SetLocal(c.local(c.l.ep.Address(c.in.Flow).Addr()))
	res := c.in.Response(200, "")
	c.describe(res)
	if err := p.describe(res); err != nil {
		code := offerStatus(err)
		c.refuse(now, code, Reason{Code: code, Text: err.Error()})
		return
	}
	timer := dialog.SessionTimer{Want: c.l.sessionExpires()}
	timer.Answer(now, c.in.Req, res)
	d, err := dialog.FromRequest(c.in.Req, res)
	if err != nil {
		c.refuse(now, 500, Reason{Code: 500, Text: err.Error()})
		return
	}
	s := c.newSession(d, p.offer, c.info.Server)
	s.timer = timer
	s.allow(c.in.Req)
	s.offers.Received(sipmsg.INVITE, p.theirs != nil)
	s.offers.SentResponse(sipmsg.INVITE, 200, true, false)
	if !p.final(now, res) {
		c.finish(now, Reason{Code: 500, Text: "answer could not be sent"})
		return
	}
	p.s = s
	s.unacked = p
	c.pending, c.in = nil, nil
	c.confirmed(now, s)
}

func (l *Line) sessionExpires() time.Duration {
	return time.Duration(l.cfg.SessionExpiresS) * time.Second
}

// An answering is an INVITE of the far end that we answer: its offer or ours, the
// reliable 1xx and the 2xx, each repeated until acknowledged.
type answering struct {
	l      *Line
	c      *Call
	s      *session // nil before the call is answered
	in     *ua.Incoming
	offer  *offer.Session
	theirs *offer.Description // nil: they sent none, we make the offer

	rel      *dialog.Progress    // our reliable provisional responses; nil: none
	again    *transaction.Resend // the 2xx that waits for its ACK
	byeAfter bool                // hung up before the ACK came
}

func (p *answering) deadline() time.Time {
	var d time.Time
	if p.rel != nil {
		d = p.rel.Deadline()
	}
	if p.again != nil {
		d = earlier(d, p.again.Deadline())
	}
	return d
}

func (p *answering) expire(now time.Time) {
	if p.rel != nil && due(now, p.rel.Deadline()) {
		step := p.rel.Expire(now)
		if step.Send != nil {
			p.l.ep.Transmit(p.in.Flow, step.Send)
		}
		if step.Err != nil { // RFC 3262 section 3
			p.rel = nil
			p.c.refuse(now, 504, Reason{Code: 504, Text: step.Err.Error()})
			return
		}
	}
	if p.again == nil || !due(now, p.again.Deadline()) {
		return
	}
	step := p.again.Expire(now)
	if step.Send != nil {
		p.l.ep.Transmit(p.in.Flow, step.Send)
	}
	if step.Err != nil { // RFC 3261 section 13.3.1.4
		p.again = nil
		p.s.unacked = nil
		if !p.byeAfter {
			p.s.ended = true
		}
		p.s.sendBye(now)
		p.c.finish(now, Reason{Code: 408, Text: "the answer was not acknowledged: " + step.Err.Error()})
	}
}

// describe puts our session description into a 2xx: the answer, or our offer.
func (p *answering) describe(res *sipmsg.Message) error {
	var d *offer.Description
	var err error
	if p.theirs != nil {
		d, err = p.offer.Answer(p.theirs)
	} else {
		d, err = p.offer.OfferAll()
	}
	if err != nil {
		return err
	}
	res.Header.Set("Content-Type", "application/sdp")
	res.Body = d.Bytes()
	return nil
}

// provisional sends a 1xx, reliably when the caller insists on it.
func (p *answering) provisional(now time.Time, res *sipmsg.Message) {
	if !p.in.Req.OptionTag("Require", "100rel") {
		p.in.RespondWith(now, res)
		return
	}
	if p.rel == nil {
		p.rel = dialog.NewProgress(p.in.Req, p.l.dev.Timers)
	}
	res, err := p.rel.Prepare(res)
	if err != nil {
		p.l.log.Warn("provisional response not sent", "id", p.c.info.ID, "err", err)
		return
	}
	p.sendReliably(now, res)
}

// sendReliably sends a 1xx that Progress has numbered; nil waits its turn.
func (p *answering) sendReliably(now time.Time, res *sipmsg.Message) {
	if res == nil {
		return
	}
	if wire := p.in.RespondWith(now, res); wire != nil {
		p.rel.Sent(now, res, wire)
	}
}

// final sends the 2xx and repeats it until the ACK.
func (p *answering) final(now time.Time, res *sipmsg.Message) bool {
	if p.rel != nil {
		p.rel.Stop()
	}
	wire := p.in.RespondWith(now, res)
	if wire == nil {
		return false
	}
	p.again = transaction.NewResend(now, res, wire, p.l.dev.Timers)
	return true
}

// acknowledged takes the ACK of a 2xx.
func (l *Line) acknowledged(now time.Time, ack *sipmsg.Message) {
	c := l.callByDialog(ack)
	if c == nil || c.s.unacked == nil || c.s.unacked.in.Req.CSeq.Seq != ack.CSeq.Seq {
		return
	}
	p := c.s.unacked
	c.s.unacked = nil
	c.s.offers.Received(sipmsg.ACK, len(ack.Body) > 0)
	if p.theirs == nil {
		d := sdpOf(ack)
		if d == nil || p.offer.TakeAnswer(d) != nil {
			p.offer.Revert()
			if p.offer.Audio() == nil && !p.byeAfter {
				c.s.bye(now)
				c.finish(now, Reason{Code: 488, Text: "the ACK brought no usable answer"})
				return
			}
		}
		c.s.agreed()
	}
	if p.byeAfter {
		c.s.sendBye(now)
	}
	c.s.resume(now)
	c.tidy(now)
}

// offerStatus is the status that refuses an offer.
func offerStatus(err error) int {
	switch {
	case errors.Is(err, offer.ErrTooBig):
		return 413
	case errors.Is(err, offer.ErrSyntax):
		return 400
	case errors.Is(err, offer.ErrPending):
		return 491
	}
	return 488
}
