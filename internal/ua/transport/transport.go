// Package transport carries SIP messages over UDP, TCP and TLS (RFC 3261 section 18).
//
// A Layer listens, and keeps one flow for each target: a UDP socket connected to it,
// on the listener's port, whose error queue tells every ICMP error that comes back; or
// a TCP or TLS connection that is made in the background. What comes in is parsed by
// sipmsg and handed to one Handler, which knows what transactions and dialogs are;
// this package does not. Health remembers, for all lines, which servers are down.
//
// Finding the targets of a host name (RFC 3263) is package targets; a network in
// memory, for tests under a simulated clock, is package memnet.
package transport

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
)

// A Layer is the transport layer of one agent: its listeners and its flows.
type Layer struct {
	cfg      Config
	handler  Handler
	counters Counters
	zones    zoneNames

	udp4, udp6 *udpSocket // listeners; nil without that family
	tcp, tls   *streamListener
	portShare  sync.Mutex // held while a UDP listener lets others bind its port

	clock   atomic.Int64 // counts uses of flows, to find the longest unused
	closing chan struct{}
	wg      sync.WaitGroup

	mu        sync.Mutex // guards what follows; never held in a callback or a system call
	closed    bool
	flows     map[Target]keptFlow // by normal form
	inbound   map[*stream]struct{}
	perSource map[netip.Addr]int
}

// A keptFlow is a flow that is found by its target.
type keptFlow interface {
	Flow
	lastUsed() int64
	touch(use int64)
	evict()
}

// New opens the listeners. A port that is taken is an error that names it.
func New(cfg Config, h Handler) (*Layer, error) {
	l := &Layer{
		cfg: cfg.withDefaults(), handler: h,
		closing:   make(chan struct{}),
		flows:     make(map[Target]keptFlow),
		inbound:   make(map[*stream]struct{}),
		perSource: make(map[netip.Addr]int),
	}
	if err := l.listen(); err != nil {
		_ = l.Close()
		return nil, err
	}
	l.serve()
	return l, nil
}

// Counters is what the layer has seen; it goes on counting.
func (l *Layer) Counters() *Counters { return &l.counters }

// Flow returns the flow to t, the existing one or a new one. A TCP or TLS flow
// connects in the background and tells the Handler how that went; a UDP flow opens its
// socket at once, which fails without a route.
func (l *Layer) Flow(t Target) (Flow, error) {
	t = t.Normal()
	if !t.Addr.IsValid() || t.Addr.Port() == 0 || t.Addr.Addr().IsUnspecified() {
		return nil, fmt.Errorf("%s: no address to send to", t)
	}
	switch f := l.admit(t, nil).(type) {
	case *udpFlow:
		if _, err := f.socket(nil); err != nil {
			l.forget(f)
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		return f, nil
	case *stream:
		return f, nil
	}
	return nil, fmt.Errorf("%s: %w", t, ErrClosed)
}

// admit finds the flow to t and marks it used, or takes f as that, or makes one; and
// lets the longest unused go when there are too many. Nil after Close.
func (l *Layer) admit(t Target, f keptFlow) keptFlow {
	use := l.clock.Add(1)
	l.mu.Lock()
	if known := l.flows[t]; known != nil {
		l.mu.Unlock()
		known.touch(use)
		return known
	}
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	if f == nil {
		f = l.newFlow(t)
	}
	f.touch(use)
	l.flows[t] = f
	old := l.surplus()
	l.mu.Unlock()
	if old != nil {
		old.evict()
	}
	return f
}

// newFlow is called with mu held.
func (l *Layer) newFlow(t Target) keptFlow {
	if t.Proto == UDP {
		return &udpFlow{l: l, target: t}
	}
	s := newStream(l, t, false)
	l.wg.Add(1)
	go s.connect()
	return s
}

// surplus takes the longest unused flow out when there are too many. It is called with
// mu held.
func (l *Layer) surplus() keptFlow {
	if len(l.flows) <= l.cfg.MaxFlows {
		return nil
	}
	var old keptFlow
	for _, f := range l.flows {
		if old == nil || f.lastUsed() < old.lastUsed() {
			old = f
		}
	}
	delete(l.flows, old.Target())
	return old
}

// known is the flow to t, nil without one.
func (l *Layer) known(t Target) Flow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flows[t]
}

// forget takes f out, unless another has its place.
func (l *Layer) forget(f keptFlow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flows[f.Target()] == f {
		delete(l.flows, f.Target())
	}
}

// begin counts one more goroutine, and reports false when the layer is closing.
func (l *Layer) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.wg.Add(1)
	}
	return !l.closed
}

func (l *Layer) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// count notes a message that came in.
func (l *Layer) count(p Proto, err error) {
	l.counters.Received[p].Add(1)
	if err != nil {
		l.counters.ParseErrors.Add(1)
	}
}

// Close ends every flow and listener, without FlowFailed, and waits until the last
// call of the Handler has returned.
func (l *Layer) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		l.wg.Wait()
		return nil
	}
	l.closed = true
	close(l.closing)
	var ending []interface{ evict() }
	for _, f := range l.flows {
		ending = append(ending, f)
	}
	for s := range l.inbound {
		ending = append(ending, s)
	}
	l.mu.Unlock()

	for _, s := range []*udpSocket{l.udp4, l.udp6} {
		if s != nil {
			_ = s.conn.Close()
		}
	}
	for _, s := range []*streamListener{l.tcp, l.tls} {
		if s != nil {
			_ = s.ln.Close()
		}
	}
	for _, e := range ending {
		e.evict()
	}
	l.wg.Wait()
	return nil
}
