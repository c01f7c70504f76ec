package lab

import (
	"fmt"
	"net/netip"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// A FarCall is a call of the far telephone.
type FarCall struct {
	Peer   string // user part of who calls, or is called
	Number string // that was called here; empty: the call was made here

	f     *FarEnd
	d     *dialog.Dialog // nil: not answered yet
	flow  transport.Flow
	offer *offer.Session
	sound *sound
	fax   *farFax       // nil: it is a telephone
	up    chan struct{} // closed when answered
	ended chan struct{} // closed when over

	in       *ua.Incoming // of a call that came in
	answerAt time.Time    // zero: not ringing
	resend   *transaction.Resend
	req      *ua.Request // of a call made
}

// Ended is closed when the call is over, whoever ended it.
func (c *FarCall) Ended() <-chan struct{} { return c.ended }

// Play sends a signal instead of the echo; nil brings the echo back.
func (c *FarCall) Play(signal *dsp.Signal) { c.sound.play(signal) }

// Hears is how loud a frequency is in the last 200 ms that came in, in dBm0, and how
// loud all of it is.
func (c *FarCall) Hears(hz float64) (tone, all float64) { return c.sound.level(hz) }

// Hangup ends the call.
func (c *FarCall) Hangup() {
	c.f.ep.Post(func(now time.Time) {
		if _, running := c.f.calls[c]; running && c.d != nil {
			c.send(now, c.d.Request(sipmsg.BYE), func(time.Time, ua.Answer) {})
			c.over()
		}
	})
}

// Reinvite offers the session anew in a direction: a hold, or its end. It waits for the
// answer.
func (c *FarCall) Reinvite(direction offer.Direction) error {
	outcome := newOutcome()
	posted := c.f.ep.Post(func(now time.Time) {
		c.offer.SetDirection(direction)
		c.reinvite(now, outcome.is)
	})
	if !posted {
		return errClosed
	}
	select {
	case err := <-outcome:
		return err
	case <-c.f.quit:
		return errClosed
	}
}

// reinvite offers what is wanted now.
func (c *FarCall) reinvite(now time.Time, done func(error)) {
	d, err := c.offer.Offer()
	if err != nil {
		done(err)
		return
	}
	m := c.d.Request(sipmsg.INVITE)
	m.SetBody("application/sdp", d.Bytes())
	var req *ua.Request
	req = c.send(now, m, func(now time.Time, a ua.Answer) {
		switch {
		case a.Response == nil:
			c.offer.Revert()
			done(a.Err)
		case a.Response.IsProvisional():
		case a.Response.IsSuccess():
			done(c.answered(a, req.Msg))
		default:
			c.offer.Revert()
			done(fmt.Errorf("re-INVITE: %d %s", a.Response.StatusCode, a.Response.Reason))
		}
	})
}

// An outcome is the first of what became of an INVITE; its 2xx may be repeated.
type outcome chan error

func newOutcome() outcome { return make(outcome, 1) }

func (o outcome) is(err error) {
	select {
	case o <- err:
	default:
	}
}

// over ends the call here.
func (c *FarCall) over() {
	if _, running := c.f.calls[c]; !running {
		return
	}
	delete(c.f.calls, c)
	if c.d != nil {
		c.d.End()
	}
	c.sound.close()
	if c.fax != nil {
		c.fax.end()
	}
	close(c.ended)
}

func (c *FarCall) deadline() time.Time {
	d := c.answerAt
	if c.resend != nil {
		d = earlier(d, c.resend.Deadline())
	}
	return d
}

func (c *FarCall) expire(now time.Time) {
	if due(now, c.answerAt) {
		c.answerAt = time.Time{}
		c.answer(now, c.in)
	}
	if c.resend != nil && due(now, c.resend.Deadline()) {
		s := c.resend.Expire(now)
		if s.Send != nil {
			c.f.ep.Transmit(c.flow, s.Send)
		}
		if c.resend.Done() {
			c.resend = nil
			c.send(now, c.d.Request(sipmsg.BYE), func(time.Time, ua.Answer) {})
			c.over()
		}
	}
}

// answer sends the 2xx to an INVITE, the first or another.
func (c *FarCall) answer(now time.Time, in *ua.Incoming) {
	body, err := c.describe(in.Req)
	if err != nil {
		in.Respond(now, 488, "")
		if c.d == nil {
			c.over()
		}
		return
	}
	res := in.Response(200, "")
	res.Contact = []sipmsg.Addr{c.f.ep.Contact(in.Flow)}
	res.Header.Add("Allow", farAllow)
	res.SetBody("application/sdp", body)
	wire := in.RespondWith(now, res)
	if wire == nil {
		c.over()
		return
	}
	if in.Req.Method == sipmsg.INVITE {
		c.resend = transaction.NewResend(now, res, wire, c.f.timers)
	}
	if c.d != nil {
		return
	}
	if c.d, err = dialog.FromRequest(in.Req, res); err != nil {
		c.over()
		return
	}
	close(c.up)
	c.f.give(c)
}

// describe answers the offer of a request, or offers.
func (c *FarCall) describe(m *sipmsg.Message) ([]byte, error) {
	theirs, err := describedBy(m)
	if err != nil {
		return nil, err
	}
	if theirs == nil {
		ours, err := c.offer.OfferAll()
		if err != nil {
			return nil, err
		}
		return ours.Bytes(), nil
	}
	ours, err := c.offer.Answer(theirs)
	if err != nil {
		return nil, err
	}
	c.agreed()
	return ours.Bytes(), nil
}

// describedBy reads the session description of a message; nil without one.
func describedBy(m *sipmsg.Message) (*offer.Description, error) {
	if t, _ := m.ContentType(); t != "application/sdp" || len(m.Body) == 0 {
		return nil, nil
	}
	return offer.Parse(m.Body)
}

// acknowledged takes the ACK of a 2xx, with the answer when the 2xx had the offer.
func (c *FarCall) acknowledged(ack *sipmsg.Message) {
	if c.resend == nil {
		return
	}
	c.resend = nil
	if d, err := describedBy(ack); err == nil && d != nil && c.offer.Pending() {
		if c.offer.TakeAnswer(d) == nil {
			c.agreed()
		}
	}
	if c.fax != nil && c.offer.Image() == nil {
		c.askForT38(time.Now())
	}
}

// agreed puts what offer and answer came to into force.
func (c *FarCall) agreed() {
	c.sound.agree(c.offer.Audio())
	c.faxAgreed()
}

// request takes a request in the dialog.
func (c *FarCall) request(now time.Time, in *ua.Incoming) {
	if code := c.d.Receive(in.Req); code != 0 {
		in.Respond(now, code, "")
		return
	}
	switch in.Req.Method {
	case sipmsg.INVITE, sipmsg.UPDATE:
		if len(in.Req.Body) == 0 && in.Req.Method == sipmsg.UPDATE {
			in.Respond(now, 200, "")
			return
		}
		if c.offer.Pending() {
			in.Respond(now, 491, "")
			return
		}
		c.answer(now, in)
	case sipmsg.BYE:
		in.Respond(now, 200, "")
		c.over()
	case sipmsg.INFO, sipmsg.OPTIONS:
		in.Respond(now, 200, "")
	default:
		in.Respond(now, 501, "")
	}
}

// invite begins a call out.
func (c *FarCall) invite(now time.Time, via netip.AddrPort, user string, done func(error)) error {
	d, err := c.offer.Offer()
	if err != nil {
		c.over()
		return err
	}
	c.Peer = user
	own := FarUser
	if c.fax != nil {
		own = FaxUser
	}
	to := sipmsg.URI{Scheme: "sip", User: user, Host: via.Addr().String(), Port: int(via.Port())}
	m := &sipmsg.Message{
		Method: sipmsg.INVITE, RequestURI: to,
		From:   sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: own, Host: via.Addr().String()}}.WithTag(ua.NewTag()),
		To:     sipmsg.Addr{URI: to},
		CallID: ua.NewTag(), CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.INVITE},
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Allow", farAllow)
	m.SetBody("application/sdp", d.Bytes())
	c.req = &ua.Request{
		Msg: m, Target: transport.Target{Proto: transport.UDP, Addr: via}, Retransmissions: transaction.Unlimited, Contact: true,
		On: func(now time.Time, a ua.Answer) {
			if a.Response != nil && a.Response.IsProvisional() {
				return
			}
			if err := c.taken(a); err != nil {
				done(err)
				c.over()
			} else if !c.isUp() {
				close(c.up)
				done(nil)
			}
		},
	}
	c.f.ep.Send(now, c.req)
	return nil
}

