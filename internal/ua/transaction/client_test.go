package transaction

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

func newClient(t *testing.T, method string, reliable bool, retries int) *Client {
	t.Helper()
	c, err := NewClient(request(method), reliable, Timers{}, retries)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sends lets the machine's own timers run until it is done or asks for nothing more,
// and lists when it transmitted.
func sends(c interface {
	Deadline() time.Time
	Expire(time.Time) Step
}) (at []time.Duration, end time.Duration, err error) {
	for d := c.Deadline(); !d.IsZero(); d = c.Deadline() {
		step := c.Expire(d)
		if step.Send != nil {
			at = append(at, d.Sub(t0))
		}
		end, err = d.Sub(t0), step.Err
	}
	return at, end, err
}

func seconds(s ...float64) []time.Duration {
	var ds []time.Duration
	for _, x := range s {
		ds = append(ds, time.Duration(x*float64(time.Second)))
	}
	return ds
}

func TestUnansweredRequest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		method   string
		reliable bool
		retries  int
		resends  []time.Duration // after the first at 0
		end      time.Duration
	}{
		{"timer E doubles to T2, timer F", sipmsg.REGISTER, false, Unlimited, seconds(.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5), 32 * time.Second},
		{"timer A doubles, timer B", sipmsg.INVITE, false, Unlimited, seconds(.5, 1.5, 3.5, 7.5, 15.5, 31.5), 32 * time.Second},
		{"three retransmissions", sipmsg.REGISTER, false, 3, seconds(.5, 1.5, 3.5), 7500 * ms},
		{"INVITE, three retransmissions", sipmsg.INVITE, false, 3, seconds(.5, 1.5, 3.5), 7500 * ms},
		{"none", sipmsg.BYE, false, 0, nil, 500 * ms},
		{"more than fit", sipmsg.INVITE, false, 100, seconds(.5, 1.5, 3.5, 7.5, 15.5, 31.5), 32 * time.Second},
		{"reliable: the same span, one send", sipmsg.REGISTER, true, 3, nil, 7500 * ms},
		{"reliable INVITE", sipmsg.INVITE, true, 3, nil, 7500 * ms},
		{"reliable without limit", sipmsg.INVITE, true, Unlimited, nil, 32 * time.Second},
	} {
		c := newClient(t, tt.method, tt.reliable, tt.retries)
		if step := c.Start(t0); step.Send == nil || step.Err != nil {
			t.Fatalf("%s: Start: %+v", tt.name, step)
		}
		at, end, err := sends(c)
		if !slices.Equal(at, tt.resends) || end != tt.end {
			t.Errorf("%s: sent again at %v, ended at %v; want %v and %v", tt.name, at, end, tt.resends, tt.end)
		}
		timeout := wantTimeout(t, err)
		if timeout.Method != tt.method || timeout.Sends != len(tt.resends)+1 || timeout.Waited != tt.end || timeout.Status != 0 {
			t.Errorf("%s: %+v", tt.name, *timeout)
		}
		if !c.Done() || c.Retransmitted() != len(tt.resends) {
			t.Errorf("%s: state %v after %d retransmissions", tt.name, c.State(), c.Retransmitted())
		}
	}
}

// event is one event of a figure; the time is since t0.
type event struct {
	at   time.Duration
	what any // int: a response of that code; error: the flow failed; nil: Expire; string: see the test
}

var errReset = errors.New("connection reset by peer")

