package transaction

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
)

var codes = []int{100, 180, 183, 199, 200, 202, 302, 401, 404, 486, 487, 500, 503, 603, 0, 99, 700}

// TestClientModel throws random events at client transactions. Whatever comes, the
// machine sends no more than it may, hands up at most one refusal, never speaks after
// its end, and by its own deadlines comes to that end.
func TestClientModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{sipmsg.INVITE, sipmsg.REGISTER, sipmsg.BYE}).Draw(t, "method")
		reliable := rapid.Bool().Draw(t, "reliable")
		retries := rapid.IntRange(Unlimited, 12).Draw(t, "retries")
		timers := WithT1(rapid.SampledFrom([]time.Duration{10 * ms, 500 * ms, 2 * time.Second}).Draw(t, "T1"))
		c, err := NewClient(request(method), reliable, timers, retries)
		if err != nil {
			t.Fatal(err)
		}
		m := clientModel{c: c, now: t0, allowed: 1 + retries}
		if retries == Unlimited {
			m.allowed = 11
		}
		if reliable {
			m.allowed = 1
		}
		m.check(t, c.Start(m.now))
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				m.pass(time.Duration(rapid.Int64Range(0, int64(5*timers.T2)).Draw(t, "for")))
				m.check(t, c.Expire(m.now))
			},
			"expire": func(t *rapid.T) { m.toDeadline(); m.check(t, c.Expire(m.now)) },
			"response": func(t *rapid.T) {
				m.check(t, c.Receive(m.now, response(c.Request(), rapid.SampledFrom(codes).Draw(t, "code"))))
			},
			"flow failed": func(t *rapid.T) { m.check(t, c.FlowFailed(m.now, errReset)) },
			"abandon":     func(t *rapid.T) { c.Abandon(m.now) },
		})
		// Left alone, it ends; only an INVITE that rings waits for its user's CANCEL.
		c.Abandon(m.now)
		for n := 0; !c.Done(); n++ {
			if c.Deadline().IsZero() || n > 40 {
				t.Fatalf("stuck in %v, deadline %v, after %d deadlines", c.State(), c.Deadline(), n)
			}
			m.toDeadline()
			m.check(t, c.Expire(m.now))
		}
		if !m.answered && !m.failed {
			t.Fatal("it ended without a final response and without an error")
		}
	})
}

type clientModel struct {
	c                *Client
	now              time.Time
	allowed          int // sends before the first response
	sent             int
	heard            bool // a response of any kind
	answered, failed bool
	refusals         int
	done             bool
}

func (m *clientModel) pass(d time.Duration) { m.now = m.now.Add(d) }

func (m *clientModel) toDeadline() {
	if d := m.c.Deadline(); d.After(m.now) {
		m.now = d
	}
}

func (m *clientModel) check(t *rapid.T, step Step) {
	if m.done && (step.Send != nil || step.Response != nil || step.Err != nil) {
		t.Fatalf("after the end: %+v", step)
	}
	if res := step.Response; res != nil {
		m.heard = true
		if res.StatusCode >= 200 {
			m.answered = true
		}
		if res.StatusCode >= 300 {
			m.refusals++
		}
		if m.refusals > 1 {
			t.Fatalf("a second final response went up: %v", res)
		}
	}
	if step.Err != nil {
		if m.answered || m.failed || !m.c.Done() {
			t.Fatalf("error %v in %v (answered %v, failed %v)", step.Err, m.c.State(), m.answered, m.failed)
		}
		var timeout *TimeoutError
		if !errors.Is(step.Err, errReset) && !errors.As(step.Err, &timeout) {
			t.Fatalf("error %v", step.Err)
		}
		m.failed = true
	}
	if step.Send != nil {
		m.send(t, step.Send)
	}
	d := m.c.Deadline()
	switch {
	case m.c.Done() && !d.IsZero():
		t.Fatalf("a deadline after the end")
	case !m.c.Done() && d.IsZero() && !(m.c.State() == Proceeding && m.c.invite()):
		t.Fatalf("no deadline in %v", m.c.State())
	case !d.IsZero() && d.Sub(m.now) > 64*m.c.timers.T1+timerD:
		t.Fatalf("deadline %v away in %v", d.Sub(m.now), m.c.State())
	}
	m.done = m.c.Done()
}

func (m *clientModel) send(t *rapid.T, wire []byte) {
	if string(wire[:3]) == sipmsg.ACK {
		if !m.c.invite() || m.refusals == 0 {
			t.Fatalf("an ACK in %v", m.c.State())
		}
		return
	}
	m.sent++
	if m.heard && m.c.invite() || m.answered {
		t.Fatalf("sent again after a response, in %v", m.c.State())
	}
	if !m.heard && m.sent > m.allowed {
		t.Fatalf("%d sends without a response, %d allowed", m.sent, m.allowed)
	}
	if m.sent > m.allowed+9 { // every T2 of 64*T1 at most
		t.Fatalf("%d sends", m.sent)
	}
}

// TestServerModel throws random events at server transactions: one final response at
// most, nothing sent that was not given, and an end by its own deadlines once answered.
func TestServerModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{sipmsg.INVITE, sipmsg.OPTIONS}).Draw(t, "method")
		reliable := rapid.Bool().Draw(t, "reliable")
		req := request(method)
		s := NewServer(req, reliable, Timers{})
		now, final, done := t0, 0, false
		check := func(t *rapid.T, step Step) {
			if done && step.Send != nil {
				t.Fatal("sent after the end")
			}
			if step.Send != nil {
				m, err := sipmsg.Parse(step.Send)
				switch {
				case err != nil:
					t.Fatal(err)
				case final == 0 && m.StatusCode >= 200:
					final = m.StatusCode
				case final != 0 && m.StatusCode != final && !(method == sipmsg.INVITE && final < 300 && m.IsSuccess()):
					t.Fatalf("%d sent after %d", m.StatusCode, final)
				}
			}
			if d := s.Deadline(); !d.IsZero() && d.Sub(now) > 32*time.Second || done && !d.IsZero() {
				t.Fatalf("deadline %v away in %v", d.Sub(now), s.State())
			}
			done = s.Done()
		}
		t.Repeat(map[string]func(*rapid.T){
			"expire": func(t *rapid.T) {
				if d := s.Deadline(); d.After(now) {
					now = d
				}
				check(t, s.Expire(now))
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "for")))
				check(t, s.Expire(now))
			},
			"respond": func(t *rapid.T) { check(t, s.Respond(now, response(req, rapid.SampledFrom(codes).Draw(t, "code")))) },
			"again":   func(t *rapid.T) { check(t, s.Receive(now, req)) },
			"ack":     func(t *rapid.T) { check(t, s.Receive(now, Ack(req, response(req, 486)))) },
			"flow":    func(t *rapid.T) { check(t, s.FlowFailed(now, errReset)) },
			"trying":  func(t *rapid.T) { s.TryingAt(now.Add(200 * ms)) },
		})
		if s.State() == Trying || s.State() == Proceeding {
			check(t, s.Respond(now, response(req, 480)))
		}
		for n := 0; !s.Done(); n++ {
			if s.Deadline().IsZero() || n > 20 {
				t.Fatalf("stuck in %v, deadline %v", s.State(), s.Deadline())
			}
			if d := s.Deadline(); d.After(now) {
				now = d
			}
			check(t, s.Expire(now))
		}
	})
}
