package lan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"
)

// A Datagram is something to send.
type Datagram struct {
	To   netip.AddrPort
	Wire []byte
}

// A Machine asks one question on the network. It has no clock and no socket.
type Machine interface {
	// Expire returns what is due to be sent; it is called at first, and at each Deadline.
	Expire(now time.Time) []Datagram
	// Receive takes what came, and returns answers to it. It keeps nothing of data.
	Receive(now time.Time, from netip.AddrPort, data []byte) []Datagram
	// Deadline is when Expire is to be called next.
	Deadline() time.Time
	// Done reports that there is nothing more to wait for.
	Done() bool
}

// A Conn is the part of *net.UDPConn that Run needs.
type Conn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	SetReadDeadline(t time.Time) error
}

// maxDatagram is the longest datagram that is read whole.
const maxDatagram = 8 << 10

// Run serves the machine until it is done or ctx is. A question that cannot be sent is an
// error; an answer that cannot be sent is the stranger's loss and only logged.
func Run(ctx context.Context, c Conn, m Machine, log *slog.Logger) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, maxDatagram)
	for {
		for _, d := range m.Expire(time.Now()) {
			if _, err := c.WriteToUDPAddrPort(d.Wire, d.To); err != nil {
				return fmt.Errorf("send to %v: %w", d.To, err)
			}
		}
		if m.Done() {
			return nil
		}
		if err := c.SetReadDeadline(m.Deadline()); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil { // looked at after the deadline was set, which may have undone AfterFunc's
			return err
		}
		n, from, err := c.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		for _, d := range m.Receive(time.Now(), from, buf[:n]) {
			if _, err := c.WriteToUDPAddrPort(d.Wire, d.To); err != nil {
				log.Debug("answer not sent", "to", d.To, "err", err)
			}
		}
	}
}
