package dialog

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
)

// Limits of a subscription's retries.
const (
	firstBackoff = 30 * time.Second
	maxBackoff   = 30 * time.Minute
	maxWant      = 7 * 24 * time.Hour // beyond, a 423 is not followed
)

// A Subscription keeps one event package subscribed: it says when to send which
// SUBSCRIBE, takes what comes back, and judges the NOTIFY requests (RFC 6665 section 4.1).
// It gives up only where the notifier says that there is no use.
type Subscription struct {
	Event  string             // package, with ;id=… if it has one: message-summary
	Want   time.Duration      // lifetime to ask for
	Timers transaction.Timers // for timer N; zero fields take their defaults

	state     SubscriptionState
	request   *sipmsg.Message // the SUBSCRIBE that began it
	dialog    *Dialog
	atLeast   time.Duration // Min-Expires of the latest 423
	briefs    int           // 423 in a row
	stopping  bool
	failures  int       // in a row
	expiresAt time.Time // of the subscription
	refreshAt time.Time
	retryAt   time.Time // of a new SUBSCRIBE, in Terminated
	notifyAt  time.Time // timer N: the first NOTIFY is to be there
	startedAt time.Time // when the latest new SUBSCRIBE was asked for
}

// A SubscriptionState is a state of RFC 6665 figure 1.
type SubscriptionState uint8

// The states. Terminated has a deadline while there is still a new try to come.
const (
	Unsubscribed SubscriptionState = iota
	NotifyWait
	Pending
	Active
	Terminated
)

func (s SubscriptionState) String() string {
	if s > Terminated {
		return "SubscriptionState(" + strconv.Itoa(int(s)) + ")"
	}
	return [...]string{"unsubscribed", "notify_wait", "pending", "active", "terminated"}[s]
}

// A SubscriptionAction is what the owner must do after a call.
type SubscriptionAction uint8

// What a subscription wants.
const (
	NoAction    SubscriptionAction = iota
	Subscribe                      // send a SUBSCRIBE outside any dialog, with a Call-ID of its own
	Resubscribe                    // send a SUBSCRIBE in Dialog: a refresh, or the end
	GaveUp                         // this notifier will not do it; nothing more comes of itself
	Finished                       // the end that Stop asked for has come
)

// State is the state the subscription is in.
func (s *Subscription) State() SubscriptionState { return s.state }

// Dialog is the dialog of the subscription; nil before the first NOTIFY or 2xx.
func (s *Subscription) Dialog() *Dialog { return s.dialog }

// Start begins, or begins again after GaveUp.
func (s *Subscription) Start(now time.Time) SubscriptionAction {
	s.stopping, s.failures = false, 0
	return s.anew(now)
}

// Move begins again elsewhere: a subscription cannot be refreshed through another server
// than the one that has it, so a failover is a new one (RFC 6665 section 4.4.1).
func (s *Subscription) Move(now time.Time) SubscriptionAction {
	if s.stopping || s.state == Unsubscribed {
		return NoAction
	}
	s.failures = 0
	return s.anew(now)
}

// anew forgets the dialog there was.
func (s *Subscription) anew(now time.Time) SubscriptionAction {
	s.clear(NotifyWait)
	s.startedAt = now
	return Subscribe
}

