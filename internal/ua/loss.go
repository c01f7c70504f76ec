package ua

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// A connectError is a connection that did not come up in the span of its request.
type connectError struct{ waited time.Duration }

func (e *connectError) Error() string {
	return "no connection in " + e.waited.Round(time.Millisecond).String()
}

// Timeout makes it a timeout to errors.As.
func (e *connectError) Timeout() bool { return true }

// A cutError is the end of a connection that had been up when the request went out.
type cutError struct{ error }

func (e *cutError) Unwrap() error { return e.error }

// lost reports a request without a final response, and what that says of its server.
func (e *Endpoint) lost(now time.Time, r *Request, cause error) {
	if r.retreat && e.retreated(now, r, cause) {
		return
	}
	target := r.flow.Target()
	if e.condemns(r, cause) {
		e.stack.Health.Down(target, cause, now)
		var silence interface{ Timeout() bool }
		if errors.As(cause, &silence) {
			// The connection is of no use to anybody: the next request makes a new one.
			r.flow.Close(cause)
		}
	}
	if r.Msg.Method == sipmsg.INVITE && r.tx != nil {
		e.haunt(now, r)
	}
	e.fail(now, r, fmt.Errorf("%s at %s: %w", r.Msg.Method, target, cause))
}

// condemns reports a loss that proves the server dead, for all who use it: a connection
// refused or not answered, an ICMP error, or silence to a request that the next server
// answers by itself, an INVITE at least with 100 and a CANCEL with 200. What is sent
// within a dialog passes through it, and the silence may be that of the far end. A
// connection that was cut proves nothing until another one cannot be made.
func (e *Endpoint) condemns(r *Request, cause error) bool {
	var silence *transaction.TimeoutError
	var cut *cutError
	switch {
	case errors.As(cause, &cut), errors.Is(cause, transport.ErrTooLong):
		return false
	case !errors.As(cause, &silence):
		return true
	}
	switch r.Msg.Method {
	case sipmsg.REGISTER, sipmsg.OPTIONS, sipmsg.INVITE, sipmsg.CANCEL:
		return r.Msg.To.Tag() == ""
	}
	return false
}

// longWay is the TCP flow for a request too long for a datagram (RFC 3261 section
// 18.1.1); nil when it is short, or TCP is known not to work there.
func (e *Endpoint) longWay(r *Request, flow transport.Flow) transport.Flow {
	wire, err := r.Msg.Append(nil)
	if err != nil || !transport.TooLarge(flow, len(wire)) {
		return nil
	}
	t := flow.Target()
	t.Proto = transport.TCP
	if down, _, _ := e.stack.Health.State(t); down {
		return nil
	}
	tcp, err := e.stack.flow(t)
	if err != nil {
		return nil
	}
	return tcp
}

// detour is how much of its span a request may wait for a connection that only its
// length asks for: enough for any network, not so much that the call is late.
func (e *Endpoint) detour(span time.Duration) time.Duration { return min(span/4, 4*e.t1()) }

// retreated sends a long request by UDP after all, since TCP does not work there (RFC
// 3261 section 18.1.1), and remembers that. The time that a refused or slow connection
// took belongs to its span; a server that took the request by TCP and was silent gets
// another one, with a CSeq of its own lest the first be answered yet. The connection is
// left alone: a line that talks TCP to that server may have more patience.
func (e *Endpoint) retreated(now time.Time, r *Request, cause error) bool {
	r.retreat = false
	target := r.flow.Target()
	e.stack.Health.Down(target, cause, now)
	target.Proto = transport.UDP
	udp, err := e.stack.flow(target)
	if err != nil {
		return false
	}
	if r.tx != nil {
		e.again(r)
		r.begun = now
	}
	return e.begin(now, r, udp) == nil
}

// flowUp sends what waited for the connection.
func (e *Endpoint) flowUp(now time.Time, f transport.Flow) {
	for r := range e.waiting {
		if r.flow != f {
			continue
		}
		delete(e.waiting, r)
		if err := e.start(now, r); err != nil {
			e.fail(now, r, err)
		}
	}
}

// flowFailed ends the transactions that were waiting on f. An INVITE that rings may
// still be answered: the server may reach us in another way.
func (e *Endpoint) flowFailed(now time.Time, f transport.Flow, err error) {
	for r := range e.waiting {
		if r.flow == f {
			delete(e.waiting, r)
			e.lost(now, r, err)
		}
	}
	cause := err
	if f.Reliable() {
		cause = &cutError{err}
	}
	for _, t := range e.clients {
		if t.flow == f && !(t.r.Msg.Method == sipmsg.INVITE && t.r.heard > 100) {
			e.step(now, t, t.tx.FlowFailed(now, cause))
		}
	}
	if e.cfg.FlowFailed != nil {
		e.cfg.FlowFailed(now, f, err)
	}
}

// learn takes our address from the received and rport of a response (RFC 3581 section
// 4). A server that gives neither says nothing.
func (e *Endpoint) learn(f transport.Flow, res *sipmsg.Message) {
	if f.Reliable() || len(res.Via) == 0 {
		return
	}
	via := &res.Via[0]
	received, _ := via.Params.Get("received")
	rport, _ := via.Params.Get("rport")
	if received == "" && rport == "" {
		return
	}
	host, port := via.Host, uint64(via.Port)
	if received != "" {
		host = received
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return
	}
	if rport != "" {
		if port, err = strconv.ParseUint(rport, 10, 16); err != nil {
			return
		}
	}
	if port != 0 {
		e.stack.learn(f, netip.AddrPortFrom(addr.Unmap(), uint16(port)))
	}
}
