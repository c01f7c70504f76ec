package lines

import (
	"errors"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// want changes what this side does with the sound. A re-INVITE under way that says so already
// needs no other after it.
func (s *session) want(now time.Time, d offer.Direction) {
	if s.inviting != nil && !s.wanted && s.offer.Wanted() == d {
		return
	}
	s.offer.SetDirection(d)
	if s.offer.Audio() == nil && s.offer.Image() != nil {
		return // a fax is not held; what is wanted holds when sound comes back
	}
	s.reinvite(now)
}

// reinvite offers what this side wants now: a hold, a resume, or all as it is. It waits
// while another offer is under way, and its time after a glare.
func (s *session) reinvite(now time.Time) {
	if s.ended {
		return
	}
	s.wanted = true
	if !s.offers.Deadline().IsZero() || !s.offers.MayInvite() {
		return // resume, or expire, tries again
	}
	s.rehome(now)
	if s.wish.set {
		s.offer.SetMode(s.wish.mode)
	}
	d, err := s.offer.Offer()
	if err != nil {
		return
	}
	s.wanted = false
	m := s.d.Request(sipmsg.INVITE)
	m.Header.Add("Allow", allowed)
	m.Header.Add("Supported", supported)
	s.timer.Request(m)
	m.SetBody(sdpType, d.Bytes())
	s.offers.Sent(sipmsg.INVITE, true)
	x := &reinvitation{session: s, wish: s.wish}
	s.send(now, m, x.on)
}

// resume sends a re-INVITE that had to wait.
func (s *session) resume(now time.Time) {
	if s.wanted {
		s.reinvite(now)
	}
}

// A reinvitation is one re-INVITE of ours.
type reinvitation struct {
	*session
	ack  *acknowledgement // of its 2xx; nil: none came
	wish wish             // of Switch, that it carries

	heard bool // a provisional response came: its server lives
}

// giveUpInvite cancels a re-INVITE that got a 1xx and nothing else, or that the end of the
// call has overtaken.
func (s *session) giveUpInvite(now time.Time) {
	s.inviteBy = time.Time{}
	if r := s.inviting; r != nil {
		s.l.ep.Cancel(now, r, s.l.cfg.SignalRetryCounts, nil)
	}
}

// on takes what becomes of it. What is refused leaves the call as it was.
func (x *reinvitation) on(now time.Time, a ua.Answer) {
	res, s := a.Response, x.session
	switch {
	case res == nil:
		s.inviting, s.inviteBy = nil, time.Time{}
		s.offers.ReceivedResponse(sipmsg.INVITE, 408, false, false)
		s.offer.Revert()
		s.refreshFailed(now, a.Err)
		if x.heard || !s.lose(now, a, s.reinvite) {
			x.notSwitched(408)
		}
		s.resume(now)
		return
	case a.Late:
		x.late(now, a)
		return
	case res.IsSuccess() && x.ack != nil:
		x.ack.again(now)
		return
	}
	s.lost = loss{}
	s.offers.ReceivedResponse(sipmsg.INVITE, res.StatusCode, len(res.Body) > 0, false)
	s.d.Refresh(res)
	if res.IsProvisional() {
		x.heard = true
		return
	}
	s.inviting, s.inviteBy = nil, time.Time{}
	if res.IsSuccess() {
		x.taken(now, a)
	} else {
		s.offer.Revert()
		x.refused(now, res)
	}
	s.resume(now)
}

// late acknowledges a 2xx to a re-INVITE that was given up. The far end has what it offered in force,
// and this side has not: what is wanted now is offered.
func (x *reinvitation) late(now time.Time, a ua.Answer) {
	s := x.session
	x.ack = s.acknowledge(now, a)
	if !s.ended {
		s.reinvite(now)
	}
}

// taken takes the 2xx and its answer.
func (x *reinvitation) taken(now time.Time, a ua.Answer) {
	s := x.session
	x.ack = s.acknowledge(now, a)
	s.offers.Sent(sipmsg.ACK, false)
	if s.ended {
		return
	}
	s.timer.Response(now, a.Response)
	d, err := answerIn(a.Response)
	switch {
	case d != nil:
		err = s.offer.TakeAnswer(d)
	default:
		s.offer.Revert()
	}
	if errors.Is(err, offer.ErrFaxDeclined) {
		s.l.log.Info("T.38 declined", "id", s.c.info.ID, "err", err)
		x.notSwitched(200)
		s.wanted = true // by the letter there is no stream any more
		return
	}
	if err != nil {
		s.unusable(now, err)
		return
	}
	s.agreed()
	x.notSwitched(200)
}

// unusable ends a call in which the far end's answer cannot be followed: it has changed its
// media, and nobody here knows how.
func (s *session) unusable(now time.Time, err error) {
	s.bye(now)
	s.c.finish(now, notUsable(err))
}

// breather is how long a server is left alone that has answered an offer by 503 and has not said how
// long it will be unavailable.
const breather = 5 * time.Second

// refused takes a refusal of our offer, or of a session refresh.
func (x *reinvitation) refused(now time.Time, res *sipmsg.Message) {
	s := x.session
	after, later := res.RetryAfter()
	again := !s.wish.set || s.wish.glares < maxGlares
	switch {
	case s.ended:
	case res.StatusCode == 491 && again:
		s.wanted = true
		s.wish.glares++
		s.offers.Glare(now)
	case (res.StatusCode == 500 && later || res.StatusCode == 503) && again:
		// Else somebody who has taken a call back would talk to a far end that is held still.
		if !later {
			after = breather
		}
		s.wanted = true
		s.wish.glares++
		s.offers.Later(now, after)
	case res.StatusCode == 422 && s.timer.TooBrief(res):
		s.wanted = true
	case dialog.Gone(res.StatusCode) && (res.StatusCode != 408 || !x.wish.set):
		s.lostDialog(now, errors.New(sipmsg.Told(res.StatusCode, res.Reason)))
	default:
		// A 408 to a switch too: a server's word that the far end leaves a re-INVITE of T.38
		// unanswered, as some do, while its sound goes on.
		s.l.log.Warn("offer refused; the call goes on as it was", "id", s.c.info.ID, "code", res.StatusCode)
		s.timer.Failed(now)
		s.agreed()
		x.notSwitched(res.StatusCode)
	}
}

// refresh keeps the session alive with the media as they are (RFC 4028 section 7.4): by
// UPDATE without a body where the peer allows it, else by a re-INVITE.
func (s *session) refresh(now time.Time) {
	if s.ended {
		return
	}
	if !s.updates {
		s.reinvite(now)
		return
	}
	if !s.offers.MayUpdate(false) {
		s.timer.Failed(now)
		return
	}
	s.rehome(now)
	m := s.d.Request(sipmsg.UPDATE)
	m.Header.Add("Supported", supported)
	s.timer.Request(m)
	s.offers.Sent(sipmsg.UPDATE, false)
	s.send(now, m, s.updated)
}

// updated takes what becomes of an UPDATE that refreshes.
func (s *session) updated(now time.Time, a ua.Answer) {
	res := a.Response
	if res == nil {
		s.offers.ReceivedResponse(sipmsg.UPDATE, 408, false, false)
		s.refreshFailed(now, a.Err)
		s.lose(now, a, s.refresh)
		s.resume(now)
		return
	}
	s.lost = loss{}
	s.offers.ReceivedResponse(sipmsg.UPDATE, res.StatusCode, false, false)
	s.d.Refresh(res)
	switch {
	case res.IsProvisional(), s.ended:
		return
	case res.IsSuccess():
		s.timer.Response(now, res)
	case res.StatusCode == 422 && s.timer.TooBrief(res):
		s.refresh(now)
	case dialog.Gone(res.StatusCode):
		s.lostDialog(now, errors.New(sipmsg.Told(res.StatusCode, res.Reason)))
	case res.StatusCode == 405, res.StatusCode == 501:
		s.updates = false // whatever its Allow said
		s.reinvite(now)
	default:
		s.timer.Failed(now)
	}
	s.resume(now)
}

// refreshFailed: the server may be away for a while; the call goes on until its session
// expires.
func (s *session) refreshFailed(now time.Time, cause error) {
	if s.ended {
		return
	}
	s.timer.Failed(now)
	s.l.log.Warn("request in a call not answered", "id", s.c.info.ID, "cause", errText(cause))
}

// lostDialog ends a call that the far end does not know.
func (s *session) lostDialog(now time.Time, cause error) {
	s.bye(now)
	s.c.finish(now, Reason{Code: 481, Text: "the far end has lost the call: " + cause.Error(), By: FarEnd})
}

// agreed tells the media after a change.
func (s *session) agreed() {
	if s.stray || s.c.over {
		return
	}
	s.c.tellMedia(s.offer)
	state := Connected
	if a := s.offer.Audio(); s.offer.Image() == nil && (a == nil || a.Direction != offer.SendRecv) {
		state = Held
	}
	s.c.setState(state)
	s.fulfilled()
}
