package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"tipring/provisioning/lan"
)

// listen opens the client's port on one address of one interface. The system's DHCP client
// may have the port, too: it is shared where that client allows it. Being bound to
// the address and the interface, ours is the one that an answer to this address reaches.
func listen(ctx context.Context, i lan.Interface) (*net.UDPConn, error) {
	conn, err := bind(ctx, i, unix.SO_REUSEADDR)
	if errors.Is(err, unix.EADDRINUSE) {
		conn, err = bind(ctx, i, unix.SO_REUSEADDR, unix.SO_REUSEPORT)
	}
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf("the system's DHCP client has UDP port %d and does not share it: %w", clientPort, err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("UDP port %d is for root, or who has CAP_NET_BIND_SERVICE (and CAP_NET_RAW before Linux 5.7): %w", clientPort, err)
	}
	return conn, err
}

func bind(ctx context.Context, i lan.Interface, share ...int) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			for _, option := range share {
				failed = errors.Join(failed, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 1))
			}
			failed = errors.Join(failed, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1),
				unix.BindToDevice(int(fd), i.Name))
		})
		return errors.Join(err, failed)
	}}
	pc, err := lc.ListenPacket(ctx, "udp4", netip.AddrPortFrom(i.Addr, clientPort).String())
	if err != nil {
		return nil, err
	}
	return pc.(*net.UDPConn), nil
}
