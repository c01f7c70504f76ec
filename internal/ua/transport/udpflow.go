package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"tipring/internal/sipmsg"
)

// A udpFlow is one far end over UDP. Its socket is replaced when the address or the
// interface that it sends from has gone, and let go while too many others are in use.
type udpFlow struct {
	l      *Layer
	target Target
	used   atomic.Int64 // of Layer.clock
	ping   stunPing

	mu   sync.Mutex // guards sock, and is held while it is opened
	sock *udpSocket // nil: let go
}

// socket returns the socket to send on. bad is one that no longer serves, or nil.
func (f *udpFlow) socket(bad *udpSocket) (*udpSocket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sock != nil && f.sock != bad {
		return f.sock, nil
	}
	s, err := f.l.dialUDP(f)
	if err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	if bad != nil {
		_ = bad.conn.Close()
	}
	f.sock = s
	return s, nil
}

// evict lets the socket go; the next Send takes the flow back among the others.
func (f *udpFlow) evict() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sock != nil {
		_ = f.sock.conn.Close()
		f.sock = nil
	}
}

func (f *udpFlow) lastUsed() int64 { return f.used.Load() }
func (f *udpFlow) touch(use int64) { f.used.Store(use) }

func (f *udpFlow) Target() Target { return f.target }
func (f *udpFlow) Reliable() bool { return false }
func (f *udpFlow) Up() bool       { return true }
func (f *udpFlow) Close(error)    { f.ping.forget() }

func (f *udpFlow) Local() netip.AddrPort {
	s, err := f.socket(nil)
	if err != nil {
		return netip.AddrPort{}
	}
	return s.local
}

// Send transmits wire at once. What comes back by ICMP is told by FlowFailed; the error
// here is this host's own: no route, no interface, a filter's no.
func (f *udpFlow) Send(wire []byte) error {
	if len(wire) > sipmsg.MaxDatagram {
		return fmt.Errorf("%s: %w", f.target, ErrTooLong)
	}
	switch other := f.l.admit(f.target, f); {
	case other == nil:
		return fmt.Errorf("%s: %w", f.target, ErrClosed)
	case other != f: // this one was let go, and then asked for anew
		return other.Send(wire)
	}
	s, err := f.socket(nil)
	if err == nil {
		err = s.send(wire, netip.AddrPort{}, netip.Addr{})
	}
	if err != nil && outdated(err) {
		if s, err = f.socket(s); err == nil {
			err = s.send(wire, netip.AddrPort{}, netip.Addr{})
		}
	}
	return sendError(f.target, err)
}

// sendError names where a datagram could not be sent to. The system's EMSGSIZE is no fault of the
// way, as the others are: no repetition will be shorter.
func sendError(t Target, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EMSGSIZE):
		return fmt.Errorf("%s: %w", t, ErrTooLong)
	}
	return fmt.Errorf("%s: send: %w", t, err)
}

// outdated reports an error that a new socket may cure: the source address or the
// interface of the old one is gone, the route leads elsewhere, or it was let go just now.
func outdated(err error) bool {
	for _, e := range []error{
		ErrClosed, syscall.EINVAL, syscall.EADDRNOTAVAIL, syscall.ENODEV, syscall.ENXIO,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTUNREACH,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (f *udpFlow) Ping(kind Ping) error {
	if kind == CRLF {
		return f.Send([]byte("\r\n\r\n"))
	}
	return f.Send(f.ping.request())
}

// A wayBack answers a UDP source that no flow leads to, from the address that it sent
// to. It is a value, so that two for the same source are equal.
type wayBack struct {
	s     *udpSocket
	to    netip.AddrPort
	local netip.AddrPort
}

func (w wayBack) Target() Target        { return Target{Proto: UDP, Addr: w.to} }
func (w wayBack) Local() netip.AddrPort { return w.local }
func (w wayBack) Reliable() bool        { return false }
func (w wayBack) Up() bool              { return true }
func (w wayBack) Close(error)           {}

func (w wayBack) Send(wire []byte) error {
	if len(wire) > sipmsg.MaxDatagram {
		return fmt.Errorf("%s: %w", w.Target(), ErrTooLong)
	}
	return sendError(w.Target(), w.s.send(wire, w.to, w.local.Addr()))
}

func (w wayBack) Ping(kind Ping) error {
	if kind == CRLF {
		return w.Send([]byte("\r\n\r\n"))
	}
	return ErrUnsupported
}
