package media

import (
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"
)

// A Network carries datagrams in memory, for tests and for callers whose time is not the
// wall's: what is written is there to be read at once. Its methods and those of its
// sockets may be called from any goroutine.
type Network struct {
	// Clock stamps arrivals; nil leaves them unstamped, and the reader goes by its own samples.
	Clock func() time.Time
	// Filter, when set, is asked about each datagram and drops it by false. It may write datagrams itself.
	Filter func(from, to netip.AddrPort, b []byte) bool

	mu    sync.Mutex
	conns map[netip.AddrPort]*memoryConn
}

// queueLimit is how many datagrams wait for a reader, about what a socket's buffer holds.
const queueLimit = 256

// Listen opens a pair on addr and the port after it.
func (n *Network) Listen(addr netip.AddrPort) (*Pair, error) {
	rtp, err := n.listen(addr)
	if err != nil {
		return nil, err
	}
	rtcp, err := n.listen(netip.AddrPortFrom(addr.Addr(), addr.Port()+1))
	if err != nil {
		_ = rtp.Close()
		return nil, err
	}
	return &Pair{RTP: rtp, RTCP: rtcp}, nil
}

func (n *Network) listen(addr netip.AddrPort) (*memoryConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns[addr] != nil {
		return nil, fmt.Errorf("%v is in use", addr)
	}
	if n.conns == nil {
		n.conns = map[netip.AddrPort]*memoryConn{}
	}
	c := &memoryConn{network: n, local: addr}
	n.conns[addr] = c
	return c, nil
}

// Send delivers b to the socket at to as if it came from from.
func (n *Network) Send(b []byte, from, to netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.conns[to]
	if c == nil || len(c.queue) == queueLimit {
		return
	}
	p := packet{data: append([]byte(nil), b...), from: from}
	if n.Clock != nil {
		p.at = n.Clock()
	}
	c.queue = append(c.queue, p)
}

type packet struct {
	data []byte
	from netip.AddrPort
	at   time.Time
}

// A memoryConn is a socket of a Network.
type memoryConn struct {
	network *Network
	local   netip.AddrPort
	queue   []packet // under network.mu
}

func (c *memoryConn) Read(b []byte) (Datagram, bool) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if len(c.queue) == 0 {
		return Datagram{}, false
	}
	p := c.queue[0]
	c.queue = c.queue[1:]
	d := Datagram{From: p.from, At: p.at}
	if len(p.data) <= len(b) {
		d.N = copy(b, p.data)
	}
	return d, true
}

func (c *memoryConn) Write(b []byte, to netip.AddrPort) error {
	c.network.mu.Lock()
	open := c.network.conns[c.local] == c
	filter := c.network.Filter
	c.network.mu.Unlock()
	if !open {
		return os.ErrClosed
	}
	if filter == nil || filter(c.local, to, b) {
		c.network.Send(b, c.local, to)
	}
	return nil
}

func (c *memoryConn) Local() netip.AddrPort { return c.local }

func (c *memoryConn) Close() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.network.conns[c.local] == c {
		delete(c.network.conns, c.local)
	}
	return nil
}
