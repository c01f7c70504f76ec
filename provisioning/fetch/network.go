package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"
)

// How long a server is given before the next of its addresses is tried.
const (
	lookupTime   = 15 * time.Second
	connectTime  = 10 * time.Second // less when many addresses share what is left
	maxAddresses = 8
)

// A network is how servers are reached: the system, or a test's own.
type network interface {
	lookup(ctx context.Context, host string) ([]netip.Addr, error)
	dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	listen(ctx context.Context, to netip.Addr) (packetConn, error) // a socket of its own for each transfer
}

// A packetConn is what TFTP needs of a *net.UDPConn.
type packetConn interface {
	ReadFromUDPAddrPort(b []byte) (n int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (n int, err error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// system is the machine's own network.
type system struct{ local netip.Addr }

func (s system) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func (s system) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	if s.local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.local, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

func (s system) listen(ctx context.Context, to netip.Addr) (packetConn, error) {
	family, local := "udp4", netip.IPv4Unspecified()
	if to.Is6() {
		family, local = "udp6", netip.IPv6Unspecified()
	}
	if s.local.IsValid() {
		local = s.local
	}
	l := net.ListenConfig{Control: hearErrors}
	c, err := l.ListenPacket(ctx, family, netip.AddrPortFrom(local, 0).String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// addresses are those of the URL's host that a file may come from, in the system's
// order (RFC 6724).
func (c *Client) addresses(ctx context.Context, u *url.URL) ([]netip.AddrPort, error) {
	port, err := port(u)
	if err != nil {
		return nil, err
	}
	all := []netip.Addr{}
	if a, ok := literal(u); ok {
		all = append(all, a)
	} else if all, err = c.network.lookup(ctx, u.Hostname()); err != nil {
		return nil, err
	}
	var usable []netip.AddrPort
	for _, a := range all {
		if a = a.Unmap(); c.reaches(a) && len(usable) < maxAddresses {
			usable = append(usable, netip.AddrPortFrom(a, port))
		}
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("%s has no address that a server can have from here: %v", u.Hostname(), all)
	}
	return usable, nil
}

func (c *Client) reaches(a netip.Addr) bool {
	broadcast := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	ofFamily := !c.Local.IsValid() || c.Local.Unmap().Is4() == a.Is4()
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != broadcast && ofFamily
}

// each tries a server's addresses until one answers. try says with answered that
// another address would be of no use.
func (c *Client) each(ctx context.Context, u *url.URL, try func(to netip.AddrPort, connect time.Duration) (answered bool, err error)) error {
	all, err := c.addresses(ctx, u)
	if err != nil {
		return err
	}
	var failed error
	for i, to := range all {
		connect := connectTime
		if end, ok := ctx.Deadline(); ok {
			connect = min(connect, time.Until(end)/time.Duration(len(all)-i))
		}
		answered, err := try(to, connect)
		switch {
		case answered || ctx.Err() != nil || len(all) == 1:
			return err
		case failed == nil:
			failed = fmt.Errorf("%s: %w", to.Addr(), err)
		default:
			failed = fmt.Errorf("%w; %s: %w", failed, to.Addr(), err)
		}
	}
	return failed
}

// The least speed: 64 octets a second, counted over a while.
const (
	paceTime   = 20 * time.Second
	paceOctets = 64 * 20
)

// A pace tells a transfer that crawls. It reads no clock.
type pace struct {
	end    time.Time // of the while that is being counted
	octets int
}

func (p *pace) start(now time.Time) { p.end, p.octets = now.Add(paceTime), 0 }

// took counts what came and reports whether it is fast enough still.
func (p *pace) took(now time.Time, octets int) error {
	p.octets += octets
	if now.Before(p.end) {
		return nil
	}
	if p.octets < paceOctets {
		return ErrSlow
	}
	p.start(now)
	return nil
}

// A pacedConn is a connection that ends when what comes crawls, so that a server cannot
// hold a fetch with one octet a second, in a handshake, in headers or in a body.
type pacedConn struct {
	net.Conn
	pace   pace
	crawls *atomic.Bool // set when it does: net/http may tell a cut header line instead
}

func paced(c net.Conn, crawls *atomic.Bool) *pacedConn {
	p := &pacedConn{Conn: c, crawls: crawls}
	p.pace.start(time.Now())
	return p
}

func (p *pacedConn) Read(b []byte) (int, error) {
	for {
		_ = p.SetReadDeadline(p.pace.end) // a connection that is over says so when it is read
		n, err := p.Conn.Read(b)
		slow := p.pace.took(time.Now(), n)
		switch {
		case slow != nil:
			p.crawls.Store(true)
			return 0, slow
		case n > 0 || !timeout(err):
			return n, err
		}
	}
}

func timeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
