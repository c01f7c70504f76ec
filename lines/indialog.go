package lines

import (
	"strconv"
	"strings"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// inDialog takes a request with a To tag.
func (l *Line) inDialog(now time.Time, in *ua.Incoming) {
	req := in.Req
	if req.Method == sipmsg.PRACK {
		l.pracked(now, in)
		return
	}
	if req.Method == sipmsg.NOTIFY && l.notified(now, in) {
		return
	}
	c := l.callByDialog(req)
	if c == nil {
		if g, f := l.earlyByDialog(req); f != nil {
			g.inEarly(now, f, in)
			return
		}
		in.Respond(now, 481, "")
		return
	}
	s := c.s
	if code := s.d.Receive(req); code != 0 {
		in.Respond(now, code, "")
		return
	}
	s.allow(req)
	switch req.Method {
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
	case sipmsg.OPTIONS:
		l.answerOptions(now, in)
	default:
		res := in.Response(405, "")
		res.Header.Add("Allow", allowed)
		in.RespondWith(now, res)
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

// inEarly takes a request within an early dialog: BYE ends it, UPDATE may change the
// early media (RFC 3311).
func (g *leg) inEarly(now time.Time, f *fork, in *ua.Incoming) {
	if code := f.d.Receive(in.Req); code != 0 {
		in.Respond(now, code, "")
		return
	}
	switch in.Req.Method {
	case sipmsg.UPDATE:
		res := in.Response(200, "")
		if d := sdpOf(in.Req); d != nil {
			answer, err := f.offer.Answer(d)
			if err != nil {
				in.Respond(now, offerStatus(err), "")
				return
			}
			res.Header.Set("Content-Type", "application/sdp")
			res.Body = answer.Bytes()
			g.c.tellMedia(f.offer)
		}
		res.Contact = []sipmsg.Addr{g.c.l.ep.Contact(in.Flow)}
		in.RespondWith(now, res)
	case sipmsg.INFO, sipmsg.OPTIONS:
		in.Respond(now, 200, "")
	default:
		in.Respond(now, 481, "")
	}
}

// hungUp takes a BYE.
func (s *session) hungUp(now time.Time, in *ua.Incoming) {
	s.ended, s.wanted = true, false
	s.timer.Stop()
	s.d.End()
	in.Respond(now, 200, "")
	if s.unacked != nil {
		s.unacked.again = nil
		s.unacked = nil
	}
	text := "the far end hung up"
	if r := in.Req.Header.Get("Reason"); r != "" {
		text += " (" + r + ")"
	}
	s.c.finish(now, Reason{Text: text})
	s.c.tidy(now)
}

// reinvitedBy takes a re-INVITE: a hold, a change of address, a session refresh. What is
// refused leaves the call as it was (RFC 3261 section 14.2).
func (s *session) reinvitedBy(now time.Time, in *ua.Incoming) {
	if !s.mayOffer(now, in) {
		return
	}
	p := &answering{l: s.l, c: s.c, s: s, in: in, offer: s.offer}
	theirs, code := offerIn(in.Req)
	p.theirs = theirs
	res := in.Response(200, "")
	res.Contact = []sipmsg.Addr{s.l.ep.Contact(in.Flow)}
	res.Header.Add("Allow", allowed)
	res.Header.Add("Supported", "100rel, replaces, norefersub")
	if code == 0 {
		if err := p.describe(res); err != nil {
			code = offerStatus(err)
		}
	}
	if code != 0 {
		s.refuseOffer(now, in, code)
		return
	}
	s.timer.Answer(now, in.Req, res)
	if p.final(now, res) {
		s.offers.SentResponse(sipmsg.INVITE, 200, true, false)
		s.unacked = p
	}
	if p.theirs != nil {
		s.agreed()
	}
}

// mayOffer refuses an INVITE or UPDATE that crosses another offer, or asks for too brief
// a session.
func (s *session) mayOffer(now time.Time, in *ua.Incoming) bool {
	if code, retryAfter := s.offers.Received(in.Req.Method, len(in.Req.Body) > 0); code != 0 {
		res := in.Response(code, "")
		if retryAfter > 0 {
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
	return true
}

// refuseOffer answers an INVITE or UPDATE that changes nothing.
func (s *session) refuseOffer(now time.Time, in *ua.Incoming, code int) {
	in.Respond(now, code, "")
	s.offers.SentResponse(in.Req.Method, code, false, false)
	s.resume(now)
}

// offerIn reads the offer of a request; nil when it has none. A code other than 0
// refuses what cannot be read.
func offerIn(req *sipmsg.Message) (*offer.Description, int) {
	if len(req.Body) == 0 {
		return nil, 0
	}
	if t, _ := req.ContentType(); t != "application/sdp" {
		return nil, 415
	}
	d, err := offer.Parse(req.Body)
	if err != nil {
		return nil, offerStatus(err)
	}
	return d, 0
}

// updatedBy takes an UPDATE (RFC 3311).
func (s *session) updatedBy(now time.Time, in *ua.Incoming) {
	if !s.mayOffer(now, in) {
		return
	}
	res := in.Response(200, "")
	res.Contact = []sipmsg.Addr{s.l.ep.Contact(in.Flow)}
	res.Header.Add("Allow", allowed)
	theirs, code := offerIn(in.Req)
	if theirs != nil {
		answer, err := s.offer.Answer(theirs)
		if err != nil {
			code = offerStatus(err)
		} else {
			res.SetBody("application/sdp", answer.Bytes())
		}
	}
	if code != 0 {
		s.refuseOffer(now, in, code)
		return
	}
	s.timer.Answer(now, in.Req, res)
	in.RespondWith(now, res)
	s.offers.SentResponse(sipmsg.UPDATE, 200, theirs != nil, false)
	if theirs != nil {
		s.agreed()
	}
	s.resume(now)
}

// informed takes an INFO: a digit, or anything else, which is answered and forgotten.
func (s *session) informed(now time.Time, in *ua.Incoming) {
	t, _ := in.Req.ContentType()
	switch t {
	case "application/dtmf-relay", "application/dtmf":
		d, ok := infoDigit(t, string(in.Req.Body))
		if !ok {
			in.Respond(now, 400, "No digit")
			return
		}
		in.Respond(now, 200, "")
		if s.c.handler != nil && !s.c.over {
			s.c.handler.Digit(s.c, d)
		}
	case "":
		in.Respond(now, 200, "")
	default:
		res := in.Response(415, "")
		res.Header.Add("Accept", "application/dtmf-relay, application/dtmf")
		in.RespondWith(now, res)
	}
}

// infoDigit reads the digit of an INFO. Numbers 10 to 16 stand for * # A B C D and flash.
func infoDigit(contentType, body string) (digit byte, ok bool) {
	signal := ""
	if contentType == "application/dtmf" {
		signal = strings.TrimSpace(body)
	} else {
		for _, line := range strings.FieldsFunc(body, func(r rune) bool { return r == '\r' || r == '\n' }) {
			name, value, _ := strings.Cut(line, "=")
			if strings.EqualFold(strings.TrimSpace(name), "Signal") {
				signal = strings.TrimSpace(value)
			}
		}
	}
	const numbered = "*#ABCDF"
	switch {
	case len(signal) == 1 && strings.Contains("0123456789*#ABCD", strings.ToUpper(signal)):
		return strings.ToUpper(signal)[0], true
	case len(signal) == 2 && signal[0] == '1' && signal[1] >= '0' && signal[1] <= '6':
		return numbered[signal[1]-'0'], true
	case strings.EqualFold(signal, "hf"), strings.EqualFold(signal, "flash"):
		return 'F', true
	}
	return 0, false
}

// pracked takes the acknowledgement of a reliable provisional response of ours.
func (l *Line) pracked(now time.Time, in *ua.Incoming) {
	for c := range l.calls {
		p := c.pending
		if p == nil || p.rel == nil || p.in.Req.CallID != in.Req.CallID || p.in.Tag != in.Req.To.Tag() {
			continue
		}
		code, next := p.rel.Acknowledge(in.Req)
		in.Respond(now, code, "")
		p.sendReliably(now, next)
		return
	}
	in.Respond(now, 481, "")
}
