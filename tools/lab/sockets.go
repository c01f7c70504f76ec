package lab

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// writeTimeout bounds how long one connection that does not read can hold a server up.
const writeTimeout = time.Second

// sockets are the open sockets of a server and the goroutines that read them.
type sockets struct {
	s       *Server
	udp     *net.UDPConn
	streams []net.Listener
	addrs   map[transport.Proto]netip.AddrPort
	readers sync.WaitGroup

	mu     sync.Mutex
	conns  map[*connection]struct{}
	closed bool
}

// open opens sockets at addresses, whose ports may be 0. The port of UDP will do for TCP.
func open(at map[transport.Proto]netip.AddrPort, s *Server) (*sockets, error) {
	const tries = 20 // a port that is free for UDP may be taken for TCP
	var k *sockets
	var err error
	for range tries {
		k = &sockets{s: s, addrs: map[transport.Proto]netip.AddrPort{}, conns: map[*connection]struct{}{}}
		if err = k.open(at); err == nil {
			break
		}
		k.close()
		if at[transport.UDP].Port() != 0 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	k.readers.Add(1 + len(k.streams))
	go k.readUDP()
	for i, l := range k.streams {
		go k.accept(l, [...]transport.Proto{transport.TCP, transport.TLS}[i])
	}
	return k, nil
}

func (k *sockets) open(at map[transport.Proto]netip.AddrPort) (err error) {
	k.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at[transport.UDP]))
	if err != nil {
		return err
	}
	k.addrs[transport.UDP] = unmapped(k.udp.LocalAddr())
	tcp := at[transport.TCP]
	if tcp.Port() == 0 {
		tcp = k.addrs[transport.UDP]
	}
	if err := k.listen(transport.TCP, tcp, nil); err != nil {
		return err
	}
	if secure, ok := at[transport.TLS]; ok {
		return k.listen(transport.TLS, secure, &tls.Config{Certificates: []tls.Certificate{k.s.certificate}})
	}
	return nil
}

func (k *sockets) listen(p transport.Proto, at netip.AddrPort, secure *tls.Config) error {
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return err
	}
	k.addrs[p] = unmapped(l.Addr())
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	k.streams = append(k.streams, l)
	return nil
}

// unmapped is an address of package net as its netip form.
func unmapped(a net.Addr) netip.AddrPort {
	var at netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		at = a.AddrPort()
	case *net.TCPAddr:
		at = a.AddrPort()
	}
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// close cuts everything and waits for the readers.
func (k *sockets) close() {
	k.mu.Lock()
	k.closed = true
	if k.udp != nil {
		_ = k.udp.Close()
	}
	for _, l := range k.streams {
		_ = l.Close()
	}
	for conn := range k.conns {
		conn.cut()
	}
	k.mu.Unlock()
	k.readers.Wait()
}

func (k *sockets) writeUDP(to netip.AddrPort, wire []byte) {
	if _, err := k.udp.WriteToUDPAddrPort(wire, to); err != nil {
		k.s.core.log.Debug("not sent", "to", to, "err", err)
	}
}

func (k *sockets) readUDP() {
	defer k.readers.Done()
	b := make([]byte, 1<<16)
	for {
		n, from, err := k.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		m, merr := sipmsg.Parse(b[:n])
		w := way{addr: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
		k.s.post(func(now time.Time) { k.s.core.receive(now, w, m, merr) })
	}
}

func (k *sockets) accept(l net.Listener, p transport.Proto) {
	defer k.readers.Done()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		conn := &connection{Conn: c}
		k.mu.Lock()
		if k.closed {
			k.mu.Unlock()
			conn.cut()
			return
		}
		k.conns[conn] = struct{}{}
		k.readers.Add(1)
		k.mu.Unlock()
		go k.read(conn, p)
	}
}

// A connection is one that a telephone made.
type connection struct {
	net.Conn
	ended atomic.Bool
}

func (c *connection) gone() bool { return c.ended.Load() }

// cut ends the connection with an RST, as a server does that dies.
func (c *connection) cut() {
	c.ended.Store(true)
	conn := c.Conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}

func (c *connection) write(wire []byte) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.Conn.Write(wire); err != nil {
		c.cut()
	}
}

// read takes messages from a connection until it ends. A silent server reads on, but
// shakes no hands and answers no ping.
func (k *sockets) read(conn *connection, p transport.Proto) {
	defer k.readers.Done()
	cause := errSilent
	if t, ok := conn.Conn.(*tls.Conn); ok && k.s.mute.Load() {
		_, _ = io.Copy(io.Discard, t.NetConn())
	} else {
		cause = k.messages(conn, way{proto: p, addr: unmapped(conn.RemoteAddr()), conn: conn})
	}
	conn.cut()
	k.mu.Lock()
	delete(k.conns, conn)
	k.mu.Unlock()
	k.s.post(func(now time.Time) { k.s.core.lost(now, conn, cause) })
}

var errSilent = errors.New("made while the server was silent")

func (k *sockets) messages(conn *connection, w way) error {
	var f sipmsg.Framer
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return err
		}
		f.Feed(b[:n])
		for {
			m, keepalive, err := f.Next()
			var fault *sipmsg.Error
			switch {
			case m == nil && keepalive == sipmsg.NoKeepalive && err == nil:
			case keepalive == sipmsg.Ping:
				k.s.post(func(time.Time) { k.s.core.transmit(w, []byte("\r\n")) }) // RFC 5626 section 4.4.1
				continue
			case keepalive == sipmsg.Pong:
				continue
			default:
				k.s.post(func(now time.Time) { k.s.core.receive(now, w, m, err) })
				if errors.As(err, &fault) && fault.Fatal {
					return fmt.Errorf("stream not understood: %w", err)
				}
				continue
			}
			break
		}
	}
}
