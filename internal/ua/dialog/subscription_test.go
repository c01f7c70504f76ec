package dialog

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
)

// notifier is the far end of a subscription as the tests need it: it answers a SUBSCRIBE
// and sends NOTIFY requests in its dialog.
type notifier struct {
	dialog *Dialog
}

var callIDs int

// subscribe is a SUBSCRIBE outside a dialog, as a line sends it.
func subscribe(t testing.TB, s *Subscription) *sipmsg.Message {
	callIDs++
	req := message(t, `
	SUBSCRIBE sip:alice@pbx.example SIP/2.0
	Via: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bKnashds7
	From: <sip:alice@pbx.example>;tag=xfg9
	To: <sip:alice@pbx.example>
	Call-ID: 1`+strconv.Itoa(callIDs)+`
	CSeq: 1 SUBSCRIBE
	Contact: <sip:k3x9@192.0.2.20>
	`)
	s.Request(req)
	return req
}

func (n *notifier) answer(t testing.TB, req *sipmsg.Message, code int, lines ...string) *sipmsg.Message {
	res := req.Response(code, "")
	if res.To.Tag() == "" {
		res.To = res.To.WithTag("ffd2")
	}
	if code < 300 {
		res.Contact = []sipmsg.Addr{{URI: uri(t, "sip:mwi@192.0.2.7")}}
	}
	for i := 0; i+1 < len(lines); i += 2 {
		res.Header.Add(lines[i], lines[i+1])
	}
	if n.dialog == nil && code < 300 {
		d, err := FromRequest(req, res)
		if err != nil {
			t.Fatal(err)
		}
		n.dialog = d
	}
	return res
}

func (n *notifier) notify(state string) *sipmsg.Message {
	req := n.dialog.Request(sipmsg.NOTIFY)
	req.Contact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: "mwi", Host: "192.0.2.7"}}}
	req.Header.Add("Event", "message-summary")
	if state != "" {
		req.Header.Add("Subscription-State", state)
	}
	return req
}

func newSubscription() *Subscription {
	return &Subscription{Event: "message-summary", Want: time.Hour}
}

// active is a subscription after SUBSCRIBE, 200 and the first NOTIFY at t0.
func active(t testing.TB) (*Subscription, *notifier) {
	t.Helper()
	s, n := newSubscription(), &notifier{}
	if a := s.Start(t0); a != Subscribe {
		t.Fatalf("Start: %v", a)
	}
	req := subscribe(t, s)
	if a := s.Response(t0, n.answer(t, req, 200, "Expires", "3600")); a != NoAction || s.State() != NotifyWait {
		t.Fatalf("200: %v, %v", a, s.State())
	}
	if code, a := s.Notify(t0, n.notify("active;expires=3600")); code != 200 || a != NoAction || s.State() != Active {
		t.Fatalf("NOTIFY: %d, %v, %v", code, a, s.State())
	}
	return s, n
}

// The usual flow of RFC 6665: SUBSCRIBE, 200, NOTIFY, refresh, NOTIFY, the end.
func TestSubscriptionFlow(t *testing.T) {
	s, n := newSubscription(), &notifier{}
	s.Start(t0)
	req := subscribe(t, s)
	if req.Header.Get("Event") != "message-summary" || req.Header.Get("Expires") != "3600" {
		t.Errorf("SUBSCRIBE with %v", req.Header)
	}
	s.Response(t0, n.answer(t, req, 200, "Expires", "600"))
	s.Notify(t0, n.notify("active;expires=599"))
	if s.Dialog() == nil || s.Dialog().RemoteTag != "ffd2" || s.Dialog().Target.String() != "sip:mwi@192.0.2.7" {
		t.Fatalf("dialog %+v", s.Dialog())
	}
	now := s.Deadline()
	if d := now.Sub(t0); d != 599*time.Second/2 {
		t.Errorf("refresh due after %v", d)
	}
	if a := s.Expire(now); a != Resubscribe {
		t.Errorf("refresh: %v", a)
	}
	refresh := s.Dialog().Request(sipmsg.SUBSCRIBE)
	s.Request(refresh)
	writable(t, refresh)
	if refresh.CSeq.Seq != 2 || refresh.To.Tag() != "ffd2" || refresh.Header.Get("Expires") != "3600" || len(refresh.Contact) != 1 {
		t.Errorf("refresh %v with %v", refresh.CSeq, refresh.Header)
	}
	s.Response(now, n.answer(t, refresh, 200, "Expires", "3600"))
	if d := s.Deadline().Sub(now); d != 50*time.Minute { // ten minutes before the end
		t.Errorf("next refresh after %v", d)
	}
	if a := s.Stop(now); a != Resubscribe {
		t.Errorf("Stop: %v", a)
	}
	last := s.Dialog().Request(sipmsg.SUBSCRIBE)
	if s.Request(last); last.Header.Get("Expires") != "0" {
		t.Errorf("the end with Expires %s", last.Header.Get("Expires"))
	}
	if a := s.Response(now, n.answer(t, last, 200, "Expires", "0")); a != NoAction {
		t.Errorf("200 to the end: %v", a)
	}
	if code, a := s.Notify(now, n.notify("active;expires=5")); code != 200 || a != NoAction {
		t.Errorf("a NOTIFY under way: %d %v", code, a)
	}
	if code, a := s.Notify(now, n.notify("terminated;reason=timeout")); code != 200 || a != Finished || s.State() != Unsubscribed || !s.Deadline().IsZero() {
		t.Errorf("the last NOTIFY: %d %v %v", code, a, s.State())
	}
}

