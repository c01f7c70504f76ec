package ua

import (
	"strconv"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// An endpoint has two budgets, so that INVITEs, which wait for people and for ACKs that may
// never come, cannot keep out the BYE that ends a call or the OPTIONS that asks whether it
// lives. CANCEL counts among the others, and ACK needs no room.
const (
	// maxServers bounds the requests other than INVITE that are in hand at once, with those
	// that are answered and wait for repetitions.
	maxServers = 128

	// maxInvites bounds the INVITEs in hand, with the refused ones whose ACK is not there
	// yet. The last of them are kept for calls that are up: a flood of new calls must not
	// stop a hold.
	maxInvites    = 128
	maxNewInvites = 96

	// An INVITE beyond that is answered 503 without a transaction (RFC 3261 sections 8.2.7
	// and 21.5.4), which stops its repetitions, and Retry-After keeps its sender away for a
	// while. Nobody shall use this program to flood another, nor make it work for a flood:
	// beyond a few a second they are dropped.
	overloadPause       = 5 // seconds
	overloadsPerSecond  = 10
	overloadSummedAfter = time.Minute
)

// An overload is what was refused or dropped since the log said that there was too much.
type overload struct {
	refused, dropped int
	sumAt            time.Time // when the log tells the rest; zero: nothing was refused lately
	second           time.Time // in which so many 503 were sent
	inSecond         int
}

// roomFor reports whether another request fits, and refuses or drops it where it does not.
func (e *Endpoint) roomFor(now time.Time, ev event) bool {
	if ev.msg.Method != sipmsg.INVITE {
		if others := len(e.servers) - e.invites(); others < maxServers || e.forgetServer() {
			return true
		}
		e.overloaded(now, ev, false)
		return false
	}
	limit := maxInvites
	if ev.msg.To.Tag() == "" {
		limit = maxNewInvites
	}
	if e.invites() < limit {
		return true
	}
	e.overloaded(now, ev, e.refuseStateless(now, ev))
	return false
}

// invites counts the INVITEs in hand.
func (e *Endpoint) invites() (n int) {
	for _, in := range e.servers {
		if in.tx.Method() == sipmsg.INVITE {
			n++
		}
	}
	return n
}

// refuseStateless answers 503, unless many were answered so in this second. RFC 3261 section
// 8.2.7: repetitions get the same To tag.
func (e *Endpoint) refuseStateless(now time.Time, ev event) bool {
	if now.Sub(e.over.second) >= time.Second {
		e.over.second, e.over.inSecond = now, 0
	}
	if e.over.inSecond++; e.over.inSecond > overloadsPerSecond {
		return false
	}
	res := ev.msg.Response(503, "")
	if res.To.Tag() == "" {
		res.To = res.To.WithTag(e.stack.overTag)
	}
	res.Header.Add("Retry-After", strconv.Itoa(overloadPause))
	if e.cfg.UserAgent != "" {
		res.Header.Set("Server", e.cfg.UserAgent)
	}
	wire, err := res.Append(nil)
	return err == nil && e.transmit(ev.flow, res, wire) == nil
}

// overloaded counts what was refused or dropped. The log tells the first one, and of all that
// follow within a minute how many they were.
func (e *Endpoint) overloaded(now time.Time, ev event, refused bool) {
	total, burst := &e.stack.Counts.OverloadDropped, &e.over.dropped
	if refused {
		total, burst = &e.stack.Counts.OverloadRefused, &e.over.refused
	}
	total.Add(1)
	if !e.over.sumAt.IsZero() {
		*burst++
		return
	}
	e.over.sumAt = now.Add(overloadSummedAfter)
	e.log.Warn("too many requests in hand", "from", ev.from, "request", ev.msg, "refused", refused)
}

// expire tells how many more there were. A flood that goes on is told of every minute.
func (o *overload) expire(now time.Time, e *Endpoint) {
	if !deadline.Due(now, o.sumAt) {
		return
	}
	if o.refused+o.dropped == 0 {
		o.sumAt = time.Time{}
		return
	}
	e.log.Warn("requests that were too many", "refused", o.refused, "dropped", o.dropped, "in_s", int(overloadSummedAfter/time.Second))
	o.refused, o.dropped, o.sumAt = 0, 0, now.Add(overloadSummedAfter)
}
