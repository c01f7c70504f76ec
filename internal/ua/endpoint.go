package ua

import (
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// EndpointConfig is what an endpoint needs to know of its owner.
type EndpointConfig struct {
	Timers      transaction.Timers
	Credentials *digest.Client // answers challenges; nil: none is answered
	UserAgent   string         // of requests and responses; empty: none
	Fallback    bool           // takes requests that name no contact of the device

	// Accepts is asked, on the transport's goroutine, whether a source may send
	// requests. Nil accepts all.
	Accepts func(netip.Addr) bool

	// Incoming takes each new request but ACK and CANCEL, inside Work.
	Incoming func(now time.Time, in *Incoming)

	// Acknowledged takes the ACK of a 2xx, inside Work.
	Acknowledged func(now time.Time, ack *sipmsg.Message)

	// FlowFailed is told of every flow that fails, inside Work. May be nil.
	FlowFailed func(now time.Time, f transport.Flow, err error)

	// Mapped is told when a server sees us at another address than before, inside
	// Work. May be nil.
	Mapped func(now time.Time, f transport.Flow, seen netip.AddrPort)

	Log *slog.Logger
}

// An Endpoint is one user agent: the transactions and the contact of a line. All its
// methods but Post and Ready belong to the goroutine of its owner.
type Endpoint struct {
	mailbox
	stack *Stack
	cfg   EndpointConfig
	log   *slog.Logger

	number  int
	contact string

	waiting map[*Request]struct{} // for their connection
	clients map[transaction.ID]*try
	servers map[transaction.ID]*Incoming
	ghosts  map[transaction.ID]*ghost
	seen    map[transport.Flow]netip.AddrPort // our address as the far end of a UDP flow sees it
}

// NewEndpoint adds an endpoint to the stack. Its owner ends it with Close.
func (s *Stack) NewEndpoint(cfg EndpointConfig) *Endpoint {
	if cfg.Log == nil {
		cfg.Log = s.log
	}
	e := &Endpoint{
		mailbox: newMailbox(), stack: s, cfg: cfg, log: cfg.Log,
		waiting: map[*Request]struct{}{},
		clients: map[transaction.ID]*try{}, servers: map[transaction.ID]*Incoming{},
	}
	s.add(e, cfg.Fallback)
	return e
}

// Close forgets every transaction without a word to anybody.
func (e *Endpoint) Close() {
	e.stack.remove(e)
	e.mailbox.close()
	e.waiting, e.clients, e.servers, e.ghosts = nil, nil, nil, nil
}

// Ready yields when Work has something to do.
func (e *Endpoint) Ready() <-chan struct{} { return e.ready }

// Post has fn run inside Work: the way of other goroutines to the owner's state. It
// reports false when the endpoint is closed.
func (e *Endpoint) Post(fn func(now time.Time)) bool { return e.post(event{kind: call, fn: fn}) }

// Work does what has come in and what is due.
func (e *Endpoint) Work(now time.Time) {
	for _, ev := range e.take() {
		switch ev.kind {
		case call:
			ev.fn(now)
		case received:
			if ev.msg.IsRequest() {
				e.request(now, ev)
			} else {
				e.response(now, ev)
			}
		case flowUp:
			e.flowUp(now, ev.flow)
		case flowFailed:
			e.flowFailed(now, ev.flow, ev.err)
		}
	}
	e.expire(now)
}

// Deadline is when Work is due although nothing came in; zero for never.
func (e *Endpoint) Deadline() time.Time {
	var d time.Time
	for r := range e.waiting {
		d = earlier(d, e.connectBy(r))
	}
	for _, t := range e.clients {
		d = earlier(d, t.tx.Deadline())
	}
	for _, in := range e.servers {
		d = earlier(d, in.tx.Deadline())
	}
	for _, g := range e.ghosts {
		d = earlier(d, g.until)
	}
	return d
}

func (e *Endpoint) expire(now time.Time) {
	for r := range e.waiting {
		if due(now, e.connectBy(r)) {
			delete(e.waiting, r)
			e.lost(now, r, &transaction.TimeoutError{Method: r.Msg.Method, Waited: now.Sub(r.begun)})
		}
	}
	for _, t := range e.clients {
		if due(now, t.tx.Deadline()) {
			e.step(now, t, t.tx.Expire(now))
		}
	}
	for id, in := range e.servers {
		if at := in.tx.Deadline(); due(now, at) {
			in.step(now, in.tx.Expire(now))
		}
		if in.tx.Done() {
			delete(e.servers, id)
		}
	}
	for id, g := range e.ghosts {
		if due(now, g.until) {
			delete(e.ghosts, id)
		}
	}
}

func (e *Endpoint) accepts(a netip.Addr) bool {
	return e.cfg.Accepts == nil || e.cfg.Accepts(a.Unmap())
}

// newBranch makes a branch that leads its response back to this endpoint.
func (e *Endpoint) newBranch() string {
	return transaction.NewBranch() + "." + strconv.Itoa(e.number)
}

// NewTag makes a tag, or a Call-ID, that nobody can guess.
func NewTag() string { return randomToken() }

// Contact is our address for requests of the far end of f, as that end sees us: the
// local address, or behind a NAT the mapped one.
func (e *Endpoint) Contact(f transport.Flow) sipmsg.Addr {
	at := e.Address(f)
	u := sipmsg.URI{Scheme: "sip", User: e.contact, Host: at.Addr().Unmap().String(), Port: int(at.Port())}
	if p := f.Target().Proto; p != transport.UDP {
		u.Params.Set("transport", p.String())
	}
	return sipmsg.Addr{URI: u}
}

// ContactUser is the user part of our Contact.
func (e *Endpoint) ContactUser() string { return e.contact }

// Address is where the far end of f sees us.
func (e *Endpoint) Address(f transport.Flow) netip.AddrPort {
	if at, ok := e.seen[f]; ok {
		return at
	}
	return f.Local()
}

// SetAddress says where the far end of f sees us, learned by STUN.
func (e *Endpoint) SetAddress(f transport.Flow, at netip.AddrPort) {
	if e.seen == nil {
		e.seen = map[transport.Flow]netip.AddrPort{}
	}
	e.seen[f] = at
}

// Flow opens the way to a target.
func (e *Endpoint) Flow(t transport.Target) (transport.Flow, error) { return e.stack.flow(t) }

// learn takes our address from received and rport of a response (RFC 3581 section 4).
func (e *Endpoint) learn(now time.Time, f transport.Flow, res *sipmsg.Message) {
	if f.Reliable() || len(res.Via) == 0 {
		return
	}
	via := res.Via[0]
	host := via.Host
	if r, ok := via.Params.Get("received"); ok && r != "" {
		host = r
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return
	}
	port := via.Port
	if r, ok := via.Params.Get("rport"); ok && r != "" {
		if port, err = strconv.Atoi(r); err != nil || port < 1 || port > 65535 {
			return
		}
	}
	at := netip.AddrPortFrom(addr.Unmap(), uint16(port))
	if !at.IsValid() || port == 0 || at == e.Address(f) {
		return
	}
	e.SetAddress(f, at)
	if e.cfg.Mapped != nil {
		e.cfg.Mapped(now, f, at)
	}
}

// transmit puts wire on a flow. A failure comes back by FlowFailed or as silence.
func (e *Endpoint) transmit(f transport.Flow, m *sipmsg.Message, wire []byte) {
	if tap := e.stack.tapped(); tap != nil && m != nil {
		tap(f, true, f.Local(), m)
	}
	if err := f.Send(wire); err != nil {
		e.log.Debug("not sent", "to", f.Target(), "message", m, "err", err)
		e.post(event{kind: flowFailed, flow: f, err: err})
	}
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

func earlier(a, b time.Time) time.Time {
	switch {
	case b.IsZero():
		return a
	case a.IsZero(), b.Before(a):
		return b
	}
	return a
}