// RFC 6665 section 4.1.2.4: the NOTIFY may overtake the 200.
func TestNotifyBeforeTheAnswer(t *testing.T) {
	s, n := newSubscription(), &notifier{}
	s.Start(t0)
	req := subscribe(t, s)
	ok := n.answer(t, req, 200, "Expires", "1800")
	if code, _ := s.Notify(t0, n.notify("pending;expires=1800")); code != 200 || s.State() != Pending || s.Dialog() == nil {
		t.Fatalf("%d %v", code, s.State())
	}
	id := s.Dialog().ID
	if a := s.Response(t0, ok); a != NoAction || s.State() != Pending || s.Dialog().ID != id {
		t.Errorf("then the 200: %v %v", a, s.State())
	}
	if next := s.Dialog().Request(sipmsg.SUBSCRIBE); next.CSeq.Seq != 2 {
		t.Errorf("the next SUBSCRIBE has CSeq %v", next.CSeq)
	}
	if code, _ := s.Notify(t0, n.notify("active")); code != 200 || s.State() != Active {
		t.Errorf("accepted: %d %v", code, s.State())
	}
	if d := s.Deadline().Sub(t0); d != 20*time.Minute {
		t.Errorf("refresh after %v", d)
	}
	// A second notifier behind a fork is refused.
	stranger := n.notify("active")
	stranger.From = stranger.From.WithTag("other")
	if code, _ := s.Notify(t0, stranger); code != 481 {
		t.Errorf("a second notifier: %d", code)
	}
}

func TestNotifyRefused(t *testing.T) {
	s, n := active(t)
	change := func(f func(*sipmsg.Message)) *sipmsg.Message {
		m := n.notify("active;expires=60")
		f(m)
		return m
	}
	for _, tt := range []struct {
		name string
		req  *sipmsg.Message
		want int
	}{
		{"another Call-ID", change(func(m *sipmsg.Message) { m.CallID = "x" }), 481},
		{"another To tag", change(func(m *sipmsg.Message) { m.To = m.To.WithTag("x") }), 481},
		{"another package", change(func(m *sipmsg.Message) { m.Header.Set("Event", "presence") }), 489},
		{"another id", change(func(m *sipmsg.Message) { m.Header.Set("Event", "message-summary;id=7") }), 489},
		{"no Event", change(func(m *sipmsg.Message) { m.Header.Del("Event") }), 489},
		{"an old CSeq", change(func(m *sipmsg.Message) { m.CSeq.Seq = 1 }), 500},
		{"of an old server, without a state", change(func(m *sipmsg.Message) { m.Header.Del("Subscription-State") }), 200},
	} {
		if code, _ := s.Notify(t0, tt.req); code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, code, tt.want)
		}
	}
	fresh := newSubscription()
	fresh.Start(t0)
	req := subscribe(t, fresh)
	m := (&notifier{dialog: n.dialog}).notify("active")
	m.CallID, m.Contact = req.CallID, nil
	if m.To = m.To.WithTag("xfg9"); true {
		if code, _ := fresh.Notify(t0, m); code != 400 {
			t.Errorf("a first NOTIFY without Contact: %d", code)
		}
	}
}

