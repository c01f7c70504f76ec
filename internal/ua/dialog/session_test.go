package dialog

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
)

// session is an INVITE or a response with those header lines.
func session(code int, lines ...string) *sipmsg.Message {
	m := &sipmsg.Message{Method: sipmsg.INVITE, CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.INVITE}}
	if code != 0 {
		m.Method, m.StatusCode = "", code
	}
	for i := 0; i+1 < len(lines); i += 2 {
		m.Header.Add(lines[i], lines[i+1])
	}
	return m
}

func TestSessionTimerAsCaller(t *testing.T) {
	for _, tt := range []struct {
		name      string
		want      time.Duration
		request   string // Session-Expires we send
		response  []string
		interval  time.Duration
		refresher Refresher
		refresh   time.Duration // after the 2xx; 0: not ours
		bye       time.Duration
	}{
		{"none wanted, none given", 0, "", nil, 0, NoRefresher, 0, 0},
		{"none wanted, the far end wants one and us to refresh", 0, "", []string{"Session-Expires", "1800;refresher=uac", "Require", "timer"}, 1800 * time.Second, Us, 900 * time.Second, 1768 * time.Second},
		{"we refresh", 1800 * time.Second, "1800", []string{"Session-Expires", "1800;refresher=uac"}, 1800 * time.Second, Us, 900 * time.Second, 1768 * time.Second},
		{"they refresh", 1800 * time.Second, "1800", []string{"Session-Expires", "600;refresher=uas"}, 600 * time.Second, Them, 0, 568 * time.Second},
		{"a third, when that is less than 32 s", 90 * time.Second, "90", []string{"Session-Expires", "90;refresher=uas"}, 90 * time.Second, Them, 0, 60 * time.Second},
		{"who refreshes is left out", 1800 * time.Second, "1800", []string{"Session-Expires", "1800"}, 1800 * time.Second, Us, 900 * time.Second, 1768 * time.Second},
		{"compact form, blanks", 1800 * time.Second, "1800", []string{"Session-Expires", " 1800 ; Refresher = UAS "}, 1800 * time.Second, Them, 0, 1768 * time.Second},
		{"the far end does not know timers", 1800 * time.Second, "1800", nil, 0, NoRefresher, 0, 0},
		{"nonsense", 1800 * time.Second, "1800", []string{"Session-Expires", "soon"}, 0, NoRefresher, 0, 0},
		{"next to nothing", 1800 * time.Second, "1800", []string{"Session-Expires", "1;refresher=uac"}, 30 * time.Second, Us, 15 * time.Second, 20 * time.Second},
		{"more than a lifetime", 1800 * time.Second, "1800", []string{"Session-Expires", "99999999999999999999;refresher=uac"}, maxSeconds * time.Second, Us, maxSeconds / 2 * time.Second, (maxSeconds - 32) * time.Second},
		{"less than 90 s wanted", 20 * time.Second, "90", []string{"Session-Expires", "90;refresher=uac"}, 90 * time.Second, Us, 45 * time.Second, 60 * time.Second},
	} {
		s := SessionTimer{Want: tt.want}
		req := session(0)
		s.Request(req)
		if got := req.Header.Get("Session-Expires"); got != tt.request || !req.OptionTag("Supported", "timer") {
			t.Errorf("%s: sent Session-Expires %q, want %q", tt.name, got, tt.request)
		}
		s.Response(t0, session(200, tt.response...))
		if s.Interval() != tt.interval || s.Refresher() != tt.refresher {
			t.Errorf("%s: %v by %v, want %v by %v", tt.name, s.Interval(), s.Refresher(), tt.interval, tt.refresher)
		}
		if tt.refresh != 0 {
			if d := s.Deadline().Sub(t0); d != tt.refresh || s.Expire(t0.Add(d)) != RefreshDue {
				t.Errorf("%s: refresh due after %v, want %v", tt.name, d, tt.refresh)
			}
		}
		if tt.bye == 0 {
			if !s.Deadline().IsZero() {
				t.Errorf("%s: a deadline", tt.name)
			}
			continue
		}
		if d := s.Deadline().Sub(t0); d != tt.bye || s.Expire(t0.Add(d)) != SessionExpired || !s.Deadline().IsZero() {
			t.Errorf("%s: BYE after %v, want %v", tt.name, d, tt.bye)
		}
	}
}

