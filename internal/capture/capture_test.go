package capture

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	t0     = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	here   = netip.MustParseAddrPort("192.0.2.10:5060")
	first  = netip.MustParseAddrPort("192.0.2.1:5060")
	second = netip.MustParseAddrPort("192.0.2.2:5060")
)

func after(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

// said is a message of line 1: a request's method, or a response's status and method.
func said(ms int, out bool, with netip.AddrPort, callID, what, more string) Message {
	start, method := what+" sip:600@pbx SIP/2.0", what
	if code, m, ok := strings.Cut(what, " "); ok {
		start, method = "SIP/2.0 "+code+" Some Reason", m
	}
	return Message{
		At: after(ms), Line: 1, Out: out, Local: here, Remote: with, CallID: callID, Method: method,
		Text: []byte(lf(start + "\nCall-ID: " + callID + "\nCSeq: 1 " + method + "\n" + more + "\n")),
	}
}

// rows shows a ladder as lines of text.
func rows(l Ladder) string {
	var b strings.Builder
	name := map[string]string{"": "-"}
	for _, p := range l.Participants {
		name[p.ID] = p.Name
	}
	for _, s := range l.Steps {
		again := ""
		if s.Retransmission {
			again = " (again)"
		}
		fmt.Fprintf(&b, "%d %s>%s %s: %s%s\n", s.At.Sub(t0).Milliseconds(), name[s.From], name[s.To], s.Kind, s.Summary, again)
	}
	if l.Dropped > 0 {
		fmt.Fprintf(&b, "%d dropped\n", l.Dropped)
	}
	return b.String()
}

func check(t *testing.T, what string, l Ladder, want string) {
	t.Helper()
	if got := strings.TrimSpace(rows(l)); got != strings.TrimSpace(want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, strings.TrimSpace(want))
	}
}

func ladder(t *testing.T, s *Store, id string) Ladder {
	t.Helper()
	l, ok := s.Ladder(id)
	if !ok {
		t.Fatalf("nothing is kept of call %s", id)
	}
	return l
}

// A failover is read from the ladder: who did not answer, for how long, who was asked then.
func TestFailoverIsReadFromTheLadder(t *testing.T) {
	s := New()
	s.Dialog(1, "7", "a@pbx")
	s.Server("7", first, "primary")
	for _, ms := range []int{0, 500, 1500, 3500} {
		s.Message(said(ms, true, first, "a@pbx", "INVITE", ""))
	}
	s.Event(after(7500), "7", first, "primary: no response to INVITE after 4 sends in 7.5s; the backup is asked")
	s.Dialog(1, "7", "b@pbx")
	s.Server("7", second, "backup")
	sdp := "Content-Type: application/sdp\n\nv=0\nm=audio 4000 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\n"
	s.Message(said(7501, true, second, "b@pbx", "INVITE", sdp))
	s.Message(said(7510, false, second, "b@pbx", "100 INVITE", ""))
	s.Message(said(8000, false, second, "b@pbx", "200 INVITE", strings.Replace(sdp, " 0 8", " 8", 1)+"a=sendonly\n"))
	s.Message(said(8001, true, second, "b@pbx", "ACK", ""))
	s.Message(said(8001, true, second, "other@pbx", "ACK", ""))
	s.Ended("7")
	s.Message(said(9000, false, second, "b@pbx", "BYE", ""))
	check(t, "the call", ladder(t, s, "7"), `
0 this device>primary request: INVITE sip:600@pbx
500 this device>primary request: INVITE sip:600@pbx (again)
1500 this device>primary request: INVITE sip:600@pbx (again)
3500 this device>primary request: INVITE sip:600@pbx (again)
7500 this device>primary event: primary: no response to INVITE after 4 sends in 7.5s; the backup is asked
7501 this device>backup request: INVITE sip:600@pbx (audio PCMU PCMA)
7510 backup>this device response: 100 Some Reason
8000 backup>this device response: 200 Some Reason (audio PCMA sendonly)
8001 this device>backup request: ACK sip:600@pbx
9000 backup>this device request: BYE sip:600@pbx`)
	s.Forget("7")
	if _, ok := s.Ladder("7"); ok || s.text != 0 || len(s.dialogs) != 0 {
		t.Errorf("a call that is forgotten leaves %d octets, %d dialogs", s.text, len(s.dialogs))
	}
}

