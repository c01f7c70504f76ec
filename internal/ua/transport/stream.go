package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxQueued bounds what waits to be written to one stream, in octets.
const maxQueued = 128 << 10

// A stream is a TCP or TLS flow, made by us or accepted. One goroutine connects it and
// then reads it; a second lives while there is something to write.
type stream struct {
	l      *Layer
	target Target
	in     bool // accepted
	used   atomic.Int64
	ctx    context.Context // ends with the stream
	cancel context.CancelFunc

	mu      sync.Mutex
	state   streamState
	conn    net.Conn // nil until up
	local   netip.AddrPort
	queue   [][]byte
	queued  int // octets in queue
	writing bool
	last    error // set when the stream shall end once the queue is empty
	timed   bool  // the time of an unfinished message runs; of the reading goroutine
	err     error // why it ended
}

type streamState uint8

const (
	connecting streamState = iota
	up
	ended
)

func newStream(l *Layer, t Target, in bool) *stream {
	s := &stream{l: l, target: t, in: in}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func (s *stream) Target() Target  { return s.target }
func (s *stream) Reliable() bool  { return true }
func (s *stream) lastUsed() int64 { return s.used.Load() }
func (s *stream) touch(use int64) { s.used.Store(use) }
func (s *stream) evict()          { s.end(errUnused) }
func (s *stream) Close(why error) { s.end(why) }

// errUnused ends a connection that made room for another.
var errUnused = errors.New("closed as the longest unused of too many connections")

func (s *stream) Up() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == up
}

func (s *stream) Local() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.local
}

// connect makes the connection, reads it until it ends, and reports the end.
func (s *stream) connect() {
	defer s.l.wg.Done()
	ctx, cancel := context.WithTimeout(s.ctx, s.l.cfg.ConnectTimeout)
	conn, err := s.l.dialStream(ctx, s.target)
	cancel()
	if err != nil {
		s.end(err)
	} else if s.begin(conn) {
		s.l.handler.FlowUp(s)
		s.read()
	} else {
		_ = conn.Close()
	}
	s.report()
}

// begin takes the connection into use. It reports false when the stream was given up
// meanwhile.
func (s *stream) begin(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == ended {
		return false
	}
	s.state, s.conn = up, conn
	if a, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		s.local = a.AddrPort()
		s.local = netip.AddrPortFrom(s.local.Addr().Unmap(), s.local.Port())
	}
	s.l.counters.Connects[s.target.Proto].Add(1)
	s.startWriting()
	return true
}

// end stops the stream for the first reason given: nothing is sent any more, another
// flow takes its place when one is asked for, and its goroutine reports.
func (s *stream) end(why error) {
	s.mu.Lock()
	if s.state == ended {
		s.mu.Unlock()
		return
	}
	if why == nil {
		why = ErrClosed
	}
	s.state, s.err = ended, why
	s.queue, s.queued = nil, 0
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Unix(1, 0)) // wakes the reader and the writer
	}
	s.mu.Unlock()
	s.cancel()
	if !s.in {
		s.l.forget(s)
	}
}

// report closes the connection, politely where TLS can, and tells the Handler. The error
// does not name the target: whoever passes it on says what was tried where.
func (s *stream) report() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.l.counters.StreamFails.Add(1)
	if !s.l.isClosing() {
		s.l.handler.FlowFailed(s, s.err)
	}
}

// Send queues wire and returns.
func (s *stream) Send(wire []byte) error {
	s.touch(s.l.clock.Add(1))
	if err := s.enqueue(wire); err != nil {
		return fmt.Errorf("%s: %w", s.target, err)
	}
	return nil
}

func (s *stream) enqueue(wire []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == ended {
		return ErrClosed
	}
	if s.queued+len(wire) > maxQueued {
		s.l.counters.DroppedQueue.Add(1)
		return ErrQueueFull
	}
	s.queue = append(s.queue, append([]byte(nil), wire...))
	s.queued += len(wire)
	s.startWriting()
	return nil
}

// startWriting is called with mu held.
func (s *stream) startWriting() {
	if s.state != up || s.writing || len(s.queue) == 0 || !s.l.begin() {
		return
	}
	s.writing = true
	go s.write()
}

// write empties the queue.
func (s *stream) write() {
	defer s.l.wg.Done()
	for {
		wire := s.next()
		if wire == nil {
			return
		}
		if _, err := s.conn.Write(wire); err != nil {
			s.end(writeError(err))
			return
		}
		s.l.counters.Sent[s.target.Proto].Add(1)
	}
}

// next takes the first of the queue and starts its time. A message whose sending was
// cut short ends the stream: what followed it would not be understood.
func (s *stream) next() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != up || len(s.queue) == 0 {
		s.writing = false
		s.queue = nil
		if s.last != nil {
			s.cancel()
		}
		return nil
	}
	wire := s.queue[0]
	s.queue = s.queue[1:]
	s.queued -= len(wire)
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.l.cfg.WriteTimeout))
	return wire
}

// Ping sends a double CRLF, which the far end answers with a single one (RFC 5626
// section 4.4.1).
func (s *stream) Ping(kind Ping) error {
	if kind != CRLF {
		return fmt.Errorf("%s: STUN ping: %w", s.target, ErrUnsupported)
	}
	return s.Send([]byte("\r\n\r\n"))
}

// writeError says in words how writing ended.
func writeError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errUnread
	}
	return cause(err)
}
