package dialog

import (
	"strconv"
	"strings"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// The subscription that a REFER makes lives this long at first, and at most that.
const (
	referralLife    = 3 * time.Minute
	maxReferralLife = time.Hour
)

// A Referral is a REFER received: whom to call, and the subscription by which its sender
// hears how that goes (RFC 3515), unless it wants none (RFC 4488).
type Referral struct {
	Target     sipmsg.Addr // Refer-To, without the headers in its URI
	Replaces   *Replaces   // from those headers: the dialog to take the place of
	ReferredBy string      // Referred-By, to be copied into the new request; empty without

	event     string
	quiet     bool // no subscription
	expiresAt time.Time
	done      bool
}

// ParseRefer reads a REFER. code is 0, or what to refuse it with: RFC 3515 section 2.4.2:
// 400 for anything but one Refer-To; 416 for a target that is no SIP or tel URI, 403 for
// a method other than INVITE. first says that it is the first REFER of its dialog, whose
// notifications need no id.
func ParseRefer(now time.Time, req *sipmsg.Message, first bool) (r *Referral, code int) {
	values := req.Header.Values("Refer-To")
	if len(values) != 1 {
		return nil, 400
	}
	target, err := sipmsg.ParseAddr(values[0])
	if err != nil {
		return nil, 400
	}
	switch target.URI.Scheme {
	case "sip", "sips", "tel":
	default:
		return nil, 416
	}
	if m, ok := target.URI.Params.Get("method"); ok && !strings.EqualFold(m, sipmsg.INVITE) {
		return nil, 403
	}
	r = &Referral{ReferredBy: req.Header.Get("Referred-By"), event: "refer", expiresAt: now.Add(referralLife)}
	if !first {
		r.event += ";id=" + strconv.FormatUint(uint64(req.CSeq.Seq), 10)
	}
	if value, ok := target.URI.Header("Replaces"); ok {
		replaces, ok := ParseReplaces(value)
		if !ok {
			return nil, 400
		}
		r.Replaces = &replaces
	}
	target.URI.Headers = ""
	target.URI.Params.Del("method")
	r.Target = target
	if strings.EqualFold(strings.TrimSpace(req.Header.Get("Refer-Sub")), "false") {
		r.quiet, r.done, r.expiresAt = true, true, time.Time{}
	}
	return r, 0
}

// Accept gives our 202 what it needs: RFC 4488 section 4: Refer-Sub says that there will
// be no notifications.
func (r *Referral) Accept(res *sipmsg.Message) {
	if r.quiet {
		res.Header.Set("Refer-Sub", "false")
	}
}

// Done reports that no NOTIFY is to be sent any more, or ever.
func (r *Referral) Done() bool { return r.done }

// Notify fills a NOTIFY with the progress of the new call: 100 as soon as the 202 went,
// then the status of its responses. A final status ends the subscription.
func (r *Referral) Notify(now time.Time, notify *sipmsg.Message, status int, reason string) {
	if reason == "" {
		reason = sipmsg.Phrase(status)
	}
	state := "active;expires=" + formatSeconds(max(r.expiresAt.Sub(now), 0))
	if status >= 200 {
		state = "terminated;reason=noresource"
		r.done, r.expiresAt = true, time.Time{}
	}
	r.fill(notify, state, "SIP/2.0 "+strconv.Itoa(status)+" "+oneLine(reason)+"\r\n")
}

func (r *Referral) fill(notify *sipmsg.Message, state, body string) {
	notify.Header.Set("Event", r.event)
	notify.Header.Set("Subscription-State", state)
	notify.Header.Set("Content-Type", "message/sipfrag;version=2.0")
	notify.Body = []byte(body)
}

// oneLine keeps a reason phrase from another call out of the lines after it.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, s)
}

// Resubscribed takes a SUBSCRIBE by which the sender of the REFER prolongs or ends its
// subscription; the answer is 200 with the Expires returned, followed by a NOTIFY. code
// is 481 when there is none.
func (r *Referral) Resubscribed(now time.Time, req *sipmsg.Message) (code int, expires string) {
	if r.done || !sameEvent(req.Header.Get("Event"), r.event) {
		return 481, ""
	}
	want, ok := seconds(req.Header.Get("Expires"))
	if !ok {
		want = referralLife
	}
	want = min(want, maxReferralLife)
	r.expiresAt = now.Add(want)
	return 200, formatSeconds(want)
}

