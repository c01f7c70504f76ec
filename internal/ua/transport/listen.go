package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

func (l *Layer) listen() error {
	if err := l.listenUDPs(); err != nil {
		return err
	}
	var err error
	if l.cfg.TCPPort >= 0 {
		if l.tcp, err = l.listenStream(TCP, l.cfg.TCPPort); err != nil {
			return err
		}
	}
	if l.cfg.TLSPort >= 0 && l.cfg.ServerCert != nil {
		l.tls, err = l.listenStream(TLS, l.cfg.TLSPort)
	}
	return err
}

// serve takes what comes in, once every listener stands.
func (l *Layer) serve() {
	for _, s := range []*udpSocket{l.udp4, l.udp6} {
		if s != nil {
			_ = s.start()
		}
	}
	for _, s := range []*streamListener{l.tcp, l.tls} {
		if s != nil {
			l.wg.Add(1)
			go l.accept(s)
		}
	}
}

// listenUDPs opens a UDP socket for each family that the bind address allows, on one
// port. A system without IPv6 does with IPv4.
func (l *Layer) listenUDPs() error {
	bind := l.cfg.Bind.Unmap()
	if bind.IsValid() && !bind.IsUnspecified() {
		s, err := l.listenUDPPort(bind, l.cfg.UDPPort)
		if bind.Is4() {
			l.udp4 = s
		} else {
			l.udp6 = s
		}
		return err
	}
	// Any free port of one family may be taken in the other.
	for try := 0; ; try++ {
		var err error
		if l.udp4, err = l.listenUDPPort(netip.IPv4Unspecified(), l.cfg.UDPPort); err != nil {
			return err
		}
		l.udp6, err = l.listenUDPPort(netip.IPv6Unspecified(), int(l.udp4.local.Port()))
		if err == nil || noIPv6(err) {
			return nil
		}
		if l.cfg.UDPPort != 0 || try == 8 {
			return err
		}
		_ = l.udp4.conn.Close()
	}
}

func (l *Layer) listenUDPPort(addr netip.Addr, port int) (*udpSocket, error) {
	network := "udp4"
	if addr.Is6() {
		network = "udp6"
	}
	at := netip.AddrPortFrom(addr, uint16(port))
	s, err := l.listenUDP(network, at)
	if err != nil {
		return nil, fmt.Errorf("listen on udp %s: %w", at, cause(err))
	}
	return s, nil
}

func noIPv6(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// cause takes the errno out of the net package's errors, whose other words the caller
// knows already.
func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// udpListener is the listener of an address's family; nil without one.
func (l *Layer) udpListener(a netip.Addr) *udpSocket {
	if a.Is4() {
		return l.udp4
	}
	return l.udp6
}

// Port is the port listened on for p, also when any free one was asked for; 0 without
// a listener.
func (l *Layer) Port(p Proto) int {
	switch {
	case p == UDP && l.udp4 != nil:
		return int(l.udp4.local.Port())
	case p == UDP && l.udp6 != nil:
		return int(l.udp6.local.Port())
	case p == TCP && l.tcp != nil:
		return l.tcp.port
	case p == TLS && l.tls != nil:
		return l.tls.port
	}
	return 0
}
