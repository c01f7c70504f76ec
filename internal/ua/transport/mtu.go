package transport

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// TooLarge reports a request that RFC 3261 section 18.1.1 sends over TCP although UDP
// was meant: longer than 1300 octets, or within 200 octets of what the path takes. Where
// TCP is Refused, it goes over UDP after all.
func TooLarge(f Flow, octets int) bool {
	if f.Reliable() {
		return false
	}
	limit := 1300
	if u, ok := f.(*udpFlow); ok {
		if mtu := u.mtu(); mtu > 200 {
			limit = min(limit, mtu-200)
		}
	}
	return octets > limit
}

func (f *udpFlow) mtu() int {
	s, err := f.socket(nil)
	if err != nil {
		return 0
	}
	return pathMTU(s.raw)
}

// Source is the address that packets to t leave from, for the Via and the Contact of a
// request on a TCP or TLS flow that is not up yet. Nothing is sent.
func (l *Layer) Source(t Target) (netip.Addr, error) {
	t = t.Normal()
	if bind := l.cfg.Bind.Unmap(); bind.IsValid() && !bind.IsUnspecified() {
		return bind, nil
	}
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return streamOptions(fd, t.Device, 0) })
	}}
	conn, err := d.Dial("udp", t.Addr.String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s: %w", t, cause(err))
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}
