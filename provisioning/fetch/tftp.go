package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// bringTFTP asks a TFTP server at each of its addresses. One that refuses options is
// asked again without.
func (c *Client) bringTFTP(ctx context.Context, u *url.URL) (Result, error) {
	res := Result{URL: redact(u)}
	name, err := fileName(u)
	if err != nil {
		return res, err
	}
	err = c.each(ctx, u, func(to netip.AddrPort, _ time.Duration) (answered bool, err error) {
		res.Data, answered, err = c.transfer(ctx, to, name, true)
		if errors.Is(err, errOptions) {
			res.Data, answered, err = c.transfer(ctx, to, name, false)
		}
		return answered, err
	})
	return res, err
}

// transfer brings a file from one address, by a socket of its own. answered says that
// the server is there.
func (c *Client) transfer(ctx context.Context, to netip.AddrPort, name string, options bool) (data []byte, answered bool, err error) {
	conn, err := c.network.listen(ctx, to.Addr())
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	t, out := newTransfer(time.Now(), to, name, options, maxWire)
	err = t.run(ctx, conn, out)
	if t.strangers > 0 {
		c.Log.Warn("packets of others than the TFTP server", "server", to.String(), "packets", t.strangers)
	}
	if errors.Is(err, errSilent) && t.strangers > 0 { // a server that answers by another interface?
		err = fmt.Errorf("%w from %s, but %d packets from elsewhere", err, to.Addr(), t.strangers)
	}
	if err != nil {
		return nil, t.peer.IsValid(), err
	}
	return t.data, true, nil
}

// run drives the transfer to its end over a socket.
func (t *transfer) run(ctx context.Context, conn packetConn, out []byte) error {
	// Of a packet that is too long, enough comes in to see that it is.
	buf := make([]byte, 4+wantedBlock+1)
	at := t.to()
	for {
		if out != nil {
			// A socket tells an ICMP error to an earlier packet by refusing the next one;
			// what is lost so is repeated by the timer.
			if _, err := conn.WriteToUDPAddrPort(out, at); err != nil && at == t.to() {
				t.Unreachable(err)
			}
		}
		if t.Ended() {
			return t.err
		}
		if err := conn.SetReadDeadline(t.Deadline()); err != nil {
			return err
		}
		if ctx.Err() != nil { // after the deadline was set: see transfer's AfterFunc
			return t.abandon(ctx, conn)
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		now := time.Now()
		switch {
		case err == nil:
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			out, at = t.Receive(now, from, buf[:n])
		case timeout(err):
			out = nil
		case unreachable(err):
			t.Unreachable(err)
			out = nil
		default:
			return err
		}
		if out == nil { // also when packets that change nothing come without pause
			out, at = t.Expire(now), t.to()
		}
	}
}

// abandon tells the server that nobody waits for the file any more.
func (t *transfer) abandon(ctx context.Context, conn packetConn) error {
	if t.state == dallying {
		return nil
	}
	if t.peer.IsValid() {
		_, _ = conn.WriteToUDPAddrPort(errorPacket(codeUndefined, "given up"), t.peer)
	}
	return context.Cause(ctx)
}

func unreachable(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EMSGSIZE, syscall.EHOSTDOWN, syscall.EPERM, syscall.EACCES, syscall.ENOPROTOOPT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
