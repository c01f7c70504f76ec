package dialog

import (
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

func referRequest(t testing.TB, lines string) *sipmsg.Message {
	return message(t, `
	REFER sip:b@atlanta.example.com SIP/2.0
	Via: SIP/2.0/UDP agenta.atlanta.example.com;branch=z9hG4bK2293940223
	To: <sip:b@atlanta.example.com>
	From: <sip:a@atlanta.example.com>;tag=193402342
	Call-ID: 898234234@agenta.atlanta.example.com
	CSeq: 93809823 REFER
	Max-Forwards: 70
	Contact: sip:a@atlanta.example.com
	`+lines)
}

func TestParseRefer(t *testing.T) {
	for _, tt := range []struct {
		name, lines string
		code        int
		target      string
		replaces    string
		referredBy  string
		quiet       bool
	}{
		{"RFC 3515 section 4.1", "Refer-To: <sip:c@example.com>", 0, "sip:c@example.com", "", "", false},
		{"a number", "Refer-To: <tel:+12125551212>\nReferred-By: <sip:a@atlanta.example.com>", 0, "tel:+12125551212", "", "<sip:a@atlanta.example.com>", false},
		{"method given", "Refer-To: <sip:c@example.com;method=INVITE>", 0, "sip:c@example.com", "", "", false},
		{"RFC 5589 section 7: attended", "Refer-To: <sip:c@example.com?Replaces=090459243588173445%3Bto-tag%3D7553452%3Bfrom-tag%3D31431&Require=replaces>", 0,
			"sip:c@example.com", "090459243588173445;to-tag=7553452;from-tag=31431", "", false},
		{"RFC 4488", "Refer-To: <sip:c@example.com>\nRefer-Sub: false", 0, "sip:c@example.com", "", "", true},
		{"none", "", 400, "", "", "", false},
		{"not an address", "Refer-To: x y", 400, "", "", "", false},
		{"a web page", "Refer-To: <http://www.example.com>", 416, "", "", "", false},
		{"another method", "Refer-To: <sip:c@example.com;method=MESSAGE>", 403, "", "", "", false},
		{"Replaces that cannot be read", "Refer-To: <sip:c@example.com?Replaces=x>", 400, "", "", "", false},
	} {
		r, code := ParseRefer(t0, referRequest(t, tt.lines), true)
		if code != tt.code {
			t.Errorf("%s: %d, want %d", tt.name, code, tt.code)
		}
		if r == nil {
			continue
		}
		replaces := ""
		if r.Replaces != nil {
			replaces = r.Replaces.String()
		}
		if got := r.Target.URI.String(); got != tt.target || replaces != tt.replaces || r.ReferredBy != tt.referredBy || r.Done() != tt.quiet {
			t.Errorf("%s: %s replacing %q by %q, quiet %v", tt.name, got, replaces, r.ReferredBy, r.Done())
		}
		res := session(202)
		if r.Accept(res); (res.Header.Get("Refer-Sub") == "false") != tt.quiet {
			t.Errorf("%s: Refer-Sub %q", tt.name, res.Header.Get("Refer-Sub"))
		}
	}
}

func TestTwoTargets(t *testing.T) {
	req := referRequest(t, "Refer-To: <sip:c@example.com>")
	req.Header.Add("Refer-To", "<sip:d@example.com>")
	if _, code := ParseRefer(t0, req, true); code != 400 {
		t.Errorf("two Refer-To: %d, want 400", code)
	}
}

// RFC 3515 section 4.1: 100, 180, 200, each in a NOTIFY, and what the sender of the REFER
// makes of it.
func TestReferralIsFollowed(t *testing.T) {
	for _, first := range []bool{true, false} {
		req := referRequest(t, "Refer-To: <sip:c@example.com>")
		r, _ := ParseRefer(t0, req, first)
		tr := NewTransfer(t0, req)
		tr.Accepted(session(202))
		for i, tt := range []struct {
			status int
			reason string
			state  string
			body   string
			done   bool
		}{
			{100, "", "active;expires=179", "SIP/2.0 100 Trying\r\n", false},
			{180, "", "active;expires=178", "SIP/2.0 180 Ringing\r\n", false},
			{183, "Odd\r\nContact: x", "active;expires=177", "SIP/2.0 183 OddContact: x\r\n", false},
			{200, "", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n", true},
		} {
			now := t0.Add(time.Duration(i+1) * time.Second)
			n := session(0)
			n.Method = sipmsg.NOTIFY
			r.Notify(now, n, tt.status, tt.reason)
			event := "refer"
			if !first {
				event = "refer;id=93809823"
			}
			if n.Header.Get("Event") != event || n.Header.Get("Subscription-State") != tt.state || string(n.Body) != tt.body ||
				!strings.HasPrefix(n.Header.Get("Content-Type"), "message/sipfrag") || r.Done() != tt.done {
				t.Errorf("NOTIFY of %d: %v %q, done %v", tt.status, n.Header, n.Body, r.Done())
			}
			code, status, done := tr.Notify(now, n)
			if code != 200 || status != tt.status || done != tt.done {
				t.Errorf("taken as %d, status %d, done %v", code, status, done)
			}
			if d := tr.Deadline(); done != d.IsZero() {
				t.Errorf("deadline %v", d)
			}
		}
	}
}

func TestReferralRunsOut(t *testing.T) {
	req := referRequest(t, "Refer-To: <sip:c@example.com>")
	r, _ := ParseRefer(t0, req, false)
	again := session(0, "Event", "refer;id=93809823", "Expires", "600")
	if code, expires := r.Resubscribed(t0, again); code != 200 || expires != "600" || r.Deadline().Sub(t0) != 600*time.Second {
		t.Errorf("prolonged: %d %s", code, expires)
	}
	if code, expires := r.Resubscribed(t0, session(0, "Event", "refer;id=93809823", "Expires", "999999")); code != 200 || expires != "3600" {
		t.Errorf("for ever: %d %s", code, expires)
	}
	if code, expires := r.Resubscribed(t0, session(0, "Event", "refer;id=93809823")); code != 200 || expires != "180" {
		t.Errorf("without a wish: %d %s", code, expires)
	}
	if code, _ := r.Resubscribed(t0, session(0, "Event", "refer;id=1", "Expires", "600")); code != 481 {
		t.Errorf("another REFER's: %d", code)
	}
	now := r.Deadline()
	if r.Expire(now.Add(-1)) || !r.Expire(now) || r.Expire(now) || !r.Done() {
		t.Error("it runs out once, at its deadline")
	}
	n := session(0)
	if r.Timeout(n); n.Header.Get("Subscription-State") != "terminated;reason=timeout" || len(n.Body) == 0 {
		t.Errorf("last NOTIFY %v", n.Header)
	}
	if code, _ := r.Resubscribed(now, again); code != 481 {
		t.Errorf("prolonged after its end: %d", code)
	}
}

func TestTransfer(t *testing.T) {
	notify := func(event, state, body string) *sipmsg.Message {
		n := session(0, "Event", event, "Subscription-State", state)
		n.Method, n.Body = sipmsg.NOTIFY, []byte(body)
		return n
	}
	const trying, busy = "SIP/2.0 100 Trying\r\n", "SIP/2.0 486 Busy Here\r\nVia: x\r\n"
	for _, tt := range []struct {
		name         string
		notify       *sipmsg.Message
		code, status int
		done         bool
	}{
		{"progress", notify("refer", "active;expires=60", trying), 200, 100, false},
		{"with the id", notify("refer;id=93809823", "active;expires=60", trying), 200, 100, false},
		{"busy", notify("refer", "terminated;reason=noresource", busy), 200, 486, true},
		{"a result, the subscription still active", notify("refer", "active;expires=60", busy), 200, 486, true},
		{"ended without a result", notify("refer", "terminated;reason=timeout", trying), 200, 100, true},
		{"ended without a body", notify("refer", "terminated;reason=timeout", ""), 200, 0, true},
		{"another id", notify("refer;id=1", "active", trying), 481, 0, false},
		{"another package", notify("presence", "active", trying), 481, 0, false},
		{"no body", notify("refer", "active", ""), 400, 0, false},
		{"no status line", notify("refer", "active", "hello"), 400, 0, false},
		{"not a status", notify("refer", "active", "SIP/2.0 999 x"), 400, 0, false},
		{"a request line", notify("refer", "active", "INVITE sip:x SIP/2.0"), 400, 0, false},
	} {
		tr := NewTransfer(t0, referRequest(t, "Refer-To: <sip:c@example.com>"))
		code, status, done := tr.Notify(t0, tt.notify)
		if code != tt.code || status != tt.status || done != tt.done {
			t.Errorf("%s: %d, status %d, done %v; want %d, %d, %v", tt.name, code, status, done, tt.code, tt.status, tt.done)
		}
	}
	tr := NewTransfer(t0, referRequest(t, "Refer-To: <sip:c@example.com>"))
	tr.Notify(t0, notify("refer", "active;expires=60", busy))
	if code, status, done := tr.Notify(t0, notify("refer", "terminated;reason=noresource", busy)); code != 200 || status != 0 || !done {
		t.Errorf("the end after the result: %d %d %v", code, status, done)
	}
	if code, _, _ := tr.Notify(t0, notify("refer", "active", trying)); code != 481 {
		t.Errorf("after the end: %d", code)
	}
	tr = NewTransfer(t0, referRequest(t, "Refer-To: <sip:c@example.com>"))
	if d := tr.Deadline().Sub(t0); d != referralLife || tr.Expire(t0) || !tr.Expire(t0.Add(d)) || tr.Expire(t0.Add(d)) {
		t.Errorf("nothing heard for %v", d)
	}
	tr = NewTransfer(t0, referRequest(t, "Refer-To: <sip:c@example.com>"))
	if tr.Accepted(session(202, "Refer-Sub", "false")); !tr.Quiet || !tr.Deadline().IsZero() {
		t.Error("RFC 4488: the far end makes no subscription")
	}
}

// What Refer writes, ParseRefer reads.
func TestReferRoundTrip(t *testing.T) {
	consultation := confirmed(t) // alice's second call, to bob
	call := confirmed(t)
	target, err := sipmsg.ParseAddr(`"Bob" <sip:bob@biloxi.example.com;transport=tcp>;tag=x`)
	if err != nil {
		t.Fatal(err)
	}
	replaces := ReplacesFor(consultation)
	req := call.Request(sipmsg.REFER)
	Refer(req, target, &replaces, uri(t, "sip:alice@atlanta.example.com"))
	writable(t, req)
	if len(req.Contact) != 1 {
		t.Error("a REFER has a Contact")
	}
	r, code := ParseRefer(t0, req, true)
	if code != 0 {
		t.Fatal(code)
	}
	if *r.Replaces != replaces || r.Target.URI.String() != "sip:bob@biloxi.example.com;transport=tcp" || r.Target.Tag() != "" ||
		r.ReferredBy != "<sip:alice@atlanta.example.com>" {
		t.Errorf("%+v %+v", r, r.Replaces)
	}
	blind := call.Request(sipmsg.REFER)
	Refer(blind, target, nil, sipmsg.URI{})
	if r, code = ParseRefer(t0, blind, true); code != 0 || r.Replaces != nil || r.ReferredBy != "" {
		t.Errorf("blind: %d %+v", code, r)
	}
}

// FuzzHeaders feeds header values to every reader of this package.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{
		"1800;refresher=uac", "active;expires=60;reason=\"a;b\"", "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff",
		"<sip:c@example.com?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>", "SIP/2.0 200 OK\r\n", "refer;id=93809823", "4294967295 1 INVITE", `"\`, ";;=;", "%",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		first, params := withParams(value)
		if strings.TrimSpace(first) != first || len(params) > len(value) {
			t.Fatalf("%q: first %q, %d parameters", value, first, len(params))
		}
		if d, ok := seconds(value); ok && (d < 0 || d > maxSeconds*time.Second) {
			t.Fatalf("%q: %v", value, d)
		}
		if r, ok := ParseReplaces(value); ok && r.CallID == "" {
			t.Fatalf("%q: no Call-ID", value)
		}
		if status, ok := ParseSipfrag([]byte(value)); ok && (status < 100 || status > 699) {
			t.Fatalf("%q: status %d", value, status)
		}
		m := session(200, "Session-Expires", value, "Min-SE", value, "Retry-After", value, "RSeq", value, "Require", "100rel",
			"Subscription-State", value, "Event", value, "Refer-To", value, "Referred-By", value, "RAck", value, "Expires", value)
		var s SessionTimer
		s.Response(t0, m)
		s.TooBrief(m)
		s.Answer(t0, m, session(200))
		if d := s.Deadline(); !d.IsZero() && d.Sub(t0) < 10*time.Second {
			t.Fatalf("%q: a refresh after %v", value, d.Sub(t0))
		}
		m.RetryAfter()
		rseq(m)
		ParseRefer(t0, m, true)
		new(Progress).Acknowledge(m)
		tr := NewTransfer(t0, m)
		m.Body = []byte(value)
		tr.Notify(t0, m)
		if d := tr.Deadline(); !d.IsZero() && d.Sub(t0) > maxReferralLife {
			t.Fatalf("%q: waits %v", value, d.Sub(t0))
		}
	})
}
