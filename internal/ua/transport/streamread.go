package transport

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"time"

	"tipring/internal/sipmsg"
)

// messageTime is what a message may take from its first octet to its last.
const messageTime = 30 * time.Second

// read takes messages until the stream ends.
func (s *stream) read() {
	var framer sipmsg.Framer
	buf := make([]byte, 2048)
	for taken := 0; s.readUntil(framer.Partial(), taken > 0); {
		n, err := s.conn.Read(buf)
		framer.Feed(buf[:n])
		var fatal error
		if taken, fatal = s.messages(&framer); fatal != nil {
			s.endWhenWritten(fatal)
			return
		}
		if err != nil {
			s.end(s.readError(err, framer.Partial()))
			return
		}
	}
}

// readUntil sets the time for the next octets. Within a message it runs from the
// beginning, whatever trickles in; between messages only an accepted connection has
// one. It reports false when the stream has ended.
func (s *stream) readUntil(partial, fresh bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != up {
		return false
	}
	switch now := time.Now(); {
	case partial && s.timed && !fresh:
	case partial:
		_ = s.conn.SetReadDeadline(now.Add(messageTime))
	case s.in:
		_ = s.conn.SetReadDeadline(now.Add(s.l.cfg.InboundIdle))
	case s.timed:
		_ = s.conn.SetReadDeadline(time.Time{})
	}
	s.timed = partial
	return true
}

// messages hands up what is complete. An error means that the stream cannot be
// understood any further.
func (s *stream) messages(framer *sipmsg.Framer) (taken int, fatal error) {
	for {
		m, keepAlive, err := framer.Next()
		switch {
		case keepAlive != sipmsg.NoKeepalive:
			s.keepAlive(keepAlive)
			continue
		case m == nil && err == nil:
			return taken, nil
		}
		taken++
		if m != nil && m.IsRequest() {
			Stamp(m, s.target.Addr)
		}
		s.l.count(s.target.Proto, err)
		s.l.handler.Receive(s, s.target.Addr, m, err)
		var bad *sipmsg.Error
		if errors.As(err, &bad) && bad.Fatal {
			return taken, &nonsenseError{bad}
		}
	}
}

// keepAlive answers a ping, and passes a pong on (RFC 5626 section 4.4.1).
func (s *stream) keepAlive(k sipmsg.Keepalive) {
	s.l.counters.KeepAlives.Add(1)
	if k == sipmsg.Ping {
		_ = s.enqueue([]byte("\r\n"))
		return
	}
	s.l.handler.Pong(s, netip.AddrPort{})
}

// endWhenWritten ends the stream after what the Handler has just sent, such as the 400
// to a request whose end cannot be found.
func (s *stream) endWhenWritten(why error) {
	s.mu.Lock()
	waiting := s.writing
	s.last = why
	s.mu.Unlock()
	if waiting {
		<-s.ctx.Done()
	}
	s.end(why)
}

// readError says in words how reading ended.
func (s *stream) readError(err error, partial bool) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if partial {
			return errCut
		}
		return errEOF
	case errors.Is(err, os.ErrDeadlineExceeded) && partial:
		return errStalled
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errIdle
	}
	return cause(err)
}

// How a stream may end.
var (
	errEOF     = errors.New("closed by the far end")
	errCut     = errors.New("closed by the far end in the middle of a message")
	errStalled = errors.New("far end stopped in the middle of a message")
	errIdle    = errors.New("closed as idle")
	errUnread  = errors.New("far end does not read what is sent")
)

// A nonsenseError ends a stream on which the next message cannot be found.
type nonsenseError struct{ err *sipmsg.Error }

func (e *nonsenseError) Error() string { return "far end sent what is not SIP: " + e.err.Reason }
func (e *nonsenseError) Unwrap() error { return e.err }
