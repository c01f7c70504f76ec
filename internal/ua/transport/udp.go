package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"tipring/internal/sipmsg"
)

// A udpSocket is a listening or a connected UDP socket with the goroutine that reads
// it. The goroutine sleeps in Go's poller and holds no buffer while it does.
type udpSocket struct {
	l     *Layer
	conn  *net.UDPConn
	raw   syscall.RawConn
	flow  *udpFlow // nil: this is a listener
	local netip.AddrPort

	in  udpInput   // of the reading goroutine
	mu  sync.Mutex // guards out
	out udpOutput
}

// udpInput is what one wake of the reading goroutine found.
type udpInput struct {
	buf   *[]byte // from datagrams; nil when n is not valid
	n     int
	from  netip.AddrPort
	local netip.Addr // address it was sent to, as far as known
	errs  []error    // from the error queue
	oob   [128]byte
	try   func(fd uintptr) bool // in.read, bound once
}

// udpOutput is one datagram on its way out.
type udpOutput struct {
	wire []byte
	to   netip.AddrPort // zero: where the socket is connected to
	from netip.Addr     // source address; zero: as routed
	err  error
	try  func(fd uintptr) // bound once
}

// datagrams holds the buffers of sockets that are being read at this moment. One octet
// more than allowed tells a message that is too long.
var datagrams = sync.Pool{New: func() any {
	b := make([]byte, sipmsg.MaxDatagram+1)
	return &b
}}

// listenUDP opens the unconnected socket of one family. While it is being bound it
// shares its port with nobody, so that a port in use is an error.
func (l *Layer) listenUDP(network string, at netip.AddrPort) (*udpSocket, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error {
			mark(fd, l.cfg.DSCP)
			return listenerOptions(fd)
		})
	}}
	pc, err := lc.ListenPacket(context.Background(), network, at.String())
	if err != nil {
		return nil, err
	}
	return l.newUDPSocket(pc.(*net.UDPConn), nil)
}

// dialUDP opens a socket on the listener's port that is connected to the flow's target.
// Linux hands it every datagram of that far end. The listener allows the port to be
// shared just for this moment.
func (l *Layer) dialUDP(f *udpFlow) (*udpSocket, error) {
	listener := l.udpListener(f.target.Addr.Addr())
	if listener == nil {
		return nil, fmt.Errorf("no UDP listener for addresses such as %s", f.target.Addr.Addr())
	}
	l.portShare.Lock()
	defer l.portShare.Unlock()
	if err := control(listener.raw, allowShare); err != nil {
		return nil, err
	}
	defer func() { _ = control(listener.raw, forbidShare) }()
	d := net.Dialer{
		LocalAddr: net.UDPAddrFromAddrPort(listener.local),
		Control: func(_, _ string, c syscall.RawConn) error {
			return control(c, func(fd int) error {
				mark(fd, l.cfg.DSCP)
				return connectedOptions(fd, f.target)
			})
		},
	}
	conn, err := d.Dial(listener.network(), f.target.Addr.String())
	if err != nil {
		return nil, cause(err)
	}
	return l.newUDPSocket(conn.(*net.UDPConn), f)
}

func (l *Layer) newUDPSocket(conn *net.UDPConn, f *udpFlow) (*udpSocket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s := &udpSocket{l: l, conn: conn, raw: raw, flow: f}
	s.local = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	s.local = netip.AddrPortFrom(s.local.Addr().Unmap(), s.local.Port())
	s.in.try = s.read
	s.out.try = s.write
	return s, nil
}

// start reads the socket from now on.
func (s *udpSocket) start() error {
	if !s.l.begin() {
		_ = s.conn.Close()
		return ErrClosed
	}
	go s.serve()
	return nil
}

// network keeps the families apart: a socket that serves both would share its port with
// the other family's listener, which does not allow it.
func (s *udpSocket) network() string {
	if s.local.Addr().Is4() {
		return "udp4"
	}
	return "udp6"
}

