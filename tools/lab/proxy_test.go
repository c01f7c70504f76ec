package lab

import (
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

func inviteMessage(t *testing.T, to string) *sipmsg.Message {
	t.Helper()
	return parse(t, `INVITE sip:`+to+`@`+domain+` SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-invite;rport
Max-Forwards: 70
From: <sip:201@`+domain+`>;tag=ann
To: <sip:`+to+`@`+domain+`>
Call-ID: call-1
CSeq: 1 INVITE
Contact: <sip:token201@192.0.2.1:5060>
Content-Type: text/plain

hello`)
}

// rings takes a call as far as the callee's telephone, and returns what it got there.
func (r *rig) rings(invite *sipmsg.Message, at way) *sipmsg.Message {
	r.t.Helper()
	what := r.asks(ann, invite, 407)
	if len(what) != 2 || what[0].msg.StatusCode != 100 {
		r.t.Fatalf("sent %s, want 100 and an INVITE", list(what))
	}
	return r.request(what, at, sipmsg.INVITE)
}

// reply is a response of a callee, in the dialog that its tag makes.
func reply(req *sipmsg.Message, code int, contact string) *sipmsg.Message {
	res := req.Response(code, "")
	if code > 100 {
		res.To = res.To.WithTag("bob")
	}
	if contact != "" {
		u, err := sipmsg.ParseURI(contact)
		if err != nil {
			panic(err)
		}
		res.Contact = []sipmsg.Addr{{URI: u}}
	}
	return res
}

// within is a request of the caller's in the dialog that res made.
func within(t *testing.T, method string, res *sipmsg.Message, seq uint32, tag string) *sipmsg.Message {
	t.Helper()
	m := &sipmsg.Message{
		Method: method, RequestURI: res.Contact[0].URI, From: res.From, To: res.To, CallID: res.CallID,
		CSeq: sipmsg.CSeq{Seq: seq, Method: method},
	}
	m.Via = parse(t, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-"+tag+";rport\nFrom: <sip:a@b>;tag=1\nTo: <sip:b@b>\nCall-ID: 1\nCSeq: 1 OPTIONS\nMax-Forwards: 70").Via
	for i := len(res.RecordRoute) - 1; i >= 0; i-- {
		m.Route = append(m.Route, res.RecordRoute[i])
	}
	m.Header.Add("Max-Forwards", "70")
	return m
}

func TestCall(t *testing.T) {
	r := newRig(t)
	r.binds("202", bob)
	r.events = nil
	got := r.rings(inviteMessage(t, "202"), bob)

	if s := got.RequestURI.String(); s != "sip:token202@192.0.2.2:5062" {
		t.Errorf("Request-URI %s, want bob's contact", s)
	}
	if n, _ := got.MaxForwards(); n != 69 {
		t.Errorf("Max-Forwards %d, want 69", n)
	}
	if len(got.RecordRoute) != 1 || got.RecordRoute[0].String() != "<sip:198.51.100.1:5060;lr>" {
		t.Errorf("Record-Route %v, want ours", got.RecordRoute)
	}
	if len(got.Via) != 2 || got.Via[0].SentBy() != "198.51.100.1:5060" {
		t.Errorf("Via %v, want ours on top of ann's", got.Via)
	}
	if rport, _ := got.Via[1].Params.Get("rport"); rport != "5060" {
		t.Errorf("rport %q of ann's Via, want 5060", rport)
	}
	if _, ok := got.Header.Lookup("Proxy-Authorization"); ok {
		t.Error("ann's credentials went on to bob")
	}
	if strings.TrimSpace(string(got.Body)) != "hello" {
		t.Errorf("body %q, want hello", got.Body)
	}

	if what := r.hears(bob, reply(got, 100, "")); len(what) != 0 {
		t.Errorf("sent %s for a 100, which goes no further", list(what))
	}
	res := r.answer(r.hears(bob, reply(got, 180, "sip:token202@192.0.2.2:5062")), ann, 180)
	if len(res.Via) != 1 {
		t.Errorf("Via %v, want ann's alone", res.Via)
	}
	ok := r.answer(r.hears(bob, reply(got, 200, "sip:token202@192.0.2.2:5062")), ann, 200)
	r.answer(r.hears(bob, reply(got, 200, "sip:token202@192.0.2.2:5062")), ann, 200) // every one goes on
	ack := r.request(r.hears(ann, within(t, sipmsg.ACK, ok, 2, "ack")), bob, sipmsg.ACK)
	if len(ack.Route) != 0 || len(ack.Via) != 2 {
		t.Errorf("ACK with Route %v and Via %v, want our route entry gone and our Via added", ack.Route, ack.Via)
	}

	bye := r.request(r.hears(ann, within(t, sipmsg.BYE, ok, 3, "bye")), bob, sipmsg.BYE)
	r.answer(r.hears(bob, reply(bye, 200, "")), ann, 200)
	if got, want := strings.Join(r.events, "; "), "primary: 201 calling 202; primary: 201 answered 202; primary: 201 hung up 202"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	r.waits(time.Minute)
	if n := len(r.c.inbounds) + len(r.c.outbounds); n != 0 {
		t.Errorf("%d transactions left after a minute", n)
	}
}

func TestWhereACallGoes(t *testing.T) {
	tests := []struct {
		name    string
		to      string
		prepare func(a, b *rig)
		want    way // nowhere when zero
		code    int
	}{
		{"bound here", "202", func(a, b *rig) { a.binds("202", bob) }, bob, 0},
		{"bound at the other server", "202", func(a, b *rig) { b.binds("202", bob) }, way{addr: mustAddr(peerDomain + ":5060")}, 0},
		{"bound at the other server, which is dead", "202", func(a, b *rig) { b.binds("202", bob); b.c.setFault(fault{kind: silent}) }, way{}, 480},
		{"fixed route", FarUser, func(a, b *rig) {}, far, 0},
		{"not bound", "202", func(a, b *rig) {}, way{}, 480},
		{"no such user", "999", func(a, b *rig) {}, way{}, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := pair(t)
			tt.prepare(a, b)
			what := a.asks(ann, inviteMessage(t, tt.to), 407)
			if tt.code == 0 {
				a.request(what, tt.want, sipmsg.INVITE)
				return
			}
			if len(what) != 2 || what[1].msg.StatusCode != tt.code {
				t.Errorf("sent %s, want 100 and %d", list(what), tt.code)
			}
		})
	}
}

// What comes from the other server is not challenged, and never goes back there.
func TestCallFromTheOtherServer(t *testing.T) {
	a, b := pair(t)
	b.binds("202", bob)
	onward := a.rings(inviteMessage(t, "202"), way{addr: mustAddr(peerDomain + ":5060")})
	primary := way{addr: mustAddr(domain + ":5060")}
	got := b.request(b.hears(primary, onward), bob, sipmsg.INVITE)
	if len(got.Via) != 3 || len(got.RecordRoute) != 2 {
		t.Errorf("Via %v, Record-Route %v, want both servers'", got.Via, got.RecordRoute)
	}
	c, d := pair(t)
	c.binds("202", bob)
	lost := inviteMessage(t, "999")
	what := d.hears(primary, lost)
	if len(what) != 2 || what[1].msg.StatusCode != 404 {
		t.Errorf("sent %s, want 100 and 404", list(what))
	}
}

func TestRefusedRequests(t *testing.T) {
	tests := []struct {
		name string
		edit func(m *sipmsg.Message)
		from way
		code int
	}{
		{"no hops left", func(m *sipmsg.Message) { m.Header.Set("Max-Forwards", "0") }, ann, 483},
		{"an extension that a proxy must know", func(m *sipmsg.Message) { m.Header.Add("Proxy-Require", "sec-agree") }, ann, 420},
		{"a scheme nobody serves", func(m *sipmsg.Message) { m.RequestURI = sipmsg.URI{Scheme: "tel", User: "+15551234"} }, ann, 416},
		{"to a foreign domain", func(m *sipmsg.Message) { m.RequestURI.Host = "example.net" }, mal, 403},
		{"over a route to elsewhere", func(m *sipmsg.Message) {
			m.Route = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", Host: "203.0.113.9", Params: sipmsg.Params{{Name: "lr"}}}}}
		}, mal, 403},
		{"without credentials", func(*sipmsg.Message) {}, mal, 407},
		{"SUBSCRIBE", func(m *sipmsg.Message) { m.Method, m.CSeq.Method = sipmsg.SUBSCRIBE, sipmsg.SUBSCRIBE }, ann, 489},
		{"OPTIONS for the server", func(m *sipmsg.Message) {
			m.Method, m.CSeq.Method, m.RequestURI.User = sipmsg.OPTIONS, sipmsg.OPTIONS, ""
		}, mal, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			m := inviteMessage(t, "202")
			tt.edit(m)
			r.answer(r.hears(tt.from, m), way{addr: tt.from.addr}, tt.code)
		})
	}
}

