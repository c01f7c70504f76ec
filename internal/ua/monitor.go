package ua

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// A KeepAlive is a way to keep watch over a server.
type KeepAlive uint8

// Kinds of keep-alive. A server counts as dead when OPTIONS has no answer within its
// span, when a CRLF on a connection or a STUN request has none in pongWait, and when
// ICMP says so, whatever was sent.
const (
	NoKeepAlive KeepAlive = iota
	CRLFPing              // RFC 5626 section 3.5.1; on UDP it only keeps a NAT open
	OptionsPing
	STUNPing // RFC 5626 section 3.5.2; on TCP and TLS a CRLF instead
)

// pongWait: RFC 5626 section 4.4.1.
const pongWait = 10 * time.Second

// A Watch asks a Monitor to keep watch over a server.
type Watch struct {
	Target          transport.Target
	Kind            KeepAlive
	Interval        time.Duration
	Retransmissions int           // of OPTIONS
	From, To        sipmsg.URI    // of OPTIONS: the line, and its server
	Route           []sipmsg.Addr // of OPTIONS
}

// A Monitor probes servers in idle time, each once however many lines use it, and
// writes what it finds into the stack's Health. Its state belongs to the goroutine that
// runs Run; Add sends its wishes there.
type Monitor struct {
	e      *Endpoint
	stack  *Stack
	mapped func(f transport.Flow, at netip.AddrPort) // told of STUN's answers

	watched map[transport.Target]*watched
}

// watched is one server under watch. The Watch with the shortest interval is used.
type watched struct {
	watches map[*Watch]struct{}
	next    time.Time
	pongBy  time.Time // zero: no ping is out
	asking  bool      // an OPTIONS is out
	seq     uint32
	callID  string
}

// NewMonitor makes a monitor; Run works it. Mapped, which may be nil, is told our
// address as a STUN answer gives it.
func (s *Stack) NewMonitor(timers transaction.Timers, userAgent string, mapped func(transport.Flow, netip.AddrPort)) *Monitor {
	m := &Monitor{stack: s, mapped: mapped, watched: map[transport.Target]*watched{}}
	m.e = s.NewEndpoint(EndpointConfig{
		Timers: timers, UserAgent: userAgent,
		Incoming:   func(now time.Time, in *Incoming) { in.Respond(now, 481, "") },
		FlowFailed: m.flowFailed,
	})
	s.mu.Lock()
	s.pong = func(f transport.Flow, at netip.AddrPort) {
		m.e.Post(func(now time.Time) { m.ponged(now, f, at) })
	}
	s.mu.Unlock()
	return m
}

// Add begins a watch; the returned function ends it.
func (m *Monitor) Add(w Watch) (remove func()) {
	t := w.Target.Normal()
	if w.Kind == NoKeepAlive || w.Interval <= 0 {
		return func() {}
	}
	m.e.Post(func(now time.Time) {
		x := m.watched[t]
		if x == nil {
			x = &watched{watches: map[*Watch]struct{}{}, callID: NewTag()}
			// Devices that start together do not stay in step.
			x.next = now.Add(time.Duration((0.5 + 0.5*rand.Float64()) * float64(w.Interval)))
			m.watched[t] = x
		}
		x.watches[&w] = struct{}{}
	})
	return func() {
		m.e.Post(func(time.Time) {
			if x := m.watched[t]; x != nil {
				delete(x.watches, &w)
				if len(x.watches) == 0 {
					delete(m.watched, t)
				}
			}
		})
	}
}

// Run probes until ctx is done.
func (m *Monitor) Run(ctx context.Context) {
	defer m.e.Close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		m.e.Work(now)
		m.expire(now)
		wait := time.Hour
		if d := m.deadline(); !d.IsZero() {
			wait = max(0, d.Sub(now))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-m.e.Ready():
		case <-timer.C:
		}
	}
}

