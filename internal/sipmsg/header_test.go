package sipmsg

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCompactForms(t *testing.T) {
	// RFC 3261 section 7.3.3; RFC 3841, 3892, 4028, 8224, 6665, 3515
	for short, long := range map[string]string{
		"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
		"e": "Content-Encoding", "j": "Reject-Contact", "k": "Supported", "n": "Identity-Info",
		"o": "Event", "r": "Refer-To", "s": "Subject", "u": "Allow-Events", "x": "Session-Expires", "y": "Identity",
	} {
		for _, name := range []string{short, strings.ToUpper(short)} {
			data := strings.Replace(invite, "k: timer, 100rel", name+" : <sip:value@h>", 1)
			data = strings.Replace(data, "Content-Type: application/sdp\r\n", "", 1)
			m, err := Parse([]byte(data))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := m.Header[1]; got.Name != long || got.Value != "<sip:value@h>" {
				t.Errorf("%s: got %v, want %s", name, got, long)
			}
			if m.Header.Get(name) != "<sip:value@h>" || m.Header.Get(long) != "<sip:value@h>" {
				t.Errorf("%s and %s do not find the same field", name, long)
			}
		}
	}
	all := strings.NewReplacer("Via:", "v:", "From:", "F:", "To:", "t:", "Call-ID:", "i:", "Contact:", "M:",
		"Content-Type:", "c:", "Content-Length:", "l:").Replace(invite)
	short, err1 := Parse([]byte(all))
	long, err2 := Parse([]byte(invite))
	short.head, long.head = "", ""
	if err1 != nil || err2 != nil || !reflect.DeepEqual(short, long) {
		t.Errorf("got %+v, %v, want %+v, %v", short, err1, long, err2)
	}
}