func TestSomebodyElsesName(t *testing.T) {
	r := newRig(t)
	m := inviteMessage(t, FarUser)
	challenge := r.answer(r.hears(ann, m), ann, 407)
	r.answer(r.hears(ann, authorized(t, m, challenge, "202", "secret-2")), ann, 403)
}

// A request that comes back as it went is a loop; changed on the way it is a spiral.
func TestLoop(t *testing.T) {
	r := newRig(t)
	out := r.rings(inviteMessage(t, FarUser), far)
	back := out.Clone()
	back.RequestURI = inviteMessage(t, FarUser).RequestURI
	via := sipmsg.Via{Transport: "UDP", Host: "192.0.2.3", Port: 5060}
	via.Params.Set("branch", "z9hG4bK-loop")
	back.Via = append([]sipmsg.Via{via}, back.Via...)
	r.answer(r.hears(far, back), far, 482)

	back.Via[0].Params.Set("branch", "z9hG4bK-spiral")
	back.RequestURI.User = "202"
	r.binds("202", bob)
	r.request(r.hears(far, back), bob, sipmsg.INVITE)
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	m := inviteMessage(t, FarUser)
	out := r.rings(m, far)
	cancel := within(t, sipmsg.CANCEL, reply(m, 180, "sip:600@198.51.100.1"), 2, "unused")
	cancel.To, cancel.Route = m.To, nil
	cancel.Via = m.Clone().Via
	cancel.Via[0].Params.Set("branch", m.Branch()+"x")

	r.answer(r.hears(ann, cancel), ann, 200)
	// RFC 3261 section 9.1: no CANCEL before a provisional response.
	onward := r.request(r.hears(far, reply(out, 100, "")), far, sipmsg.CANCEL)
	if onward.Branch() != out.Branch() || len(onward.Via) != 1 {
		t.Errorf("CANCEL with Via %v, want the INVITE's own", onward.Via)
	}
	r.hears(far, reply(onward, 200, ""))
	what := r.hears(far, reply(out, 487, ""))
	r.request(what, far, sipmsg.ACK)
	if what[len(what)-1].msg.StatusCode != 487 {
		t.Errorf("sent %s, want 487 to ann", list(what))
	}

	stray := cancel.Clone()
	stray.Via[0].Params.Set("branch", "z9hG4bK-stray")
	r.answer(r.hears(ann, stray), ann, 481)
}

