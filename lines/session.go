package lines

import (
	"errors"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// A session is the confirmed dialog of a call: what RFC 3261 calls the invite usage.
type session struct {
	l      *Line
	c      *Call
	d      *dialog.Dialog
	offer  *offer.Session
	server registrar.Server // whose dialog it is; changes with a failover of BYE
	timer  dialog.SessionTimer
	offers dialog.Offers
	ack    *acknowledgement // of the 2xx to the INVITE that made it, when that was ours

	running  int         // requests of ours under way
	inviting *ua.Request // a re-INVITE of ours among them; nil: none
	inviteBy time.Time   // when that one is given up
	wanted   bool        // a re-INVITE is to be sent when offers allow it
	wish     wish        // of Switch
	lost     loss
	updates  bool       // the far end takes UPDATE
	unacked  *answering // our 2xx to an INVITE waits for its ACK
	farewell *farewell  // a BYE that waits for the registrar to settle
	stray    bool       // not the call's: a fork, or an abandoned server's late answer
	ended    bool       // by a BYE of either side

	transfer       *transfer // a REFER of ours
	referral       *referral // a REFER of theirs
	referredBefore bool
}

func (c *Call) newSession(d *dialog.Dialog, o *offer.Session, server registrar.Server) *session {
	s := &session{l: c.l, c: c, d: d, offer: o, server: server}
	s.offers.CallIDOwner = d.Caller()
	return s
}

// confirmed makes s the call's session and tells that it is answered.
func (c *Call) confirmed(now time.Time, s *session) {
	c.s = s
	c.info.Answered = now
	c.ringBy = time.Time{}
	c.tellMedia(s.offer)
	c.setState(Connected)
	if c.handler != nil {
		c.handler.Answered(c)
	}
}

// quiet reports that nothing of ours is under way.
func (s *session) quiet() bool {
	return s.running == 0 && s.farewell == nil && s.unacked == nil && s.referral == nil
}

func (s *session) deadline() time.Time {
	d := deadline.Earlier(deadline.Earlier(s.timer.Deadline(), s.offers.Deadline()), s.inviteBy)
	if s.unacked != nil {
		d = deadline.Earlier(d, s.unacked.deadline())
	}
	if s.transfer != nil {
		d = deadline.Earlier(d, s.transfer.Deadline())
	}
	if s.referral != nil {
		d = deadline.Earlier(d, deadline.Earlier(s.referral.Deadline(), s.referral.dialBy))
	}
	return d
}

func (s *session) expire(now time.Time) {
	if s.unacked != nil && deadline.Due(now, s.unacked.deadline()) {
		s.unacked.expire(now)
	}
	s.expireTransfers(now)
	if deadline.Due(now, s.inviteBy) {
		s.giveUpInvite(now)
	}
	if deadline.Due(now, s.offers.Deadline()) && s.offers.Expire(now) {
		s.resume(now)
	}
	if deadline.Due(now, s.timer.Deadline()) {
		switch s.timer.Expire(now) {
		case dialog.RefreshDue:
			s.refresh(now)
		case dialog.SessionExpired:
			s.bye(now)
			s.c.finish(now, Reason{Code: 408, Text: "the session expired: the far end did not refresh it", By: Timer})
		}
	}
}

// stop ends what the session does by itself: a BYE came or is about to go.
func (s *session) stop(now time.Time) {
	s.ended, s.wanted, s.wish, s.lost = true, false, wish{}, loss{}
	s.timer.Stop()
	s.giveUpInvite(now)
	s.offers = dialog.Offers{}
}

// allow notes which methods the far end takes.
func (s *session) allow(m *sipmsg.Message) {
	if len(m.Header.Values("Allow")) > 0 {
		s.updates = m.OptionTag("Allow", sipmsg.UPDATE)
	}
}

// send sends a request of the dialog to its next hop. Nobody else will be asked, so it
// gets 64*T1, but where lose may send it by the other server.
func (s *session) send(now time.Time, m *sipmsg.Message, on func(now time.Time, a ua.Answer)) {
	on = s.under(on)
	s.l.hopTarget(now, s.server, s.d.NextHop(), func(now time.Time, t transport.Target, _ registrar.Server, err error) {
		if err == nil && s.ended && s.d.State() == dialog.Confirmed && m.Method != sipmsg.NOTIFY {
			err = errEnded // while its next hop was looked up
		}
		if err == nil && s.l.bares(m, t.Proto) {
			err = errKeysInClear
		}
		if err != nil {
			on(now, ua.Answer{Err: err})
			return
		}
		again := s.mayRehome() && (m.Method == sipmsg.INVITE || m.Method == sipmsg.UPDATE)
		s.sendTo(now, m, t, !again, on)
	})
}

var errEnded = errors.New("the call has ended")

// under counts a request of ours as running until its end is told to on.
func (s *session) under(on func(now time.Time, a ua.Answer)) func(now time.Time, a ua.Answer) {
	s.running++
	over := false
	return func(now time.Time, a ua.Answer) {
		if !over && (a.Response == nil || !a.Response.IsProvisional()) {
			over = true
			s.running--
		}
		on(now, a)
		s.c.tidy(now)
	}
}

// sendTo sends a request of the dialog to a target. last: nobody else will be asked.
func (s *session) sendTo(now time.Time, m *sipmsg.Message, t transport.Target, last bool, on func(now time.Time, a ua.Answer)) {
	r := &ua.Request{
		Msg: m, Target: t, Contact: len(m.Contact) > 0,
		// A far end that the line did not call might challenge to learn a digest: only
		// where the line itself registers is it answered.
		Own: s.l.isOwn(t) && s.d.Caller(), Server: s.server.String(),
		Retransmissions: s.l.retransmissions(last), Again: s.again,
		On: func(now time.Time, a ua.Answer) {
			s.traceLoss(now, t, a)
			on(now, a)
		},
	}
	if name := s.l.serverName(t); name != t.Addr.String() {
		s.l.dev.Trace.Server(s.c.info.ID, t.Addr, name)
	}
	if m.Method == sipmsg.INVITE {
		s.inviting, s.inviteBy = r, now.Add(s.inviteLimit())
	}
	s.l.ep.Send(now, r)
}

// An acknowledgement is the ACK of a 2xx to an INVITE of ours, which every repetition of
// the 2xx wants again (RFC 3261 section 13.2.2.4).
type acknowledgement struct {
	s    *session
	ack  *sipmsg.Message
	came transport.Flow // the way of the 2xx
	flow transport.Flow // the way of the ACK; nil: not sent yet
	wire []byte
}

// acknowledge sends the ACK of a 2xx.
func (s *session) acknowledge(now time.Time, a ua.Answer) *acknowledgement {
	k := &acknowledgement{s: s, ack: s.d.Ack(a.Request), came: a.Flow}
	k.send(now)
	return k
}

func (k *acknowledgement) send(now time.Time) {
	s := k.s
	s.l.hopTarget(now, s.server, s.d.NextHop(), func(_ time.Time, t transport.Target, _ registrar.Server, err error) {
		f := k.came
		if err == nil && t.Normal() != f.Target() {
			if other, ferr := s.l.ep.Flow(t); ferr == nil && other.Up() {
				f = other
			}
		}
		if !f.Up() {
			return // the 2xx is repeated, and the connection is there by then
		}
		wire, err := s.l.ep.SendAck(f, k.ack)
		if err != nil {
			s.l.log.Error("ACK not written", "err", err)
			return
		}
		k.flow, k.wire = f, wire
	})
}

// again answers a repeated 2xx.
func (k *acknowledgement) again(now time.Time) {
	if k.flow == nil || !k.flow.Up() {
		k.send(now)
		return
	}
	k.s.l.ep.Transmit(k.flow, k.wire)
}
