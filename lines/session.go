package lines

import (
	"fmt"
	"strconv"
	"time"

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

	ack     []byte // of the latest 2xx to an INVITE of ours, as sent
	ackFlow transport.Flow

	running    int        // requests of ours under way
	wanted     bool       // a re-INVITE is to be sent when offers allow it
	updates    bool       // the far end takes UPDATE
	unacked    *answering // our 2xx to an INVITE waits for its ACK
	byeWaiting bool       // for the registrar to settle
	byeTried   [3]bool
	stray      bool // not the call's: a fork, or an abandoned server's late answer
	ended      bool

	transfer       *transfer        // a REFER of ours
	referral       *dialog.Referral // a REFER of theirs
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
func (s *session) quiet() bool { return s.running == 0 && !s.byeWaiting && s.unacked == nil }

func (s *session) deadline() time.Time {
	d := earlier(s.timer.Deadline(), s.offers.Deadline())
	if s.unacked != nil {
		d = earlier(d, s.unacked.deadline())
	}
	if s.transfer != nil {
		d = earlier(d, s.transfer.Deadline())
	}
	if s.referral != nil {
		d = earlier(d, s.referral.Deadline())
	}
	return d
}

func (s *session) expire(now time.Time) {
	if s.unacked != nil && due(now, s.unacked.deadline()) {
		s.unacked.expire(now)
	}
	s.expireTransfers(now)
	if due(now, s.offers.Deadline()) && s.offers.Expire(now) {
		s.reinvite(now)
	}
	if due(now, s.timer.Deadline()) {
		switch s.timer.Expire(now) {
		case dialog.RefreshDue:
			s.refresh(now)
		case dialog.SessionExpired:
			s.bye(now)
			s.c.finish(now, Reason{Code: 408, Text: "the session expired: the far end did not refresh it"})
		}
	}
}

// send sends a request of the dialog to its next hop.
func (s *session) send(now time.Time, m *sipmsg.Message, on func(now time.Time, a ua.Answer)) {
	s.sendTo(now, m, nil, true, on)
}

// sendTo sends a request of the dialog, to target instead of the next hop when that is
// given. last: nobody else will be asked, so it gets 64*T1.
func (s *session) sendTo(now time.Time, m *sipmsg.Message, target *transport.Target, last bool, on func(now time.Time, a ua.Answer)) {
	s.running++
	done := func(now time.Time, a ua.Answer) {
		if a.Response == nil || !a.Response.IsProvisional() {
			s.running--
		}
		on(now, a)
		s.c.tidy(now)
	}
	go1 := func(now time.Time, t transport.Target) {
		s.l.ep.Send(now, &ua.Request{
			Msg: m, Target: t, Contact: len(m.Contact) > 0,
			// A far end that the line did not call might challenge to learn a digest:
			// only where the line itself registers is it answered.
			Own: s.l.isOwn(t) && s.d.Caller(), Server: s.server.String(),
			Retransmissions: s.l.retransmissions(last), Again: s.d.Again,
			On: done,
		})
	}
	if target != nil {
		go1(now, *target)
		return
	}
	s.l.hopTarget(now, s.server, s.d.NextHop(), func(now time.Time, t transport.Target, err error) {
		if err != nil {
			done(now, ua.Answer{Err: err})
			return
		}
		go1(now, t)
	})
}

// hopTarget finds where a URI of a route set leads. A URI that names the line's own
// server leads to the address in use, over the connection that stands.
func (l *Line) hopTarget(now time.Time, at registrar.Server, u sipmsg.URI, then func(time.Time, transport.Target, error)) {
	for _, id := range []registrar.Server{at, at.Other()} {
		if s := l.servers[id]; s != nil && len(s.targets) > 0 && s.names(u) && sameProto(u, s.query.Proto) {
			then(now, s.target(), nil)
			return
		}
	}
	q := transport.Query{Host: u.Host, Port: u.Port, Proto: protoOf(u), Device: l.cfg.UseVPN}
	if s := l.servers[at]; s != nil && u.Transport() == "" && u.Scheme != "sips" {
		q.Proto = s.query.Proto
	}
	if t, ok := literalTarget(q); ok {
		then(now, t, nil)
		return
	}
	l.lookup(q, func(now time.Time, targets []transport.Target, _ time.Duration, err error) {
		if err != nil {
			then(now, transport.Target{}, err)
			return
		}
		then(now, l.livingFirst(targets)[0], nil)
	})
}

func protoOf(u sipmsg.URI) transport.Proto {
	switch {
	case u.Scheme == "sips", u.Transport() == "tls":
		return transport.TLS
	case u.Transport() == "tcp":
		return transport.TCP
	}
	return transport.UDP
}

func sameProto(u sipmsg.URI, p transport.Proto) bool {
	return u.Transport() == "" && u.Scheme != "sips" || protoOf(u) == p
}

// acknowledge sends the ACK of a 2xx and keeps it for repetitions.
func (s *session) acknowledge(now time.Time, invite *sipmsg.Message, a ua.Answer) {
	ack := s.d.Ack(invite)
	send := func(f transport.Flow) {
		wire, err := s.l.ep.SendAck(f, ack)
		if err != nil {
			s.l.log.Error("ACK not written", "err", err)
			return
		}
		s.ack, s.ackFlow = wire, f
	}
	s.l.hopTarget(now, s.server, s.d.NextHop(), func(now time.Time, t transport.Target, err error) {
		f := a.Flow
		if err == nil && (f == nil || t.Normal() != f.Target()) {
			if other, ferr := s.l.ep.Flow(t); ferr == nil && (other.Up() || !other.Reliable()) {
				f = other
			}
		}
		send(f)
	})
}

// acknowledgeAgain answers a repeated 2xx.
func (s *session) acknowledgeAgain() {
	if s.ack != nil {
		s.l.ep.Transmit(s.ackFlow, s.ack)
	}
}

// bye ends the dialog. A server that does not take the BYE is replaced (the document's
// Bye Failover).
func (s *session) bye(now time.Time) {
	if s.ended {
		return
	}
	s.ended, s.wanted = true, false
	s.timer.Stop()
	if s.unacked != nil && !s.stray {
		// RFC 3261 section 15: a callee does not send BYE before its 2xx is
		// acknowledged or has timed out.
		s.unacked.byeAfter = true
		return
	}
	s.sendBye(now)
}

func (s *session) sendBye(now time.Time) {
	m := s.d.Request(sipmsg.BYE)
	s.byeTried[s.server] = true
	s.sendTo(now, m, nil, !s.hasOther(), func(now time.Time, a ua.Answer) { s.byeAnswered(now, m, a) })
}

// hasOther reports that the BYE could go through another server.
func (s *session) hasOther() bool {
	return s.server != registrar.None && s.l.servers[s.server.Other()] != nil && !s.byeTried[s.server.Other()]
}

func (s *session) byeAnswered(now time.Time, m *sipmsg.Message, a ua.Answer) {
	if a.Response != nil && a.Response.IsProvisional() {
		return
	}
	cause := a.Unavailable()
	if cause == nil || !s.hasOther() {
		return
	}
	s.l.log.Warn("server does not take the BYE", "id", s.c.info.ID, "server", s.server, "cause", cause)
	s.byeWaiting = true
	if a.Response != nil {
		s.l.do(now, s.l.reg.RequestRefused(now, s.server, cause))
	} else {
		s.l.do(now, s.l.reg.RequestFailed(now, s.server, cause))
	}
}

// settled sends a BYE that waited for the registrar through the other server:
// Request-URI, Call-ID and tags stay, CSeq is one more, and the Route entry of the dead
// server is the other's.
func (s *session) settled(now time.Time) {
	if !s.byeWaiting {
		return
	}
	next := s.server.Other()
	if !s.l.reg.Usable(now, next) {
		if !s.l.reg.Hunting() {
			s.byeWaiting = false
			s.c.tidy(now)
		}
		return
	}
	s.byeWaiting = false
	dead, other := s.l.servers[s.server], s.l.servers[next]
	s.d.ReplaceRoute(s.deadHop(dead), other.uri())
	s.server = next
	s.byeTried[next] = true
	m := s.d.Request(sipmsg.BYE)
	t := other.target()
	s.sendTo(now, m, &t, true, func(now time.Time, a ua.Answer) { s.byeAnswered(now, m, a) })
}

// deadHop is the route entry that names the dead server, or its own URI when none does.
func (s *session) deadHop(dead *server) sipmsg.URI {
	for _, a := range s.d.Routes {
		if dead.names(a.URI) {
			return a.URI
		}
	}
	return dead.uri()
}

// allow notes which methods the far end takes.
func (s *session) allow(m *sipmsg.Message) {
	if v := m.Header.Values("Allow"); len(v) > 0 {
		s.updates = m.OptionTag("Allow", sipmsg.UPDATE)
	}
}

// reinvite offers what this side wants now: a hold, a resume, or all as it is. It waits
// while another offer is under way.
func (s *session) reinvite(now time.Time) {
	if s.ended {
		return
	}
	s.wanted = true
	if !s.offers.MayInvite() {
		return // resume tries again
	}
	d, err := s.offer.Offer()
	if err != nil {
		return
	}
	s.wanted = false
	m := s.d.Request(sipmsg.INVITE)
	m.Header.Add("Allow", allowed)
	m.Header.Add("Supported", "100rel, replaces, norefersub")
	s.timer.Request(m)
	m.SetBody("application/sdp", d.Bytes())
	s.offers.Sent(sipmsg.INVITE, true)
	s.send(now, m, func(now time.Time, a ua.Answer) { s.reinvited(now, m, a) })
}

// resume sends a re-INVITE that had to wait.
func (s *session) resume(now time.Time) {
	if s.wanted && !s.ended {
		s.reinvite(now)
	}
}

func (s *session) reinvited(now time.Time, m *sipmsg.Message, a ua.Answer) {
	res := a.Response
	if res == nil {
		s.offers.ReceivedResponse(sipmsg.INVITE, 408, false, false)
		s.offer.Revert()
		s.refreshFailed(now, a.Err)
		return
	}
	if res.IsSuccess() && s.offer.Pending() == false {
		s.acknowledgeAgain()
		return
	}
	s.offers.ReceivedResponse(sipmsg.INVITE, res.StatusCode, len(res.Body) > 0, false)
	s.d.Refresh(res)
	switch {
	case res.IsProvisional():
		return
	case res.IsSuccess():
		s.acknowledge(now, m, a)
		s.offers.Sent(sipmsg.ACK, false)
		s.timer.Response(now, res)
		if d := sdpOf(res); d == nil {
			s.offer.Revert()
		} else if err := s.offer.TakeAnswer(d); err != nil {
			s.l.log.Warn("answer not usable", "id", s.c.info.ID, "err", err)
		}
		s.agreed()
	case res.StatusCode == 491:
		s.offer.Revert()
		s.offers.Glare(now)
	case res.StatusCode == 422 && s.timer.TooBrief(res):
		s.offer.Revert()
		s.wanted = true
	case dialog.Gone(res.StatusCode):
		s.offer.Revert()
		s.lostDialog(now, fmt.Errorf("%d %s", res.StatusCode, res.Reason))
	default:
		s.offer.Revert()
		if after, ok := dialog.RetryAfter(res); ok && res.StatusCode == 500 {
			s.offers.Later(now, after)
			return
		}
		s.l.log.Warn("re-INVITE refused; the call goes on as it was", "id", s.c.info.ID, "code", res.StatusCode)
		s.timer.Failed(now)
		s.agreed()
	}
	s.resume(now)
}

// refresh keeps the session alive with the media as they are (RFC 4028 section 7.4): by
// UPDATE without a body where the peer allows it, else by a re-INVITE.
func (s *session) refresh(now time.Time) {
	if !s.updates {
		s.reinvite(now)
		return
	}
	if !s.offers.MayUpdate(false) {
		s.timer.Failed(now)
		return
	}
	m := s.d.Request(sipmsg.UPDATE)
	s.timer.Request(m)
	s.offers.Sent(sipmsg.UPDATE, false)
	s.send(now, m, func(now time.Time, a ua.Answer) {
		res := a.Response
		if res == nil {
			s.offers.ReceivedResponse(sipmsg.UPDATE, 408, false, false)
			s.refreshFailed(now, a.Err)
			return
		}
		s.offers.ReceivedResponse(sipmsg.UPDATE, res.StatusCode, false, false)
		s.d.Refresh(res)
		switch {
		case res.IsProvisional():
		case res.IsSuccess():
			s.timer.Response(now, res)
		case res.StatusCode == 422 && s.timer.TooBrief(res):
			s.refresh(now)
		case dialog.Gone(res.StatusCode):
			s.lostDialog(now, fmt.Errorf("%d %s", res.StatusCode, res.Reason))
		default:
			s.timer.Failed(now)
		}
	})
}

// refreshFailed: the server may be away for a while; the call goes on until its session
// expires.
func (s *session) refreshFailed(now time.Time, cause error) {
	s.timer.Failed(now)
	s.l.log.Warn("request in a call not answered", "id", s.c.info.ID, "cause", errText(cause))
}

// lostDialog ends a call that the far end does not know.
func (s *session) lostDialog(now time.Time, cause error) {
	if s.ended {
		return
	}
	s.bye(now)
	s.c.finish(now, Reason{Code: 481, Text: "the far end has lost the call: " + cause.Error()})
}

// agreed tells the media after a change.
func (s *session) agreed() {
	if s.stray || s.c.over {
		return
	}
	s.c.tellMedia(s.offer)
	state := Connected
	if a := s.offer.Audio(); a == nil || a.Direction != offer.SendRecv {
		state = Held
	}
	s.c.setState(state)
}

// sendDigit sends a digit by INFO (application/dtmf-relay, as Fanvil and others do).
func (s *session) sendDigit(now time.Time, digit byte) {
	signal := string(digit)
	if s.l.cfg.DTMFSIPInfoMode == "10/11" {
		switch digit {
		case '*':
			signal = "10"
		case '#':
			signal = "11"
		}
	}
	m := s.d.Request(sipmsg.INFO)
	m.Header.Add("Content-Type", "application/dtmf-relay")
	m.Body = []byte("Signal=" + signal + "\r\nDuration=" + strconv.Itoa(infoDigitMS) + "\r\n")
	s.send(now, m, func(now time.Time, a ua.Answer) {
		if a.Err != nil {
			s.l.log.Warn("digit not sent", "id", s.c.info.ID, "cause", a.Err)
		}
	})
}

// infoDigitMS is the duration that an INFO digit names.
const infoDigitMS = 160