func TestNoAnswer(t *testing.T) {
	t.Run("silence", func(t *testing.T) {
		r := newRig(t)
		r.rings(inviteMessage(t, FarUser), far)
		what := r.waits(33 * time.Second)
		if n := len(what); what[n-1].msg.StatusCode != 408 && what[n-2].msg.StatusCode != 408 {
			t.Errorf("sent %s, want 408 after 64*T1", list(what))
		}
	})
	t.Run("timer C", func(t *testing.T) {
		r := newRig(t)
		out := r.rings(inviteMessage(t, FarUser), far)
		r.hears(far, reply(out, 180, ""))
		r.waits(2 * time.Minute)
		r.hears(far, reply(out, 180, "")) // starts it anew
		if what := r.waits(3 * time.Minute); len(what) != 0 {
			t.Errorf("sent %s within 3 minutes of the last 180", list(what))
		}
		r.request(r.waits(2*time.Second), far, sipmsg.CANCEL)
	})
}

func TestUnavailableCallee(t *testing.T) {
	r := newRig(t)
	out := r.rings(inviteMessage(t, FarUser), far)
	what := r.hears(far, reply(out, 503, ""))
	r.request(what, far, sipmsg.ACK)
	if got := what[len(what)-1].msg.StatusCode; got != 500 {
		t.Errorf("a callee's 503 went back as %d, want 500", got)
	}
}

