package ua

import (
	"context"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"tipring/internal/deadline"
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
	Owner       int            // who it is to a Tap: the number of a line, or 0
	Fallback    bool           // takes requests that name no contact of the device

	// Contact is the user part of our Contact, which nobody must be able to guess. One
	// that stays the same over a restart replaces its own binding at a registrar, where a
	// new one would stand beside it. Empty, or taken by another endpoint: a random one.
	Contact string

	// Accepts is asked, on the transport's goroutine, whether a source may send
	// requests. Nil accepts all.
	Accepts func(netip.Addr) bool

	// Incoming takes each new request but ACK and CANCEL, inside Work. Nil: each is
	// refused with 481.
	Incoming func(now time.Time, in *Incoming)

	// Acknowledged takes the ACK of a 2xx, inside Work. May be nil.
	Acknowledged func(now time.Time, ack *sipmsg.Message)

	// FlowFailed is told of every flow that fails, inside Work. May be nil.
	FlowFailed func(now time.Time, f transport.Flow, err error)

	// Mapped is told when the far end of a flow sees us at another address than
	// before, inside Work. May be nil.
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
	ended   bool

	waiting map[*Request]struct{} // for their connection
	clients map[transaction.ID]*try
	servers map[transaction.ID]*Incoming
	ghosts  map[transaction.ID]*ghost

	over overload
}

// NewEndpoint adds an endpoint to the stack. Its owner ends it with Close.
func (s *Stack) NewEndpoint(cfg EndpointConfig) *Endpoint {
	if cfg.Log == nil {
		cfg.Log = s.log
	}
	e := &Endpoint{
		mailbox: newMailbox(), stack: s, cfg: cfg, log: cfg.Log,
	}
	s.add(e)
	return e
}

// Run is the loop of an owner that has no other inputs: it calls Work, then work, until
// ctx is done, when something has come in and when its own Deadline or that of due
// has come. It does not Close.
func (e *Endpoint) Run(ctx context.Context, work func(now time.Time), due func() time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		e.Work(now)
		work(now)
		timer.Stop()
		if d := deadline.Earlier(e.Deadline(), due()); !d.IsZero() {
			timer.Reset(max(0, time.Until(d)))
		}
		select {
		case <-ctx.Done():
			return
		case <-e.Ready():
		case <-timer.C:
		}
	}
}

// Close forgets every transaction without a word to anybody. What other goroutines had
// posted still runs, so that none of them waits in vain; nothing is sent any more.
func (e *Endpoint) Close() {
	e.stack.remove(e)
	rest := e.mailbox.close()
	e.ended = true
	e.waiting, e.clients, e.servers, e.ghosts = nil, nil, nil, nil
	now := time.Now()
	for _, ev := range rest {
		if ev.kind == call {
			ev.fn(now)
		}
	}
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
		case mapped:
			if e.cfg.Mapped != nil {
				e.cfg.Mapped(now, ev.flow, ev.from)
			}
		}
	}
	e.expire(now)
}

// Deadline is when Work is due although nothing came in; zero for never.
func (e *Endpoint) Deadline() time.Time {
	d := e.over.sumAt
	for r := range e.waiting {
		d = deadline.Earlier(d, e.connectBy(r))
	}
	for _, t := range e.clients {
		d = deadline.Earlier(d, t.tx.Deadline())
	}
	for _, in := range e.servers {
		d = deadline.Earlier(d, in.tx.Deadline())
	}
	for _, g := range e.ghosts {
		d = deadline.Earlier(d, g.until)
	}
	return d
}

func (e *Endpoint) expire(now time.Time) {
	for r := range e.waiting {
		if deadline.Due(now, e.connectBy(r)) {
			delete(e.waiting, r)
			e.lost(now, r, &connectError{waited: now.Sub(r.begun)})
		}
	}
	for _, t := range e.clients {
		if deadline.Due(now, t.tx.Deadline()) {
			e.step(now, t, t.tx.Expire(now))
		}
	}
	for id, in := range e.servers {
		if at := in.tx.Deadline(); deadline.Due(now, at) {
			in.step(now, in.tx.Expire(now))
		}
		if in.tx.Done() {
			delete(e.servers, id)
		}
	}
	for id, g := range e.ghosts {
		if deadline.Due(now, g.until) {
			delete(e.ghosts, id)
		}
	}
	e.over.expire(now, e)
	e.shed()
}

// shed drops empty maps: with hundreds of idle lines their buckets are worth the memory.
func (e *Endpoint) shed() {
	if len(e.waiting) == 0 {
		e.waiting = nil
	}
	if len(e.clients) == 0 {
		e.clients = nil
	}
	if len(e.servers) == 0 {
		e.servers = nil
	}
	if len(e.ghosts) == 0 {
		e.ghosts = nil
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
	return e.ContactAt(e.Address(f), f.Target().Proto)
}

// ContactAt is our contact at an address that is, or was, ours.
func (e *Endpoint) ContactAt(at netip.AddrPort, p transport.Proto) sipmsg.Addr {
	u := sipmsg.URI{Scheme: "sip", User: e.contact, Host: at.Addr().Unmap().String(), Port: int(at.Port())}
	if p != transport.UDP {
		u.Params.Set("transport", p.String())
	}
	return sipmsg.Addr{URI: u}
}

// ContactUser is the user part of our Contact.
func (e *Endpoint) ContactUser() string { return e.contact }

// Address is where the far end of f sees us.
func (e *Endpoint) Address(f transport.Flow) netip.AddrPort { return e.stack.address(f) }

// SetAddress says where the far end of f sees us, learned elsewhere.
func (e *Endpoint) SetAddress(f transport.Flow, at netip.AddrPort) { e.stack.learn(f, at) }

// Flow opens the way to a target.
func (e *Endpoint) Flow(t transport.Target) (transport.Flow, error) { return e.stack.flow(t) }

// transmit puts wire on a flow. m is the message that it is, where that is known.
func (e *Endpoint) transmit(f transport.Flow, m *sipmsg.Message, wire []byte) error {
	at := time.Now()
	err := f.Send(wire)
	e.stack.sawSent(at, f, m, wire, e, err)
	if err != nil {
		e.log.Debug("not sent", "to", f.Target(), "err", err)
	}
	return err
}
