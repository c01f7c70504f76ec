package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A half is one direction of a connection in memory that never makes a writer wait.
type half struct {
	mu     sync.Mutex
	more   sync.Cond
	octets bytes.Buffer
	closed bool
	late   bool // the reader's deadline has passed
}

func newHalf() *half {
	h := &half{}
	h.more.L = &h.mu
	return h
}

func (h *half) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.more.Broadcast()
}

// An end is one side of such a connection.
type end struct {
	net.Conn // nil: what is not below is not used
	in, out  *half
	timer    *time.Timer
}

func connection() (a, b *end) {
	ab, ba := newHalf(), newHalf()
	return &end{in: ba, out: ab}, &end{in: ab, out: ba}
}

func (e *end) Read(p []byte) (n int, err error) {
	h := e.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.octets.Len() == 0 && !h.closed && !h.late {
		h.more.Wait()
	}
	switch {
	case h.octets.Len() > 0:
		return h.octets.Read(p)
	case h.closed:
		return 0, io.EOF
	}
	return 0, os.ErrDeadlineExceeded
}

func (e *end) Write(p []byte) (int, error) {
	e.out.mu.Lock()
	closed := e.out.closed
	e.out.mu.Unlock()
	if closed {
		return 0, io.ErrClosedPipe
	}
	e.out.set(func() { e.out.octets.Write(p) })
	return len(p), nil
}

func (e *end) SetDeadline(t time.Time) error {
	if e.timer != nil {
		e.timer.Stop()
	}
	e.in.set(func() { e.in.late = false })
	e.timer = time.AfterFunc(time.Until(t), func() { e.in.set(func() { e.in.late = true }) })
	return nil
}

func (e *end) Close() error {
	if e.timer != nil {
		e.timer.Stop()
	}
	e.out.set(func() { e.out.closed = true })
	e.in.set(func() { e.in.closed = true })
	return nil
}
