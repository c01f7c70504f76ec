package lines

import (
	"strconv"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// inDialog takes a request with a To tag.
func (l *Line) inDialog(now time.Time, in *ua.Incoming) {
	req := in.Req
	if req.Method == sipmsg.NOTIFY && l.notified(now, in) {
		return
	}
	if p := l.answeringOf(req); p != nil {
		p.early(now, in)
		return
	}
	g, f := l.earlyByDialog(req)
	if f != nil && req.Method != sipmsg.INVITE {
		g.inEarly(now, f, in)
		return
	}
	c := l.callByDialog(req)
	if c == nil {
		if g := l.legOf(req); g != nil {
			g.overtaken(now, in)
			return
		}
	}
	if c == nil || c.s.ended && req.Method != sipmsg.BYE {
		in.Respond(now, 481, "")
		return
	}
	if code := c.s.d.Receive(req); code != 0 {
		in.Respond(now, code, "")
		return
	}
	c.s.request(now, in)
}

// request takes a request in a confirmed dialog.
func (s *session) request(now time.Time, in *ua.Incoming) {
	s.allow(in.Req)
	switch in.Req.Method {
	case sipmsg.BYE:
		s.hungUp(now, in)
	case sipmsg.INVITE:
		s.reinvitedBy(now, in)
	case sipmsg.UPDATE:
		s.updatedBy(now, in)
	case sipmsg.INFO:
		s.informed(now, in)
	case sipmsg.REFER:
		s.referred(now, in)
	case sipmsg.NOTIFY:
		s.transferNotified(now, in)
	case sipmsg.SUBSCRIBE:
		s.resubscribed(now, in)
	case sipmsg.OPTIONS:
		s.l.answerOptions(now, in)
	case sipmsg.MESSAGE:
		if s.c.stranger && !s.l.mayLeave(in.From.Addr()) { // as outside a call
			in.Respond(now, 403, "")
			return
		}
		s.l.texted(now, in)
	case sipmsg.PRACK:
		in.Respond(now, 481, "") // of a 1xx that is answered meanwhile
	default:
		methodNotAllowed.answer(now, in)
	}
}

// earlyByDialog finds the fork of a call that is not answered yet.
func (l *Line) earlyByDialog(m *sipmsg.Message) (*leg, *fork) {
	for c := range l.calls {
		for _, g := range c.legs {
			for _, f := range g.forks {
				if f.d.ID == dialog.RequestID(m) {
					return g, f
				}
			}
		}
	}
	return nil, nil
}

// inEarly takes a request within an early dialog of a call of ours: UPDATE may change
// the early media (RFC 3311).
func (g *leg) inEarly(now time.Time, f *fork, in *ua.Incoming) {
	if code := f.d.Receive(in.Req); code != 0 {
		in.Respond(now, code, "")
		return
	}
	switch in.Req.Method {
	case sipmsg.UPDATE:
		res := in.Response(200, "")
		res.Contact = []sipmsg.Addr{g.c.l.ep.Contact(in.Flow)}
		theirs, r := offerIn(in.Req)
		if theirs != nil {
			r = answerInto(res, f.offer, theirs)
		}
		if r != nil {
			r.answer(now, in)
			return
		}
		if in.RespondWith(now, res) != nil && theirs != nil && !g.abandoned {
			g.c.tellMedia(f.offer)
		}
	case sipmsg.INFO, sipmsg.OPTIONS:
		in.Respond(now, 200, "")
	default:
		in.Respond(now, 481, "")
	}
}

// answerInto puts the answer to an offer into a response.
func answerInto(res *sipmsg.Message, o *offer.Session, theirs *offer.Description) *refusal {
	answer, err := o.Answer(theirs)
	if err != nil {
		return offerRefusal(err)
	}
	res.SetBody(sdpType, answer.Bytes())
	return nil
}

// hungUp takes a BYE.
func (s *session) hungUp(now time.Time, in *ua.Incoming) {
	s.stop(now)
	s.d.End()
	in.Respond(now, 200, "")
	s.unacked = nil
	if s.referral != nil && !s.referral.dialled {
		s.referral.dialBy = now.Add(dialSoon)
	}
	s.c.finish(now, Reason{Text: "the far end hung up" + because(in.Req), By: FarEnd, Cause: causeOf(in.Req)})
	s.c.tidy(now)
}

// reinvitedBy takes a re-INVITE: a hold, a change of address, a session refresh. What is
// refused leaves the call as it was (RFC 3261 section 14.2).
func (s *session) reinvitedBy(now time.Time, in *ua.Incoming) {
	if !s.mayOffer(now, in) {
		return
	}
	theirs, r := offerIn(in.Req)
	p := &answering{l: s.l, c: s.c, s: s, in: in, offer: s.offer, theirs: theirs}
	res := p.response(200)
	if r == nil {
		if err := p.describe(res); err != nil {
			r = offerRefusal(err)
		}
	}
	if r != nil {
		s.refuseOffer(now, in, r)
		return
	}
	s.timer.Answer(now, in.Req, res)
	if !p.final(now, res) {
		s.unanswerable(now)
		return
	}
	s.offers.SentResponse(sipmsg.INVITE, 200, true, false)
	s.unacked = p
	if theirs != nil {
		s.agreed()
	}
}

// mayOffer refuses an INVITE or UPDATE that crosses another offer, or asks for too brief
// a session.
func (s *session) mayOffer(now time.Time, in *ua.Incoming) bool {
	if code, retryAfter := s.offers.Received(in.Req.Method, len(in.Req.Body) > 0); code != 0 {
		res := in.Response(code, "")
		if code == 500 {
			res.Header.Add("Retry-After", strconv.Itoa(retryAfter))
		}
		in.RespondWith(now, res)
		return false
	}
	if code := s.timer.Judge(in.Req); code != 0 {
		res := in.Response(code, "")
		s.timer.Refuse(res)
		in.RespondWith(now, res)
		s.offers.SentResponse(in.Req.Method, code, false, false)
		return false
	}
	if r := s.secretFrom(in); r != nil {
		s.refuseOffer(now, in, r)
		return false
	}
	return true
}

// refuseOffer answers an INVITE or UPDATE that changes nothing.
func (s *session) refuseOffer(now time.Time, in *ua.Incoming, r *refusal) {
	s.l.log.Warn("offer refused; the call goes on as it was", "id", s.c.info.ID, "response", r)
	r.answer(now, in)
	s.offers.SentResponse(in.Req.Method, r.code, false, false)
	s.resume(now)
}

// unanswerable ends a call whose 2xx to an INVITE or UPDATE could not be written: the far end
// heard 500 and has the session as it was, this side has it as it was to be.
func (s *session) unanswerable(now time.Time) {
	s.bye(now)
	s.c.finish(now, answerNotSent)
}

// answerNotSent is why a call ends whose 2xx cannot be written.
var answerNotSent = Reason{Code: 500, Text: "the answer could not be sent"}

// updatedBy takes an UPDATE (RFC 3311).
func (s *session) updatedBy(now time.Time, in *ua.Incoming) {
	if !s.mayOffer(now, in) {
		return
	}
	res := in.Response(200, "")
	res.Contact = []sipmsg.Addr{s.l.ep.Contact(in.Flow)}
	res.Header.Add("Allow", allowed)
	theirs, r := offerIn(in.Req)
	if theirs != nil {
		r = answerInto(res, s.offer, theirs)
	}
	if r != nil {
		s.refuseOffer(now, in, r)
		return
	}
	s.timer.Answer(now, in.Req, res)
	if in.RespondWith(now, res) == nil {
		s.unanswerable(now)
		return
	}
	s.offers.SentResponse(sipmsg.UPDATE, 200, theirs != nil, false)
	if theirs != nil {
		s.agreed()
	}
	s.resume(now)
}
