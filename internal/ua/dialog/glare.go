package dialog

import (
	"math/rand/v2"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// Offers keeps the rules of who may send an INVITE, an UPDATE or an offer in a dialog at
// what moment, and what crosses on the way: RFC 3261 sections 13.2.1, 14.1 and 14.2, RFC
// 3262 section 5, RFC 3311 section 5. The owner reports every INVITE, ACK, PRACK and
// UPDATE and every response to one, either way, with whether it carries a session
// description.
type Offers struct {
	// CallIDOwner: a request of ours made the dialog; after a 491 we wait longer.
	CallIDOwner bool

	invite  [2]phase  // [Us-1] ours, [Them-1] theirs
	update  [2]bool   // without a final response
	offer   [2]string // that side's offer waits for its answer: the method it went with
	awaited bool      // an INVITE went without an offer: the next one is the other side's
	retryAt time.Time
}

// phase is how far an INVITE transaction is.
type phase uint8

const (
	idle     phase = iota
	pending        // no final response
	answered       // theirs: our 2xx waits for the ACK
)

func (r Refresher) other() Refresher { return Us + Them - r }

// MayInvite reports whether a re-INVITE may be sent now: RFC 3261 section 14.1: not while
// an INVITE transaction is in progress in either direction, its ACK included; nor while an
// offer waits.
func (o *Offers) MayInvite() bool {
	return o.invite == [2]phase{} && !o.update[Us-1] && o.quiet()
}

// MayUpdate reports whether an UPDATE may be sent now, with an offer or without (RFC 3311
// section 5.1).
func (o *Offers) MayUpdate(offer bool) bool {
	return !o.update[Us-1] && (!offer || o.quiet() && !o.awaited)
}

func (o *Offers) quiet() bool { return o.offer == [2]string{} }

// Sent takes a request of ours.
func (o *Offers) Sent(method string, sdp bool) { o.request(Us, method, sdp) }

// Received takes a request of the far end. code 0 lets it pass; else it is to be refused
// with that code and, if not zero, a Retry-After of that many seconds, and changes
// nothing.
func (o *Offers) Received(method string, sdp bool) (code, retryAfter int) {
	busy := func() (int, int) { return 500, rand.IntN(11) } // between 0 and 10 seconds
	switch method {
	case sipmsg.INVITE:
		switch {
		case o.invite[Them-1] == pending || o.update[Them-1]: // RFC 3261 section 14.2
			return busy()
		case o.invite[Us-1] != idle || o.offer[Us-1] == sipmsg.UPDATE:
			return 491, 0
		}
	case sipmsg.UPDATE: // RFC 3311 section 5.2
		switch {
		case o.update[Them-1]:
			return busy()
		case sdp && o.offer[Us-1] != "":
			return 491, 0
		case sdp && o.offer[Them-1] != "":
			return busy()
		}
	}
	o.request(Them, method, sdp)
	return 0, 0
}

// request: what an INVITE or UPDATE carries is an offer; a PRACK or ACK answers an offer
// made in a response to the INVITE, and a PRACK may make one otherwise.
func (o *Offers) request(by Refresher, method string, sdp bool) {
	mine, theirs := &o.offer[by-1], &o.offer[by.other()-1]
	switch method {
	case sipmsg.INVITE:
		o.invite[by-1], o.awaited = pending, !sdp
		*mine, *theirs = "", "" // let in while none waits but for a lost ACK
	case sipmsg.UPDATE:
		o.update[by-1] = true
	case sipmsg.ACK:
		if o.invite[by-1] == answered {
			o.invite[by-1] = idle
		}
		if *theirs == sipmsg.INVITE { // this answers it, or nothing will
			*theirs = ""
		}
		return
	case sipmsg.PRACK:
		if sdp && *theirs == sipmsg.INVITE {
			*theirs = ""
			return
		}
	default:
		return
	}
	if sdp {
		*mine = method
	}
}

// SentResponse takes a response of ours to a request with that method. reliable says
// that it is a 1xx with 100rel.
func (o *Offers) SentResponse(method string, code int, sdp, reliable bool) {
	o.response(Us, method, code, sdp, reliable)
}

// ReceivedResponse takes a response to a request of ours; a request that got none counts
// as answered with 408.
func (o *Offers) ReceivedResponse(method string, code int, sdp, reliable bool) {
	o.response(Them, method, code, sdp, reliable)
}

// response, given by one side to a request of the other. What it carries answers that
// request's offer, or makes one if that was an INVITE without. In an unreliable 1xx it is
// a copy of the answer to come (RFC 3261 section 13.2.1).
func (o *Offers) response(by Refresher, method string, code int, sdp, reliable bool) {
	asker := by.other()
	mine, theirs := &o.offer[by-1], &o.offer[asker-1]
	switch {
	case method != sipmsg.INVITE && method != sipmsg.UPDATE && method != sipmsg.PRACK:
		return
	case code < 200 && !(sdp && reliable):
		return
	case *theirs == method: // answered, refused, or never to be answered
		*theirs = ""
	case sdp && code < 300 && o.awaited && method == sipmsg.INVITE:
		*mine, o.awaited = sipmsg.INVITE, false
	}
	if code < 200 {
		return
	}
	switch method {
	case sipmsg.UPDATE:
		o.update[asker-1] = false
	case sipmsg.INVITE:
		o.invite[asker-1], o.awaited = idle, false
		switch {
		case code >= 300 && *mine == sipmsg.INVITE:
			*mine = "" // made in a 1xx
		case code < 300 && asker == Them:
			o.invite[Them-1] = answered
		}
	}
}

// Glare takes a 491 to an INVITE or UPDATE of ours and sets the time to try again: RFC
// 3261 section 14.1: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, in
// units of 10 ms.
func (o *Offers) Glare(now time.Time) {
	wait := rand.IntN(201)
	if o.CallIDOwner {
		wait = 210 + rand.IntN(191)
	}
	o.retryAt = now.Add(time.Duration(wait) * 10 * time.Millisecond)
}

// Later sets the time to try again after a 500 with Retry-After.
func (o *Offers) Later(now time.Time, retryAfter time.Duration) { o.retryAt = now.Add(retryAfter) }

// Deadline is when Expire is to be called next; zero for not at all.
func (o *Offers) Deadline() time.Time { return o.retryAt }

// Expire reports, once, that the time to try again has come. Whether it may be done is
// MayInvite's or MayUpdate's to say: the far end may have been faster.
func (o *Offers) Expire(now time.Time) bool {
	if !deadline.Due(now, o.retryAt) {
		return false
	}
	o.retryAt = time.Time{}
	return true
}
