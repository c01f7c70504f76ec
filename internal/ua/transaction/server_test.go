package transaction

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

// TestServerFigures walks the server machines of RFC 3261 figures 7 and 8 as RFC 6026
// changed them: each row is a path, its last event is judged.
func TestServerFigures(t *testing.T) {
	invite, options := sipmsg.INVITE, sipmsg.OPTIONS
	type outcome struct {
		state    State
		send     int // code of what is sent
		ack, err bool
		deadline time.Duration
	}
	const again, ack, trying = "again", "ack", "trying"
	for _, tt := range []struct {
		name     string
		method   string
		reliable bool
		events   []event // int: Respond with that code
		want     outcome
	}{
		{"INVITE", invite, false, nil, outcome{state: Proceeding}},
		{"100 is due", invite, false, []event{{0, trying}}, outcome{state: Proceeding, deadline: 200 * ms}},
		{"100 goes", invite, false, []event{{0, trying}, {200 * ms, nil}}, outcome{state: Proceeding, send: 100}},
		{"180 before that", invite, false, []event{{0, trying}, {100 * ms, 180}}, outcome{state: Proceeding, send: 180}},
		{"then no 100", invite, false, []event{{0, trying}, {100 * ms, 180}, {200 * ms, nil}}, outcome{state: Proceeding}},
		{"a 180, then 100 is asked for", invite, false, []event{{0, 180}, {100 * ms, trying}}, outcome{state: Proceeding}},
		{"INVITE again, nothing sent yet", invite, false, []event{{500 * ms, again}}, outcome{state: Proceeding}},
		{"INVITE again: the latest 1xx", invite, false, []event{{0, 100}, {100 * ms, 180}, {500 * ms, again}}, outcome{state: Proceeding, send: 180}},
		{"transport error in Proceeding", invite, true, []event{{0, 180}, {500 * ms, errReset}}, outcome{state: Proceeding, err: true}},
		{"200: Accepted, timer L", invite, false, []event{{time.Second, 200}}, outcome{state: Accepted, send: 200, deadline: 33 * time.Second}},
		{"200 from its user again", invite, false, []event{{time.Second, 200}, {1500 * ms, 200}}, outcome{state: Accepted, send: 200, deadline: 33 * time.Second}},
		{"INVITE again in Accepted: absorbed", invite, false, []event{{time.Second, 200}, {1500 * ms, again}}, outcome{state: Accepted, deadline: 33 * time.Second}},
		{"ACK with the INVITE's branch in Accepted: up", invite, false, []event{{time.Second, 200}, {1500 * ms, ack}}, outcome{state: Accepted, ack: true, deadline: 33 * time.Second}},
		{"486 after the 200", invite, false, []event{{time.Second, 200}, {1500 * ms, 486}}, outcome{state: Accepted, err: true, deadline: 33 * time.Second}},
		{"transport error in Accepted", invite, true, []event{{time.Second, 200}, {1500 * ms, errReset}}, outcome{state: Accepted, err: true, deadline: 33 * time.Second}},
		{"timer L", invite, false, []event{{time.Second, 200}, {33 * time.Second, nil}}, outcome{state: Terminated}},
		{"486: timer G", invite, false, []event{{time.Second, 486}}, outcome{state: Completed, send: 486, deadline: 1500 * ms}},
		{"486 on TCP: timer H alone", invite, true, []event{{time.Second, 486}}, outcome{state: Completed, send: 486, deadline: 33 * time.Second}},
		{"timer G", invite, false, []event{{time.Second, 486}, {1500 * ms, nil}}, outcome{state: Completed, send: 486, deadline: 2500 * ms}},
		{"INVITE again in Completed", invite, false, []event{{time.Second, 486}, {1100 * ms, again}}, outcome{state: Completed, send: 486, deadline: 1500 * ms}},
		{"a second final", invite, false, []event{{time.Second, 486}, {1100 * ms, 200}}, outcome{state: Completed, err: true, deadline: 1500 * ms}},
		{"transport error in Completed", invite, false, []event{{time.Second, 486}, {1100 * ms, errReset}}, outcome{state: Completed, err: true, deadline: 1500 * ms}},
		{"ACK: timer I", invite, false, []event{{time.Second, 486}, {1100 * ms, ack}}, outcome{state: Confirmed, deadline: 6100 * ms}},
		{"ACK again: absorbed", invite, false, []event{{time.Second, 486}, {1100 * ms, ack}, {1200 * ms, ack}}, outcome{state: Confirmed, deadline: 6100 * ms}},
		{"INVITE again in Confirmed", invite, false, []event{{time.Second, 486}, {1100 * ms, ack}, {1200 * ms, again}}, outcome{state: Confirmed, deadline: 6100 * ms}},
		{"timer I", invite, false, []event{{time.Second, 486}, {1100 * ms, ack}, {6100 * ms, nil}}, outcome{state: Terminated}},
		{"ACK on TCP: timer I is 0", invite, true, []event{{time.Second, 486}, {1100 * ms, ack}}, outcome{state: Terminated}},
		{"timer H", invite, true, []event{{time.Second, 486}, {33 * time.Second, nil}}, outcome{state: Terminated, err: true}},
		{"ACK before any final", invite, false, []event{{time.Second, ack}}, outcome{state: Proceeding}},

		{"OPTIONS", options, false, nil, outcome{state: Trying}},
		{"no 100 for OPTIONS", options, false, []event{{0, trying}}, outcome{state: Trying}},
		{"OPTIONS again in Trying", options, false, []event{{500 * ms, again}}, outcome{state: Trying}},
		{"183", options, false, []event{{500 * ms, 183}}, outcome{state: Proceeding, send: 183}},
		{"OPTIONS again in Proceeding", options, false, []event{{500 * ms, 183}, {600 * ms, again}}, outcome{state: Proceeding, send: 183}},
		{"200: timer J", options, false, []event{{time.Second, 200}}, outcome{state: Completed, send: 200, deadline: 33 * time.Second}},
		{"OPTIONS again in Completed", options, false, []event{{time.Second, 200}, {2 * time.Second, again}}, outcome{state: Completed, send: 200, deadline: 33 * time.Second}},
		{"a second final to OPTIONS", options, false, []event{{time.Second, 200}, {2 * time.Second, 500}}, outcome{state: Completed, err: true, deadline: 33 * time.Second}},
		{"timer J", options, false, []event{{time.Second, 200}, {33 * time.Second, nil}}, outcome{state: Terminated}},
		{"200 on TCP: timer J is 0", options, true, []event{{time.Second, 200}}, outcome{state: Terminated, send: 200}},
		{"answer after the end", options, true, []event{{time.Second, 200}, {2 * time.Second, 200}}, outcome{state: Terminated, err: true}},
		{"transport error in Trying", options, true, []event{{time.Second, errReset}}, outcome{state: Trying, err: true}},
		{"stray ACK", options, false, []event{{time.Second, ack}}, outcome{state: Trying}},
		{"not a code", options, false, []event{{time.Second, 700}}, outcome{state: Trying, err: true}},
	} {
		req := request(tt.method)
		s := NewServer(req, tt.reliable, Timers{})
		var step Step
		for _, e := range tt.events {
			now := t0.Add(e.at)
			switch what := e.what.(type) {
			case nil:
				step = s.Expire(now)
			case int:
				step = s.Respond(now, response(req, what))
			case error:
				step = s.FlowFailed(now, what)
			case string:
				step = Step{}
				switch what {
				case again:
					step = s.Receive(now, req.Clone())
				case ack:
					step = s.Receive(now, Ack(req, response(req, 486)))
				case trying:
					s.TryingAt(now.Add(200 * ms))
				}
			}
		}
		got := outcome{state: s.State(), ack: step.Ack != nil, err: step.Err != nil}
		if step.Send != nil {
			got.send = parse(t, step.Send).StatusCode
		}
		if d := s.Deadline(); !d.IsZero() {
			got.deadline = d.Sub(t0)
		}
		if got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestRefusalIsRepeatedUntilTimerH(t *testing.T) {
	req := request(sipmsg.INVITE)
	s := NewServer(req, false, Timers{})
	s.Respond(t0, response(req, 486))
	at, end, err := sends(s)
	if want := seconds(.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5); !slices.Equal(at, want) || end != 32*time.Second {
		t.Errorf("486 again at %v until %v, want %v", at, end, want)
	}
	if timeout := wantTimeout(t, err); timeout.Status != 486 || timeout.Sends != 11 || timeout.Waited != 32*time.Second {
		t.Errorf("%+v", *timeout)
	}
}

func TestAutomaticTryingEchoesTheTimestamp(t *testing.T) {
	req := request(sipmsg.INVITE)
	req.Header.Add("Timestamp", "54.21")
	s := NewServer(req, false, Timers{})
	s.TryingAt(t0)
	res := parse(t, s.Expire(t0).Send)
	if res.StatusCode != 100 || res.Header.Get("Timestamp") != "54.21" || res.To.Tag() != "" || res.Branch() != req.Branch() {
		t.Errorf("%v, Timestamp %q, To tag %q", res, res.Header.Get("Timestamp"), res.To.Tag())
	}
}

func TestSecondFinalIsRefused(t *testing.T) {
	req := request(sipmsg.BYE)
	s := NewServer(req, false, Timers{})
	s.Respond(t0, response(req, 200))
	if step := s.Respond(t0, response(req, 481)); !errors.Is(step.Err, ErrAnswered) || step.Send != nil {
		t.Errorf("got %+v", step)
	}
}

func TestUnwritableAnswerLeavesTheStateAlone(t *testing.T) {
	req := request(sipmsg.OPTIONS)
	s := NewServer(req, false, Timers{})
	bad := response(req, 200)
	bad.Header.Add("Server", "x\r\ny")
	if step := s.Respond(t0, bad); step.Err == nil || s.State() != Trying {
		t.Errorf("got %+v in %v", step, s.State())
	}
	if step := s.Respond(t0, response(req, 500)); step.Send == nil {
		t.Errorf("the next answer: %+v", step)
	}
}

// An ACK of RFC 2543 has the To tag of the response it is for (RFC 3261 section 17.2.3).
func TestAckOfRFC2543(t *testing.T) {
	req := request(sipmsg.INVITE)
	req.Via[0].Params.Set("branch", "1")
	s := NewServer(req, false, Timers{})
	s.Respond(t0, response(req, 486))
	stray := Ack(req, response(req, 486))
	stray.To = stray.To.WithTag("other")
	if s.Receive(t0, stray); s.State() != Completed {
		t.Errorf("an ACK with another To tag: %v", s.State())
	}
	if s.Receive(t0, Ack(req, response(req, 486))); s.State() != Confirmed {
		t.Errorf("the ACK: %v", s.State())
	}
}

func TestResend(t *testing.T) {
	req := request(sipmsg.INVITE)
	for _, tt := range []struct {
		code int
		want []time.Duration
	}{
		{200, seconds(.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)}, // RFC 3261 section 13.3.1.4
		{183, seconds(.5, 1.5, 3.5, 7.5, 15.5, 31.5)},                         // RFC 3262 section 3
	} {
		res := response(req, tt.code)
		step := NewServer(req, true, Timers{}).Respond(t0, res)
		r := NewResend(t0, res, step.Send, Timers{})
		at, end, err := sends(r)
		if !slices.Equal(at, tt.want) || end != 32*time.Second || !r.Done() {
			t.Errorf("%d again at %v until %v, want %v", tt.code, at, end, tt.want)
		}
		if timeout := wantTimeout(t, err); timeout.Status != tt.code || timeout.Sends != len(tt.want)+1 {
			t.Errorf("%d: %+v", tt.code, *timeout)
		}
	}
	res := response(req, 200)
	r := NewResend(t0, res, []byte("SIP/2.0 200 OK"), Timers{})
	if step := r.Expire(t0.Add(500 * ms)); string(step.Send) != "SIP/2.0 200 OK" {
		t.Errorf("first repetition: %+v", step)
	}
	r.Stop() // the ACK
	if step := r.Expire(t0.Add(time.Hour)); step.Send != nil || step.Err != nil || !r.Done() || !r.Deadline().IsZero() {
		t.Errorf("after the ACK: %+v", step)
	}
}
