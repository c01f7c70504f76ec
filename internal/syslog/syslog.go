// Package syslog sends the records of a log to a syslog server: as messages of RFC 5424,
// one to a UDP datagram (RFC 5426). A record's message is MSG, its attributes are the
// parameters of one structured element. The facility is local0, as for whatever else has
// none of its own (RFC 5424 section 6.2.1).
//
// Nobody who logs waits: messages wait in a queue of bounded size, and those that find no
// room are counted, which the server is told as soon as it can be. A goroutine lives only
// while something waits. A server that cannot be reached is tried again after a wait that
// grows, its name is looked up anew each time, and now and then besides.
//
// UDP tells no sender what arrived: a datagram that the network loses is not counted, and
// whoever is on the way can read it.
package syslog

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Port is syslog's over UDP (RFC 5426 section 3.3).
const Port = 514

// queueSize bounds the octets that wait for the server.
const queueSize = 64 << 10

// A Target is whom messages are sent to. The zero Target is nobody.
type Target struct {
	Server string // host:port
	Host   string // HOSTNAME: what this device calls itself; empty: not known
}

// Options are what a Sink is made of. Level and Log are needed.
type Options struct {
	App   string       // APP-NAME
	Level slog.Leveler // of the least important record that is sent
	Log   *slog.Logger // where it is told that the server cannot be reached; not one that sends here
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Sink is where messages are sent. It is safe for use by several goroutines.
type Sink struct {
	opts Options
	head string      // of a message, from APP-NAME to MSGID
	on   atomic.Bool // messages are taken
	lost atomic.Int64

	mu      sync.Mutex
	target  Target
	ctx     context.Context // done when target is no longer the one
	cancel  context.CancelFunc
	waiting []message
	size    int           // octets of waiting
	untold  int           // messages lost, of which the server has not heard
	ended   chan struct{} // closed by Close
	idle    chan struct{} // closed when nobody sends; nil: nobody does

	link link // of who sends; guarded by mu while nobody does
}

// A message is a record as it is sent, but for HOSTNAME, which stands between its halves.
type message struct{ before, after string }

func (m message) size() int { return len(m.before) + len(m.after) }

// New makes a Sink that does not know yet where to send: what is logged before Send says so
// waits.
func New(o Options) *Sink {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	s := &Sink{opts: o, head: headOf(o.App), ended: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.on.Store(true)
	return s
}

// Lost counts the messages that found no room, or could not be sent before the end.
func (s *Sink) Lost() int64 { return s.lost.Load() }

// Send says where messages go from now on, those that wait too. It does not wait.
func (s *Sink) Send(to Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	on := to.Server != ""
	if s.closing() || to == s.target && on == s.on.Load() {
		return
	}
	s.cancel()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.target = to
	s.on.Store(on)
	if !on {
		s.waiting, s.size, s.untold = nil, 0, 0
	}
	if s.idle == nil {
		s.link.hangUp()
	}
	s.wake()
}

// put adds a message to what waits.
func (s *Sink) put(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing() || !s.on.Load():
	case s.untold > 0 || s.size+m.size() > queueSize: // a gap is told before what follows it
		s.lose(1)
	default:
		s.waiting = append(s.waiting, m)
		s.size += m.size()
		s.wake()
	}
}

// lose counts messages that are not sent. The lock is held.
func (s *Sink) lose(n int) {
	s.untold += n
	s.lost.Add(int64(n))
}

// wake has somebody send if there is something to send. The lock is held.
func (s *Sink) wake() {
	if s.idle == nil && s.target.Server != "" && len(s.waiting) > 0 {
		s.idle = make(chan struct{})
		go s.work()
	}
}

func (s *Sink) closing() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Close sends what waits, within limit, and ends the Sink. Nothing is taken after it.
func (s *Sink) Close(limit time.Duration) {
	s.mu.Lock()
	if !s.closing() {
		close(s.ended)
	}
	idle, cancel := s.idle, s.cancel
	s.mu.Unlock()
	if idle != nil {
		timer := time.AfterFunc(limit, cancel)
		<-idle
		timer.Stop()
	}
	cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.hangUp()
}
