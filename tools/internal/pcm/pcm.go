// Package pcm is a telephone line over a connection: frames of 20 ms each way, 160 samples of
// 16 bits, little endian, 8000 a second. One side writes a frame and reads one; in real time a
// Pacer makes it wait, and it is Lead frames ahead, so that a network may be between.
package pcm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	Frame     = 160 // samples
	FrameTime = 20 * time.Millisecond
	Lead      = 5 // frames that a side is ahead in real time

	octets    = 2 * Frame
	readAhead = 50 * octets // room for what an other side sends that is a second ahead
	renewal   = 50          // frames between two settings of the deadline
)

// A Stream is one side of the line.
type Stream struct {
	conn   net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	stall  time.Duration
	frames int // read

	in, out [Frame]int16
	octets  [octets]byte
}

// New makes a stream of a connection, which its owner closes. An other side that says nothing
// for the time stall has failed.
func New(conn net.Conn, stall time.Duration) *Stream {
	return &Stream{conn: conn, r: bufio.NewReaderSize(conn, readAhead), w: bufio.NewWriter(conn), stall: stall}
}

// Ahead is how many frames have come that were not read yet.
func (s *Stream) Ahead() int { return s.r.Buffered() / octets }

// Lead writes the frames that this side is ahead in real time.
func (s *Stream) Lead() error {
	for range Lead {
		if err := s.write(); err != nil {
			return err
		}
	}
	return nil
}

// Exchange writes what end said last, reads a frame, and gives end that with a frame to fill.
func (s *Stream) Exchange(end func(in, out []int16)) error {
	if s.frames%renewal == 0 {
		_ = s.conn.SetDeadline(time.Now().Add(s.stall)) // fails as the next read will
	}
	s.frames++
	if err := s.write(); err != nil {
		return err
	}
	if _, err := io.ReadFull(s.r, s.octets[:]); err != nil {
		return s.explain(err)
	}
	for i := range s.in {
		s.in[i] = int16(binary.LittleEndian.Uint16(s.octets[2*i:]))
	}
	end(s.in[:], s.out[:])
	return nil
}

func (s *Stream) write() error {
	for i, v := range s.out {
		binary.LittleEndian.PutUint16(s.octets[2*i:], uint16(v))
	}
	_, _ = s.w.Write(s.octets[:]) // Flush has the error
	return s.explain(s.w.Flush())
}

// ErrHungUp is the end of the other side.
var ErrHungUp = errors.New("the other side hung up")

// explain says in a user's words why the stream ended.
func (s *Stream) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the other side did not answer for %v", s.stall)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return ErrHungUp
	}
	return err
}

// A Pacer keeps a stream at the clock's pace: a frame each 20 ms, but sooner if more wait than
// this side is ahead, for then the other side's clock is the faster one.
type Pacer struct {
	Every time.Duration // FrameTime, or less for a call that is faster than real time

	s   *Stream
	due time.Time
}

// NewPacer makes a pacer whose time begins now.
func (s *Stream) NewPacer() *Pacer { return &Pacer{FrameTime, s, time.Now()} }

// Wait waits until the next frame is due.
func (p *Pacer) Wait() {
	p.due = p.due.Add(p.Every)
	if p.s.Ahead() > 2*Lead {
		p.due = time.Now()
		return
	}
	if late := time.Since(p.due); late < 0 {
		time.Sleep(-late)
	} else if late > time.Second { // the other side had stopped
		p.due = time.Now()
	}
}
