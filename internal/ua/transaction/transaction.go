// Package transaction is the SIP transaction layer: the client and server machines
// of RFC 3261 section 17 with the Accepted state of RFC 6026, a retransmission count
// for each request, and the repetition of what a UAS core repeats itself (2xx and
// reliable provisional responses).
//
// The machines are pure. Their owner passes the time in, calls Expire at Deadline,
// and does what the returned Step says. They open no socket, read no clock, take no
// lock and start no goroutine; which flow a message goes to, what a failure means and
// which request follows is the owner's to decide.
package transaction

import (
	"fmt"
	"strconv"
	"time"

	"tipring/internal/sipmsg"
)

// Timers are the base values that all transaction timers come from (RFC 3261
// section 17.1.1.1). Each field left zero takes its default.
type Timers struct {
	T1 time.Duration // round-trip estimate: first interval between two sends
	T2 time.Duration // longest interval, but for an INVITE
	T4 time.Duration // how long a message lives in the network
}

// Default returns the values of RFC 3261: 500 ms, 4 s and 5 s.
func Default() Timers { return WithT1(500 * time.Millisecond) }

// WithT1 returns timers in the proportions of RFC 3261 for another T1.
func WithT1(t1 time.Duration) Timers { return Timers{T1: t1, T2: 8 * t1, T4: 10 * t1} }

func (t Timers) filled() Timers {
	d := Default()
	if t.T1 <= 0 {
		t.T1 = d.T1
	}
	if t.T2 <= 0 {
		t.T2 = d.T2
	}
	if t.T4 <= 0 {
		t.T4 = d.T4
	}
	return t
}

// life is 64*T1: timers B, F, H, J, L and M.
func (t Timers) life() time.Duration { return 64 * t.T1 }

// Unlimited as a number of retransmissions lets a request be repeated for the 64*T1
// of RFC 3261.
const Unlimited = -1

// Span is how long a request waits for its first response: through its last allowed
// retransmission and one more interval. Intervals double from T1, capped at T2 except
// for INVITE, and the whole is never beyond 64*T1 (timers B and F). With T1 = 500 ms,
// three retransmissions take 7.5 s. On a reliable flow nothing is repeated and the
// same span covers connect, handshake and first response.
func Span(t Timers, method string, retransmissions int) time.Duration {
	t = t.filled()
	if retransmissions < 0 {
		return t.life()
	}
	span, interval := time.Duration(0), t.T1
	for i := 0; i <= retransmissions && span < t.life(); i++ {
		span += interval
		interval = t.double(interval, method == sipmsg.INVITE)
	}
	return min(span, t.life())
}

// double is the interval after this one.
func (t Timers) double(interval time.Duration, uncapped bool) time.Duration {
	if uncapped {
		return 2 * interval
	}
	return min(2*interval, max(t.T1, t.T2))
}

// A Step is what the owner must do after a call. Any of its parts may be empty.
type Step struct {
	Send     []byte          // transmit this, on the flow of the transaction; not to be changed
	Response *sipmsg.Message // hand this to the transaction's user
	Ack      *sipmsg.Message // a server's: the ACK of a 2xx that came with the INVITE's branch
	Err      error           // of a client: it ended without a final response, for this cause
}

// A State is a state of the figures 5 to 8 of RFC 3261 and RFC 6026.
type State uint8

// The states by their names in the figures. A client is Idle before Start.
const (
	Idle       State = iota
	Calling          // INVITE client: sent, nothing heard
	Trying           // non-INVITE client: sent; server: no response yet
	Proceeding       // a provisional response came, or (INVITE server) none yet
	Completed        // a final response came or went: other than 2xx to an INVITE
	Accepted         // INVITE: a 2xx came or went (RFC 6026)
	Confirmed        // INVITE server: the ACK came
	Terminated
)

var stateNames = [...]string{"Idle", "Calling", "Trying", "Proceeding", "Completed", "Accepted", "Confirmed", "Terminated"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "State(" + strconv.Itoa(int(s)) + ")"
}

// A TimeoutError reports a request that was never answered, or (Status set) a response
// that was never acknowledged.
type TimeoutError struct {
	Method string        // of the request
	Status int           // of the response that waited for its ACK or PRACK; 0: the request waited
	Sends  int           // how often it was sent
	Waited time.Duration // since the first time
}

func (e *TimeoutError) Error() string {
	times := " sends in "
	if e.Sends == 1 {
		times = " send in "
	}
	waited := strconv.Itoa(e.Sends) + times + e.Waited.Round(time.Millisecond).String()
	switch {
	case e.Status == 0:
		return "no response to " + e.Method + " after " + waited
	case e.Status < 200:
		return fmt.Sprintf("no PRACK for %d after %s", e.Status, waited)
	}
	return fmt.Sprintf("no ACK for %d after %s", e.Status, waited)
}

// Timeout makes a TimeoutError one to errors.As(…, interface{ Timeout() bool }).
func (e *TimeoutError) Timeout() bool { return true }

// after is when the next repetition falls due: an interval after the one that was due
// at last, so that a late wake-up does not stretch the span, but never in the past.
func after(last, now time.Time, interval time.Duration) time.Time {
	if next := last.Add(interval); next.After(now) {
		return next
	}
	return now.Add(interval)
}

// wireOf writes a message in as much room as it takes, no more: a transaction keeps it
// for seconds, and the box is small.
func wireOf(m *sipmsg.Message) ([]byte, error) {
	wire, err := m.Append(make([]byte, 0, 512))
	if err != nil {
		return nil, err
	}
	return append(make([]byte, 0, len(wire)), wire...), nil
}
