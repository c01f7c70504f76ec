// Package lantest is an in-memory network of one asking machine, for tests in a
// testing/synctest bubble: datagrams arrive when they are due by the bubble's clock.
package lantest

import (
	"net/netip"
	"os"
	"sync"
	"time"
)

// A Conn is the asking machine's socket: a lan.Conn.
type Conn struct {
	Answer func(wire []byte, n int)             // called with the n-th datagram sent by broadcast or multicast, from 1
	Reply  func(to netip.AddrPort, wire []byte) // called with each datagram sent to one host
	Fault  error                                // of every sending, if set

	in   chan datagram
	mu   sync.Mutex
	end  time.Time
	poke chan struct{} // closed and replaced when end changes
	sent []Sent
	n    int
}

// A Sent is a datagram that was sent.
type Sent struct {
	At   time.Time
	To   netip.AddrPort
	Wire []byte
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

// New makes a socket. It belongs to the bubble it is made in.
func New() *Conn {
	return &Conn{in: make(chan datagram, 1000), poke: make(chan struct{})}
}

// Deliver makes a datagram arrive after a while.
func (c *Conn) Deliver(after time.Duration, from netip.AddrPort, data []byte) {
	if after == 0 {
		c.in <- datagram{from, data}
		return
	}
	time.AfterFunc(after, func() { c.in <- datagram{from, data} })
}

// Sent returns what was sent so far.
func (c *Conn) Sent() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Sent(nil), c.sent...)
}

// WriteToUDPAddrPort sends.
func (c *Conn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if c.Fault != nil {
		return 0, c.Fault
	}
	wire := append([]byte(nil), b...)
	many := to.Addr().IsMulticast() || to.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	c.mu.Lock()
	c.sent = append(c.sent, Sent{time.Now(), to, wire})
	if many {
		c.n++
	}
	n := c.n
	c.mu.Unlock()
	switch {
	case many && c.Answer != nil:
		c.Answer(wire, n)
	case !many && c.Reply != nil:
		c.Reply(to, wire)
	}
	return len(b), nil
}

// SetReadDeadline ends a reading that is under way, too.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = t
	close(c.poke)
	c.poke = make(chan struct{})
	return nil
}

// ReadFromUDPAddrPort waits for a datagram or the deadline.
func (c *Conn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		c.mu.Lock()
		end, poke := c.end, c.poke
		c.mu.Unlock()
		left := time.Until(end)
		if left <= 0 {
			return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		select {
		case d := <-c.in:
			timer.Stop()
			return copy(b, d.data), d.from, nil
		case <-timer.C:
		case <-poke:
			timer.Stop()
		}
	}
}