// Deadline is when Expire is to be called next; zero for not at all.
func (r *Referral) Deadline() time.Time { return r.expiresAt }

// Expire reports, once, that the subscription ran out before the call came to a result;
// Timeout fills the last NOTIFY.
func (r *Referral) Expire(now time.Time) bool {
	if !deadline.Due(now, r.expiresAt) {
		return false
	}
	r.done, r.expiresAt = true, time.Time{}
	return true
}

// Timeout fills the NOTIFY that ends a subscription which ran out.
func (r *Referral) Timeout(notify *sipmsg.Message) {
	r.fill(notify, "terminated;reason=timeout", "SIP/2.0 100 Trying\r\n")
}

// Refer gives a REFER of ours its target and, in an attended transfer, the dialog that
// the new call is to replace (RFC 3515 section 2.1, RFC 5589 section 7). Referred-By
// names who asks (RFC 3892).
func Refer(req *sipmsg.Message, target sipmsg.Addr, replaces *Replaces, referredBy sipmsg.URI) {
	target = target.Clone()
	target.Params = nil
	if replaces != nil {
		target.URI.AddHeader("Replaces", replaces.String())
	}
	req.Header.Set("Refer-To", target.String())
	if referredBy.Scheme != "" {
		req.Header.Set("Referred-By", sipmsg.Addr{URI: referredBy}.String())
	}
}

// A Transfer is a REFER of ours: it reads the notifications of how the call went that it
// caused.
type Transfer struct {
	// Quiet: the far end makes no subscription (RFC 4488); nothing will be heard.
	Quiet bool

	seq       uint32
	expiresAt time.Time
	told      bool // a final status was heard
	done      bool // the subscription has ended
}

// NewTransfer begins with a REFER as it was sent.
func NewTransfer(now time.Time, refer *sipmsg.Message) *Transfer {
	return &Transfer{seq: refer.CSeq.Seq, expiresAt: now.Add(referralLife)}
}

// Accepted takes the 2xx to the REFER.
func (t *Transfer) Accepted(res *sipmsg.Message) {
	if strings.EqualFold(strings.TrimSpace(res.Header.Get("Refer-Sub")), "false") {
		t.Quiet, t.done, t.expiresAt = true, true, time.Time{}
	}
}

// Notify takes a NOTIFY that passed Dialog.Receive. code answers it: 200, 481 for another
// subscription, 400 for a body that is no status line. status is how the call stands,
// 0 when the NOTIFY says nothing new; done that there is nothing more to learn.
func (t *Transfer) Notify(now time.Time, req *sipmsg.Message) (code, status int, done bool) {
	name, params := withParams(req.Header.Get("Event"))
	id, hasID := params.Get("id")
	if t.done || !strings.EqualFold(name, "refer") || hasID && id != strconv.FormatUint(uint64(t.seq), 10) {
		return 481, 0, false
	}
	state, params := withParams(req.Header.Get("Subscription-State"))
	ended := strings.EqualFold(state, "terminated")
	status, ok := ParseSipfrag(req.Body)
	if !ok && (!ended || len(req.Body) > 0) {
		return 400, 0, false
	}
	if v, ok := params.Get("expires"); ok {
		if d, ok := seconds(v); ok {
			t.expiresAt = now.Add(min(max(d, 10*time.Second), maxReferralLife))
		}
	}
	if t.told {
		status = 0
	}
	t.told, t.done = t.told || status >= 200, ended
	if t.told || t.done {
		t.expiresAt = time.Time{}
	}
	return 200, status, t.told || t.done
}

// Deadline is when Expire is to be called next; zero for not at all.
func (t *Transfer) Deadline() time.Time { return t.expiresAt }

// Expire reports, once, that nothing was heard in time.
func (t *Transfer) Expire(now time.Time) bool {
	if !deadline.Due(now, t.expiresAt) {
		return false
	}
	t.told, t.done, t.expiresAt = true, true, time.Time{}
	return true
}

// ParseSipfrag reads the status of a message/sipfrag body that begins with a status line
// (RFC 3420).
func ParseSipfrag(body []byte) (status int, ok bool) {
	line, _, _ := strings.Cut(string(body[:min(len(body), 256)]), "\n")
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.EqualFold(fields[0], "SIP/2.0") || len(fields[1]) != 3 {
		return 0, false
	}
	status, err := strconv.Atoi(fields[1])
	return status, err == nil && status >= 100 && status <= 699
}