func (s *Subscription) clear(state SubscriptionState) {
	s.state, s.dialog, s.request = state, nil, nil
	s.expiresAt, s.refreshAt, s.retryAt, s.notifyAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// Stop ends the subscription: Resubscribe sends the SUBSCRIBE with Expires 0, after which a
// last NOTIFY comes.
func (s *Subscription) Stop(now time.Time) SubscriptionAction {
	s.stopping = true
	if s.dialog == nil {
		s.clear(Unsubscribed)
		return Finished
	}
	s.refreshAt, s.expiresAt, s.retryAt = time.Time{}, time.Time{}, time.Time{}
	s.notifyAt = now.Add(s.timerN())
	return Resubscribe
}

// timerN is how long the NOTIFY that each SUBSCRIBE causes may take.
func (s *Subscription) timerN() time.Duration {
	return transaction.Span(s.Timers, sipmsg.SUBSCRIBE, transaction.Unlimited)
}

// Request gives a SUBSCRIBE of ours its Event and Expires. What Subscribe asks for is
// remembered, as the NOTIFY may overtake the 2xx.
func (s *Subscription) Request(req *sipmsg.Message) {
	req.Header.Set("Event", s.Event)
	expires := max(s.Want, s.atLeast)
	if s.stopping {
		expires = 0
	}
	req.Header.Set("Expires", formatSeconds(expires))
	if s.dialog == nil {
		s.request = req
	}
}

// Response takes the final response to a SUBSCRIBE; a challenge is the owner's.
func (s *Subscription) Response(now time.Time, res *sipmsg.Message) SubscriptionAction {
	switch {
	case res.StatusCode < 200 || s.state == Unsubscribed || s.state == Terminated:
		return NoAction
	case res.IsSuccess():
		return s.granted(now, res)
	case s.stopping: // it is gone either way
		s.clear(Unsubscribed)
		return Finished
	case res.StatusCode == 423:
		return s.tooBrief(now, res)
	case s.dialog != nil && s.state != NotifyWait && !goneWith(res.StatusCode):
		s.refreshLater(now)
		return NoAction
	case res.StatusCode == 489 || res.StatusCode == 405 || res.StatusCode == 501:
		s.clear(Terminated)
		return GaveUp
	case s.dialog != nil && s.state != NotifyWait: // RFC 6665 section 4.1.2.2: a refresh met no subscription
		return s.anew(now)
	}
	after, _ := res.RetryAfter()
	s.retry(now, after)
	return NoAction
}

// goneWith lists the answers to a refresh that end the subscription (RFC 6665 section
// 4.1.2.2); any other leaves it what it was.
func goneWith(code int) bool {
	switch code {
	case 404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604:
		return true
	}
	return false
}

func (s *Subscription) granted(now time.Time, res *sipmsg.Message) SubscriptionAction {
	if s.dialog == nil && s.request != nil {
		if d, err := FromResponse(s.request, res); err == nil {
			s.dialog = d
		}
	} else if s.dialog != nil && ResponseID(res) == s.dialog.ID {
		s.dialog.Refresh(res)
	}
	s.request, s.briefs = nil, 0
	if s.stopping {
		return NoAction // the last NOTIFY, or timer N, ends it
	}
	expires, ok := seconds(res.Header.Get("Expires"))
	if !ok {
		expires = max(s.Want, s.atLeast)
	}
	s.until(now, expires)
	if s.state == NotifyWait {
		s.notifyAt = now.Add(s.timerN())
	}
	return NoAction
}

// until sets the lifetime: a refresh falls due at half of it, ten minutes before the end
// at the latest. A lifetime of next to nothing would be a loop.
func (s *Subscription) until(now time.Time, expires time.Duration) {
	expires = max(expires, firstBackoff)
	s.expiresAt = now.Add(expires)
	s.refreshAt = now.Add(max(expires/2, expires-10*time.Minute))
}

func (s *Subscription) tooBrief(now time.Time, res *sipmsg.Message) SubscriptionAction {
	least, ok := seconds(res.Header.Get("Min-Expires"))
	if s.briefs++; !ok || least <= max(s.Want, s.atLeast) || least > maxWant || s.briefs > 2 {
		s.retry(now, 0)
		return NoAction
	}
	s.atLeast = least
	if s.dialog != nil && s.state != NotifyWait {
		return Resubscribe
	}
	return s.anew(now)
}

// Failed takes a SUBSCRIBE that got no answer.
func (s *Subscription) Failed(now time.Time) SubscriptionAction {
	switch {
	case s.state == Unsubscribed || s.state == Terminated:
	case s.stopping:
		s.clear(Unsubscribed)
		return Finished
	case s.dialog != nil && s.state != NotifyWait:
		s.refreshLater(now)
	default:
		s.retry(now, 0)
	}
	return NoAction
}

// refreshLater tries a refresh again half-way to the end.
func (s *Subscription) refreshLater(now time.Time) {
	s.refreshAt = time.Time{}
	if rest := s.expiresAt.Sub(now); rest > 10*time.Second {
		s.refreshAt = now.Add(rest / 2)
	}
}

// retry begins anew after the time the notifier asks for, or after a back-off that
// doubles from half a minute to half an hour, with a jitter of half of it.
func (s *Subscription) retry(now time.Time, after time.Duration) {
	backoff := min(firstBackoff<<min(s.failures, 10), maxBackoff)
	s.failures++
	backoff = backoff/2 + rand.N(backoff/2)
	s.clear(Terminated)
	s.retryAt = now.Add(max(after, backoff))
}

// Notify takes a NOTIFY. code answers it: 200 lets its body be read; 481 when it is not
// of this subscription, 489 when of another package, 500 when out of order.
func (s *Subscription) Notify(now time.Time, req *sipmsg.Message) (code int, action SubscriptionAction) {
	if !s.owns(req) {
		return 481, NoAction
	}
	if !sameEvent(req.Header.Get("Event"), s.Event) {
		return 489, NoAction
	}
	if s.dialog == nil {
		d, err := FromNotify(s.request, req)
		if err != nil {
			return 400, NoAction
		}
		s.dialog = d // its 2xx, if it comes later, changes no more than the lifetime
	}
	if code := s.dialog.Receive(req); code != 0 {
		return code, NoAction
	}
	return 200, s.notified(now, req)
}

// owns: the NOTIFY belongs to the dialog, or makes it: RFC 6665 section 4.1.2.4: Call-ID
// and tag of the SUBSCRIBE are enough while there is none. A second notifier, behind a
// fork, is refused.
func (s *Subscription) owns(req *sipmsg.Message) bool {
	switch {
	case s.dialog != nil:
		return RequestID(req) == s.dialog.ID
	case s.request != nil && s.state == NotifyWait:
		return req.CallID == s.request.CallID && req.To.Tag() == s.request.From.Tag()
	}
	return false
}

// sameEvent compares package and id (RFC 6665 section 8.2.1).
func sameEvent(a, b string) bool {
	packageA, paramsA := withParams(a)
	packageB, paramsB := withParams(b)
	idA, _ := paramsA.Get("id")
	idB, _ := paramsB.Get("id")
	return packageA == packageB && idA == idB
}

func (s *Subscription) notified(now time.Time, req *sipmsg.Message) SubscriptionAction {
	state, params := withParams(req.Header.Get("Subscription-State"))
	expires, hasExpires := time.Duration(0), false
	if v, ok := params.Get("expires"); ok {
		expires, hasExpires = seconds(v)
	}
	if strings.EqualFold(state, "terminated") {
		return s.terminated(now, params)
	}
	if s.stopping {
		return NoAction // sent before our end arrived
	}
	s.notifyAt, s.failures = time.Time{}, 0
	s.state = Active // also where an old server says nothing
	if strings.EqualFold(state, "pending") {
		s.state = Pending
	}
	switch {
	case hasExpires:
		s.until(now, expires)
	case s.expiresAt.IsZero(): // it overtook the 2xx
		s.until(now, max(s.Want, s.atLeast))
	}
	return NoAction
}

// terminated follows the reason (RFC 6665 section 4.1.3). What may be tried again at once
// waits nevertheless if it did not last half a minute.
func (s *Subscription) terminated(now time.Time, params sipmsg.Params) SubscriptionAction {
	if s.stopping {
		s.clear(Unsubscribed)
		return Finished
	}
	var after time.Duration
	if v, ok := params.Get("retry-after"); ok {
		after, _ = seconds(v)
	}
	reason, _ := params.Get("reason")
	switch strings.ToLower(reason) {
	case "rejected", "noresource", "invariant":
		s.clear(Terminated)
		return GaveUp
	case "deactivated", "timeout":
		if now.Sub(s.startedAt) >= firstBackoff {
			return s.anew(now)
		}
		after = 0 // these reasons know no retry-after
	}
	s.retry(now, after)
	return NoAction
}

// Deadline is when Expire is to be called next; zero for not at all.
func (s *Subscription) Deadline() time.Time {
	return deadline.Earlier(deadline.Earlier(s.refreshAt, s.expiresAt), deadline.Earlier(s.retryAt, s.notifyAt))
}

// Expire acts on what has fallen due by now.
func (s *Subscription) Expire(now time.Time) SubscriptionAction {
	switch {
	case deadline.Due(now, s.notifyAt): // timer N
		if s.stopping {
			s.clear(Unsubscribed)
			return Finished
		}
		s.retry(now, 0)
	case deadline.Due(now, s.expiresAt), deadline.Due(now, s.retryAt):
		return s.anew(now)
	case deadline.Due(now, s.refreshAt):
		s.refreshAt = time.Time{}
		return Resubscribe
	}
	return NoAction
}