func TestHeader(t *testing.T) {
	var h Header
	h.Add("Supported", "timer")
	h.Add("X-One", "1")
	h.Add("k", "100rel")
	if got := h.Values("supported"); !reflect.DeepEqual(got, []string{"timer", "100rel"}) {
		t.Errorf("got %q", got)
	}
	h.Set("K", "path")
	if want := (Header{{"Supported", "path"}, {"X-One", "1"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("got %v, want %v", h, want)
	}
	h.Set("Allow", "INVITE")
	h.Del("x-one")
	if want := (Header{{"Supported", "path"}, {"Allow", "INVITE"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("got %v, want %v", h, want)
	}
	if _, ok := h.Lookup("X-One"); ok || h.Get("X-One") != "" {
		t.Error("a deleted field is still there")
	}
}

func TestParams(t *testing.T) {
	var p Params
	p.Set("Expires", "60")
	p.SetFlag("lr")
	p.SetQuoted("text", "a")
	p.Set("expires", "30")
	p.SetFlag("LR")
	if got, want := string(p.append(nil)), `;Expires=30;text="a";LR`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if v, ok := p.Get("EXPIRES"); v != "30" || !ok {
		t.Errorf("got %q, %v", v, ok)
	}
	p.Del("lr")
	if _, ok := p.Get("lr"); ok {
		t.Error("a deleted parameter is still there")
	}
}

// with is a message that holds these header lines.
func with(t *testing.T, lines ...string) *Message {
	t.Helper()
	data := "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\n" +
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	m, err := Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNumbers(t *testing.T) {
	const none = -1
	result := func(n int, ok bool) int {
		if !ok {
			return none
		}
		return n
	}
	retryAfter := func(m *Message) (int, bool) {
		d, ok := m.RetryAfter()
		return int(d / time.Second), ok
	}
	tests := []struct {
		line string
		read func(*Message) (int, bool)
		want int
	}{
		{"Expires: 3600", (*Message).Expires, 3600},
		{"Expires: 0", (*Message).Expires, 0},
		{"Expires: 10000000000000000000000", (*Message).Expires, 1<<31 - 1},
		{"Expires: Thu, 01 Dec 1994 16:00:00 GMT", (*Message).Expires, none},
		{"Expires: -1", (*Message).Expires, none},
		{"Expires:", (*Message).Expires, none},
		{"X: y", (*Message).Expires, none},
		{"Min-Expires: 60", (*Message).MinExpires, 60},
		{"Max-Forwards: 0", (*Message).MaxForwards, 0},
		{"Max-Forwards: 0068", (*Message).MaxForwards, 68},
		{"Retry-After: 120", retryAfter, 120},
		{"Retry-After: 120 (I'm in a meeting)", retryAfter, 120},
		{"Retry-After: 18000;duration=3600", retryAfter, 18000},
		{"Retry-After: 949302838503028349304023988", retryAfter, 366 * 24 * 3600},
		{"Retry-After: soon", retryAfter, none},
		{"Min-SE: 90", (*Message).MinSE, 90},
		{"Min-SE: 90;x=y", (*Message).MinSE, 90},
		{"Min-SE: x", (*Message).MinSE, none},
	}
	for _, tt := range tests {
		if got := result(tt.read(with(t, tt.line))); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.line, got, tt.want)
		}
	}
	a, err := ParseAddr("<sip:a@h>;expires=30")
	if err != nil || result(a.Expires()) != 30 {
		t.Errorf("got %d, %v, want 30", result(a.Expires()), err)
	}
	if got := result(Addr{}.Expires()); got != none {
		t.Errorf("got %d, want none", got)
	}
}

func TestSessionExpires(t *testing.T) {
	for line, want := range map[string]SessionTimer{
		"Session-Expires: 1800":                     {1800, ""},
		"x: 1800;refresher=UAS":                     {1800, "uas"},
		"Session-Expires: 90 ; refresher = uac;a=b": {90, "uac"},
	} {
		got, ok := with(t, line).SessionExpires()
		if !ok || got != want {
			t.Errorf("%s: got %v, %v, want %v", line, got, ok, want)
		}
	}
	for _, line := range []string{"X: y", "x: soon", "x: 1800;", "x: ;refresher=uac"} {
		if got, ok := with(t, line).SessionExpires(); ok {
			t.Errorf("%s: got %v", line, got)
		}
	}
	if got := (SessionTimer{1800, "uac"}).String(); got != "1800;refresher=uac" {
		t.Errorf("got %s", got)
	}
}

func TestReliableProvisional(t *testing.T) {
	if n, ok := with(t, "RSeq: 988789").RSeq(); !ok || n != 988789 {
		t.Errorf("got %d, %v", n, ok)
	}
	n, cseq, ok := with(t, "RAck: 776656  1 INVITE").RAck()
	if want := (CSeq{1, INVITE}); !ok || n != 776656 || cseq != want {
		t.Errorf("got %d, %v, %v", n, cseq, ok)
	}
	for _, line := range []string{"X: y", "RSeq: 0", "RSeq: -1", "RSeq: 4294967296", "RAck: 1 1", "RAck: 0 1 INVITE", "RAck: 1 4294967295 INVITE", "RAck: 1 INVITE"} {
		m := with(t, line)
		if n, ok := m.RSeq(); ok {
			t.Errorf("%s: got RSeq %d", line, n)
		}
		if n, cseq, ok := m.RAck(); ok {
			t.Errorf("%s: got RAck %d %v", line, n, cseq)
		}
	}
}

func TestEventHeaders(t *testing.T) {
	pkg, id, ok := with(t, "o: message-summary ; id=7").Event()
	if !ok || pkg != "message-summary" || id != "7" {
		t.Errorf("got %s, %s, %v", pkg, id, ok)
	}
	if _, _, ok := with(t, "X: y").Event(); ok {
		t.Error("an Event out of nowhere")
	}
	got, ok := with(t, "Subscription-State: Terminated;reason=Deactivated;retry-after=30").SubscriptionState()
	if want := (SubscriptionState{"terminated", "deactivated", -1, 30}); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	got, ok = with(t, "Subscription-State: active;expires=3599").SubscriptionState()
	if want := (SubscriptionState{"active", "", 3599, -1}); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if got, ok := with(t, "Subscription-State: ;expires=3599").SubscriptionState(); ok {
		t.Errorf("got %+v", got)
	}
}

func TestTransferHeaders(t *testing.T) {
	to, ok := with(t, `r: "Bob" <sip:bob@h?Replaces=12345%40h%3Bto-tag%3D12%3Bfrom-tag%3D5&X=%41>`).ReferTo()
	if !ok || to.URI.User != "bob" {
		t.Fatalf("got %v, %v", to, ok)
	}
	value, ok := to.URI.Header("replaces")
	if !ok || value != "12345@h;to-tag=12;from-tag=5" {
		t.Errorf("got %s, %v", value, ok)
	}
	got, ok := ParseReplaces(value)
	want := Replaces{CallID: "12345@h", ToTag: "12", FromTag: "5"}
	if !ok || got != want || got.String() != value {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if v, ok := to.URI.Header("x"); !ok || v != "A" {
		t.Errorf("got %s, %v", v, ok)
	}
	if v, ok := to.URI.Header("y"); ok {
		t.Errorf("got %s", v)
	}
	// What is escaped comes back as it was.
	for _, v := range []string{value, "a b&c=d;e?f%41", "\"\x01ä", ""} {
		u := URI{Scheme: "sip", Host: "h"}
		u.AddHeader("Subject", "x")
		u.AddHeader("Replaces", v)
		again, err := ParseURI(u.String())
		if got, ok := again.Header("Replaces"); err != nil || !ok || got != v {
			t.Errorf("%s: got %q, want %q (%v)", u, got, v, err)
		}
	}
	if got, ok := ParseReplaces("a@b;to-tag=1;from-tag=2,c@d;to-tag=3;from-tag=4"); ok {
		t.Errorf("got %+v", got)
	}
	want.EarlyOnly = true
	if got, ok := with(t, "Replaces: 12345@h;from-tag=5;to-tag=12;early-only").Replaces(); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if got, ok := with(t, "Replaces: 12345@h;from-tag=5").Replaces(); ok {
		t.Errorf("got %+v", got)
	}
	by, ok := with(t, "b: <sip:ann@h>;cid=1").ReferredBy()
	if !ok || by.URI.User != "ann" {
		t.Errorf("got %v, %v", by, ok)
	}
	if to, ok := with(t, "X: y").ReferTo(); ok {
		t.Errorf("got %v", to)
	}
}

func TestContentType(t *testing.T) {
	tests := []struct {
		line, want string
		params     Params
	}{
		{"Content-Type: application/sdp", "application/sdp", nil},
		{"c: Application / SDP", "application/sdp", nil},
		{"c: multipart/mixed;boundary=\"a;b\"", "multipart/mixed", Params{{Name: "boundary", Value: "a;b", HasValue: true, Quoted: true}}},
		{"c: message/sipfrag;version=2.0", "message/sipfrag", params("version", "2.0")},
		{"c: text", "", nil},
		{"c:", "", nil},
		{"X: y", "", nil},
	}
	for _, tt := range tests {
		got, params := with(t, tt.line).ContentType()
		if got != tt.want || !reflect.DeepEqual(params, tt.params) {
			t.Errorf("%s: got %s %v, want %s %v", tt.line, got, params, tt.want, tt.params)
		}
	}
	m := &Message{}
	m.SetBody("application/sdp", []byte("v=0\r\n"))
	if got, _ := m.ContentType(); got != "application/sdp" || len(m.Body) != 5 {
		t.Errorf("got %s, %q", got, m.Body)
	}
	m.SetBody("", nil)
	if len(m.Header) != 0 || m.Body != nil {
		t.Errorf("got %v, %q", m.Header, m.Body)
	}
}

func TestChallenges(t *testing.T) {
	tests := []struct {
		lines      []string
		www, proxy []string
	}{
		{[]string{`WWW-Authenticate: Digest realm="h", nonce="1,2", algorithm=MD5`}, []string{`Digest realm="h", nonce="1,2", algorithm=MD5`}, nil},
		{[]string{`WWW-Authenticate: Digest realm="h", algorithm=SHA-256`, `WWW-Authenticate: Digest realm="h"`}, []string{`Digest realm="h", algorithm=SHA-256`, `Digest realm="h"`}, nil},
		{[]string{`Proxy-Authenticate: Digest realm="a \", Basic b" , nonce = "x",Digest realm="b",qop="auth,auth-int", NTLM, Basic realm="c"`}, nil,
			[]string{`Digest realm="a \", Basic b" , nonce = "x"`, `Digest realm="b",qop="auth,auth-int"`, `NTLM`, `Basic realm="c"`}},
		{[]string{`WWW-Authenticate: Digest realm="h"`, `Proxy-Authenticate: Digest realm="p",`}, []string{`Digest realm="h"`}, []string{`Digest realm="p"`}},
		{[]string{`WWW-Authenticate:`, `WWW-Authenticate: ,`}, nil, nil},
	}
	for _, tt := range tests {
		www, proxy := with(t, tt.lines...).Challenges()
		if !reflect.DeepEqual(www, tt.www) || !reflect.DeepEqual(proxy, tt.proxy) {
			t.Errorf("%s:\ngot  %q, %q\nwant %q, %q", tt.lines, www, proxy, tt.www, tt.proxy)
		}
	}
}

func TestReasons(t *testing.T) {
	m := with(t, `Reason: SIP ;cause=200 ;text="Call completed elsewhere", Q.850;cause=16`, `Reason: preemption`, `Reason: ;cause=1, a b`)
	want := []Reason{{"SIP", 200, "Call completed elsewhere"}, {"Q.850", 16, ""}, {"preemption", 0, ""}}
	got := m.Reasons()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if !got[0].Is("sip", 200) || got[0].Is("SIP", 487) {
		t.Error("SIP;cause=200 is not recognised")
	}
	if s := got[0].String(); s != `SIP;cause=200;text="Call completed elsewhere"` {
		t.Errorf("got %s", s)
	}
}

func TestOptionTag(t *testing.T) {
	m := with(t, "k: timer , 100rel", "Supported: path")
	for tag, want := range map[string]bool{"timer": true, "100REL": true, "path": true, "replaces": false, "": false} {
		if got := m.OptionTag("Supported", tag); got != want {
			t.Errorf("%s: got %v", tag, got)
		}
	}
}

func TestPhrase(t *testing.T) {
	for code, want := range map[int]string{100: "Trying", 488: "Not Acceptable Here", 603: "Decline", 199: "Early Dialog Terminated",
		150: "Session Progress", 299: "OK", 399: "Multiple Choices", 499: "Bad Request", 599: "Server Internal Error", 699: "Busy Everywhere", 99: "", 700: ""} {
		if got := Phrase(code); got != want {
			t.Errorf("%d: got %q, want %q", code, got, want)
		}
	}
}
