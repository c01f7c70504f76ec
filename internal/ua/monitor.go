package ua

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// A KeepAlive is a way to keep watch over a server.
type KeepAlive uint8

// Kinds of keep-alive. A server counts as dead when OPTIONS has no answer within its
// span, when a CRLF on a connection or a STUN request has none in pongWait, when no
// connection to it can be made, and when ICMP says so, whatever was sent.
const (
	NoKeepAlive KeepAlive = iota
	CRLFPing              // RFC 5626 section 3.5.1; on UDP it only keeps a NAT open
	OptionsPing
	STUNPing // RFC 5626 section 3.5.2; on TCP and TLS a CRLF instead
)

// A Watch asks a Monitor to keep watch over a server.
type Watch struct {
	Target          transport.Target
	Kind            KeepAlive
	Interval        time.Duration
	Retransmissions int // of OPTIONS

	// Parties are asked for when an OPTIONS goes out, on the monitor's goroutine: the
	// line, its server, and the way there.
	Parties func() (from, to sipmsg.URI, route []sipmsg.Addr)
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
	ping    *ping // under way; nil: none
	asking  bool  // an OPTIONS is out
	seq     uint32
	callID  string
}

// NewMonitor makes a monitor; Run works it. Mapped, which may be nil, is told our
// address as a STUN answer gives it; endpoints are told anyway.
func (s *Stack) NewMonitor(timers transaction.Timers, userAgent string, mapped func(transport.Flow, netip.AddrPort)) *Monitor {
	m := &Monitor{stack: s, mapped: mapped, watched: map[transport.Target]*watched{}}
	m.e = s.NewEndpoint(EndpointConfig{
		Timers: timers, UserAgent: userAgent,
		Accepts:    func(netip.Addr) bool { return false }, // its contact is told to nobody
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
			m.watched[t] = x
		}
		x.watches[&w] = struct{}{}
		// Devices that start together do not stay in step.
		first := now.Add(time.Duration((0.5 + 0.5*rand.Float64()) * float64(w.Interval)))
		x.next = deadline.Earlier(x.next, first)
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
	m.e.Run(ctx, m.expire, m.deadline)
}

func (x *watched) busy() bool { return x.asking || x.ping != nil }

func (m *Monitor) deadline() time.Time {
	var d time.Time
	for _, x := range m.watched {
		if x.ping != nil {
			d = deadline.Earlier(d, x.ping.deadline())
		}
		if !x.busy() {
			d = deadline.Earlier(d, x.next)
		}
	}
	return d
}

func (m *Monitor) expire(now time.Time) {
	for t, x := range m.watched {
		switch {
		case x.ping != nil && deadline.Due(now, x.ping.deadline()):
			m.expirePing(now, t, x)
		case !x.busy() && deadline.Due(now, x.next):
			m.ask(now, t, x)
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
		m.askOptions(now, t, x, w, true)
	} else {
		m.sendPing(now, t, x, w.Kind)
	}
}

// askOptions sends an OPTIONS (RFC 3261 section 11.1), and once more where the connection
// turns out to be a stale one.
func (m *Monitor) askOptions(now time.Time, t transport.Target, x *watched, w *Watch, again bool) {
	x.seq++
	x.asking = true
	from, to, route := w.Parties()
	msg := &sipmsg.Message{
		Method: sipmsg.OPTIONS, RequestURI: to,
		From: sipmsg.Addr{URI: from}.WithTag(NewTag()), To: sipmsg.Addr{URI: to},
		CallID: x.callID, CSeq: sipmsg.CSeq{Seq: x.seq, Method: sipmsg.OPTIONS},
		Route: route,
	}
	msg.Header.Add("Max-Forwards", "70")
	msg.Header.Add("Accept", "application/sdp")
	m.e.Send(now, &Request{
		Msg: msg, Target: t, Retransmissions: w.Retransmissions,
		On: func(now time.Time, a Answer) {
			switch cause := a.Unavailable(); {
			case a.Response != nil && a.Response.IsProvisional():
				return
			case a.Cut && again:
				m.askOptions(now, t, x, w, false)
				return
			case cause != nil:
				m.stack.Health.Down(t, cause, now)
			}
			x.asking = false
		},
	})
}

// flowFailed takes ICMP errors, of whatever was sent, for an end of the server, and so a
// connection that a keep-alive had asked for in vain. A connection that is closed in
// idle time proves nothing.
func (m *Monitor) flowFailed(now time.Time, f transport.Flow, err error) {
	t := f.Target()
	x := m.watched[t]
	if x == nil {
		return
	}
	pinged := x.ping != nil && x.ping.flow == f
	if !t.Proto.Reliable() || pinged && !x.ping.sent {
		m.stack.Health.Down(t, err, now)
	}
	if pinged {
		x.ping = nil
	}
}