// RFC 6665 section 4.1.3: what each reason asks for.
func TestTerminationReasons(t *testing.T) {
	for _, tt := range []struct {
		state    string
		at       time.Duration // after the SUBSCRIBE
		action   SubscriptionAction
		from, to time.Duration // of the next try; 0: none
	}{
		{"terminated;reason=deactivated", time.Hour, Subscribe, 0, 0},
		{"terminated;reason=timeout", time.Hour, Subscribe, 0, 0},
		{"terminated;reason=timeout", time.Second, NoAction, 15 * time.Second, 30 * time.Second}, // no loop
		{"terminated;reason=probation;retry-after=600", time.Hour, NoAction, 600 * time.Second, 600 * time.Second},
		{"terminated;reason=probation", time.Hour, NoAction, 15 * time.Second, 30 * time.Second},
		{"terminated;reason=giveup;retry-after=3", time.Hour, NoAction, 15 * time.Second, 30 * time.Second},
		{"Terminated ; Reason=GiveUp", time.Hour, NoAction, 15 * time.Second, 30 * time.Second},
		{"terminated;reason=rejected;retry-after=5", time.Hour, GaveUp, 0, 0},
		{"terminated;reason=noresource", time.Hour, GaveUp, 0, 0},
		{"terminated;reason=invariant", time.Hour, GaveUp, 0, 0},
		{"terminated;reason=somethingnew;retry-after=90", time.Hour, NoAction, 90 * time.Second, 90 * time.Second},
		{"terminated", time.Hour, NoAction, 15 * time.Second, 30 * time.Second},
	} {
		s, n := active(t)
		now := t0.Add(tt.at)
		code, action := s.Notify(now, n.notify(tt.state))
		if code != 200 || action != tt.action {
			t.Errorf("%s: %d, action %v, want %v", tt.state, code, action, tt.action)
		}
		if s.Dialog() != nil {
			t.Errorf("%s: the dialog is over", tt.state)
		}
		wait := s.Deadline().Sub(now)
		if tt.from == 0 {
			if !s.Deadline().IsZero() {
				t.Errorf("%s: a deadline after %v", tt.state, wait)
			}
			continue
		}
		if s.State() != Terminated || wait < tt.from || wait > tt.to || s.Expire(s.Deadline()) != Subscribe {
			t.Errorf("%s: %v, next try after %v, want %v to %v", tt.state, s.State(), wait, tt.from, tt.to)
		}
	}
}

func TestSubscribeRefused(t *testing.T) {
	for _, tt := range []struct {
		code     int
		lines    []string
		action   SubscriptionAction
		from, to time.Duration
	}{
		{489, nil, GaveUp, 0, 0},
		{405, nil, GaveUp, 0, 0},
		{501, nil, GaveUp, 0, 0},
		{403, nil, NoAction, 15 * time.Second, 30 * time.Second},
		{404, nil, NoAction, 15 * time.Second, 30 * time.Second},
		{503, []string{"Retry-After", "120 (maintenance)"}, NoAction, 120 * time.Second, 120 * time.Second},
		{423, []string{"Min-Expires", "7200"}, Subscribe, 0, 0},
		{423, nil, NoAction, 15 * time.Second, 30 * time.Second},
		{423, []string{"Min-Expires", "60"}, NoAction, 15 * time.Second, 30 * time.Second},
		{423, []string{"Min-Expires", "9999999"}, NoAction, 15 * time.Second, 30 * time.Second},
	} {
		s, n := newSubscription(), &notifier{}
		s.Start(t0)
		action := s.Response(t0, n.answer(t, subscribe(t, s), tt.code, tt.lines...))
		if action != tt.action {
			t.Errorf("%d %q: %v, want %v", tt.code, tt.lines, action, tt.action)
		}
		if wait := s.Deadline().Sub(t0); tt.from != 0 && (wait < tt.from || wait > tt.to) {
			t.Errorf("%d %q: next try after %v, want %v to %v", tt.code, tt.lines, wait, tt.from, tt.to)
		}
		if tt.action == Subscribe {
			if req := subscribe(t, s); req.Header.Get("Expires") != "7200" {
				t.Errorf("%d: then Expires %s", tt.code, req.Header.Get("Expires"))
			}
		}
	}
}

