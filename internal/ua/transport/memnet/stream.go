package memnet

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// maxQueued is what a stream holds while it connects, in octets, as a real one does.
const maxQueued = 128 << 10

// A stream is one end of a TCP or TLS connection.
type stream struct {
	host   *Host
	target transport.Target

	mu     sync.Mutex
	state  state
	local  netip.AddrPort
	peer   *stream // the other end; set before up
	to     *Host   // whose end that is
	queue  [][]byte
	queued int
	framer sipmsg.Framer // of what arrives
}

type state uint8

const (
	connecting state = iota
	up
	ended
)

func newStream(h *Host, t transport.Target) *stream { return &stream{host: h, target: t} }

func (s *stream) Target() transport.Target { return s.target }
func (s *stream) Reliable() bool           { return true }
func (s *stream) Close(why error)          { s.close(why) }

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

// connect sends the SYN; what comes of it comes later.
func (s *stream) connect(patience time.Duration) {
	if patience == 0 {
		patience = 32 * time.Second
	}
	time.AfterFunc(patience, func() {
		if !s.host.net.isClosed() && !s.Up() {
			s.end(errors.New("connect: no answer in time"))
		}
	})
	h := s.host
	to := h.net.host(s.target.Addr)
	pkt := Packet{From: h, To: to, Proto: s.target.Proto}
	if to == nil {
		pkt.Lost = true
		h.net.tell(pkt)
		return
	}
	path, back := h.net.Path(h, to), h.net.Path(to, h)
	fault, notice := to.condition()
	vanished := !h.alive() || path.loses(pkt)
	pkt.Lost = vanished || fault == Silent || fault == Unreachable
	h.net.tell(pkt)
	switch {
	case vanished, fault == Silent, back.loses(Packet{From: to, To: h, Proto: pkt.Proto}):
	case fault == Unreachable:
		time.AfterFunc(notice, func() {
			if !h.net.isClosed() {
				s.end(fmt.Errorf("connect: %w", syscall.EHOSTUNREACH))
			}
		})
	case fault == Refusing:
		path.after(func() {
			back.after(func() { s.end(fmt.Errorf("connect: %w", syscall.ECONNREFUSED)) })
		})
	default:
		path.after(func() { s.accepted(to, back) })
	}
}

// accepted makes the far end, and tells both that they are up.
func (s *stream) accepted(to *Host, back *Path) {
	if err := s.distrust(to); err != nil {
		back.after(func() { s.end(err) })
		return
	}
	local := netip.AddrPortFrom(s.host.addr.Addr(), s.host.net.ephemeral())
	far := newStream(to, transport.Target{Proto: s.target.Proto, Addr: local})
	far.state, far.local, far.peer, far.to = up, to.addr, s, s.host
	to.mu.Lock()
	to.streams[far] = struct{}{}
	to.mu.Unlock()
	if to.alive() {
		to.handler.FlowUp(far)
	}
	back.after(func() {
		if s.established(far, to, local) {
			s.host.handler.FlowUp(s)
		} else {
			far.end(syscall.ECONNRESET)
		}
	})
}

// established takes the connection into use and sends what waited for it. It reports
// false when it was given up meanwhile.
func (s *stream) established(far *stream, to *Host, local netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connecting {
		return false
	}
	s.state, s.local, s.peer, s.to = up, local, far, to
	for _, wire := range s.queue {
		s.transmit(wire)
	}
	s.queue = nil
	return true
}

// distrust is the TLS client's verdict on the far host's certificate.
func (s *stream) distrust(to *Host) error {
	to.mu.Lock()
	defer to.mu.Unlock()
	if s.target.Proto != transport.TLS || to.names == nil || slices.Contains(to.names, s.target.Name) {
		return nil
	}
	cert := &x509.Certificate{DNSNames: to.names}
	return fmt.Errorf("TLS: certificate is for another server: %w", x509.HostnameError{Certificate: cert, Host: s.target.Name})
}

// Send writes to the connection, or keeps it for when there is one.
func (s *stream) Send(wire []byte) error {
	wire = append([]byte(nil), wire...)
	s.mu.Lock()
	switch {
	case s.state == ended:
		s.mu.Unlock()
		return fmt.Errorf("%s: %w", s.target, transport.ErrClosed)
	case s.state == connecting && s.queued+len(wire) > maxQueued:
		s.mu.Unlock()
		return fmt.Errorf("%s: %w", s.target, transport.ErrQueueFull)
	case s.state == connecting:
		s.queue = append(s.queue, wire)
		s.queued += len(wire)
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	s.transmit(wire)
	return nil
}

func (s *stream) transmit(wire []byte) {
	path := s.host.net.Path(s.host, s.to)
	pkt := Packet{From: s.host, To: s.to, Proto: s.target.Proto, Wire: wire}
	fault, _ := s.to.condition()
	vanished := !s.host.alive() || path.loses(pkt)
	pkt.Lost = vanished || fault != Alive
	s.host.net.tell(pkt)
	switch {
	case vanished:
	case fault == Alive:
		path.after(func() { s.peer.receive(wire) })
	case fault == Refusing:
		path.after(func() {
			s.host.net.Path(s.to, s.host).after(func() { s.end(syscall.ECONNRESET) })
		})
	}
}

// receive cuts what arrives into messages.
func (s *stream) receive(wire []byte) {
	if !s.host.alive() || !s.Up() {
		return
	}
	s.framer.Feed(wire)
	for {
		m, keepAlive, err := s.framer.Next()
		switch {
		case keepAlive == sipmsg.Ping:
			s.transmit([]byte("\r\n"))
			continue
		case keepAlive == sipmsg.Pong:
			s.host.handler.Pong(s, netip.AddrPort{})
			continue
		case m == nil && err == nil:
			return
		}
		if m != nil && m.IsRequest() {
			transport.Stamp(m, s.target.Addr)
		}
		s.host.handler.Receive(s, s.target.Addr, m, err)
		var bad *sipmsg.Error
		if errors.As(err, &bad) && bad.Fatal {
			s.close(err)
			return
		}
	}
}

// Ping sends a double CRLF.
func (s *stream) Ping(kind transport.Ping) error {
	if kind != transport.CRLF {
		return transport.ErrUnsupported
	}
	return s.Send([]byte("\r\n\r\n"))
}

// close ends this end, and the other when it hears of that.
func (s *stream) close(why error) {
	s.mu.Lock()
	peer, to, was := s.peer, s.to, s.state
	s.mu.Unlock()
	if why == nil {
		why = transport.ErrClosed
	}
	s.end(why)
	if was != up {
		return
	}
	path := s.host.net.Path(s.host, to)
	if !path.loses(Packet{From: s.host, To: to, Proto: s.target.Proto}) {
		path.after(func() { peer.end(errors.New("closed by the far end")) })
	}
}

// end reports the end of the connection to this end's host, once, and never on the
// caller's goroutine.
func (s *stream) end(why error) {
	if s == nil {
		return
	}
	s.mu.Lock()
	was := s.state
	s.state, s.queue = ended, nil
	s.mu.Unlock()
	if was == ended {
		return
	}
	s.host.forget(s)
	time.AfterFunc(0, func() {
		if !s.host.net.isClosed() {
			s.host.handler.FlowFailed(s, why)
		}
	})
}
