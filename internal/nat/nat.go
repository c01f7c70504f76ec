// Package nat asks a STUN server for the address that a socket has outside (a Binding
// request of RFC 5389, as RFC 8489 has it), on pion/stun's messages.
//
// A Query is one transaction. It has no socket, clock or goroutine: its owner sends what it
// hands out from the socket whose address is wanted, an RTP socket before a call for
// instance, shows it what comes in there, and calls Expire at its Deadline.
package nat

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"
)

// Config is the retransmission schedule of RFC 5389 section 7.2.1. Zero fields take its values.
type Config struct {
	RTOMS int // before the first retransmission; doubled with each. 500
	Sends int // requests in all, Rc. 7
	LastN int // RTOs to wait after the last, Rm. 16
}

// ErrNoAnswer is the cause when the server was asked as often as allowed.
var ErrNoAnswer = errors.New("no answer")

// A Refusal is an error response of the server's.
type Refusal struct {
	Code   int // 300 to 699; 0 when it gave none
	Reason string
}

func (r *Refusal) Error() string { return fmt.Sprintf("refused: %d %q", r.Code, r.Reason) }

// A Step is what a call of a Query came to.
type Step struct {
	Send   []byte         // to be sent to the server now
	Mapped netip.AddrPort // the answer; the query is done
	Err    error          // the query failed and is done
}

// A Query is one question to one server.
type Query struct {
	server  netip.AddrPort
	id      [stun.TransactionIDSize]byte
	request []byte

	rto      time.Duration
	last     time.Duration
	sends    int // still to come
	wait     time.Duration
	deadline time.Time
	done     bool
}

// NewQuery makes a question to server.
func NewQuery(server netip.AddrPort, cfg Config) *Query {
	or := func(v, otherwise int) int {
		if v <= 0 {
			return otherwise
		}
		return v
	}
	rto := time.Duration(or(cfg.RTOMS, 500)) * time.Millisecond
	q := &Query{
		server: netip.AddrPortFrom(server.Addr().Unmap(), server.Port()),
		id:     stun.NewTransactionID(),
		rto:    rto, wait: rto, sends: or(cfg.Sends, 7), last: time.Duration(or(cfg.LastN, 16)) * rto,
	}
	m := stun.New()
	m.Type, m.TransactionID = stun.BindingRequest, q.id
	m.WriteHeader()
	q.request = m.Raw
	return q
}

// Server is who is asked.
func (q *Query) Server() netip.AddrPort { return q.server }

// Start sends the first request.
func (q *Query) Start(now time.Time) Step { return q.send(now) }

func (q *Query) send(now time.Time) Step {
	if q.sends--; q.sends == 0 {
		q.deadline = now.Add(q.last)
	} else {
		q.deadline = now.Add(q.wait)
		q.wait *= 2
	}
	return Step{Send: q.request}
}

// Expire sends the request again, or gives up, once Deadline has come.
func (q *Query) Expire(now time.Time) Step {
	if q.done || q.deadline.IsZero() || now.Before(q.deadline) {
		return Step{}
	}
	if q.sends > 0 {
		return q.send(now)
	}
	return q.fail(ErrNoAnswer)
}

// Receive takes a datagram. mine is false when it is not the answer to this question, and
// the owner's to look at: of another transaction, from somebody else, malformed, not STUN.
func (q *Query) Receive(from netip.AddrPort, data []byte) (step Step, mine bool) {
	if q.done || netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != q.server {
		return Step{}, false
	}
	answer, err := Parse(data)
	if err != nil || answer.ID != q.id {
		return Step{}, false
	}
	if answer.Refusal != nil {
		return q.fail(answer.Refusal), true
	}
	q.done, q.deadline = true, time.Time{}
	return Step{Mapped: answer.Mapped}, true
}

func (q *Query) fail(cause error) Step {
	q.done, q.deadline = true, time.Time{}
	return Step{Err: fmt.Errorf("STUN server %v: %w", q.server, cause)}
}

// Deadline is when to call Expire; zero: not at all.
func (q *Query) Deadline() time.Time { return q.deadline }

// Done reports whether there was an answer or a failure.
func (q *Query) Done() bool { return q.done }
