package pnp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"tipring/provisioning/lan"
)

// listen opens a socket on a free port of the interface, whose datagrams to the group
// leave by it and do not leave its network.
func listen(ctx context.Context, i lan.Interface) (*net.UDPConn, netip.AddrPort, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = options(int(fd), i) })
		return errors.Join(err, failed)
	}}
	pc, err := lc.ListenPacket(ctx, "udp4", netip.AddrPortFrom(i.Addr, 0).String())
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	local := pc.LocalAddr().(*net.UDPAddr).AddrPort()
	return pc.(*net.UDPConn), netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), nil
}

func options(fd int, i lan.Interface) error {
	// Before Linux 5.7 only root may bind to an interface; the address does without.
	if err := unix.BindToDevice(fd, i.Name); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	}
	out := &unix.IPMreqn{Ifindex: int32(i.Index), Address: i.Addr.As4()}
	return errors.Join(
		unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, out),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 1),
	)
}
