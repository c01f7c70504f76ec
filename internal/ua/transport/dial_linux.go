package transport

import (
	"time"

	"golang.org/x/sys/unix"
)

// streamOptions prepares a TCP socket: the interface to go through, and how long sent
// data may stay unacknowledged (tcp(7), TCP_USER_TIMEOUT).
func streamOptions(fd int, device string, unacknowledged time.Duration) error {
	if device != "" {
		if err := unix.BindToDevice(fd, device); err != nil {
			return err
		}
	}
	if unacknowledged > 0 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledged.Milliseconds()))
	}
	return nil
}
