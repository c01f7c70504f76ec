package lines

import (
	"math/rand/v2"
	"strconv"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transaction"
)

// An answering is an INVITE of the far end that we answer: its offer or ours, the
// reliable 1xx and the 2xx, each repeated until acknowledged.
type answering struct {
	l       *Line
	c       *Call
	s       *session // nil before the call is answered
	in      *ua.Incoming
	offer   *offer.Session
	theirs  *offer.Description // nil: they sent none, we make the offer
	initial bool               // it makes the call, rather than changing one

	ringAt   time.Time           // when the 180 is sent again; zero: it does not ring
	rel      *dialog.Progress    // our reliable provisional responses; nil: none
	seq      uint32              // highest CSeq of the requests in the early dialog
	again    *transaction.Resend // the 2xx that waits for its ACK
	byeAfter bool                // hung up before the ACK came
}

func (p *answering) deadline() time.Time {
	d := p.ringAt
	if p.rel != nil {
		d = deadline.Earlier(d, p.rel.Deadline())
	}
	if p.again != nil {
		d = deadline.Earlier(d, p.again.Deadline())
	}
	return d
}

func (p *answering) expire(now time.Time) {
	if p.rel != nil && deadline.Due(now, p.rel.Deadline()) {
		step := p.rel.Expire(now)
		if step.Send != nil {
			p.in.Resend(step.Send)
		}
		if step.Err != nil { // RFC 3262 section 3
			p.c.refuse(now, 504, Reason{Code: 504, Text: step.Err.Error(), By: Timer})
			return
		}
	}
	if deadline.Due(now, p.ringAt) {
		p.ring(now)
	}
	if p.again == nil || !deadline.Due(now, p.again.Deadline()) {
		return
	}
	step := p.again.Expire(now)
	if step.Send != nil {
		p.in.Resend(step.Send)
	}
	if step.Err != nil {
		p.notAcknowledged(now, step.Err)
	}
}

// notAcknowledged ends a call whose 2xx had no ACK (RFC 3261 section 13.3.1.4).
func (p *answering) notAcknowledged(now time.Time, err error) {
	s := p.s
	s.unacked = nil
	s.abandonReferral(now)
	s.stop(now)
	s.sendBye(now)
	p.c.finish(now, Reason{Code: 408, Text: "the answer was not acknowledged: " + err.Error(), By: Timer})
}

// response is one that makes a dialog.
func (p *answering) response(code int) *sipmsg.Message {
	res := p.in.Response(code, "")
	res.Contact = []sipmsg.Addr{p.l.ep.Contact(p.in.Flow)}
	res.Header.Add("Allow", allowed)
	res.Header.Add("Supported", supported)
	return res
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
	res.SetBody(sdpType, d.Bytes())
	return nil
}

// ring sends a 180, reliably when the caller insists on it, and again every minute. RFC
// 3262 section 5: to an INVITE without an offer the first reliable response must bring
// one, and there are no media before the telephone is lifted: that caller waits for the
// 2xx in silence.
func (p *answering) ring(now time.Time) {
	p.ringAt = now.Add(ringAgain)
	res := p.response(180)
	if !p.in.Req.OptionTag("Require", "100rel") {
		p.in.RespondWith(now, res)
		return
	}
	if p.theirs == nil {
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
	wire := p.in.RespondWith(now, res)
	if wire == nil {
		return false
	}
	p.ringAt = time.Time{}
	if p.rel != nil {
		p.rel.Stop()
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
	s, p := c.s, c.s.unacked
	s.unacked = nil
	s.offers.Received(sipmsg.ACK, len(ack.Body) > 0)
	if p.byeAfter {
		s.sendBye(now)
		return
	}
	if p.theirs == nil {
		if err := p.answeredBy(ack); err != nil {
			s.unusable(now, err)
			return
		}
		s.agreed()
	}
	s.resume(now)
}

// answeredBy takes the answer that an ACK brings. A call that has media already goes on with
// them where the ACK brings none.
func (p *answering) answeredBy(ack *sipmsg.Message) error {
	d, err := answerIn(ack)
	switch {
	case err != nil:
		p.offer.Revert()
	case d != nil:
		err = p.offer.TakeAnswer(d)
	default:
		if p.offer.Revert(); !p.offer.Agreed() {
			err = errNoAnswer
		}
	}
	return err
}

// answeringOf finds the call that is not answered yet and whose early dialog a request
// belongs to.
func (l *Line) answeringOf(req *sipmsg.Message) *answering {
	for c := range l.calls {
		p := c.pending
		if p != nil && p.in.Req.CallID == req.CallID && p.in.Tag == req.To.Tag() && p.in.Req.From.Tag() == req.From.Tag() {
			return p
		}
	}
	return nil
}

// early takes a request in the early dialog of a call that rings here: the PRACK of our
// 1xx, or the BYE of a caller that has no CANCEL (RFC 3261 section 15).
func (p *answering) early(now time.Time, in *ua.Incoming) {
	if in.Req.CSeq.Seq <= max(p.seq, p.in.Req.CSeq.Seq) {
		in.Respond(now, 500, "")
		return
	}
	p.seq = in.Req.CSeq.Seq
	switch in.Req.Method {
	case sipmsg.PRACK:
		p.pracked(now, in)
	case sipmsg.BYE:
		in.Respond(now, 200, "")
		p.in.Cancel = in.Req // as good as one
		p.c.cancelled(now)
	case sipmsg.UPDATE, sipmsg.INVITE:
		if len(in.Req.Body) > 0 || in.Req.Method == sipmsg.INVITE {
			p.refuseSecondOffer(now, in)
			return
		}
		res := in.Response(200, "")
		res.Contact = []sipmsg.Addr{p.l.ep.Contact(in.Flow)}
		in.RespondWith(now, res)
	case sipmsg.INFO, sipmsg.OPTIONS:
		in.Respond(now, 200, "")
	default:
		methodNotAllowed.answer(now, in)
	}
}

// refuseSecondOffer answers an offer while that of the INVITE has no answer yet (RFC 3311
// section 5.2, RFC 3261 section 14.2): one at a time.
func (p *answering) refuseSecondOffer(now time.Time, in *ua.Incoming) {
	_, r := offerIn(in.Req)
	if r == nil {
		r = &refusal{code: 500, field: sipmsg.Field{Name: "Retry-After", Value: strconv.Itoa(rand.IntN(11))}}
	}
	r.answer(now, in)
}

// pracked takes the acknowledgement of a reliable provisional response of ours. It is no place
// for an offer: our reliable responses carry no answer that would allow one (RFC 3262 section
// 5).
func (p *answering) pracked(now time.Time, in *ua.Incoming) {
	switch {
	case p.rel == nil:
		in.Respond(now, 481, "")
		return
	case len(in.Req.Body) > 0:
		p.refuseSecondOffer(now, in)
		return
	}
	code, next := p.rel.Acknowledge(in.Req)
	in.Respond(now, code, "")
	p.sendReliably(now, next)
}