// control runs set on a socket's descriptor.
func control(c syscall.RawConn, set func(fd int) error) error {
	var inner error
	if err := c.Control(func(fd uintptr) { inner = set(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// serve reads until the socket is closed.
func (s *udpSocket) serve() {
	defer s.l.wg.Done()
	for {
		err := s.raw.Read(s.in.try)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil && !s.unpolled() {
			return
		}
		s.deliver()
	}
}

// unpolled reads although Go's poller refuses to wait. It does so when epoll reported
// EPOLLERR alone, which is what an entry in the error queue looks like while the send
// buffer is full, and until the next event, which is the room that the send buffer
// gets. Only then does this goroutine look at the clock. It reports false when the
// layer closes.
func (s *udpSocket) unpolled() bool {
	if err := s.raw.Control(func(fd uintptr) { s.read(fd) }); err != nil {
		return false
	}
	if s.in.buf != nil || len(s.in.errs) > 0 {
		return true
	}
	select {
	case <-s.l.closing:
		return false
	case <-time.After(20 * time.Millisecond):
		return true
	}
}

// deliver hands over what read found and gives the buffer back.
func (s *udpSocket) deliver() {
	for i, err := range s.in.errs {
		s.in.errs[i] = nil
		s.l.counters.ICMPErrors.Add(1)
		if s.flow != nil {
			s.l.handler.FlowFailed(s.flow, err)
		}
	}
	s.in.errs = s.in.errs[:0]
	if s.in.buf == nil {
		return
	}
	s.l.datagram(s, (*s.in.buf)[:s.in.n], s.in.from, s.in.local)
	datagrams.Put(s.in.buf)
	s.in.buf = nil
}

// send transmits without waiting. An error that is pending on the socket belongs to an
// earlier datagram, and the reading goroutine reports it: so an error is followed by
// another try, more than once as several datagrams may have failed.
func (s *udpSocket) send(wire []byte, to netip.AddrPort, from netip.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.wire, s.out.to, s.out.from = wire, to, from
	defer func() { s.out.wire = nil }()
	for range maxErrorBatch {
		if err := s.raw.Control(s.out.try); err != nil {
			return ErrClosed
		}
		if s.out.err == nil {
			s.l.counters.Sent[UDP].Add(1)
			return nil
		}
	}
	return s.out.err
}

// datagram judges what came in on s: from the far end of its flow, or from anyone at
// all. (A connected socket may hold datagrams of others that came between its bind and
// its connect.)
func (l *Layer) datagram(s *udpSocket, data []byte, from netip.AddrPort, local netip.Addr) {
	var f Flow
	if s.flow != nil && s.flow.target.Addr == from {
		f = s.flow
	} else if known, ok := l.known(Target{Proto: UDP, Addr: from}).(*udpFlow); ok {
		f = known
	} else if !l.cfg.Accept(from.Addr()) {
		l.counters.DroppedSource.Add(1)
		return
	}
	switch {
	case len(data) > sipmsg.MaxDatagram:
		l.counters.DroppedTooLong.Add(1)
	case isSTUN(data):
		l.stunAnswer(f, data)
	case isKeepAlive(data):
		l.counters.KeepAlives.Add(1)
	default:
		l.message(s, f, data, from, local)
	}
}

func (l *Layer) message(s *udpSocket, f Flow, data []byte, from netip.AddrPort, local netip.Addr) {
	m, err := sipmsg.Parse(data)
	reply := from
	if m != nil && m.IsRequest() {
		Stamp(m, from)
		reply = ReplyAddr(m, from)
	}
	if f == nil || f.Target().Addr != reply {
		listener := l.udpListener(reply.Addr())
		if listener == nil {
			listener = s
		}
		f = wayBack{listener, reply, netip.AddrPortFrom(local, listener.local.Port())}
	}
	l.count(UDP, err)
	l.handler.Receive(f, from, m, err)
}

// isKeepAlive tells the datagrams that only hold a NAT's door open: nothing but CR, LF
// and NUL.
func isKeepAlive(data []byte) bool {
	for _, b := range data {
		if b != '\r' && b != '\n' && b != 0 {
			return false
		}
	}
	return true
}
