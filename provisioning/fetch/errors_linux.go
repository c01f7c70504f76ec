package fetch

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hearErrors makes an unconnected UDP socket report ICMP errors (ip(7), IP_RECVERR), so
// that a host without a TFTP server is known in a second.
func hearErrors(network, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		if network == "udp6" {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
			return
		}
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