// TestClientFigures walks the client machines of RFC 3261 figures 5 and 6 as RFC 6026
// changed them: each row is a path, its last event is judged.
func TestClientFigures(t *testing.T) {
	invite, register := sipmsg.INVITE, sipmsg.REGISTER
	type outcome struct {
		state    State
		send     string // method of what is sent
		response int
		err      bool
		deadline time.Duration // 0: none
	}
	for _, tt := range []struct {
		name     string
		method   string
		reliable bool
		events   []event
		want     outcome
	}{
		{"INVITE sent", invite, false, nil, outcome{state: Calling, send: "INVITE", deadline: 500 * ms}},
		{"timer A", invite, false, []event{{500 * ms, nil}}, outcome{state: Calling, send: "INVITE", deadline: 1500 * ms}},
		{"timer A, too early", invite, false, []event{{499 * ms, nil}}, outcome{state: Calling, deadline: 500 * ms}},
		{"100 in Calling", invite, false, []event{{100 * ms, 100}}, outcome{state: Proceeding, response: 100}},
		{"180 in Proceeding: up, no timer", invite, false, []event{{100 * ms, 100}, {time.Second, 180}}, outcome{state: Proceeding, response: 180}},
		{"nothing is repeated in Proceeding", invite, false, []event{{100 * ms, 100}, {time.Hour, nil}}, outcome{state: Proceeding}},
		{"200 in Calling: Accepted, timer M", invite, false, []event{{time.Second, 200}}, outcome{state: Accepted, response: 200, deadline: 33 * time.Second}},
		{"200 in Proceeding", invite, false, []event{{time.Second, 180}, {2 * time.Second, 200}}, outcome{state: Accepted, response: 200, deadline: 34 * time.Second}},
		{"200 again: up, timer M unchanged", invite, false, []event{{time.Second, 200}, {2 * time.Second, 200}}, outcome{state: Accepted, response: 200, deadline: 33 * time.Second}},
		{"486 after a 2xx: dropped", invite, false, []event{{time.Second, 200}, {2 * time.Second, 486}}, outcome{state: Accepted, deadline: 33 * time.Second}},
		{"timer M", invite, false, []event{{time.Second, 200}, {33 * time.Second, nil}}, outcome{state: Terminated}},
		{"timer M on TCP too", invite, true, []event{{time.Second, 200}}, outcome{state: Accepted, response: 200, deadline: 33 * time.Second}},
		{"486 in Calling: ACK, timer D", invite, false, []event{{time.Second, 486}}, outcome{state: Completed, send: "ACK", response: 486, deadline: 33 * time.Second}},
		{"302 in Proceeding", invite, false, []event{{time.Second, 180}, {2 * time.Second, 302}}, outcome{state: Completed, send: "ACK", response: 302, deadline: 34 * time.Second}},
		{"486 again: ACK at once, not up", invite, false, []event{{time.Second, 486}, {1500 * ms, 486}}, outcome{state: Completed, send: "ACK", deadline: 33 * time.Second}},
		{"late 180 in Completed", invite, false, []event{{time.Second, 486}, {1500 * ms, 180}}, outcome{state: Completed, deadline: 33 * time.Second}},
		{"timer D", invite, false, []event{{time.Second, 486}, {33 * time.Second, nil}}, outcome{state: Terminated}},
		{"486 on TCP: ACK, timer D is 0", invite, true, []event{{time.Second, 486}}, outcome{state: Terminated, send: "ACK", response: 486}},
		{"timer B", invite, true, []event{{32 * time.Second, nil}}, outcome{state: Terminated, err: true}},
		{"transport error in Calling", invite, false, []event{{20 * ms, errReset}}, outcome{state: Terminated, err: true}},
		{"transport error in Proceeding", invite, true, []event{{20 * ms, 100}, {30 * ms, errReset}}, outcome{state: Terminated, err: true}},
		{"transport error in Completed: kept, to ACK repetitions", invite, false, []event{{time.Second, 486}, {2 * time.Second, errReset}}, outcome{state: Completed, deadline: 33 * time.Second}},
		{"transport error in Accepted", invite, false, []event{{time.Second, 200}, {2 * time.Second, errReset}}, outcome{state: Accepted, deadline: 33 * time.Second}},
		{"CANCEL sent: 64*T1 for the 487", invite, false, []event{{time.Second, 180}, {5 * time.Second, "abandon"}}, outcome{state: Proceeding, deadline: 37 * time.Second}},
		{"CANCEL sent, 487", invite, false, []event{{time.Second, 180}, {5 * time.Second, "abandon"}, {6 * time.Second, 487}}, outcome{state: Completed, send: "ACK", response: 487, deadline: 38 * time.Second}},
		{"CANCEL sent, the 2xx was faster", invite, false, []event{{time.Second, 180}, {5 * time.Second, "abandon"}, {6 * time.Second, 200}}, outcome{state: Accepted, response: 200, deadline: 38 * time.Second}},
		{"CANCEL sent, nothing", invite, false, []event{{time.Second, 180}, {5 * time.Second, "abandon"}, {37 * time.Second, nil}}, outcome{state: Terminated, err: true}},

		{"REGISTER sent", register, false, nil, outcome{state: Trying, send: "REGISTER", deadline: 500 * ms}},
		{"timer E", register, false, []event{{500 * ms, nil}}, outcome{state: Trying, send: "REGISTER", deadline: 1500 * ms}},
		{"100 in Trying: timer E goes on", register, false, []event{{100 * ms, 100}}, outcome{state: Proceeding, response: 100, deadline: 500 * ms}},
		{"timer E in Proceeding: T2", register, false, []event{{100 * ms, 100}, {500 * ms, nil}}, outcome{state: Proceeding, send: "REGISTER", deadline: 4500 * ms}},
		{"timer F in Proceeding", register, false, []event{{100 * ms, 100}, {32 * time.Second, nil}}, outcome{state: Terminated, err: true}},
		{"401: timer K", register, false, []event{{100 * ms, 401}}, outcome{state: Completed, response: 401, deadline: 5100 * ms}},
		{"200 in Proceeding", register, false, []event{{100 * ms, 100}, {200 * ms, 200}}, outcome{state: Completed, response: 200, deadline: 5200 * ms}},
		{"200 again: absorbed", register, false, []event{{100 * ms, 200}, {200 * ms, 200}}, outcome{state: Completed, deadline: 5100 * ms}},
		{"timer K", register, false, []event{{100 * ms, 200}, {5100 * ms, nil}}, outcome{state: Terminated}},
		{"200 on TCP: timer K is 0", register, true, []event{{100 * ms, 200}}, outcome{state: Terminated, response: 200}},
		{"timer F", register, true, []event{{32 * time.Second, nil}}, outcome{state: Terminated, err: true}},
		{"transport error in Trying", register, false, []event{{20 * ms, errReset}}, outcome{state: Terminated, err: true}},
		{"transport error in Proceeding, REGISTER", register, false, []event{{20 * ms, 100}, {30 * ms, errReset}}, outcome{state: Terminated, err: true}},
		{"transport error after the final", register, false, []event{{20 * ms, 200}, {30 * ms, errReset}}, outcome{state: Completed, deadline: 5020 * ms}},
		{"response after the end", register, true, []event{{20 * ms, 200}, {30 * ms, 200}}, outcome{state: Terminated}},
		{"a code that is none", register, false, []event{{20 * ms, 99}}, outcome{state: Trying, deadline: 500 * ms}},
	} {
		c := newClient(t, tt.method, tt.reliable, Unlimited)
		step := c.Start(t0)
		for _, e := range tt.events {
			now := t0.Add(e.at)
			switch what := e.what.(type) {
			case nil:
				step = c.Expire(now)
			case int:
				step = c.Receive(now, response(c.Request(), what))
			case error:
				step = c.FlowFailed(now, what)
			case string:
				c.Abandon(now)
				step = Step{}
			}
		}
		got := outcome{state: c.State(), err: step.Err != nil}
		if step.Send != nil {
			got.send = parse(t, step.Send).Method
		}
		if step.Response != nil {
			got.response = step.Response.StatusCode
		}
		if d := c.Deadline(); !d.IsZero() {
			got.deadline = d.Sub(t0)
		}
		if got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestFlowFailureEndsWithItsCause(t *testing.T) {
	c := newClient(t, sipmsg.REGISTER, false, 3)
	c.Start(t0)
	if step := c.FlowFailed(t0, errReset); !errors.Is(step.Err, errReset) || !c.Done() {
		t.Errorf("got %v in %v", step.Err, c.State())
	}
	if step := c.FlowFailed(t0, errReset); step.Err != nil {
		t.Errorf("reported a second time: %v", step.Err)
	}
	c = newClient(t, sipmsg.REGISTER, false, 3)
	c.Start(t0)
	if step := c.FlowFailed(t0, nil); step.Err == nil {
		t.Error("a failure without a cause must still end in an error")
	}
}

// A server that answers 100 is alive: the count of retransmissions is of sends without
// an answer, so the request has its 64*T1.
func TestProvisionalResponseLiftsTheCount(t *testing.T) {
	c := newClient(t, sipmsg.REGISTER, false, 1)
	c.Start(t0)
	c.Expire(t0.Add(500 * ms))
	if d := c.Deadline(); d.Sub(t0) != 1500*ms {
		t.Fatalf("after the last retransmission: deadline %v", d.Sub(t0))
	}
	c.Receive(t0.Add(time.Second), response(c.Request(), 100))
	at, end, err := sends(c)
	if want := seconds(5, 9, 13, 17, 21, 25, 29); !slices.Equal(at, want) || end != 32*time.Second {
		t.Errorf("sent again at %v until %v, want every T2 after the 100: %v", at, end, want)
	}
	wantTimeout(t, err)
}

// The server's T1 may be longer than ours: RFC 3261 section 17.1.1.2: timer D is 32 s at
// least.
func TestTimerDWithASmallT1(t *testing.T) {
	c, err := NewClient(request(sipmsg.INVITE), false, WithT1(10*ms), 3)
	if err != nil {
		t.Fatal(err)
	}
	c.Start(t0)
	c.Receive(t0, response(c.Request(), 486))
	if d := c.Deadline().Sub(t0); d != 32*time.Second {
		t.Errorf("timer D runs for %v", d)
	}
}

// A wake-up that comes late does not push the later ones back.
func TestLateWakeKeepsTheSchedule(t *testing.T) {
	c := newClient(t, sipmsg.REGISTER, false, 3)
	c.Start(t0)
	c.Expire(t0.Add(700 * ms))
	if d := c.Deadline().Sub(t0); d != 1500*ms {
		t.Errorf("second retransmission at %v, want 1.5s", d)
	}
	c.Expire(t0.Add(5 * time.Second))
	if d := c.Deadline().Sub(t0); d != 7*time.Second {
		t.Errorf("third retransmission at %v, want one interval after the late second", d)
	}
}

func TestClientRefusesWhatItCannotSend(t *testing.T) {
	ack := request(sipmsg.ACK)
	noBranch := request(sipmsg.OPTIONS)
	noBranch.Via[0].Params = nil
	noVia := request(sipmsg.OPTIONS)
	noVia.Via = nil
	split := request(sipmsg.OPTIONS)
	split.Header.Add("Subject", "x\r\nContact: <sip:evil@example.com>")
	for name, m := range map[string]*sipmsg.Message{
		"an ACK has no response": ack, "no branch": noBranch, "no Via": noVia,
		"a response": response(request(sipmsg.OPTIONS), 200), "CR LF in a value": split,
	} {
		if _, err := NewClient(m, false, Timers{}, 3); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStartOnce(t *testing.T) {
	c := newClient(t, sipmsg.OPTIONS, false, 3)
	if step := c.Receive(t0, response(c.Request(), 200)); step.Response != nil {
		t.Error("a response before the request was sent")
	}
	c.Start(t0)
	if step := c.Start(t0.Add(time.Second)); step.Send != nil {
		t.Error("a second Start sends again")
	}
}

// Time that passed before Start, as while a connection was made, belongs to the span; a
// response that came, or a later end, is not touched.
func TestEndBy(t *testing.T) {
	c := newClient(t, sipmsg.INVITE, false, 3)
	c.Start(t0)
	c.EndBy(t0.Add(5 * time.Second))
	c.EndBy(t0.Add(time.Hour))
	at, end, err := sends(c)
	if !slices.Equal(at, seconds(.5, 1.5, 3.5)) || end != 5*time.Second {
		t.Errorf("sent again at %v, ended at %v", at, end)
	}
	wantTimeout(t, err)

	c = newClient(t, sipmsg.INVITE, false, 3)
	req := c.Request()
	c.Start(t0)
	c.Receive(t0, req.Response(180, ""))
	c.EndBy(t0.Add(time.Second))
	if d := c.Deadline(); !d.IsZero() {
		t.Errorf("a call that rings ends at %v", d)
	}
}
