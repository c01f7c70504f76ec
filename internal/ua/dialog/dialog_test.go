package dialog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
)

var t0 = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// message reads a message typed as in an RFC: lines without carriage returns, the body
// after an empty line, Content-Length left out.
func message(t testing.TB, text string) *sipmsg.Message {
	t.Helper()
	head, body, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\t", ""), "\n", "\r\n")
	wire := strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	m, err := sipmsg.Parse([]byte(wire))
	if err != nil {
		t.Fatalf("%v in\n%s", err, wire)
	}
	return m
}

func uri(t testing.TB, s string) sipmsg.URI {
	t.Helper()
	u, err := sipmsg.ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// hops writes a route set.
func hops(routes []sipmsg.Addr) string {
	var list []string
	for _, r := range routes {
		list = append(list, r.URI.String())
	}
	return strings.Join(list, " ")
}

// writable checks that a request is complete but for its Via.
func writable(t testing.TB, m *sipmsg.Message) {
	t.Helper()
	c := m.Clone()
	via := sipmsg.Via{Transport: "UDP", Host: "192.0.2.20"}
	via.Params.Set("branch", "z9hG4bKx")
	c.Via = []sipmsg.Via{via}
	wire, err := c.Append(nil)
	if err != nil {
		t.Fatalf("%v: %v", m, err)
	}
	if _, err := sipmsg.Parse(wire); err != nil {
		t.Fatalf("%v in\n%s", err, wire)
	}
}

// After RFC 3665 section 3.2: alice calls bob through two record-routing proxies.
const (
	inviteReceived = `
	INVITE sip:bob@client.biloxi.example.com SIP/2.0
	Via: SIP/2.0/TCP ss2.biloxi.example.com:5060;branch=z9hG4bK721e4.1
	Via: SIP/2.0/TCP ss1.atlanta.example.com:5060;branch=z9hG4bK2d4790.1;received=192.0.2.111
	Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b03;received=192.0.2.101
	Max-Forwards: 68
	Record-Route: <sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>
	From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
	To: Bob <sip:bob@biloxi.example.com>
	Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com
	CSeq: 2 INVITE
	Contact: <sip:alice@client.atlanta.example.com;transport=tcp>
	`
	inviteSent = `
	INVITE sip:bob@biloxi.example.com SIP/2.0
	Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b03
	Max-Forwards: 70
	Route: <sip:ss1.atlanta.example.com;lr>
	From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
	To: Bob <sip:bob@biloxi.example.com>
	Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com
	CSeq: 2 INVITE
	Contact: <sip:alice@client.atlanta.example.com;transport=tcp>
	Proxy-Authorization: Digest username="alice", realm="atlanta.example.com", nonce="wf84f1ceczx41ae6cbe5aea9c8e88d359", uri="sip:bob@biloxi.example.com", response="42ce3cef44b22f50c6a6071bc8"
	`
	ringing180 = `
	SIP/2.0 180 Ringing
	Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b03;received=192.0.2.101
	Record-Route: <sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>
	From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
	To: Bob <sip:bob@biloxi.example.com>;tag=314159
	Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com
	CSeq: 2 INVITE
	Contact: <sip:bob@client.biloxi.example.com;transport=tcp>
	`
)

func ok(t testing.TB, ringing string) *sipmsg.Message {
	m := message(t, ringing)
	m.StatusCode, m.Reason = 200, "OK"
	return m
}

func TestRFC3665Caller(t *testing.T) {
	invite, ringing := message(t, inviteSent), message(t, ringing180)
	d, err := FromResponse(invite, ringing)
	if err != nil {
		t.Fatal(err)
	}
	if d.State() != Early || !d.Caller() || d.ID != (ID{"2xTb9vxSit55XU7p8@atlanta.example.com", "9fxced76sl", "314159"}) {
		t.Errorf("%v %v", d.State(), d.ID)
	}
	d.Confirm(ok(t, ringing180))
	if d.State() != Confirmed {
		t.Errorf("after the 200: %v", d.State())
	}
	ack := d.Ack(invite)
	writable(t, ack)
	for what, got := range map[string]struct{ got, want string }{
		"Request-URI": {ack.RequestURI.String(), "sip:bob@client.biloxi.example.com;transport=tcp"},
		"Route":       {hops(ack.Route), "sip:ss1.atlanta.example.com;lr sip:ss2.biloxi.example.com;lr"},
		"CSeq":        {ack.CSeq.String(), "2 ACK"},
		"To tag":      {ack.To.Tag(), "314159"},
		"From tag":    {ack.From.Tag(), "9fxced76sl"},
		"credentials": {ack.Header.Get("Proxy-Authorization"), invite.Header.Get("Proxy-Authorization")},
		"next hop":    {d.NextHop().String(), "sip:ss1.atlanta.example.com;lr"},
	} {
		if got.got != got.want {
			t.Errorf("ACK %s: %s, want %s", what, got.got, got.want)
		}
	}
	// Bob hangs up.
	bye := message(t, `
	BYE sip:alice@client.atlanta.example.com SIP/2.0
	Via: SIP/2.0/TCP client.biloxi.example.com:5060;branch=z9hG4bKnashds7
	From: Bob <sip:bob@biloxi.example.com>;tag=314159
	To: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
	Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com
	CSeq: 1 BYE
	`)
	if RequestID(bye) != d.ID {
		t.Errorf("the BYE is for %v", RequestID(bye))
	}
	if code := d.Receive(bye); code != 0 {
		t.Errorf("BYE refused with %d", code)
	}
	d.End()
	if code := d.Receive(bye); code != 481 {
		t.Errorf("a BYE after the end: %d, want 481", code)
	}
}

func TestRFC3665Callee(t *testing.T) {
	invite := message(t, inviteReceived)
	answer := invite.Response(200, "")
	answer.To = answer.To.WithTag("314159")
	answer.Contact = []sipmsg.Addr{{URI: uri(t, "sip:bob@client.biloxi.example.com;transport=tcp")}}
	if got := hops(answer.RecordRoute); got != "sip:ss2.biloxi.example.com;lr sip:ss1.atlanta.example.com;lr" {
		t.Errorf("Record-Route of the answer: %s", got)
	}
	d, err := FromRequest(invite, answer)
	if err != nil {
		t.Fatal(err)
	}
	if d.State() != Confirmed || d.Caller() {
		t.Errorf("%v, caller %v", d.State(), d.Caller())
	}
	bye := d.Request(sipmsg.BYE)
	writable(t, bye)
	if got := fmt.Sprint(bye.RequestURI.String(), " ", hops(bye.Route), " ", bye.CSeq, " ", bye.From.Tag(), " ", bye.To.Tag(), " ", len(bye.Contact)); got !=
		"sip:alice@client.atlanta.example.com;transport=tcp sip:ss2.biloxi.example.com;lr sip:ss1.atlanta.example.com;lr 1 BYE 314159 9fxced76sl 0" {
		t.Errorf("BYE: %s", got)
	}
	early := invite.Response(180, "")
	early.To = early.To.WithTag("314159")
	d, err = FromRequest(invite, early)
	if err != nil || d.State() != Early {
		t.Fatalf("%v, %v", d, err)
	}
	if d.Confirm(answer); d.State() != Confirmed {
		t.Errorf("after our 200: %v", d.State())
	}
}

func TestWhatMakesNoDialog(t *testing.T) {
	invite := message(t, inviteSent)
	change := func(f func(*sipmsg.Message)) *sipmsg.Message {
		m := message(t, ringing180)
		f(m)
		return m
	}
	for name, res := range map[string]*sipmsg.Message{
		"100":             change(func(m *sipmsg.Message) { m.StatusCode = 100 }),
		"1xx without tag": change(func(m *sipmsg.Message) { m.To.Params = nil }),
		"486":             change(func(m *sipmsg.Message) { m.StatusCode = 486 }),
		"a request":       invite,
	} {
		if _, err := FromResponse(invite, res); !errors.Is(err, ErrNoDialog) {
			t.Errorf("%s: %v", name, err)
		}
	}
	answer := invite.Response(200, "")
	if _, err := FromRequest(invite, answer); !errors.Is(err, ErrNoDialog) {
		t.Errorf("an answer of ours without a tag: %v", err)
	}
	answer.To = answer.To.WithTag("x")
	for _, c := range [][]sipmsg.Addr{nil, {{URI: sipmsg.Wildcard}}, {{URI: sipmsg.URI{Scheme: "tel", User: "123"}}}} {
		req := invite.Clone()
		req.Contact = c
		if _, err := FromRequest(req, answer); !errors.Is(err, ErrNoDialog) {
			t.Errorf("an INVITE with Contact %v: %v", c, err)
		}
	}
	// A 2xx owes tag and Contact; without them the call goes on all the same.
	poor := ok(t, ringing180)
	poor.To.Params, poor.Contact = nil, nil
	d, err := FromResponse(invite, poor)
	if err != nil || !d.Target.Equal(invite.RequestURI) || d.RemoteTag != "" {
		t.Errorf("a poor 200: %+v, %v", d, err)
	}
}

func TestStrictRouting(t *testing.T) {
	d := confirmed(t)
	d.Routes = []sipmsg.Addr{{URI: uri(t, "sip:strict.example.com;transport=udp")}, {URI: uri(t, "sip:loose.example.com;lr")}}
	bye := d.Request(sipmsg.BYE)
	if got := bye.RequestURI.String() + " | " + hops(bye.Route); got !=
		"sip:strict.example.com;transport=udp | sip:loose.example.com;lr sip:bob@client.biloxi.example.com;transport=tcp" {
		t.Errorf("before a strict router: %s", got)
	}
	if got := d.NextHop().String(); got != "sip:strict.example.com;transport=udp" {
		t.Errorf("next hop %s", got)
	}
	d.Routes, d.Target = nil, uri(t, "sip:bob@192.0.2.4;method=INVITE?Subject=x")
	bye = d.Request(sipmsg.BYE)
	if got := d.NextHop().String(); got != "sip:bob@192.0.2.4" || len(bye.Route) != 0 {
		t.Errorf("without routes: %s", got)
	}
}

func confirmed(t testing.TB) *Dialog {
	d, err := FromResponse(message(t, inviteSent), ok(t, ringing180))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTargetRefresh(t *testing.T) {
	d := confirmed(t)
	inbound := func(method, contact string) *sipmsg.Message {
		m := d.Request(method)
		m.From, m.To = m.To, m.From
		m.CSeq.Seq += 100
		m.Contact = nil
		if contact != "" {
			m.Contact = []sipmsg.Addr{{URI: uri(t, contact)}}
		}
		return m
	}
	for _, tt := range []struct{ method, contact, want string }{
		{sipmsg.INVITE, "sip:bob@192.0.2.1", "sip:bob@192.0.2.1"},
		{sipmsg.UPDATE, "sip:bob@192.0.2.2", "sip:bob@192.0.2.2"},
		{sipmsg.INFO, "sip:bob@192.0.2.3", "sip:bob@192.0.2.2"},
		{sipmsg.INVITE, "", "sip:bob@192.0.2.2"},
		{sipmsg.INVITE, "tel:+1234", "sip:bob@192.0.2.2"},
		{sipmsg.NOTIFY, "sip:bob@192.0.2.4", "sip:bob@192.0.2.4"},
	} {
		if code := d.Receive(inbound(tt.method, tt.contact)); code != 0 {
			t.Errorf("%s refused with %d", tt.method, code)
		}
		if got := d.Target.String(); got != tt.want {
			t.Errorf("after %s with Contact %q: target %s, want %s", tt.method, tt.contact, got, tt.want)
		}
	}
	for _, tt := range []struct {
		method  string
		code    int
		contact string
		want    string
	}{
		{sipmsg.INVITE, 200, "sip:bob@192.0.2.5", "sip:bob@192.0.2.5"},
		{sipmsg.INVITE, 488, "sip:bob@192.0.2.6", "sip:bob@192.0.2.5"},
		{sipmsg.BYE, 200, "sip:bob@192.0.2.7", "sip:bob@192.0.2.5"},
		{sipmsg.UPDATE, 200, "sip:bob@192.0.2.8", "sip:bob@192.0.2.8"},
	} {
		res := d.Request(tt.method).Response(tt.code, "")
		res.Contact = []sipmsg.Addr{{URI: uri(t, tt.contact)}}
		if d.Refresh(res); d.Target.String() != tt.want {
			t.Errorf("after %d to %s: target %s, want %s", tt.code, tt.method, d.Target.String(), tt.want)
		}
	}
	invite := d.Request(sipmsg.INVITE)
	if len(invite.Contact) != 1 || invite.Contact[0].URI.Host != "client.atlanta.example.com" {
		t.Errorf("our re-INVITE has Contact %v", invite.Contact)
	}
}

func TestSequenceNumbers(t *testing.T) {
	d := confirmed(t)
	for i, want := range []uint32{3, 4, 5} {
		if got := d.Request(sipmsg.INFO).CSeq.Seq; got != want {
			t.Errorf("request %d has CSeq %d, want %d", i, got, want)
		}
	}
	req := d.Request(sipmsg.BYE)
	req.From, req.To = req.To, req.From
	for _, tt := range []struct {
		method string
		seq    uint32
		want   int
	}{
		{sipmsg.INFO, 0, 0}, // any number may be the first
		{sipmsg.INVITE, 10, 0},
		{sipmsg.ACK, 10, 0},
		{sipmsg.CANCEL, 10, 0},
		{sipmsg.INFO, 10, 500},
		{sipmsg.INFO, 9, 500},
		{sipmsg.INFO, 1000, 0}, // gaps are legal
		{sipmsg.INFO, 1<<31 - 1, 0},
	} {
		req.Method, req.CSeq = tt.method, sipmsg.CSeq{Seq: tt.seq, Method: tt.method}
		if got := d.Receive(req); got != tt.want {
			t.Errorf("%d %s: %d, want %d", tt.seq, tt.method, got, tt.want)
		}
	}
	req.From = req.From.WithTag("stranger")
	if got := d.Receive(req); got != 481 {
		t.Errorf("another dialog's: %d, want 481", got)
	}
}

func TestAgainAfterAChallenge(t *testing.T) {
	d := confirmed(t)
	req := d.Request(sipmsg.INFO)
	req.Via = []sipmsg.Via{{Transport: "UDP", Host: "h"}}
	req.Body = []byte("Signal=5\r\n")
	again := d.Again(req)
	if again.CSeq.Seq != req.CSeq.Seq+1 || again.Via != nil || string(again.Body) != string(req.Body) || hops(again.Route) != hops(req.Route) {
		t.Errorf("%+v", again)
	}
}

func TestNames(t *testing.T) {
	got := fmt.Sprint(Early, Confirmed, Ended, State(9), NoRefresher, Us, Them, Unreliable, Next, Repeated, Gap,
		Unsubscribed, NotifyWait, Pending, Active, Terminated, SubscriptionState(9))
	if want := "early confirmed ended State(9) none us them unreliable next repeated gap " +
		"unsubscribed notify_wait pending active terminated SubscriptionState(9)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGone(t *testing.T) {
	for _, code := range []int{481, 408} {
		if !Gone(code) {
			t.Errorf("%d ends the dialog", code)
		}
	}
	for _, code := range []int{200, 404, 486, 491, 500, 503} {
		if Gone(code) {
			t.Errorf("%d does not end the dialog", code)
		}
	}
}

// BYE failover: the server that a call went through is dead, the BYE goes through another.
func TestReplaceRoute(t *testing.T) {
	for _, tt := range []struct {
		name        string
		routes      string
		dead, other string
		want        string
	}{
		{"one proxy", "sip:192.0.2.7;lr", "sip:192.0.2.7", "sip:192.0.2.8", "sip:192.0.2.8;lr"},
		{"port 5060 or none", "sip:192.0.2.7:5060;lr", "sip:192.0.2.7", "sip:192.0.2.8:5070", "sip:192.0.2.8:5070;lr"},
		{"names in any case", "sip:PBX.example;lr", "sip:pbx.EXAMPLE", "sip:backup.example", "sip:backup.example;lr"},
		{"with parameters", "sip:192.0.2.7;transport=tcp;lr;ftag=x", "sip:192.0.2.7", "sip:192.0.2.8;transport=tcp", "sip:192.0.2.8;transport=tcp;lr"},
		{"two entries of one server", "sip:192.0.2.7;transport=tcp;r2=on;lr sip:192.0.2.7;r2=on;lr sip:10.0.0.1;lr", "sip:192.0.2.7", "sip:192.0.2.8", "sip:192.0.2.8;lr sip:10.0.0.1;lr"},
		{"two sides of one server", "sip:192.0.2.7:5061;transport=tls;r2=on;lr sip:192.0.2.7;r2=on;lr sip:10.0.0.1;lr", "sip:192.0.2.7:5061;transport=tls", "sip:192.0.2.8:5061;transport=tls", "sip:192.0.2.8:5061;transport=tls;lr sip:10.0.0.1;lr"},
		{"the second", "sip:10.0.0.1;lr sip:192.0.2.7;lr sip:10.0.0.2;lr", "sip:192.0.2.7", "sip:192.0.2.8", "sip:10.0.0.1;lr sip:192.0.2.8;lr sip:10.0.0.2;lr"},
		{"another port is another server", "sip:192.0.2.7:5080;lr sip:192.0.2.7;lr", "sip:192.0.2.7", "sip:192.0.2.8", "sip:192.0.2.7:5080;lr sip:192.0.2.8;lr"},
		{"TLS", "sips:pbx.example;lr", "sip:pbx.example:5061;transport=tls", "sips:b.example", "sips:b.example;lr"},
		{"recorded under another name: the first", "sip:alias.example;lr sip:10.0.0.1;lr", "sip:192.0.2.7", "sip:192.0.2.8", "sip:192.0.2.8;lr sip:10.0.0.1;lr"},
		{"no Record-Route", "", "sip:192.0.2.7", "sip:user@192.0.2.8;lr", "sip:192.0.2.8;lr"},
		{"a strict router dies", "sip:192.0.2.7", "sip:192.0.2.7", "sip:192.0.2.8", "sip:192.0.2.8;lr"},
		{"twice", "sip:192.0.2.8;lr", "sip:192.0.2.8", "sip:192.0.2.7", "sip:192.0.2.7;lr"},
	} {
		d := confirmed(t)
		d.Routes = nil
		for _, r := range strings.Fields(tt.routes) {
			d.Routes = append(d.Routes, sipmsg.Addr{URI: uri(t, r)})
		}
		first := d.Request(sipmsg.BYE)
		d.ReplaceRoute(uri(t, tt.dead), uri(t, tt.other))
		bye := d.Request(sipmsg.BYE)
		writable(t, bye)
		if got := hops(bye.Route); got != tt.want {
			t.Errorf("%s: Route %s, want %s", tt.name, got, tt.want)
		}
		if bye.RequestURI.String() != "sip:bob@client.biloxi.example.com;transport=tcp" || bye.CallID != first.CallID ||
			bye.From.Tag() != first.From.Tag() || bye.To.Tag() != first.To.Tag() || bye.CSeq.Seq != first.CSeq.Seq+1 {
			t.Errorf("%s: Request-URI, Call-ID and tags are to stay and CSeq to grow: %v %v", tt.name, bye, bye.CSeq)
		}
	}
}

// A forked INVITE: two places ring, both answer.
func TestForks(t *testing.T) {
	invite := message(t, inviteSent)
	f := NewForks(invite)
	response := func(code int, tag string) *sipmsg.Message {
		m := message(t, ringing180)
		m.StatusCode = code
		if m.To.Params = nil; tag != "" {
			m.To = m.To.WithTag(tag)
		}
		return m
	}
	receive := func(code int, tag string) (*Dialog, bool) {
		t.Helper()
		d, lost, err := f.Receive(response(code, tag))
		if err != nil {
			t.Fatal(err)
		}
		return d, lost
	}
	if d, _ := receive(100, ""); d != nil {
		t.Error("100 made a dialog")
	}
	if d, _ := receive(180, ""); d != nil {
		t.Error("a 180 without a tag made a dialog")
	}
	a, _ := receive(180, "a")
	b, _ := receive(183, "b")
	if again, _ := receive(180, "a"); a == b || again != a || len(f.Dialogs()) != 2 || f.Winner() != nil {
		t.Errorf("%d dialogs", len(f.Dialogs()))
	}
	if a.ID.CallID != b.ID.CallID || a.LocalTag != b.LocalTag || a.RemoteTag == b.RemoteTag {
		t.Errorf("forks share Call-ID and local tag: %v %v", a.ID, b.ID)
	}
	if d, lost := receive(200, "b"); d != b || lost || f.Winner() != b || b.State() != Confirmed || a.State() != Early {
		t.Errorf("first 200: %v lost=%v", d.ID, lost)
	}
	if d, lost := receive(200, "b"); d != b || lost {
		t.Errorf("first 200 again: %v lost=%v", d.ID, lost)
	}
	if d, lost := receive(200, "a"); d != a || !lost || f.Winner() != b {
		t.Errorf("second 200: %v lost=%v, to be acknowledged and ended", d.ID, lost)
	}
	if d, lost := receive(200, "c"); d == nil || !lost {
		t.Error("a 200 out of nowhere is to be acknowledged and ended")
	}
	if d, _ := receive(486, "d"); d != nil {
		t.Error("486 made a dialog")
	}
	bye := b.Request(sipmsg.BYE)
	bye.From, bye.To = bye.To, bye.From
	if f.Match(bye) != b {
		t.Error("a request of fork b is not matched")
	}
	for i := range 20 {
		_, _, err := f.Receive(response(180, fmt.Sprint("x", i)))
		if i >= 13 && !errors.Is(err, ErrTooManyForks) {
			t.Errorf("dialog %d: %v", i+4, err)
		}
	}
}

// TestBothSidesModel: two dialogs, one each side, exchange random requests over a network
// that repeats and reorders. Whatever passes comes in order, and both sides' route sets
// mirror each other.
func TestBothSidesModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		invite := message(t, inviteReceived)
		sent := message(t, inviteSent)
		answer := invite.Response(200, "")
		answer.To = answer.To.WithTag("314159")
		answer.Contact = []sipmsg.Addr{{URI: uri(t, "sip:bob@client.biloxi.example.com;transport=tcp")}}
		callee, err := FromRequest(invite, answer)
		if err != nil {
			rt.Fatal(err)
		}
		caller, err := FromResponse(sent, answer)
		if err != nil {
			rt.Fatal(err)
		}
		type side struct {
			from, to *Dialog
			wire     []*sipmsg.Message
			last     uint32
		}
		sides := []*side{{from: caller, to: callee, last: 2}, {from: callee, to: caller}}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			s := sides[rapid.IntRange(0, 1).Draw(rt, "side")]
			if len(s.wire) == 0 || rapid.Bool().Draw(rt, "send") {
				s.wire = append(s.wire, s.from.Request(rapid.SampledFrom([]string{"INFO", "INVITE", "UPDATE", "BYE"}).Draw(rt, "method")))
			}
			m := s.wire[rapid.IntRange(0, len(s.wire)-1).Draw(rt, "which")]
			code := s.to.Receive(m)
			switch {
			case code == 0 && m.CSeq.Seq <= s.last:
				rt.Fatalf("CSeq %d passed after %d", m.CSeq.Seq, s.last)
			case code != 0 && m.CSeq.Seq > s.last:
				rt.Fatalf("CSeq %d refused with %d after %d", m.CSeq.Seq, code, s.last)
			}
			s.last = max(s.last, m.CSeq.Seq)
		}
		a, b := caller.Request("BYE"), callee.Request("BYE")
		if len(a.Route) != len(b.Route) || a.Route[0].URI.String() != b.Route[len(b.Route)-1].URI.String() {
			rt.Fatalf("route sets %s and %s", hops(a.Route), hops(b.Route))
		}
	})
}