// RFC 3261 section 16.4, 16.6 step 6, 16.12.1.2: neighbours from before lr.
func TestStrictRouters(t *testing.T) {
	r := newRig(t)
	out := r.rings(inviteMessage(t, FarUser), far)
	ok := r.answer(r.hears(far, reply(out, 200, "sip:600@192.0.2.3:5060")), ann, 200)

	bye := within(t, sipmsg.BYE, ok, 3, "rewritten")
	bye.Route = append(bye.Route[1:], sipmsg.Addr{URI: bye.RequestURI})
	bye.RequestURI = ok.RecordRoute[0].URI
	got := r.request(r.hears(ann, bye), far, sipmsg.BYE)
	if got.RequestURI.String() != "sip:600@192.0.2.3:5060" || len(got.Route) != 0 {
		t.Errorf("%v with Route %v, want the strict router's rewriting undone", got, got.Route)
	}

	bye = within(t, sipmsg.BYE, ok, 4, "strict")
	strict, err := sipmsg.ParseURI("sip:192.0.2.77:5070")
	if err != nil {
		t.Fatal(err)
	}
	bye.Route = append(bye.Route, sipmsg.Addr{URI: strict})
	got = r.request(r.hears(ann, bye), way{addr: mustAddr("192.0.2.77:5070")}, sipmsg.BYE)
	if got.RequestURI.String() != "sip:192.0.2.77:5070" || len(got.Route) != 1 || got.Route[0].URI.String() != "sip:600@192.0.2.3:5060" {
		t.Errorf("%v with Route %v, want the strict router in the Request-URI", got, got.Route)
	}
}

// A BYE that comes to the backup because the primary of its route is dead (the
// primary/backup document's bye failover) goes on to the callee.
func TestByeThroughTheBackup(t *testing.T) {
	a, b := pair(t)
	out := a.rings(inviteMessage(t, FarUser), far)
	ok := a.answer(a.hears(far, reply(out, 200, "sip:600@192.0.2.3:5060")), ann, 200)
	bye := within(t, sipmsg.BYE, ok, 3, "failover")
	bye.Route[0].URI.Host = peerDomain
	b.request(b.hears(ann, bye), far, sipmsg.BYE)
}

func TestFaults(t *testing.T) {
	r := newRig(t)
	options := parse(t, `OPTIONS sip:`+domain+` SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1;rport
Max-Forwards: 70
From: <sip:201@`+domain+`>;tag=1
To: <sip:`+domain+`>
Call-ID: 1
CSeq: 1 OPTIONS`)
	next := func() *sipmsg.Message {
		options.CSeq.Seq++
		options.Via[0].Params.Set("branch", options.Branch()+"1")
		return options
	}
	r.c.setFault(fault{kind: silent})
	if what := r.hears(ann, next()); len(what) != 0 {
		t.Errorf("a silent server sent %s", list(what))
	}
	r.c.setFault(fault{kind: refusing, retryAfterS: 7})
	res := r.answer(r.hears(ann, next()), ann, 503)
	if n, ok := res.RetryAfter(); !ok || n != 7*time.Second {
		t.Errorf("Retry-After %d %v, want 7", n, ok)
	}
	r.c.setFault(fault{kind: refusing})
	if _, ok := r.answer(r.hears(ann, next()), ann, 503).RetryAfter(); ok {
		t.Error("a Retry-After that nobody asked for")
	}
	r.c.setFault(fault{})
	r.answer(r.hears(ann, next()), ann, 200)
}