func (c *FarCall) isUp() bool {
	select {
	case <-c.up:
		return true
	default:
		return false
	}
}

// taken takes the end of an INVITE of ours.
func (c *FarCall) taken(a ua.Answer) error {
	switch {
	case a.Err != nil:
		return a.Err
	case !a.Response.IsSuccess():
		return fmt.Errorf("call to %s: %d %s", c.Peer, a.Response.StatusCode, a.Response.Reason)
	}
	if c.d == nil {
		var err error
		if c.d, err = dialog.FromResponse(c.req.Msg, a.Response); err != nil {
			return err
		}
		c.flow = a.Flow
	}
	return c.answered(a, c.req.Msg)
}

// answered acknowledges a 2xx and takes its answer.
func (c *FarCall) answered(a ua.Answer, invite *sipmsg.Message) error {
	if _, err := c.f.ep.SendAck(a.Flow, c.d.Ack(invite)); err != nil {
		return err
	}
	d, err := describedBy(a.Response)
	if err != nil || d == nil || !c.offer.Pending() {
		return err
	}
	if err := c.offer.TakeAnswer(d); err != nil {
		return err
	}
	c.agreed()
	return nil
}

// send sends a request of the dialog.
func (c *FarCall) send(now time.Time, m *sipmsg.Message, on func(now time.Time, a ua.Answer)) *ua.Request {
	r := &ua.Request{
		Msg: m, Retransmissions: transaction.Unlimited, On: on,
		Contact: m.Method == sipmsg.INVITE,
	}
	next := c.d.NextHop()
	ip, err := netip.ParseAddr(next.Host)
	if err != nil {
		ip = c.flow.Target().Addr.Addr() // a name: back where the call came from
	}
	port := next.Port
	if port == 0 {
		port = int(transport.UDP.DefaultPort())
	}
	r.Target = transport.Target{Proto: transport.UDP, Addr: netip.AddrPortFrom(ip, uint16(port))}
	c.f.ep.Send(now, r)
	return r
}