// RFC 4028 section 9, table 2, and the interval's bounds.
func TestSessionTimerAsCallee(t *testing.T) {
	for _, tt := range []struct {
		name    string
		want    time.Duration
		request []string
		code    int
		answer  string // Session-Expires of our 2xx
		require bool
	}{
		{"nobody wants one", 0, []string{"Supported", "timer"}, 0, "", false},
		{"the caller wants one and leaves it open: it refreshes", 0, []string{"Supported", "timer", "Session-Expires", "1800"}, 0, "1800;refresher=uac", true},
		{"the caller refreshes", 0, []string{"Supported", "100rel, timer", "Session-Expires", "1800;refresher=uac"}, 0, "1800;refresher=uac", true},
		{"we are to", 0, []string{"Supported", "timer", "Session-Expires", "1800;refresher=uas"}, 0, "1800;refresher=uas", false},
		{"put in by a proxy, the caller knows no timers", 0, []string{"Session-Expires", "1800"}, 0, "1800;refresher=uas", false},
		{"only we want one", 600 * time.Second, []string{"Supported", "timer"}, 0, "600;refresher=uac", true},
		{"only we want one, the caller knows no timers", 600 * time.Second, nil, 0, "600;refresher=uas", false},
		{"ours is shorter", 600 * time.Second, []string{"Supported", "timer", "Session-Expires", "1800;refresher=uac"}, 0, "600;refresher=uac", true},
		{"ours is longer", 3600 * time.Second, []string{"Supported", "timer", "Session-Expires", "1800;refresher=uac"}, 0, "1800;refresher=uac", true},
		{"not below Min-SE", 600 * time.Second, []string{"Supported", "timer", "Session-Expires", "1800;refresher=uac", "Min-SE", "900"}, 0, "900;refresher=uac", true},
		{"not below Min-SE of our own accord", 600 * time.Second, []string{"Supported", "timer", "Min-SE", "900"}, 0, "900;refresher=uac", true},
		{"too brief", 0, []string{"Supported", "timer", "Session-Expires", "60"}, 422, "", false},
		{"too brief, but the caller would not understand a 422", 0, []string{"Session-Expires", "60"}, 0, "60;refresher=uas", false},
		{"nonsense", 0, []string{"Supported", "timer", "Session-Expires", "x"}, 0, "", false},
	} {
		s := SessionTimer{Want: tt.want}
		req, res := session(0, tt.request...), session(200)
		code := s.Judge(req)
		if code != tt.code {
			t.Errorf("%s: %d, want %d", tt.name, code, tt.code)
		}
		if code == 422 {
			if s.Refuse(res); res.Header.Get("Min-SE") != "90" {
				t.Errorf("%s: Min-SE %q", tt.name, res.Header.Get("Min-SE"))
			}
			continue
		}
		s.Answer(t0, req, res)
		if got := res.Header.Get("Session-Expires"); got != tt.answer || res.OptionTag("Require", "timer") != tt.require {
			t.Errorf("%s: answered %q, Require %v; want %q, %v", tt.name, got, res.OptionTag("Require", "timer"), tt.answer, tt.require)
		}
		if (tt.answer == "") != s.Deadline().IsZero() {
			t.Errorf("%s: deadline %v", tt.name, s.Deadline())
		}
	}
}

func TestSessionTooBrief(t *testing.T) {
	s := SessionTimer{Want: 300 * time.Second}
	for i, tt := range []struct {
		code  int
		minSE string
		again bool
		next  string
	}{
		{422, "1800", true, "1800"},
		{422, "1800", false, "1800"}, // no more than last time
		{422, "", false, "1800"},
		{500, "3600", false, "1800"},
		{422, "2000;x=y", true, "2000"},
		{422, "4000", false, "2000"}, // a third time
	} {
		if again := s.TooBrief(session(tt.code, "Min-SE", tt.minSE)); again != tt.again {
			t.Errorf("answer %d: again %v, want %v", i, again, tt.again)
		}
		req := session(0)
		if s.Request(req); req.Header.Get("Session-Expires") != tt.next || req.Header.Get("Min-SE") != tt.next {
			t.Errorf("answer %d: then Session-Expires %q, Min-SE %q, want %s", i, req.Header.Get("Session-Expires"), req.Header.Get("Min-SE"), tt.next)
		}
	}
}

