package dialog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
)

// provisional is a 1xx to the INVITE of RFC 3665 section 3.2, reliable if rseq is given.
func provisional(t testing.TB, code int, rseq string) *sipmsg.Message {
	m := message(t, ringing180)
	m.StatusCode = code
	if rseq != "" {
		m.Header.Add("Require", "100rel")
		m.Header.Add("RSeq", rseq)
	}
	return m
}

// RFC 3262 section 4: what the caller does with each provisional response.
func TestProvisionals(t *testing.T) {
	var p Provisionals
	for i, tt := range []struct {
		code int
		rseq string
		want Provisional
		rack string
	}{
		{100, "", Unreliable, ""},
		{100, "1", Unreliable, ""}, // a 100 is never reliable
		{180, "", Unreliable, ""},
		{180, "0", Unreliable, ""},
		{180, "4294967296", Unreliable, ""},
		{180, "x", Unreliable, ""},
		{200, "1", Unreliable, ""},
		{183, "813520", Next, "813520 2 INVITE"}, // the first may have any number
		{183, "813520", Repeated, ""},
		{180, "813522", Gap, ""},
		{180, "813521", Next, "813521 2 INVITE"},
		{180, "813522", Next, "813522 2 INVITE"},
		{180, "813519", Repeated, ""},
		{180, "", Unreliable, ""},
	} {
		res := provisional(t, tt.code, tt.rseq)
		what, rack := p.Receive(res)
		if what != tt.want || rack != tt.rack {
			t.Errorf("response %d: %v %q, want %v %q", i, what, rack, tt.want, tt.rack)
		}
	}
	d := confirmed(t)
	prack := d.Prack("813520 2 INVITE")
	writable(t, prack)
	if prack.Method != sipmsg.PRACK || prack.CSeq.Seq != 3 || prack.Header.Get("RAck") != "813520 2 INVITE" {
		t.Errorf("%v %v %v", prack, prack.CSeq, prack.Header)
	}
}

// RFC 3262 section 3: the callee's side, with the flow of its section 3 and 5: 183 with a
// description, PRACK, 180, PRACK, 200.
func TestProgress(t *testing.T) {
	invite := message(t, inviteReceived)
	p := NewProgress(invite, transaction.Timers{})
	respond := func(code int, body string) *sipmsg.Message {
		res := invite.Response(code, "")
		res.To, res.Body = res.To.WithTag("314159"), []byte(body)
		return res
	}
	prack := func(rack string) *sipmsg.Message {
		m := message(t, inviteSent)
		m.Method, m.CSeq = sipmsg.PRACK, sipmsg.CSeq{Seq: 3, Method: sipmsg.PRACK}
		m.Header.Add("RAck", rack)
		return m
	}
	first, err := p.Prepare(respond(183, "v=0"))
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	n, err := strconv.ParseUint(first.Header.Get("RSeq"), 10, 32)
	if err != nil || n == 0 || n >= 1<<31 || !first.OptionTag("Require", "100rel") {
		t.Errorf("first response: %v", first.Header)
	}
	if !p.MayAccept() {
		t.Error("nothing was sent yet")
	}
	p.Sent(t0, first, []byte("183"))
	if p.MayAccept() {
		t.Error("RFC 3262 section 3: no 2xx while a description is unacknowledged")
	}
	second, err := p.Prepare(respond(180, ""))
	if second != nil || err != nil {
		t.Errorf("a second before the first is acknowledged: %v %v", second, err)
	}
	if step := p.Expire(t0.Add(500 * time.Millisecond)); string(step.Send) != "183" {
		t.Errorf("repetition: %+v", step)
	}
	right := fmt.Sprintf("%d 2 INVITE", n)
	for rack, want := range map[string]int{
		"": 400, "x": 400, "1 2": 400, "x 2 INVITE": 400, "1 y INVITE": 400, "99999999999 2 INVITE": 400,
		fmt.Sprintf("%d 2 INVITE", n+1): 481, fmt.Sprintf("%d 3 INVITE", n): 481, fmt.Sprintf("%d 2 OPTIONS", n): 481,
	} {
		if code, next := p.Acknowledge(prack(rack)); code != want || next != nil {
			t.Errorf("RAck %q: %d, want %d", rack, code, want)
		}
	}
	code, next := p.Acknowledge(prack(right))
	if code != 200 || next == nil || next.StatusCode != 180 || next.Header.Get("RSeq") != fmt.Sprint(n+1) {
		t.Fatalf("the PRACK: %d, then %v", code, next)
	}
	if code, _ := p.Acknowledge(prack(right)); code != 481 {
		t.Errorf("the PRACK again: %d, want 481", code)
	}
	p.Sent(t0, next, []byte("180"))
	if !p.MayAccept() {
		t.Error("a 2xx may overtake a response without a description")
	}
	p.Stop()
	if !p.Deadline().IsZero() || p.Expire(t0.Add(time.Hour)).Send != nil {
		t.Error("repeated after the final response")
	}
}

