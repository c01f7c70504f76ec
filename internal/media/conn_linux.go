package media

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A udpConn is a UDP socket outside the runtime's poller: it is read when its owner has
// time for it, so a packet that comes in need not wake anybody.
type udpConn struct {
	fd    int
	local netip.AddrPort
	six   bool

	// What recvmsg fills, kept here so that a read allocates nothing.
	msg  unix.Msghdr
	iov  unix.Iovec
	name unix.RawSockaddrInet6 // room for either family
	oob  [8]uint64             // aligned as a Cmsghdr has to be

	to  netip.AddrPort // what sa4 or sa6 holds
	sa4 unix.SockaddrInet4
	sa6 unix.SockaddrInet6
}

// listenUDP opens a socket on bind:port. The zero bind is every address of both families.
// A device binds it to that network interface. Datagrams carry dscp (RFC 2474).
func listenUDP(bind netip.Addr, port uint16, device string, dscp int) (*udpConn, error) {
	dual := !bind.IsValid()
	if dual {
		bind = netip.IPv6Unspecified()
	}
	bind = bind.Unmap()
	c, err := openUDP(bind, port, device, dual, dscp)
	if dual && (err == unix.EAFNOSUPPORT || err == unix.EADDRNOTAVAIL) { // a kernel without IPv6
		bind = netip.IPv4Unspecified()
		c, err = openUDP(bind, port, device, false, dscp)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(bind, port)), Err: err}
	}
	return c, nil
}

func openUDP(bind netip.Addr, port uint16, device string, dual bool, dscp int) (*udpConn, error) {
	c := &udpConn{six: bind.Is6()}
	family := unix.AF_INET
	if c.six {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c.fd = fd
	if err := c.setUp(bind, port, device, dual, dscp); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return c, nil
}

func (c *udpConn) setUp(bind netip.Addr, port uint16, device string, dual bool, dscp int) error {
	if c.six {
		only := 1
		if dual {
			only = 0
		}
		if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return err
		}
		// A router that cares for neither class nor priority forwards all the same.
		_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscp<<2)
	}
	if !c.six || dual {
		_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_TOS, dscp<<2)
	}
	if device != "" {
		if err := unix.BindToDevice(c.fd, device); err != nil {
			return fmt.Errorf("device %s: %w", device, err)
		}
	}
	// The new option has 64-bit seconds on 32-bit machines, and kernels before 5.1 lack it.
	// Without either, Read tells the time itself.
	if unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1) != nil {
		_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err := unix.Bind(c.fd, c.sockaddr(netip.AddrPortFrom(bind, port))); err != nil {
		return err
	}
	sa, err := unix.Getsockname(c.fd)
	if err != nil {
		return err
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		port = uint16(sa.Port)
	case *unix.SockaddrInet6:
		port = uint16(sa.Port)
	}
	c.local = netip.AddrPortFrom(bind, port)
	return nil
}

// sockaddr is a socket address for to, kept until another is asked for.
func (c *udpConn) sockaddr(to netip.AddrPort) unix.Sockaddr {
	if c.to != to {
		c.to = to
		if c.six {
			c.sa6.Addr, c.sa6.Port = to.Addr().As16(), int(to.Port())
		} else {
			c.sa4.Addr, c.sa4.Port = to.Addr().Unmap().As4(), int(to.Port())
		}
	}
	if c.six {
		return &c.sa6
	}
	return &c.sa4
}

func (c *udpConn) Read(b []byte) (Datagram, bool) {
	if c.fd < 0 || len(b) == 0 {
		return Datagram{}, false
	}
	c.iov.Base = &b[0]
	c.iov.SetLen(len(b))
	c.msg.Name = (*byte)(unsafe.Pointer(&c.name))
	c.msg.Namelen = unix.SizeofSockaddrInet6
	c.msg.Iov = &c.iov
	c.msg.SetIovlen(1)
	c.msg.Control = (*byte)(unsafe.Pointer(&c.oob[0]))
	c.msg.SetControllen(len(c.oob) * 8)
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&c.msg)), unix.MSG_DONTWAIT)
	c.iov.Base = nil
	if errno != 0 {
		return Datagram{}, false
	}
	d := Datagram{N: int(n), From: c.from(), At: c.arrival()}
	if c.msg.Flags&unix.MSG_TRUNC != 0 {
		d.N = 0
	}
	return d, true
}

// from reads the sender's address that recvmsg left.
func (c *udpConn) from() netip.AddrPort {
	if c.name.Family == unix.AF_INET {
		in4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&c.name))
		return netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), fromNetwork(in4.Port))
	}
	return netip.AddrPortFrom(netip.AddrFrom16(c.name.Addr).Unmap(), fromNetwork(c.name.Port))
}

// fromNetwork reads a port that lies in memory in network order.
func fromNetwork(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

// arrival reads the kernel's timestamp, two numbers of 64 or of 32 bits.
func (c *udpConn) arrival() time.Time {
	if int(c.msg.Controllen) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&c.oob[0]))
		at := unix.CmsgLen(0)
		size := int(h.Len) - at
		oob := (*[64]byte)(unsafe.Pointer(&c.oob[0]))
		if h.Level == unix.SOL_SOCKET && (h.Type == unix.SO_TIMESTAMPNS_NEW || h.Type == unix.SO_TIMESTAMPNS) && size >= 8 && at+size <= len(oob) {
			data := oob[at : at+size]
			if size >= 16 {
				return time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
			}
			return time.Unix(int64(int32(binary.NativeEndian.Uint32(data))), int64(binary.NativeEndian.Uint32(data[4:])))
		}
	}
	return time.Now()
}

func (c *udpConn) Write(b []byte, to netip.AddrPort) error {
	if c.fd < 0 {
		return os.ErrClosed
	}
	if !c.six && !to.Addr().Unmap().Is4() { // else 0.0.0.0, which is this host
		return unix.EAFNOSUPPORT
	}
	return unix.Sendto(c.fd, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, c.sockaddr(to))
}

func (c *udpConn) Local() netip.AddrPort { return c.local }

func (c *udpConn) Close() error {
	if c.fd < 0 {
		return nil
	}
	fd := c.fd
	c.fd = -1
	return unix.Close(fd)
}