// A server that asks for more each time is followed twice.
func TestEndless423(t *testing.T) {
	s, n := newSubscription(), &notifier{}
	s.Start(t0)
	for i, want := range []SubscriptionAction{Subscribe, Subscribe, NoAction} {
		if a := s.Response(t0, n.answer(t, subscribe(t, s), 423, "Min-Expires", fmt.Sprint(4000+i))); a != want {
			t.Errorf("423 number %d: %v, want %v", i+1, a, want)
		}
	}
}

func TestRefreshRefused(t *testing.T) {
	for _, tt := range []struct {
		code   int
		lines  []string
		action SubscriptionAction
		state  SubscriptionState
	}{
		{481, nil, Subscribe, NotifyWait},
		{404, nil, Subscribe, NotifyWait},
		{489, nil, GaveUp, Terminated},
		{500, nil, NoAction, Active}, // RFC 6665 section 4.1.2.2: still what it was
		{503, nil, NoAction, Active},
		{423, []string{"Min-Expires", "7200"}, Resubscribe, Active},
		{0, nil, NoAction, Active}, // no answer
	} {
		s, n := active(t)
		now := s.Deadline()
		s.Expire(now)
		req := s.Dialog().Request(sipmsg.SUBSCRIBE)
		s.Request(req)
		var action SubscriptionAction
		if tt.code == 0 {
			action = s.Failed(now)
		} else {
			action = s.Response(now, n.answer(t, req, tt.code, tt.lines...))
		}
		if action != tt.action || s.State() != tt.state {
			t.Errorf("%d: %v in %v, want %v in %v", tt.code, action, s.State(), tt.action, tt.state)
		}
		if tt.action != NoAction {
			continue
		}
		// Tried again until the end, then begun anew.
		tries := 0
		for action = NoAction; action != Subscribe; tries++ {
			if s.Deadline().IsZero() || tries > 50 {
				t.Fatalf("%d: stuck in %v", tt.code, s.State())
			}
			now = s.Deadline()
			if action = s.Expire(now); action == Resubscribe {
				s.Failed(now)
			}
		}
		if now.Sub(t0) != time.Hour || tries < 3 {
			t.Errorf("%d: begun anew after %v and %d tries", tt.code, now.Sub(t0), tries)
		}
	}
}

// RFC 6665 section 4.1.2: timer N: an accepted SUBSCRIBE that no NOTIFY follows.
func TestNoNotify(t *testing.T) {
	s, n := newSubscription(), &notifier{}
	s.Start(t0)
	s.Response(t0, n.answer(t, subscribe(t, s), 200, "Expires", "3600"))
	if d := s.Deadline().Sub(t0); d != 32*time.Second || s.Expire(t0.Add(d)) != NoAction || s.State() != Terminated {
		t.Errorf("timer N after %v: %v", d, s.State())
	}
	if s.Expire(s.Deadline()) != Subscribe {
		t.Error("no new try")
	}
}

// A lifetime of nothing is no reason to ask again and again.
func TestGrantedNothing(t *testing.T) {
	s, n := newSubscription(), &notifier{}
	s.Start(t0)
	s.Response(t0, n.answer(t, subscribe(t, s), 200, "Expires", "0"))
	for _, state := range []string{"active;expires=0", "active;expires=1"} {
		s.Notify(t0, n.notify(state))
		if d := s.Deadline().Sub(t0); d != 15*time.Second {
			t.Errorf("%s: next SUBSCRIBE after %v, want 15s", state, d)
		}
	}
}

func TestSubscriptionMoves(t *testing.T) {
	s, n := active(t)
	if a := s.Move(t0); a != Subscribe || s.Dialog() != nil || s.State() != NotifyWait {
		t.Errorf("failover: %v in %v", a, s.State())
	}
	if code, _ := s.Notify(t0, n.notify("active")); code != 481 {
		t.Errorf("the old server's NOTIFY: %d", code)
	}
	fresh := newSubscription()
	if a := fresh.Move(t0); a != NoAction {
		t.Errorf("what was never begun does not move: %v", a)
	}
	s.Stop(t0)
	if a := s.Move(t0); a != NoAction || s.State() != Unsubscribed {
		t.Errorf("what was stopped does not move: %v in %v", a, s.State())
	}
}