// What was sent may be told of after its answer came: the time decides. What was not sent says so.
func TestOrderOfTimes(t *testing.T) {
	s := New()
	s.Dialog(1, "7", "a")
	s.Message(said(1, false, first, "a", "100 INVITE", ""))
	s.Message(said(0, true, first, "a", "INVITE", ""))
	lost := said(2, true, first, "a", "CANCEL", "")
	lost.Err = errors.New("network is unreachable")
	s.Message(lost)
	check(t, "the call", ladder(t, s, "7"), `
0 this device>192.0.2.1 request: INVITE sip:600@pbx
1 192.0.2.1>this device response: 100 Some Reason
2 this device>192.0.2.1 request: CANCEL sip:600@pbx: not sent: network is unreachable`)
}

// Both sides of a call may be this device's, on two lines and under one Call-ID.
func TestTwoCallsOfOneCallID(t *testing.T) {
	s := New()
	s.Dialog(1, "7", "a")
	s.Dialog(2, "8", "a")
	s.Message(said(0, true, first, "a", "INVITE", ""))
	in := said(1, false, first, "a", "INVITE", "")
	in.Line = 2
	s.Message(in)
	check(t, "line 1", ladder(t, s, "7"), `0 this device>192.0.2.1 request: INVITE sip:600@pbx`)
	check(t, "line 2", ladder(t, s, "8"), `1 192.0.2.1>this device request: INVITE sip:600@pbx`)
}

// A long call keeps its beginning and its end, and counts what went.
func TestBoundsOfACall(t *testing.T) {
	s := New()
	s.Dialog(1, "7", "a")
	for i := range 1000 {
		s.Message(said(i, i%2 == 0, first, "a", "INFO", fmt.Sprintf("X: %d\n%s\n", i, strings.Repeat("y", 400))))
	}
	l := ladder(t, s, "7")
	if n := len(l.Steps); n+l.Dropped != 1000 || !l.Steps[0].At.Equal(t0) || !l.Steps[n-1].At.Equal(after(999)) || n < 80 {
		t.Errorf("%d steps from %v to %v, %d dropped", n, l.Steps[0].At, l.Steps[n-1].At, l.Dropped)
	}
	gaps := 0
	for i := range l.Steps[1:] {
		if l.Steps[i+1].At.Sub(l.Steps[i].At) > time.Millisecond {
			gaps++
		}
	}
	if size := s.calls["7"].size; gaps != 1 || size > maxCallText || s.text != size || size != weigh(&s.calls["7"].trace) {
		t.Errorf("%d gaps, %d octets, %d in all, %d counted", gaps, size, s.text, weigh(&s.calls["7"].trace))
	}
}

func weigh(t *trace) (n int) {
	for i := range t.entries {
		n += t.entries[i].weight()
	}
	return n
}

// All calls together keep to their bound: the oldest ended one goes first, running ones last.
func TestBoundOfAllCalls(t *testing.T) {
	s := New()
	for c := range 60 {
		id := fmt.Sprint(c)
		s.Dialog(1, id, id)
		for i := range 100 {
			s.Message(said(i, true, first, id, "INFO", fmt.Sprintf("X: %d\n%s\n", i, strings.Repeat("y", 400))))
		}
		if c != 0 {
			s.Ended(id)
		}
	}
	sum := 0
	for _, c := range s.calls {
		sum += weigh(&c.trace)
	}
	if s.text > maxAllText || s.text != sum {
		t.Errorf("%d octets kept, %d counted", sum, s.text)
	}
	if n := len(ladder(t, s, "0").Steps); n < 50 {
		t.Errorf("the call that runs has %d steps", n)
	}
	if l := ladder(t, s, "1"); len(l.Steps) != 0 || l.Dropped != 100 {
		t.Errorf("the oldest ended call has %d steps, %d dropped", len(l.Steps), l.Dropped)
	}
	if l := ladder(t, s, "59"); len(l.Steps) < 90 {
		t.Errorf("the newest call has %d steps", len(l.Steps))
	}
}

