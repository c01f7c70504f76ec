package transaction

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

const ms = time.Millisecond

var t0 = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// request is a request as a line sends it.
func request(method string) *sipmsg.Message {
	via := sipmsg.Via{Transport: "UDP", Host: "192.0.2.20", Port: 5060}
	via.Params.Set("branch", "z9hG4bK776asdhds")
	bob := sipmsg.URI{Scheme: "sip", User: "bob", Host: "biloxi.example.com"}
	alice := sipmsg.URI{Scheme: "sip", User: "alice", Host: "atlanta.example.com"}
	route := sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", Host: "192.0.2.7"}}
	route.URI.Params.SetFlag("lr")
	return &sipmsg.Message{
		Method: method, RequestURI: bob,
		Via:  []sipmsg.Via{via},
		From: sipmsg.Addr{URI: alice}.WithTag("88sja8x"), To: sipmsg.Addr{URI: bob},
		CallID: "987asjd97y7atg", CSeq: sipmsg.CSeq{Seq: 986759, Method: method},
		Route:   []sipmsg.Addr{route},
		Contact: []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: "alice", Host: "192.0.2.20"}}},
		Header:  sipmsg.Header{{Name: "Max-Forwards", Value: "70"}},
	}
}

// response is the far end's answer to req.
func response(req *sipmsg.Message, code int) *sipmsg.Message {
	res := req.Response(code, "")
	if code > 100 {
		res.To = res.To.WithTag("a6c85cf")
	}
	return res
}

func parse(t *testing.T, wire []byte) *sipmsg.Message {
	t.Helper()
	m, err := sipmsg.Parse(wire)
	if err != nil {
		t.Fatalf("%v in\n%s", err, wire)
	}
	return m
}

func TestSpan(t *testing.T) {
	base := Default()
	for _, tt := range []struct {
		method  string
		retries int
		want    time.Duration
	}{
		{sipmsg.REGISTER, 0, 500 * ms},
		{sipmsg.REGISTER, 1, 1500 * ms},
		{sipmsg.REGISTER, 3, 7500 * ms},
		{sipmsg.REGISTER, 4, 11500 * ms}, // capped at T2 from here
		{sipmsg.REGISTER, 9, 31500 * ms},
		{sipmsg.REGISTER, 10, 32 * time.Second},
		{sipmsg.REGISTER, 1 << 30, 32 * time.Second},
		{sipmsg.REGISTER, Unlimited, 32 * time.Second},
		{sipmsg.INVITE, 3, 7500 * ms},
		{sipmsg.INVITE, 4, 15500 * ms},
		{sipmsg.INVITE, 5, 31500 * ms},
		{sipmsg.INVITE, 6, 32 * time.Second},
		{sipmsg.INVITE, Unlimited, 32 * time.Second},
	} {
		if got := Span(base, tt.method, tt.retries); got != tt.want {
			t.Errorf("%s with %d retransmissions: span %v, want %v", tt.method, tt.retries, got, tt.want)
		}
	}
	if got := Span(WithT1(50*ms), sipmsg.REGISTER, 3); got != 750*ms {
		t.Errorf("T1 = 50 ms: span %v, want 750ms", got)
	}
	if got := Span(Timers{}, sipmsg.REGISTER, 3); got != 7500*ms {
		t.Errorf("timers left out: span %v, want the defaults' 7.5s", got)
	}
}

func TestTimeoutErrorsSayWhatWasWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		err  TimeoutError
		want string
	}{
		{TimeoutError{Method: "REGISTER", Sends: 4, Waited: 7500 * ms}, "no response to REGISTER after 4 sends in 7.5s"},
		{TimeoutError{Method: "OPTIONS", Sends: 1, Waited: 500 * ms}, "no response to OPTIONS after 1 send in 500ms"},
		{TimeoutError{Method: "INVITE", Status: 486, Sends: 11, Waited: 32 * time.Second}, "no ACK for 486 after 11 sends in 32s"},
		{TimeoutError{Method: "INVITE", Status: 183, Sends: 7, Waited: 32 * time.Second}, "no PRACK for 183 after 7 sends in 32s"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestBranchesAreUniqueAndCarryTheCookie(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		b := NewBranch()
		if !strings.HasPrefix(b, cookie) || len(b) != len(cookie)+20 || seen[b] {
			t.Fatalf("branch %q", b)
		}
		seen[b] = true
	}
}

func TestKeys(t *testing.T) {
	invite := request(sipmsg.INVITE)
	with := func(change func(*sipmsg.Message)) *sipmsg.Message {
		m := invite.Clone()
		change(m)
		return m
	}
	method := func(name string) *sipmsg.Message {
		return with(func(m *sipmsg.Message) { m.Method, m.CSeq.Method = name, name })
	}
	old := func(change func(*sipmsg.Message)) *sipmsg.Message { // RFC 2543: no cookie
		return with(func(m *sipmsg.Message) {
			m.Via[0].Params.Set("branch", "1")
			change(m)
		})
	}
	oldInvite := old(func(*sipmsg.Message) {})
	for _, tt := range []struct {
		name string
		a, b ID
		same bool
	}{
		{"response to its request", Key(invite), Key(response(invite, 180)), true},
		{"branch in other letters: a token has no case", Key(invite), Key(with(func(m *sipmsg.Message) {
			m.Via[0].Params.Set("branch", "Z9HG4BK776ASDHDS")
		})), true},
		{"CANCEL has the branch of its INVITE and a transaction of its own", Key(invite), Key(Cancel(invite)), false},

		{"retransmission", ServerKey(invite), ServerKey(invite.Clone()), true},
		{"ACK belongs to its INVITE", ServerKey(invite), ServerKey(Ack(invite, response(invite, 486))), true},
		{"CANCEL is a transaction of its own", ServerKey(invite), ServerKey(method(sipmsg.CANCEL)), false},
		{"CANCEL names its INVITE", ServerKey(invite), CancelledKey(method(sipmsg.CANCEL)), true},
		{"same branch, another sent-by", ServerKey(invite), ServerKey(with(func(m *sipmsg.Message) { m.Via[0].Host = "192.0.2.21" })), false},
		{"same branch, another port", ServerKey(invite), ServerKey(with(func(m *sipmsg.Message) { m.Via[0].Port = 5062 })), false},
		{"another branch", ServerKey(invite), ServerKey(with(func(m *sipmsg.Message) { m.Via[0].Params.Set("branch", "z9hG4bKother") })), false},
		{"another tag but the same branch: RFC 3261 looks at the branch alone", ServerKey(invite), ServerKey(with(func(m *sipmsg.Message) { m.From = m.From.WithTag("x") })), true},

		{"RFC 2543 retransmission", ServerKey(oldInvite), ServerKey(oldInvite.Clone()), true},
		{"RFC 2543 ACK", ServerKey(oldInvite), ServerKey(old(func(m *sipmsg.Message) {
			m.Method, m.CSeq.Method, m.To = sipmsg.ACK, sipmsg.ACK, m.To.WithTag("a6c85cf")
		})), true},
		{"RFC 2543 CANCEL", ServerKey(oldInvite), CancelledKey(old(func(m *sipmsg.Message) { m.Method, m.CSeq.Method = sipmsg.CANCEL, sipmsg.CANCEL })), true},
		{"RFC 2543, another Call-ID", ServerKey(oldInvite), ServerKey(old(func(m *sipmsg.Message) { m.CallID = "x" })), false},
		{"RFC 2543, another CSeq", ServerKey(oldInvite), ServerKey(old(func(m *sipmsg.Message) { m.CSeq.Seq++ })), false},
		{"RFC 2543, another From tag", ServerKey(oldInvite), ServerKey(old(func(m *sipmsg.Message) { m.From = m.From.WithTag("x") })), false},
		{"RFC 2543, another Request-URI", ServerKey(oldInvite), ServerKey(old(func(m *sipmsg.Message) { m.RequestURI.User = "carol" })), false},
		{"RFC 2543, another topmost Via", ServerKey(oldInvite), ServerKey(old(func(m *sipmsg.Message) { m.Via[0].Host = "192.0.2.99" })), false},
		{"the bare cookie is no branch", ServerKey(old(func(m *sipmsg.Message) { m.Via[0].Params.Set("branch", cookie) })),
			ServerKey(old(func(m *sipmsg.Message) { m.Via[0].Params.Set("branch", cookie); m.CallID = "x" })), false},
	} {
		if got := tt.a == tt.b; got != tt.same {
			t.Errorf("%s: same transaction %v, want %v\n%+v\n%+v", tt.name, got, tt.same, tt.a, tt.b)
		}
	}
}

func TestAckOfARefusal(t *testing.T) {
	invite := request(sipmsg.INVITE)
	invite.Body = []byte("v=0\r\n")
	invite.Header.Add("Content-Type", "application/sdp")
	wire, err := Ack(invite, response(invite, 486)).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	ack := parse(t, wire)
	switch {
	case ack.Method != sipmsg.ACK || ack.CSeq != sipmsg.CSeq{Seq: 986759, Method: sipmsg.ACK}:
		t.Errorf("%v with CSeq %v", ack, ack.CSeq)
	case !ack.RequestURI.Equal(invite.RequestURI) || ack.CallID != invite.CallID || ack.From.Tag() != "88sja8x":
		t.Errorf("Request-URI, Call-ID and From are not the INVITE's:\n%s", wire)
	case ack.To.Tag() != "a6c85cf":
		t.Errorf("To is not the response's:\n%s", wire)
	case len(ack.Via) != 1 || ack.Branch() != invite.Branch():
		t.Errorf("Via is not the INVITE's topmost:\n%s", wire)
	case len(ack.Route) != 1 || ack.Route[0].URI.Host != "192.0.2.7":
		t.Errorf("Route is not the INVITE's:\n%s", wire)
	case len(ack.Body) != 0 || len(ack.Contact) != 0:
		t.Errorf("an ACK of a refusal has no body and no Contact:\n%s", wire)
	}
}

func TestCancel(t *testing.T) {
	invite := request(sipmsg.INVITE)
	wire, err := Cancel(invite).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := parse(t, wire)
	if c.Method != sipmsg.CANCEL || (c.CSeq != sipmsg.CSeq{Seq: 986759, Method: sipmsg.CANCEL}) ||
		c.Branch() != invite.Branch() || c.To.Tag() != "" || len(c.Route) != 1 || !c.RequestURI.Equal(invite.RequestURI) {
		t.Errorf("CANCEL:\n%s", wire)
	}
}

func TestNames(t *testing.T) {
	got := fmt.Sprint(Idle, Calling, Trying, Proceeding, Completed, Accepted, Confirmed, Terminated, State(9))
	if want := "Idle Calling Trying Proceeding Completed Accepted Confirmed Terminated State(9)"; got != want {
		t.Errorf("states are called %s", got)
	}
	if m := NewServer(request(sipmsg.BYE), false, Timers{}).Method(); m != sipmsg.BYE {
		t.Errorf("the transaction of a BYE is of %s", m)
	}
	if e := error(&TimeoutError{}); !e.(interface{ Timeout() bool }).Timeout() {
		t.Error("a TimeoutError is a timeout")
	}
}

func wantTimeout(t *testing.T, err error) *TimeoutError {
	t.Helper()
	var timeout *TimeoutError
	if !errors.As(err, &timeout) {
		t.Fatalf("got %v, want a TimeoutError", err)
	}
	return timeout
}