func (m *Monitor) deadline() time.Time {
	d := m.e.Deadline()
	for _, x := range m.watched {
		d = earlier(d, x.pongBy)
		if !x.asking && x.pongBy.IsZero() {
			d = earlier(d, x.next)
		}
	}
	return d
}

func (m *Monitor) expire(now time.Time) {
	for t, x := range m.watched {
		switch {
		case due(now, x.pongBy):
			x.pongBy = time.Time{}
			m.lost(now, t, errNoPong)
		case !x.asking && x.pongBy.IsZero() && due(now, x.next):
			m.ask(now, t, x)
		}
	}
}

var errNoPong = errors.New("no answer to the keep-alive in 10s")

// lost marks a server dead. A connection that it left silent is closed.
func (m *Monitor) lost(now time.Time, t transport.Target, cause error) {
	m.stack.Health.Down(t, cause, now)
	if t.Proto.Reliable() {
		if f, err := m.stack.flow(t); err == nil {
			f.Close(cause)
		}
	}
}

// shortest is the watch that sets the pace.
func (x *watched) shortest() *Watch {
	var best *Watch
	for w := range x.watches {
		if best == nil || w.Interval < best.Interval {
			best = w
		}
	}
	return best
}

// ask sends one keep-alive to t.
func (m *Monitor) ask(now time.Time, t transport.Target, x *watched) {
	w := x.shortest()
	x.next = now.Add(time.Duration((0.9 + 0.2*rand.Float64()) * float64(w.Interval)))
	if w.Kind == OptionsPing {
		m.askOptions(now, t, x, w)
		return
	}
	f, err := m.stack.flow(t)
	if err != nil {
		m.stack.Health.Down(t, err, now)
		return
	}
	kind := transport.CRLF
	if w.Kind == STUNPing && !t.Proto.Reliable() {
		kind = transport.STUN
	}
	if !f.Up() {
		return // it connects; failing that it says so
	}
	if err := f.Ping(kind); err != nil {
		m.lost(now, t, err)
		return
	}
	if kind == transport.STUN || t.Proto.Reliable() {
		x.pongBy = now.Add(pongWait)
	}
}

func (m *Monitor) askOptions(now time.Time, t transport.Target, x *watched, w *Watch) {
	x.seq++
	x.asking = true
	msg := &sipmsg.Message{
		Method: sipmsg.OPTIONS, RequestURI: w.To,
		From: sipmsg.Addr{URI: w.From}.WithTag(NewTag()), To: sipmsg.Addr{URI: w.To},
		CallID: x.callID, CSeq: sipmsg.CSeq{Seq: x.seq, Method: sipmsg.OPTIONS},
		Route: w.Route,
	}
	msg.Header.Add("Max-Forwards", "70")
	msg.Header.Add("Accept", "application/sdp")
	m.e.Send(now, &Request{
		Msg: msg, Target: t, Retransmissions: w.Retransmissions, Contact: true,
		On: func(now time.Time, a Answer) {
			if a.Response != nil && a.Response.IsProvisional() {
				return
			}
			x.asking = false
			if cause := a.Unavailable(); cause != nil {
				m.lost(now, t, cause)
			}
		},
	})
}

// ponged takes the answer to a CRLF or STUN ping.
func (m *Monitor) ponged(now time.Time, f transport.Flow, at netip.AddrPort) {
	t := f.Target()
	if x := m.watched[t]; x != nil {
		x.pongBy = time.Time{}
	}
	m.stack.Health.Up(t, now)
	if at.IsValid() && m.mapped != nil {
		m.mapped(f, at)
	}
}

// flowFailed takes ICMP errors, of whatever was sent, for an end of the server. A
// connection that is closed in idle time proves nothing.
func (m *Monitor) flowFailed(now time.Time, f transport.Flow, err error) {
	t := f.Target()
	x := m.watched[t]
	if x != nil {
		x.pongBy = time.Time{}
	}
	if x != nil && !t.Proto.Reliable() {
		m.stack.Health.Down(t, err, now)
	}
}