func TestProgressWithoutPrack(t *testing.T) {
	invite := message(t, inviteReceived)
	p := NewProgress(invite, transaction.Timers{})
	if !p.Deadline().IsZero() || p.Expire(t0).Send != nil {
		t.Error("a deadline before anything was sent")
	}
	res := invite.Response(183, "")
	if _, err := p.Prepare(res); err != nil {
		t.Fatal(err)
	}
	p.Sent(t0, res, []byte("183"))
	sends := 0
	var last transaction.Step
	for d := p.Deadline(); !d.IsZero(); d = p.Deadline() {
		if last = p.Expire(d); last.Send != nil {
			sends++
		}
	}
	var timeout *transaction.TimeoutError
	if sends != 6 || !errors.As(last.Err, &timeout) || timeout.Status != 183 || timeout.Waited != 32*time.Second {
		t.Errorf("%d repetitions, then %v", sends, last.Err)
	}
	for i := range 6 {
		p := NewProgress(invite, transaction.Timers{})
		p.Sent(t0, res, []byte("183"))
		for j := range i {
			if _, err := p.Prepare(invite.Response(180, "")); (err != nil) != (j >= maxQueued) {
				t.Errorf("response %d in the queue: %v", j, err)
			}
		}
	}
}

// TestReliableModel: a caller and a callee over a network that loses, repeats and
// reorders. The caller acts on every response once and in order, and when the network
// heals all are acknowledged.
func TestReliableModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		invite := message(t, inviteReceived)
		sender := NewProgress(invite, transaction.Timers{})
		var receiver Provisionals
		now := t0
		heard, sent := []string{}, 0
		inFlight := map[string]*sipmsg.Message{} // by body
		transmit := func(res *sipmsg.Message) {
			sender.Sent(now, res, res.Body)
			inFlight[string(res.Body)] = res
		}
		deliver := func(res *sipmsg.Message, prackArrives bool) {
			what, rack := receiver.Receive(res)
			if what == Next {
				heard = append(heard, string(res.Body))
			}
			if what == Repeated { // its PRACK is a transaction, which repeats itself
				rack = res.Header.Get("RSeq") + " 2 INVITE"
			}
			if what == Gap {
				rt.Fatal("a gap, though one waits for the other")
			}
			if prackArrives {
				prack := &sipmsg.Message{Method: sipmsg.PRACK, Header: sipmsg.Header{{Name: "RAck", Value: rack}}}
				if code, next := sender.Acknowledge(prack); code == 200 && next != nil {
					transmit(next)
				}
			}
		}
		var all []*sipmsg.Message
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				res := invite.Response(183, "")
				res.Body = []byte(fmt.Sprint(sent))
				ready, err := sender.Prepare(res)
				if err != nil {
					continue
				}
				sent++
				all = append(all, res)
				if ready != nil {
					transmit(ready)
				}
			case 1:
				if len(all) > 0 {
					if res := rapid.SampledFrom(all).Draw(rt, "response"); inFlight[string(res.Body)] != nil {
						deliver(res, rapid.Bool().Draw(rt, "PRACK arrives"))
					}
				}
			case 2:
				if d := sender.Deadline(); !d.IsZero() && d.Sub(now) < 5*time.Second {
					now = d
					sender.Expire(now)
				}
			}
		}
		for n := 0; !sender.Deadline().IsZero(); n++ {
			if n > 100 {
				rt.Fatal("never acknowledged")
			}
			for _, res := range all {
				if inFlight[string(res.Body)] != nil {
					deliver(res, true)
				}
			}
		}
		var want []string
		for i := range sent {
			want = append(want, fmt.Sprint(i))
		}
		if strings.Join(heard, " ") != strings.Join(want, " ") {
			rt.Fatalf("heard %v of %v", heard, want)
		}
	})
}
