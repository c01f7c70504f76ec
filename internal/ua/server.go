package ua

import (
	"net/netip"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// tryingAfter: RFC 3261 section 17.2.1.
const tryingAfter = 200 * time.Millisecond

// An Incoming is a request that somebody sent us, and the transaction that answers it.
type Incoming struct {
	Req  *sipmsg.Message
	Flow transport.Flow // the way to answer
	From netip.AddrPort
	Tag  string // our To tag for responses; the request's own in a dialog

	// Cancel is the CANCEL that gave the request up; nil: none came.
	Cancel *sipmsg.Message

	// OnCancel is told when the request is cancelled before its final response (which
	// the owner then sends: 487); OnLost when a final response was never acknowledged.
	OnCancel func(now time.Time)
	OnLost   func(now time.Time, err error)

	e  *Endpoint
	tx *transaction.Server
}

// request gives a request to its transaction, or begins one.
func (e *Endpoint) request(now time.Time, ev event) {
	id := transaction.ServerKey(ev.msg)
	if in := e.servers[id]; in != nil {
		in.step(now, in.tx.Receive(now, ev.msg))
		return
	}
	if ev.msg.Method == sipmsg.ACK {
		if e.cfg.Acknowledged != nil {
			e.cfg.Acknowledged(now, ev.msg)
		}
		return
	}
	if !e.roomFor(now, ev) {
		return
	}
	in := &Incoming{Req: ev.msg, Flow: ev.flow, From: ev.from, Tag: ev.msg.To.Tag(), e: e}
	if in.Tag == "" {
		in.Tag = NewTag()
	}
	merged := e.merged(ev.msg)
	in.tx = transaction.NewServer(ev.msg, ev.flow.Reliable(), e.cfg.Timers)
	if e.servers == nil {
		e.servers = map[transaction.ID]*Incoming{}
	}
	e.servers[id] = in
	switch {
	case merged:
		in.Respond(now, 482, "") // RFC 3261 section 8.2.2.2
	case ev.msg.Method == sipmsg.CANCEL:
		e.cancelled(now, in)
	case e.cfg.Incoming == nil:
		in.Respond(now, 481, "")
	default:
		in.tx.TryingAt(now.Add(tryingAfter))
		e.cfg.Incoming(now, in)
	}
}

// forgetServer makes room by forgetting the transaction, of another request than INVITE, that
// was answered longest ago. A repetition of its request is then taken for a new one; better
// that than to be deaf.
func (e *Endpoint) forgetServer() bool {
	var oldest transaction.ID
	var until time.Time
	for id, in := range e.servers {
		if in.tx.State() != transaction.Completed || in.Req.Method == sipmsg.INVITE {
			continue
		}
		if d := in.tx.Deadline(); until.IsZero() || d.Before(until) {
			oldest, until = id, d
		}
	}
	delete(e.servers, oldest)
	return !until.IsZero()
}

// merged reports a request that came before by another way: same Call-ID, From tag and
// CSeq, outside a dialog, in another transaction.
func (e *Endpoint) merged(m *sipmsg.Message) bool {
	if m.To.Tag() != "" || m.Method == sipmsg.CANCEL {
		return false
	}
	for _, in := range e.servers {
		r := in.Req
		if r.CallID == m.CallID && r.CSeq == m.CSeq && r.From.Tag() == m.From.Tag() && r.To.Tag() == "" {
			return true
		}
	}
	return false
}

// cancelled answers a CANCEL and tells the request it is for (RFC 3261 section 9.2).
func (e *Endpoint) cancelled(now time.Time, cancel *Incoming) {
	in := e.servers[transaction.CancelledKey(cancel.Req)]
	if in == nil {
		cancel.Respond(now, 481, "")
		return
	}
	cancel.Tag = in.Tag
	cancel.Respond(now, 200, "")
	if s := in.tx.State(); (s == transaction.Proceeding || s == transaction.Trying) && in.OnCancel != nil {
		in.Cancel = cancel.Req
		in.OnCancel(now)
	}
}

// Response builds a response with our To tag and product name. Responses that make a
// dialog need the Contact that Endpoint.Contact gives.
func (in *Incoming) Response(code int, reason string) *sipmsg.Message {
	res := in.Req.Response(code, reason)
	if code > 100 && res.To.Tag() == "" {
		res.To = res.To.WithTag(in.Tag)
	}
	if in.e.cfg.UserAgent != "" {
		res.Header.Set("Server", in.e.cfg.UserAgent)
	}
	return res
}

// Respond sends a plain response.
func (in *Incoming) Respond(now time.Time, code int, reason string) {
	in.RespondWith(now, in.Response(code, reason))
}

// RespondWith sends a response and returns it as it went out, for repetition by
// transaction.Resend; nil when it could not be written. The request has its final response
// then all the same, a bare one: what cannot be written often holds what the request brought,
// and a transaction without an end would keep its place for ever.
func (in *Incoming) RespondWith(now time.Time, res *sipmsg.Message) []byte {
	s := in.tx.Respond(now, res)
	if s.Err != nil {
		in.e.log.Error("response not sent", "response", res, "err", s.Err)
		if !res.IsProvisional() && !in.Answered() {
			in.respondBare(now, res.StatusCode)
		}
		return nil
	}
	in.send(res, s.Send)
	return s.Send
}

// respondBare answers with what RFC 3261 section 8.2.6.2 demands and nothing else: the failure
// that was meant, or 500 where it was none. A request that even this cannot answer is dropped.
func (in *Incoming) respondBare(now time.Time, code int) {
	if code < 400 || code > 699 {
		code = 500
	}
	res := in.Req.Response(code, "")
	if res.To.Tag() == "" {
		res.To = res.To.WithTag(in.Tag)
	}
	s := in.tx.Respond(now, res)
	if s.Err != nil {
		in.e.log.Error("request dropped without a response", "response", res, "err", s.Err)
		in.tx.Abandon()
		return
	}
	in.send(res, s.Send)
}

// send puts a response on the way that the request came, or where that connection is
// gone on a new one to the same place (RFC 3261 section 18.2.2).
func (in *Incoming) send(res *sipmsg.Message, wire []byte) {
	if in.Flow.Reliable() && !in.Flow.Up() {
		if f, err := in.e.stack.flow(transport.ReplyTarget(in.Req, in.Flow)); err == nil {
			in.Flow = f
		}
	}
	_ = in.e.transmit(in.Flow, res, wire) // a lost response is sent again with the request
}

// Resend repeats a response that RespondWith returned, as transaction.Resend wants.
func (in *Incoming) Resend(wire []byte) { in.send(nil, wire) }

// Answered reports that a final response was sent.
func (in *Incoming) Answered() bool {
	s := in.tx.State()
	return s != transaction.Proceeding && s != transaction.Trying
}

func (in *Incoming) step(now time.Time, s transaction.Step) {
	if s.Send != nil {
		in.send(nil, s.Send)
	}
	if s.Ack != nil && in.e.cfg.Acknowledged != nil {
		in.e.cfg.Acknowledged(now, s.Ack)
	}
	if s.Err != nil && in.OnLost != nil {
		in.OnLost(now, s.Err)
	}
}

// Transmit sends a message that has no transaction: the ACK of a 2xx, which is sent
// again for every repetition of it (RFC 3261 section 13.2.2.4).
func (e *Endpoint) Transmit(f transport.Flow, wire []byte) {
	_ = e.transmit(f, nil, wire) // as good as lost on the way
}

// SendAck sends the ACK of a 2xx on its own branch and returns it as sent.
func (e *Endpoint) SendAck(f transport.Flow, ack *sipmsg.Message) ([]byte, error) {
	r := &Request{Msg: ack}
	e.prepare(r, f)
	wire, err := ack.Append(nil)
	if err != nil {
		return nil, err
	}
	_ = e.transmit(f, ack, wire) // as good as lost on the way
	return wire, nil
}
