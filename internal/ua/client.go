package ua

import (
	"errors"
	"fmt"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// A Request is one request on its way to one target: a client transaction, with the
// repetitions that challenges cause. Fill the exported fields, hand it to Send, and
// leave it alone.
type Request struct {
	Msg    *sipmsg.Message  // complete but for Via, which Send adds; not to be changed afterwards
	Target transport.Target // where to send it
	Flow   transport.Flow   // the way, when it is known already; nil: opened to Target

	// Retransmissions is how often the request is repeated without a response, or
	// transaction.Unlimited. See transaction.Span.
	Retransmissions int

	Contact bool   // add our Contact
	Own     bool   // the target belongs to the owner: its challenges are answered
	Server  string // under which name its nonces are kept

	// Again makes the repetition after a challenge, with the next CSeq of its dialog; nil
	// for a request outside one.
	Again func(req *sipmsg.Message) *sipmsg.Message

	// Prepare, when set, completes Msg each time it is about to be sent, once the flow
	// and so our own address is known: a body that names it.
	Prepare func(m *sipmsg.Message, f transport.Flow)

	// On takes what becomes of it, inside Work: any number of provisional responses,
	// then one final response or one error. A 2xx to an INVITE may be followed by more
	// of them, repeated or forked (RFC 3261 section 13.2.2.4).
	On func(now time.Time, a Answer)

	tx       *transaction.Client // nil while the flow connects
	flow     transport.Flow
	begun    time.Time // when the span began
	exchange *digest.Exchange
	heard    int // highest status received
	cancel   *canceling
	retreat  bool // sent by TCP for its length only: back to UDP when that fails
}

// A try is one transaction of a Request. A Request that answered a challenge has an
// earlier try which only acknowledges what its server still repeats.
type try struct {
	r    *Request
	tx   *transaction.Client
	flow transport.Flow
}

func (t *try) current() bool { return t.r.tx == t.tx }

// An Answer is a response to a Request, or the reason why there is none.
type Answer struct {
	Response *sipmsg.Message
	Flow     transport.Flow // the way the response came
	Err      error          // no response, flow failed, or a challenge that must not be answered
	Late     bool           // a 2xx to an INVITE that Err had given up
}

// Unavailable reports an answer that means the server cannot serve, as the
// primary/backup document defines it: 500, 503, an unreachable address, a failed
// connection, or silence. The error says why.
func (a Answer) Unavailable() error {
	switch {
	case a.Response == nil:
		return a.Err
	case a.Response.StatusCode == 500, a.Response.StatusCode == 503:
		return fmt.Errorf("%d %s", a.Response.StatusCode, a.Response.Reason)
	}
	return nil
}

const (
	// maxDatagram: RFC 3261 section 18.1.1: a request within 200 octets of the path
	// MTU, or over 1300 when that is unknown, MUST go by a congestion controlled transport.
	maxDatagram = 1300

	// tcpPatience is how many T1 a connection made only for a long request may take.
	tcpPatience = 4
)

// Send begins a request. Whatever becomes of it, also at once, is told to On later,
// from inside Work.
func (e *Endpoint) Send(now time.Time, r *Request) {
	flow := r.Flow
	if flow == nil {
		var err error
		if flow, err = e.stack.flow(r.Target); err != nil {
			e.failLater(r, err)
			return
		}
	}
	if e.cfg.Credentials != nil {
		r.exchange = e.cfg.Credentials.Exchange(r.Server, r.Own)
		r.exchange.Authorize(r.Msg)
	}
	if err := e.begin(now, r, flow); err != nil {
		e.failLater(r, err)
	}
}

func (e *Endpoint) failLater(r *Request, err error) {
	e.post(event{kind: call, fn: func(now time.Time) { e.fail(now, r, err) }})
}

// begin starts a transaction for r on flow, or waits with it for the connection: Via
// and Contact name our end of it. The span runs from here.
func (e *Endpoint) begin(now time.Time, r *Request, flow transport.Flow) error {
	r.tx, r.flow, r.begun, r.heard = nil, flow, now, 0
	if !flow.Reliable() {
		e.prepare(r, flow)
		if long := e.longWay(r, flow); long != nil {
			r.retreat, r.flow = true, long
		}
	}
	if r.flow.Reliable() && !r.flow.Up() {
		e.waiting[r] = struct{}{}
		return nil
	}
	return e.start(now, r)
}

// start begins the transaction of r on its flow, which is up.
func (e *Endpoint) start(now time.Time, r *Request) error {
	e.prepare(r, r.flow)
	tx, err := transaction.NewClient(r.Msg, r.flow.Reliable(), e.cfg.Timers, r.Retransmissions)
	if err != nil {
		return err
	}
	r.tx = tx
	t := &try{r, tx, r.flow}
	e.clients[transaction.Key(r.Msg)] = t
	e.step(now, t, tx.Start(r.begun))
	return nil
}

// connectBy is when r gives up waiting for its connection.
func (e *Endpoint) connectBy(r *Request) time.Time {
	span := transaction.Span(e.cfg.Timers, r.Msg.Method, r.Retransmissions)
	if r.retreat {
		span = min(span, tcpPatience*e.t1())
	}
	return r.begun.Add(span)
}

func (e *Endpoint) t1() time.Duration {
	if t := e.cfg.Timers.T1; t > 0 {
		return t
	}
	return transaction.Default().T1
}

// prepare writes what depends on the flow: Via, and Contact when one is wanted.
func (e *Endpoint) prepare(r *Request, flow transport.Flow) {
	local := flow.Local()
	via := sipmsg.Via{Transport: flow.Target().Proto.Via(), Host: local.Addr().Unmap().String(), Port: int(local.Port())}
	via.Params.Set("branch", e.newBranch())
	via.Params.SetFlag("rport") // RFC 3581
	r.Msg.Via = []sipmsg.Via{via}
	if r.Contact {
		params := sipmsg.Params(nil)
		if len(r.Msg.Contact) == 1 {
			params = r.Msg.Contact[0].Params
		}
		contact := e.Contact(flow)
		contact.Params = params
		r.Msg.Contact = []sipmsg.Addr{contact}
	}
	if e.cfg.UserAgent != "" {
		r.Msg.Header.Set("User-Agent", e.cfg.UserAgent)
	}
	if r.Prepare != nil {
		r.Prepare(r.Msg, flow)
	}
}

// longWay is the TCP flow for a request too long for a datagram (RFC 3261 section
// 18.1.1); nil when it is short, or TCP is known not to work there.
func (e *Endpoint) longWay(r *Request, flow transport.Flow) transport.Flow {
	if flow.Reliable() {
		return nil
	}
	wire, err := r.Msg.Append(nil)
	if err != nil || len(wire) <= maxDatagram {
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

// step does what a transaction asks for.
func (e *Endpoint) step(now time.Time, t *try, s transaction.Step) {
	if s.Send != nil {
		var shown *sipmsg.Message
		if st := t.tx.State(); st == transaction.Calling || st == transaction.Trying || st == transaction.Proceeding {
			shown = t.tx.Request()
		}
		e.transmit(t.flow, shown, s.Send)
	}
	if t.tx.Done() || s.Err != nil {
		delete(e.clients, transaction.Key(t.tx.Request()))
	}
	if !t.current() {
		return
	}
	if s.Response != nil {
		e.answered(now, t.r, s.Response)
	}
	if s.Err != nil {
		e.lost(now, t.r, s.Err)
	}
}

// response gives a response to its transaction, or to what is left of it.
func (e *Endpoint) response(now time.Time, ev event) {
	id := transaction.Key(ev.msg)
	t := e.clients[id]
	if t == nil {
		e.late(now, id, ev)
		return
	}
	e.learn(now, ev.flow, ev.msg)
	if c := ev.msg.StatusCode; c != 500 && c != 503 {
		e.stack.Health.Up(t.flow.Target(), now)
	}
	e.step(now, t, t.tx.Receive(now, ev.msg))
}

// answered hands a response up, unless it is a challenge that can be met.
func (e *Endpoint) answered(now time.Time, r *Request, res *sipmsg.Message) {
	r.heard = max(r.heard, res.StatusCode)
	switch {
	case res.IsProvisional():
		if c := r.cancel; c != nil && !c.sent {
			e.sendCancel(now, r)
		}
	case res.StatusCode == 401 || res.StatusCode == 407:
		retried, err := e.challenged(now, r, res)
		if retried {
			return
		}
		r.On(now, Answer{Response: res, Flow: r.flow, Err: err})
		return
	case res.IsSuccess() && r.exchange != nil:
		r.exchange.Accepted(res)
	}
	r.On(now, Answer{Response: res, Flow: r.flow})
}

// challenged repeats a request with credentials: only for a server of the owner's.
func (e *Endpoint) challenged(now time.Time, r *Request, res *sipmsg.Message) (retried bool, err error) {
	if r.exchange == nil || r.cancel != nil {
		return false, nil
	}
	if err := r.exchange.Challenged(r.Msg, res); err != nil {
		return false, err
	}
	var next *sipmsg.Message
	if r.Again != nil {
		next = r.Again(r.Msg)
	} else {
		next = r.Msg.Clone()
		next.CSeq.Seq++
	}
	r.exchange.Authorize(next)
	r.Msg = next
	if err := e.begin(now, r, r.flow); err != nil {
		return false, err
	}
	return true, nil
}

// lost reports a request without a final response.
func (e *Endpoint) lost(now time.Time, r *Request, cause error) {
	target := r.flow.Target()
	var timeout *transaction.TimeoutError
	silent := errors.As(cause, &timeout)
	if silent && r.flow.Reliable() {
		// The connection is of no use to anybody: the next request makes a new one.
		r.flow.Close(cause)
	}
	if r.retreat {
		e.stack.Health.Down(target, cause, now)
		r.retreat = false
		target.Proto = transport.UDP
		if udp, err := e.stack.flow(target); err == nil {
			if err = e.begin(now, r, udp); err == nil {
				return
			}
		}
	}
	e.stack.Health.Down(target, cause, now)
	if r.Msg.Method == sipmsg.INVITE && r.tx != nil {
		e.haunt(now, r)
	}
	e.fail(now, r, fmt.Errorf("%s at %s: %w", r.Msg.Method, target, cause))
}

func (e *Endpoint) fail(now time.Time, r *Request, err error) {
	if c := r.cancel; c != nil && !c.sent {
		c.done(now, Answer{Err: err})
	}
	r.On(now, Answer{Err: err, Flow: r.flow})
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
	for _, t := range e.clients {
		if t.flow == f && !(t.r.Msg.Method == sipmsg.INVITE && t.r.heard > 100) {
			e.step(now, t, t.tx.FlowFailed(now, err))
		}
	}
	if f.Reliable() {
		delete(e.seen, f)
	}
	if e.cfg.FlowFailed != nil {
		e.cfg.FlowFailed(now, f, err)
	}
}