func TestSubscriptionStop(t *testing.T) {
	s := newSubscription()
	if a := s.Stop(t0); a != Finished {
		t.Errorf("without a dialog: %v", a)
	}
	s, _ = active(t)
	s.Stop(t0)
	if a := s.Failed(t0); a != Finished || s.State() != Unsubscribed {
		t.Errorf("the end got no answer: %v", a)
	}
	s, n := active(t)
	s.Stop(t0)
	req := s.Dialog().Request(sipmsg.SUBSCRIBE)
	if a := s.Response(t0, n.answer(t, req, 481)); a != Finished {
		t.Errorf("the end got a 481: %v", a)
	}
	s, _ = active(t)
	s.Stop(t0)
	if d := s.Deadline().Sub(t0); d != 32*time.Second || s.Expire(t0.Add(d)) != Finished {
		t.Errorf("no last NOTIFY: %v", d)
	}
	if a := s.Start(t0); a != Subscribe {
		t.Errorf("begun again: %v", a)
	}
}

func TestBackoffGrows(t *testing.T) {
	s := newSubscription()
	s.Start(t0)
	now, last := t0, time.Duration(0)
	for i := range 20 {
		subscribe(t, s)
		s.Failed(now)
		wait := s.Deadline().Sub(now)
		most := min(firstBackoff<<min(i, 10), maxBackoff)
		if wait < most/2 || wait > most {
			t.Errorf("try %d after %v, want %v to %v", i, wait, most/2, most)
		}
		last, now = wait, s.Deadline()
		if s.Expire(now) != Subscribe {
			t.Fatal("no new try")
		}
	}
	if last < maxBackoff/2 {
		t.Errorf("last wait %v", last)
	}
}

// TestSubscriptionModel: whatever notifier and network do, the subscription always has a
// next step or has given up, and never asks for more than a request a second on average.
func TestSubscriptionModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, n := newSubscription(), &notifier{}
		now, asked, gaveUp := t0, 0, false
		var req *sipmsg.Message
		act := func(a SubscriptionAction) {
			switch a {
			case Subscribe:
				asked++
				n = &notifier{}
				req = subscribe(t, s)
				gaveUp = false
			case Resubscribe:
				asked++
				if s.Dialog() == nil {
					rt.Fatal("a refresh without a dialog")
				}
				req = s.Dialog().Request(sipmsg.SUBSCRIBE)
				s.Request(req)
			case GaveUp, Finished:
				gaveUp, req = true, nil
			}
		}
		act(s.Start(now))
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0, 1:
				if req != nil {
					r := req
					req = nil
					code := rapid.SampledFrom([]int{200, 200, 200, 403, 423, 481, 489, 500, 503}).Draw(rt, "code")
					act(s.Response(now, n.answer(t, r, code, "Expires", fmt.Sprint(rapid.IntRange(0, 4000).Draw(rt, "expires")), "Min-Expires", fmt.Sprint(rapid.IntRange(0, 9000).Draw(rt, "min")))))
				}
			case 2:
				if req != nil {
					req = nil
					act(s.Failed(now))
				}
			case 3:
				if n.dialog != nil {
					_, a := s.Notify(now, n.notify(rapid.SampledFrom([]string{
						"active;expires=600", "active", "pending;expires=0", "active;expires=99999999999", "terminated;reason=timeout", "terminated;reason=noresource", "terminated;reason=giveup;retry-after=9", "", "x",
					}).Draw(rt, "state")))
					act(a)
				}
			case 4:
				act(s.Move(now))
				if gaveUp && s.State() == NotifyWait {
					gaveUp = false
				}
			default:
				if d := s.Deadline(); d.After(now) {
					now = d
				}
				act(s.Expire(now))
			}
			waiting := req != nil || !s.Deadline().IsZero()
			if !gaveUp && !waiting {
				rt.Fatalf("stuck in %v", s.State())
			}
		}
		// Left alone with a server that answers nothing, it goes on without a rush.
		start, before := now, asked
		for now.Sub(start) < 48*time.Hour && !s.Deadline().IsZero() {
			if req != nil {
				req = nil
				act(s.Failed(now))
			}
			if d := s.Deadline(); d.After(now) {
				now = d
			}
			act(s.Expire(now))
		}
		if n := asked - before; n > 250 {
			rt.Fatalf("%d requests in two days", n)
		}
	})
}
