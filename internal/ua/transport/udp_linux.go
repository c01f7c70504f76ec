package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listenerOptions asks for the address each datagram was sent to.
func listenerOptions(fd int) error {
	if isIPv6(fd) {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}

// mark has what a socket sends carry dscp. A socket of IPv6 may serve IPv4 too. A kernel
// that cannot sends it all the same.
func mark(fd, dscp int) {
	if dscp == 0 {
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, dscp<<2)
	if isIPv6(fd) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscp<<2)
	}
}

// connectedOptions prepares a socket, before it is bound, for its target: to share the
// listener's port, to keep every ICMP error in its error queue (ip(7), IP_RECVERR), and
// to send through the target's interface. IPv4 datagrams may be fragmented on the way:
// a response cannot move to TCP when it is too long for some link.
func connectedOptions(fd int, t Target) error {
	if err := allowShare(fd); err != nil {
		return err
	}
	if t.Device != "" {
		if err := unix.BindToDevice(fd, t.Device); err != nil {
			return err
		}
	}
	if isIPv6(fd) {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
}

func allowShare(fd int) error  { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }
func forbidShare(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) }

func isIPv6(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_INET6
}

// pathMTU is what the kernel knows of the way to a connected socket's far end; 0 when
// it knows nothing.
func pathMTU(c syscall.RawConn) int {
	mtu := 0
	_ = control(c, func(fd int) (err error) {
		if isIPv6(fd) {
			mtu, err = unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU)
		} else {
			mtu, err = unix.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU)
		}
		return err
	})
	return mtu
}

// read takes the errors and one datagram from the socket, and reports false when there
// is nothing and the poller shall wait. Errors first: a pending one would be returned
// instead of the datagram, and cleared, while the queue tells more of it.
func (s *udpSocket) read(fd uintptr) bool {
	for range maxErrorBatch {
		if s.flow != nil {
			s.readErrors(int(fd))
		}
		buf := datagrams.Get().(*[]byte)
		n, oobn, _, from, err := unix.Recvmsg(int(fd), *buf, s.in.oob[:], unix.MSG_DONTWAIT)
		if err == nil {
			s.in.buf, s.in.n = buf, n
			s.in.from = s.l.addrPort(from)
			s.in.local = s.local.Addr()
			if oobn > 0 {
				s.in.local = sentTo(s.in.oob[:oobn], s.in.local)
			}
			return true
		}
		datagrams.Put(buf)
		if len(s.in.errs) > 0 {
			return true
		}
		if err == unix.EAGAIN {
			return false
		}
		// EINTR, or the pending error, now cleared: look again.
	}
	return false
}

// maxErrorBatch bounds the errors taken in one wake.
const maxErrorBatch = 16

// readErrors empties the error queue (recvmsg(2), MSG_ERRQUEUE) into in.errs, each kind
// once.
func (s *udpSocket) readErrors(fd int) {
	var quoted [1]byte // the datagram that failed, which nobody needs
	for len(s.in.errs) < maxErrorBatch {
		_, oobn, _, _, err := unix.Recvmsg(fd, quoted[:], s.in.oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		if e := parseErrorQueue(s.in.oob[:oobn]); e != nil && !s.in.has(*e) {
			s.in.errs = append(s.in.errs, e)
		}
	}
}

func (in *udpInput) has(e ICMPError) bool {
	for _, x := range in.errs {
		if had, ok := x.(*ICMPError); ok && *had == e {
			return true
		}
	}
	return false
}

// parseErrorQueue reads the sock_extended_err that came with an entry of the error
// queue. A note about the path MTU is not an error: the kernel fragments from then on.
func parseErrorQueue(oob []byte) *ICMPError {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range msgs {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		const size = int(unsafe.Sizeof(unix.SockExtendedErr{}))
		if !v4 && !v6 || len(m.Data) < size {
			continue
		}
		e := &ICMPError{
			Errno:   syscall.Errno(binary.NativeEndian.Uint32(m.Data)),
			Version: 4, Type: m.Data[5], Code: m.Data[6],
			From: offender(m.Data[size:]),
		}
		if v6 {
			e.Version = 6
		}
		if e.Errno == syscall.EMSGSIZE || e.Errno == 0 {
			return nil
		}
		return e
	}
	return nil
}

// offender is the address of who sent the ICMP message: the sockaddr that follows the
// sock_extended_err.
func offender(sa []byte) netip.Addr {
	if len(sa) < 2 {
		return netip.Addr{}
	}
	switch family := binary.NativeEndian.Uint16(sa); {
	case family == unix.AF_INET && len(sa) >= 8:
		return netip.AddrFrom4([4]byte(sa[4:8]))
	case family == unix.AF_INET6 && len(sa) >= 24:
		return netip.AddrFrom16([16]byte(sa[8:24])).Unmap()
	}
	return netip.Addr{}
}

// sentTo is the local address that a datagram was sent to.
func sentTo(oob []byte, otherwise netip.Addr) netip.Addr {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return otherwise
	}
	for _, m := range msgs {
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(m.Data[4:8])) // ipi_spec_dst: ours, also of a broadcast
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(m.Data[:16])).Unmap()
		}
	}
	return otherwise
}

// write transmits out, and leaves the result in out.err.
func (s *udpSocket) write(fd uintptr) {
	var to unix.Sockaddr
	var oob []byte
	if s.out.to.IsValid() {
		to = sockaddr(s.out.to)
		oob = sourceAddr(s.out.from)
	}
	for {
		_, s.out.err = unix.SendmsgN(int(fd), s.out.wire, oob, to, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if s.out.err != unix.EINTR {
			return
		}
	}
}

// sourceAddr is the control message that chooses the source address of a datagram.
func sourceAddr(from netip.Addr) []byte {
	switch {
	case !from.IsValid() || from.IsUnspecified():
		return nil
	case from.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
	default:
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: from.As16()})
	}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zoneIndex(a.Addr().Zone())}
}

func zoneIndex(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if ifc, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifc.Index)
	}
	return 0
}

// addrPort reads a socket address; a link-local one with the interface's name.
func (l *Layer) addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 {
			a = a.WithZone(l.zones.name(int(sa.ZoneId)))
		}
		return netip.AddrPortFrom(a, uint16(sa.Port))
	}
	return netip.AddrPort{}
}
