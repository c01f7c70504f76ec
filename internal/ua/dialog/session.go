package dialog

import (
	"strings"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// Limits on session intervals. RFC 4028 section 5: Min-SE is never below 90 s. Peers
// there are that ask for less, so what is granted us counts from 30 s; less would be an
// attack by way of our own refreshes.
const (
	minSE      = 90 * time.Second
	leastGrant = 30 * time.Second
)

// A SessionTimer ends a call whose far end is gone without a BYE: one side refreshes the
// session at half its interval, the other ends it when no refresh comes (RFC 4028). The
// owner asks it for each INVITE and UPDATE of the dialog, either way.
type SessionTimer struct {
	Want time.Duration // interval to ask for; 0: none, but a peer's wish is granted
	Min  time.Duration // least interval accepted; below 90 s: 90 s

	interval  time.Duration // 0: the session does not expire
	refresher Refresher
	atLeast   time.Duration // Min-SE of the latest 422
	briefs    int           // 422 in a row
	refreshAt time.Time     // ours to do; zero: not, or done
	byeAt     time.Time
}

// Refresher is who refreshes a session.
type Refresher uint8

// The refreshers, as seen from here.
const (
	NoRefresher Refresher = iota
	Us
	Them
)

func (r Refresher) String() string { return [...]string{"none", "us", "them"}[r] }

// A SessionEvent is what Expire wants done.
type SessionEvent uint8

// What a session timer wants.
const (
	NoEvent        SessionEvent = iota
	RefreshDue                  // send an UPDATE or re-INVITE with the media as they are
	SessionExpired              // send a BYE
)

// Interval is the session interval, 0 when the session does not expire.
func (t *SessionTimer) Interval() time.Duration { return t.interval }

// Refresher is who refreshes.
func (t *SessionTimer) Refresher() Refresher { return t.refresher }

func (t *SessionTimer) min() time.Duration { return max(t.Min, minSE) }

// Request gives an INVITE or UPDATE of ours its Supported, Session-Expires and Min-SE
// (RFC 4028 section 7.1 and 7.4: a refresh keeps the refresher who is).
func (t *SessionTimer) Request(req *sipmsg.Message) {
	supports(req, "timer")
	want := t.Want
	if t.interval != 0 {
		want = t.interval
	}
	if want == 0 {
		return
	}
	value := formatSeconds(max(want, t.min(), t.atLeast))
	switch t.refresher {
	case Us:
		value += ";refresher=uac"
	case Them:
		value += ";refresher=uas"
	}
	req.Header.Set("Session-Expires", value)
	if least := max(t.Min, t.atLeast); least > minSE {
		req.Header.Set("Min-SE", formatSeconds(least))
	}
}

// TooBrief takes a 422 to a request of ours. true: send it again, with what Request now
// says (RFC 4028 section 7.3). A third 422 in a row is not followed.
func (t *SessionTimer) TooBrief(res *sipmsg.Message) bool {
	value, _ := withParams(res.Header.Get("Min-SE"))
	least, ok := seconds(value)
	if res.StatusCode != 422 || !ok || least <= t.atLeast || t.briefs == 2 {
		return false
	}
	t.briefs++
	t.atLeast = least
	if t.interval != 0 {
		t.interval = max(t.interval, least)
	}
	return true
}

// Response takes the 2xx to an INVITE or UPDATE of ours (RFC 4028 section 7.2). Without
// a Session-Expires the session does not expire.
func (t *SessionTimer) Response(now time.Time, res *sipmsg.Message) {
	if !res.IsSuccess() {
		return
	}
	t.briefs = 0
	interval, who, ok := sessionExpires(res)
	if !ok {
		t.off()
		return
	}
	refresher := Us // also where the far end forgot to say
	if who == "uas" {
		refresher = Them
	}
	t.start(now, max(interval, leastGrant), refresher)
}

// Judge looks at an INVITE or UPDATE received. 0 lets it pass; 422 is to be answered
// with the Min-SE that Refuse adds (RFC 4028 section 9).
func (t *SessionTimer) Judge(req *sipmsg.Message) (code int) {
	interval, _, ok := sessionExpires(req)
	if ok && interval < t.min() && req.OptionTag("Supported", "timer") {
		return 422
	}
	return 0
}

// Refuse gives a 422 its Min-SE.
func (t *SessionTimer) Refuse(res *sipmsg.Message) { res.Header.Set("Min-SE", formatSeconds(t.min())) }

// Answer gives our 2xx to an INVITE or UPDATE its Session-Expires and starts the timer
// anew (RFC 4028 section 9, table 2). The interval is never longer than the request's, nor
// shorter than its Min-SE. A caller that knows the extension refreshes, unless the request
// says otherwise or we do already; for one that does not, we do.
func (t *SessionTimer) Answer(now time.Time, req, res *sipmsg.Message) {
	knows := req.OptionTag("Supported", "timer")
	interval, who, asked := sessionExpires(req)
	value, _ := withParams(req.Header.Get("Min-SE"))
	least, _ := seconds(value)
	least = max(least, t.min())
	switch {
	case asked && t.Want != 0:
		interval = min(interval, max(t.Want, least))
	case asked:
	case t.Want != 0:
		interval = max(t.Want, least)
	default:
		t.off()
		return
	}
	refresher := Them
	if !knows || who == "uas" || who == "" && t.refresher == Us {
		refresher = Us
	}
	t.start(now, max(interval, leastGrant), refresher)
	if refresher == Them {
		requires(res, "timer")
		res.Header.Set("Session-Expires", formatSeconds(t.interval)+";refresher=uac")
	} else {
		res.Header.Set("Session-Expires", formatSeconds(t.interval)+";refresher=uas")
	}
	supports(res, "timer")
}

// start counts from a 2xx. RFC 4028 section 10: the refresh is at half the interval, and
// a side that was not refreshed sends its BYE before the end, by "the minimum of 32
// seconds and one third of the session interval".
func (t *SessionTimer) start(now time.Time, interval time.Duration, r Refresher) {
	t.interval, t.refresher = interval, r
	t.byeAt = now.Add(interval - min(32*time.Second, interval/3))
	t.refreshAt = time.Time{}
	if r == Us {
		t.refreshAt = now.Add(interval / 2)
	}
}

func (t *SessionTimer) off() {
	t.interval, t.refresher = 0, NoRefresher
	t.refreshAt, t.byeAt = time.Time{}, time.Time{}
}

// Stop ends the timer with the call.
func (t *SessionTimer) Stop() { t.off() }

// Failed takes a refresh that came to nothing but did not end the call (491, 500, no
// answer while a server is down): it is due again half-way to the end.
func (t *SessionTimer) Failed(now time.Time) {
	if t.refresher != Us || t.interval == 0 {
		return
	}
	if rest := t.byeAt.Sub(now); rest >= 4*time.Second {
		t.refreshAt = now.Add(rest / 2)
	}
}

// Deadline is when Expire is to be called next; zero for not at all.
func (t *SessionTimer) Deadline() time.Time { return deadline.Earlier(t.refreshAt, t.byeAt) }

// Expire says what has fallen due by now. Each event is said once.
func (t *SessionTimer) Expire(now time.Time) SessionEvent {
	switch {
	case deadline.Due(now, t.byeAt):
		t.off()
		return SessionExpired
	case deadline.Due(now, t.refreshAt):
		t.refreshAt = time.Time{}
		return RefreshDue
	}
	return NoEvent
}

// sessionExpires reads Session-Expires (RFC 4028 section 4).
func sessionExpires(m *sipmsg.Message) (interval time.Duration, refresher string, ok bool) {
	value, params := withParams(m.Header.Get("Session-Expires"))
	if interval, ok = seconds(value); !ok {
		return 0, "", false
	}
	refresher, _ = params.Get("refresher")
	if refresher = strings.ToLower(refresher); refresher != "uac" && refresher != "uas" {
		refresher = ""
	}
	return interval, refresher, true
}
