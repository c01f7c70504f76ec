package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// handshakeTime is what an accepted connection has for its TLS handshake.
const handshakeTime = 10 * time.Second

// A streamListener accepts TCP or TLS connections of both families.
type streamListener struct {
	proto Proto
	ln    net.Listener
	port  int
}

func (l *Layer) listenStream(p Proto, port int) (*streamListener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive, Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { // what is accepted inherits it
			mark(fd, l.cfg.DSCP)
			return nil
		})
	}}
	at := fmt.Sprintf(":%d", port)
	if bind := l.cfg.Bind.Unmap(); bind.IsValid() && !bind.IsUnspecified() {
		at = netip.AddrPortFrom(bind, uint16(port)).String()
	}
	ln, err := lc.Listen(context.Background(), "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen on %s %s: %w", p, at, cause(err))
	}
	return &streamListener{p, ln, ln.Addr().(*net.TCPAddr).Port}, nil
}

// accept takes connections until the listener is closed. Without a file descriptor to
// spare it lets them wait a moment.
func (l *Layer) accept(s *streamListener) {
	defer l.wg.Done()
	for {
		conn, err := s.ln.Accept()
		if err == nil {
			l.take(s, conn)
			continue
		}
		if l.isClosing() {
			return
		}
		l.cfg.Log.Warn("cannot accept a connection", "proto", s.proto.String(), "err", cause(err))
		select {
		case <-l.closing:
			return
		case <-time.After(time.Second):
		}
	}
}

// take makes a flow of an accepted connection, if its source may and the caps allow it.
func (l *Layer) take(listener *streamListener, conn net.Conn) {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if !l.cfg.Accept(from.Addr()) {
		l.counters.DroppedSource.Add(1)
		_ = conn.Close()
		return
	}
	s := newStream(l, Target{Proto: listener.proto, Addr: from}, true)
	if !l.admitInbound(s) {
		l.counters.DroppedInbound.Add(1)
		_ = conn.Close()
		return
	}
	go s.serve(conn)
}

func (l *Layer) admitInbound(s *stream) bool {
	source := s.target.Addr.Addr()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.inbound) >= l.cfg.MaxInbound || l.perSource[source] >= l.cfg.MaxPerSource {
		return false
	}
	l.inbound[s] = struct{}{}
	l.perSource[source]++
	l.wg.Add(1)
	return true
}

func (l *Layer) dismissInbound(s *stream) {
	source := s.target.Addr.Addr()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.inbound, s)
	if l.perSource[source]--; l.perSource[source] <= 0 {
		delete(l.perSource, source)
	}
}

// serve is the life of an accepted connection. One that does not finish its handshake
// never becomes a flow that the Handler hears of.
func (s *stream) serve(conn net.Conn) {
	defer s.l.wg.Done()
	secure, err := s.shakeHands(conn)
	if err != nil {
		s.l.counters.StreamFails.Add(1)
		s.l.cfg.Log.Debug("TLS handshake failed", "from", s.target.Addr.String(), "err", err)
		s.end(err)
	}
	up := err == nil && s.begin(secure)
	if up {
		s.l.handler.FlowUp(s)
		s.read()
	}
	s.l.dismissInbound(s)
	if up {
		s.report()
	} else {
		_ = conn.Close()
	}
}

// shakeHands is the server's side of TLS; a TCP connection it leaves as it is.
func (s *stream) shakeHands(conn net.Conn) (net.Conn, error) {
	if s.target.Proto != TLS {
		return conn, nil
	}
	secure := tls.Server(conn, &tls.Config{
		Certificates: []tls.Certificate{*s.l.cfg.ServerCert},
		MinVersion:   tls.VersionTLS12,
	})
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTime)
	defer cancel()
	return secure, secure.HandshakeContext(ctx)
}
