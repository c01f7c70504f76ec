package ua

import (
	"errors"
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
	// of them, repeated or forked (RFC 3261 section 13.2.2.4), and so may the error.
	On func(now time.Time, a Answer)

	tx       *transaction.Client // nil while the flow connects
	flow     transport.Flow
	begun    time.Time // when the span began
	exchange *digest.Exchange
	heard    int // highest status received
	cancel   *canceling
	retreat  bool // sent by TCP for its length only: back to UDP when that fails
	over     bool // its final response, or error, was told
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
	Request  *sipmsg.Message // as it was sent last: after a challenge another one than Msg was
	Response *sipmsg.Message
	Flow     transport.Flow // the way the response came
	Err      error          // no response, flow failed, or a challenge that must not be answered
	Late     bool           // a 2xx to an INVITE that Err had given up
	Cut      bool           // with Err: a connection that stood before was lost on the way
}

// Silent reports that nothing was heard in the whole span of the request, which proves
// less than a refusal where the answer would have come from behind the server.
func (a Answer) Silent() bool {
	var silence *transaction.TimeoutError
	return a.Response == nil && errors.As(a.Err, &silence)
}

// Unavailable reports an answer that means the server cannot serve, as the
// primary/backup document defines it: 500, 503, an unreachable address, a failed
// connection, or silence. The error says why.
func (a Answer) Unavailable() error {
	switch {
	case a.Response == nil:
		return a.Err
	case a.Response.StatusCode == 500, a.Response.StatusCode == 503:
		return errors.New(sipmsg.Told(a.Response.StatusCode, a.Response.Reason))
	}
	return nil
}

// Send begins a request. Whatever becomes of it, also at once, is told to On later,
// from inside Work.
func (e *Endpoint) Send(now time.Time, r *Request) {
	if e.ended {
		return
	}
	r.begun = now
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
	e.Post(func(now time.Time) { e.fail(now, r, err) })
}

// begin starts a transaction for r on flow, or waits with it for the connection: Via
// and Contact name our end of it. The span runs from r.begun.
func (e *Endpoint) begin(now time.Time, r *Request, flow transport.Flow) error {
	r.tx, r.flow, r.heard = nil, flow, 0
	if !flow.Reliable() {
		e.prepare(r, flow)
		if long := e.longWay(r, flow); long != nil {
			r.retreat, r.flow = true, long
		}
	}
	if r.flow.Reliable() && !r.flow.Up() {
		if e.waiting == nil {
			e.waiting = map[*Request]struct{}{}
		}
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
	e.keep(transaction.Key(r.Msg), t)
	first := tx.Start(now)
	tx.EndBy(r.begun.Add(e.span(r)))
	e.step(now, t, first)
	return nil
}

func (e *Endpoint) keep(id transaction.ID, t *try) {
	if e.clients == nil {
		e.clients = map[transaction.ID]*try{}
	}
	e.clients[id] = t
}

// span is how long r may wait for its first response, connecting included.
func (e *Endpoint) span(r *Request) time.Duration {
	return transaction.Span(e.cfg.Timers, r.Msg.Method, r.Retransmissions)
}

// connectBy is when r gives up waiting for its connection.
func (e *Endpoint) connectBy(r *Request) time.Time {
	span := e.span(r)
	if r.retreat {
		span = e.detour(span)
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
		if len(r.Msg.Contact) > 0 {
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

// step does what a transaction asks for.
func (e *Endpoint) step(now time.Time, t *try, s transaction.Step) {
	if s.Send != nil {
		e.sendStep(t, s.Send)
	}
	if t.tx.Done() || t.tx.Spent() || s.Err != nil {
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

// sendStep transmits for a transaction. A datagram that this host could not send counts
// as one that was lost on the way: the route may be back before the next repetition.
func (e *Endpoint) sendStep(t *try, wire []byte) {
	var shown *sipmsg.Message
	if st := t.tx.State(); st == transaction.Calling || st == transaction.Trying || st == transaction.Proceeding {
		shown = t.tx.Request()
	}
	err := e.transmit(t.flow, shown, wire)
	switch {
	case err == nil:
		return
	case t.flow.Reliable():
		t.flow.Close(err) // it is stuck, if it has not ended already
		err = &cutError{err}
	case !errors.Is(err, transport.ErrTooLong):
		return
	}
	e.Post(func(now time.Time) { e.step(now, t, t.tx.FlowFailed(now, err)) })
}

// response gives a response to its transaction, or to what is left of it.
func (e *Endpoint) response(now time.Time, ev event) {
	id := transaction.Key(ev.msg)
	t := e.clients[id]
	if t == nil {
		e.late(now, id, ev)
		return
	}
	e.learn(t.flow, ev.msg)
	if c := ev.msg.StatusCode; c != 500 && c != 503 {
		e.stack.Health.Up(t.flow.Target(), now)
	}
	t.r.retreat = false
	e.step(now, t, t.tx.Receive(now, ev.msg))
}

// answered hands a response up, unless it is a challenge that can be met.
func (e *Endpoint) answered(now time.Time, r *Request, res *sipmsg.Message) {
	r.heard = max(r.heard, res.StatusCode)
	var err error
	switch {
	case res.IsProvisional():
		if c := r.cancel; c != nil && !c.sent {
			e.sendCancel(now, r)
		}
		r.On(now, Answer{Request: r.Msg, Response: res, Flow: r.flow})
		return
	case res.StatusCode == 401 || res.StatusCode == 407:
		var retried bool
		if retried, err = e.challenged(now, r, res); retried {
			return
		}
	case res.IsSuccess() && r.exchange != nil:
		r.exchange.Accepted(res)
	}
	r.over = true
	r.On(now, Answer{Request: r.Msg, Response: res, Flow: r.flow, Err: err})
}

// challenged repeats a request with credentials: only for a server of the owner's.
func (e *Endpoint) challenged(now time.Time, r *Request, res *sipmsg.Message) (retried bool, err error) {
	if r.exchange == nil || r.cancel != nil {
		return false, nil
	}
	if err := r.exchange.Challenged(r.Msg, res); err != nil {
		return false, err
	}
	flow := r.flow
	if flow.Reliable() && !flow.Up() {
		// A server may close the connection behind its challenge.
		if flow, err = e.stack.flow(flow.Target()); err != nil {
			return false, err
		}
	}
	e.again(r)
	r.exchange.Authorize(r.Msg)
	r.begun = now
	if err := e.begin(now, r, flow); err != nil {
		return false, err
	}
	return true, nil
}

// again makes a new request of r, with the next CSeq.
func (e *Endpoint) again(r *Request) {
	if r.Again != nil {
		r.Msg = r.Again(r.Msg)
		return
	}
	r.Msg = r.Msg.Clone()
	r.Msg.CSeq.Seq++
}

func (e *Endpoint) fail(now time.Time, r *Request, err error) {
	if r.over {
		return
	}
	r.over = true
	if c := r.cancel; c != nil && !c.sent {
		c.done(now, Answer{Err: err})
	}
	var cut *cutError
	r.On(now, Answer{Request: r.Msg, Err: err, Flow: r.flow, Cut: errors.As(err, &cut)})
}
