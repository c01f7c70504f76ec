package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// A sending is one file on its way by TFTP: a packet is repeated until it is acknowledged.
// It reads no clock: its owner passes the time in and calls Expire at Deadline.
type sending struct {
	rest     []byte // after the packet that waits
	block    int
	wait     time.Duration
	number   uint16 // that is to be acknowledged; begins again behind 65535
	packet   []byte
	last     bool // nothing comes after it
	sends    int
	deadline time.Time
	done     bool
	err      error // not all has arrived
}

var (
	errUnacknowledged = errors.New("it was not acknowledged")
	errNotAnAck       = errors.New("the client sent something that is no acknowledgement")
)

// newSending begins to send a file; Packet is to be sent at once.
func newSending(now time.Time, r readRequest, data []byte) *sending {
	s := &sending{rest: data, block: r.block, wait: r.wait}
	if len(r.options) > 0 {
		s.send(now, r.oack(len(data)))
	} else {
		s.next(now)
	}
	return s
}

// Packet is the one that waits for its acknowledgement.
func (s *sending) Packet() []byte { return s.packet }

// Deadline is when Expire is due.
func (s *sending) Deadline() time.Time { return s.deadline }

// Done reports that all is over, and how.
func (s *sending) Done() (bool, error) { return s.done, s.err }

func (s *sending) send(now time.Time, packet []byte) {
	s.packet, s.sends, s.deadline = packet, 1, now.Add(s.wait)
}

// next makes the next DATA packet. One that is not full is the last.
func (s *sending) next(now time.Time) {
	s.number++
	n := min(s.block, len(s.rest))
	p := binary.BigEndian.AppendUint16([]byte{0, tftpData}, s.number)
	s.send(now, append(p, s.rest[:n]...))
	s.rest, s.last = s.rest[n:], n < s.block
}

// Receive takes a packet of the client and reports whether Packet is a new one. An
// acknowledgement of something else than what waits changes nothing: RFC 1123 section
// 4.2.3.1.
func (s *sending) Receive(now time.Time, p []byte) (fresh bool) {
	switch {
	case len(p) >= 4 && binary.BigEndian.Uint16(p) == tftpError:
		text, _, _ := bytes.Cut(p[4:], []byte{0})
		s.end(fmt.Errorf("the client gave up: error %d %q", binary.BigEndian.Uint16(p[2:]), text))
	case len(p) != 4 || binary.BigEndian.Uint16(p) != tftpAck:
		s.end(errNotAnAck)
	case binary.BigEndian.Uint16(p[2:]) != s.number:
	case s.last:
		s.end(nil)
	default:
		s.next(now)
		return true
	}
	return false
}

// Expire reports that Packet is to be sent again.
func (s *sending) Expire(now time.Time) (again bool) {
	if now.Before(s.deadline) {
		return false
	}
	if s.sends == tftpSends {
		s.end(errUnacknowledged)
		return false
	}
	s.sends++
	s.deadline = now.Add(s.wait)
	return true
}

func (s *sending) end(err error) { s.done, s.err = true, err }

// run drives a sending to its end.
func (s *sending) run(conn *net.UDPConn) error {
	buf := make([]byte, plainBlock)
	for send := true; ; {
		if done, err := s.Done(); done {
			return err
		}
		if send {
			_, _ = conn.Write(s.Packet()) // what is lost is repeated
		}
		if err := conn.SetReadDeadline(s.Deadline()); err != nil {
			return err
		}
		n, err := conn.Read(buf)
		switch {
		case err == nil:
			send = s.Receive(time.Now(), buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			send = s.Expire(time.Now())
		default:
			return err
		}
	}
}