// Roles stay through refreshes from either side, and a refresh that fails is tried again.
func TestSessionRefreshes(t *testing.T) {
	s := SessionTimer{Want: 1800 * time.Second}
	s.Response(t0, session(200, "Session-Expires", "1800;refresher=uac"))
	now := s.Deadline()
	if s.Expire(now) != RefreshDue {
		t.Fatal("no refresh")
	}
	if s.Expire(now) != NoEvent {
		t.Error("the refresh is due twice")
	}
	req := session(0)
	if s.Request(req); req.Header.Get("Session-Expires") != "1800;refresher=uac" {
		t.Errorf("refresh with %q", req.Header.Get("Session-Expires"))
	}
	s.Failed(now)
	if d := s.Deadline().Sub(now); d != 434*time.Second || s.Expire(now.Add(d)) != RefreshDue {
		t.Errorf("a refresh that failed is due again after %v", d)
	}
	now = now.Add(434 * time.Second)
	s.TooBrief(session(422, "Min-SE", "3600"))
	req = session(0)
	if s.Request(req); req.Header.Get("Session-Expires") != "3600;refresher=uac" {
		t.Errorf("after a 422: %q", req.Header.Get("Session-Expires"))
	}
	s.Response(now, session(200, "Session-Expires", "3600;refresher=uac"))
	if s.Refresher() != Us || s.Deadline().Sub(now) != 1800*time.Second {
		t.Errorf("after the refresh: %v, %v", s.Refresher(), s.Deadline().Sub(now))
	}
	// Their re-INVITE does not say who: we remain.
	res := session(200)
	s.Answer(now, session(0, "Supported", "timer", "Session-Expires", "1800"), res)
	if res.Header.Get("Session-Expires") != "1800;refresher=uas" || s.Refresher() != Us {
		t.Errorf("answer %q", res.Header.Get("Session-Expires"))
	}
	// Now they do: our next request leaves it to them.
	s.Answer(now, session(0, "Supported", "timer", "Session-Expires", "1800;refresher=uac"), session(200))
	req = session(0)
	if s.Request(req); s.Refresher() != Them || req.Header.Get("Session-Expires") != "3600;refresher=uas" { // the 422 is not forgotten
		t.Errorf("%v refresh, request with %q", s.Refresher(), req.Header.Get("Session-Expires"))
	}
	s.Response(now, session(500))
	if s.Refresher() != Them {
		t.Error("a 500 changes nothing")
	}
	// A refresh without Session-Expires, and no wish of ours: over.
	s.Want = 0
	s.Answer(now, session(0, "Supported", "timer"), session(200))
	if s.Interval() != 0 || !s.Deadline().IsZero() {
		t.Errorf("no timer any more: %v", s.Interval())
	}
	s.Failed(now)
	if !s.Deadline().IsZero() {
		t.Error("Failed started a timer")
	}
	s.Response(now, session(200, "Session-Expires", "1800;refresher=uac"))
	if s.Stop(); !s.Deadline().IsZero() || s.Expire(now.Add(time.Hour)) != NoEvent {
		t.Error("the call is over and its timer runs")
	}
}

// TestSessionModel: two ends with random wishes agree, refresh each other for a day, and
// when one of them dies the other ends the call within the interval.
func TestSessionModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		wish := rapid.SampledFrom([]time.Duration{0, 90 * time.Second, 600 * time.Second, 1800 * time.Second})
		least := rapid.SampledFrom([]time.Duration{0, 90 * time.Second, 900 * time.Second})
		a := &SessionTimer{Want: wish.Draw(rt, "a wants"), Min: least.Draw(rt, "a min")}
		b := &SessionTimer{Want: wish.Draw(rt, "b wants"), Min: least.Draw(rt, "b min")}
		refresh := func(now time.Time, from, to *SessionTimer) {
			for tries := 0; ; tries++ {
				req := session(0)
				from.Request(req)
				if code := to.Judge(req); code != 0 {
					res := session(422)
					to.Refuse(res)
					if !from.TooBrief(res) || tries > 2 {
						rt.Fatal("422 without end")
					}
					continue
				}
				res := session(200)
				to.Answer(now, req, res)
				from.Response(now, res)
				return
			}
		}
		now := t0
		refresh(now, a, b)
		agree := func() {
			if a.Interval() != b.Interval() || a.Interval() != 0 && (a.Refresher() == b.Refresher() || a.Refresher() == NoRefresher) {
				rt.Fatalf("a: %v by %v, b: %v by %v", a.Interval(), a.Refresher(), b.Interval(), b.Refresher())
			}
		}
		agree()
		if a.Interval() == 0 {
			return
		}
		if a.Interval() < max(a.min(), b.min()) && a.Want != 0 {
			rt.Fatalf("interval %v below %v or %v", a.Interval(), a.min(), b.min())
		}
		for now.Sub(t0) < 24*time.Hour {
			first, other := a, b
			if b.Deadline().Before(a.Deadline()) {
				first, other = b, a
			}
			now = first.Deadline()
			if e := first.Expire(now); e != RefreshDue {
				rt.Fatalf("event %v", e)
			}
			refresh(now, first, other)
			agree()
		}
		alive := a
		if rapid.Bool().Draw(rt, "a dies") {
			alive = b
		}
		died := now
		for n := 0; ; n++ {
			now = alive.Deadline()
			if e := alive.Expire(now); e == SessionExpired {
				break
			} else if n > 30 {
				rt.Fatal(fmt.Sprint("no end, event ", e))
			}
			alive.Failed(now)
		}
		if d := now.Sub(died); d > alive.Interval() && alive.Interval() != 0 {
			rt.Fatalf("ended %v after the far end died", d)
		}
	})
}