// Of a line stay its last registration, and what failed before.
func TestRegistrations(t *testing.T) {
	s := New()
	s.RegistrarName(1, first, "primary")
	s.RegistrarName(1, second, "backup")
	for i := range 5 {
		s.Message(said(i*10, true, first, "r", "REGISTER", fmt.Sprintf("X: %d\n", i)))
		s.Message(said(i*10+1, false, first, "r", "200 REGISTER", fmt.Sprintf("X: %d\n", i)))
	}
	s.Message(said(100, true, first, "r", "REGISTER", "X: 6\nExpires: 300\n"))
	s.Message(said(600, true, first, "r", "REGISTER", "X: 6\nExpires: 300\n"))
	s.Registration(after(1000), 1, first, "primary: no response")
	for i := range 20 {
		s.Message(said(1001+10*i, true, second, "q", "REGISTER", fmt.Sprintf("X: %d\n", i)))
		s.Message(said(1002+10*i, false, second, "q", "401 REGISTER", fmt.Sprintf("X: %d\n", i)))
		s.Message(said(1003+10*i, true, second, "q", "REGISTER", fmt.Sprintf("X: %d\nAuthorization: Digest response=\"1\"\n", i)))
		s.Message(said(1004+10*i, false, second, "q", "200 REGISTER", fmt.Sprintf("X: %d\nY: z\n", i)))
	}
	check(t, "the line", s.Registrations(1), `
100 this device>primary request: REGISTER sip:600@pbx (expires 300)
600 this device>primary request: REGISTER sip:600@pbx (expires 300) (again)
1000 this device>primary event: primary: no response
1182 backup>this device response: 401 Some Reason
1183 this device>backup request: REGISTER sip:600@pbx (with credentials)
1184 backup>this device response: 200 Some Reason
1191 this device>backup request: REGISTER sip:600@pbx
1192 backup>this device response: 401 Some Reason
1193 this device>backup request: REGISTER sip:600@pbx (with credentials)
1194 backup>this device response: 200 Some Reason
83 dropped`)
	check(t, "another line", s.Registrations(2), ``)
	s.ForgetLine(1)
	if s.ofLines != 0 {
		t.Errorf("%d octets of a line that is gone", s.ofLines)
	}
}

// Many lines share what there is. One whose server does not answer keeps it all, of the others
// those that were heard of last an outline.
func TestBoundOfAllLines(t *testing.T) {
	s := New()
	s.Message(said(0, true, first, "r", "REGISTER", "X: yyy\n"))
	s.Registration(after(1), 1, first, "primary: no response")
	for n := 2; n <= 512; n++ {
		for i, what := range []string{"REGISTER", "401 REGISTER", "REGISTER", "200 REGISTER"} {
			m := said(n*10+i, i%2 == 0, first, "r", what, fmt.Sprintf("X: %d\n%s\n", i, strings.Repeat("y", 600)))
			m.Line = n
			s.Message(m)
		}
	}
	sum := 0
	for _, r := range s.lines {
		sum += weigh(&r.trace) + lineOverhead
	}
	if s.ofLines > maxLinesText || s.ofLines != sum {
		t.Errorf("%d octets kept, %d counted", sum, s.ofLines)
	}
	check(t, "the line that fails", s.Registrations(1), `
0 this device>192.0.2.1 request: REGISTER sip:600@pbx
1 this device>192.0.2.1 event: primary: no response`)
	check(t, "a line of late", s.Registrations(480), `
4800 this device>192.0.2.1 request: REGISTER sip:600@pbx
4801 192.0.2.1>this device response: 401 Some Reason
4802 this device>192.0.2.1 request: REGISTER sip:600@pbx
4803 192.0.2.1>this device response: 200 Some Reason`)
	for _, n := range []int{1, 512} {
		if text := s.Registrations(n).Steps[0].Text; !strings.Contains(text, "yyy") {
			t.Errorf("the message of line %d is %q", n, text)
		}
	}
	if n := len(s.lines); n < 50 || n == 512 {
		t.Errorf("%d lines are kept", n)
	}
}

// A store that is nobody's keeps nothing, and bears every question.
func TestNoStore(t *testing.T) {
	var s *Store
	s.Configure(true, All)
	s.Dialog(1, "7", "a")
	s.Ports("7", here.Addr(), 1)
	s.Server("7", first, "primary")
	s.RegistrarName(1, first, "primary")
	s.Message(said(0, true, first, "a", "INVITE", ""))
	s.Event(t0, "7", first, "")
	s.Registration(t0, 1, first, "")
	s.Packet(t0, UDPTL, true, 1, first, []byte{1})
	s.Ended("7")
	s.Forget("7")
	s.ForgetLine(1)
	if _, ok := s.Ladder("7"); ok || s.Takes(UDPTL) || len(s.Registrations(1).Steps) != 0 {
		t.Error("it kept something")
	}
	if _, ok := s.Pcap("7"); ok {
		t.Error("it made a capture")
	}
}

// What belongs to no call costs next to nothing and is not kept.
func BenchmarkMessageOfNoCall(b *testing.B) {
	s := New()
	m := said(0, true, first, "a", "OPTIONS", "")
	b.ReportAllocs()
	for b.Loop() {
		if s.Wants(m.Line, m.CallID, m.Method) {
			b.Fatal("wanted")
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	s := New()
	s.Dialog(1, "7", "a")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Message(said(i, true, first, "a", "INFO", fmt.Sprint("X: ", i, "\n")))
	}
}
