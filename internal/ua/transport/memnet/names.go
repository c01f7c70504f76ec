package memnet

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"tipring/internal/ua/transport"
)

// Names is a transport.Resolver that answers what it was told.
type Names struct {
	mu    sync.Mutex
	names map[string]answer
	asked int
}

type answer struct {
	addrs []netip.AddrPort
	ttl   time.Duration
	delay time.Duration
	fault transport.LookupFault
}

// Set makes a host name lead to these addresses, in that order. A port of 0 means the
// query's, else the protocol's.
func (n *Names) Set(host string, ttl time.Duration, addrs ...string) {
	a := answer{ttl: ttl}
	for _, s := range addrs {
		a.addrs = append(a.addrs, netip.MustParseAddrPort(s))
	}
	n.set(host, a)
}

// Fail makes the lookup of a host name fail in that way, after a delay.
func (n *Names) Fail(host string, fault transport.LookupFault, after time.Duration) {
	n.set(host, answer{fault: fault, delay: after})
}

func (n *Names) set(host string, a answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil {
		n.names = make(map[string]answer)
	}
	n.names[host] = a
}

// Asked is the number of lookups so far, of literal addresses too.
func (n *Names) Asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

// Lookup answers at once for literal addresses and for names set, and as told for names
// that fail. Any other name does not exist.
func (n *Names) Lookup(ctx context.Context, q transport.Query) ([]transport.Target, time.Duration, error) {
	n.mu.Lock()
	n.asked++
	a, ok := n.names[q.Host]
	n.mu.Unlock()
	if literal, err := netip.ParseAddr(q.Host); err == nil {
		a, ok = answer{addrs: []netip.AddrPort{netip.AddrPortFrom(literal, 0)}, ttl: 24 * time.Hour}, true
	}
	if !ok {
		a.fault = transport.NotFound
	}
	if a.delay > 0 {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(a.delay):
		}
	}
	if a.fault != 0 {
		return nil, 0, &transport.LookupError{Host: q.Host, Fault: a.fault}
	}
	var targets []transport.Target
	for _, addr := range a.addrs {
		switch {
		case addr.Port() != 0:
		case q.Port != 0:
			addr = netip.AddrPortFrom(addr.Addr(), uint16(q.Port))
		default:
			addr = netip.AddrPortFrom(addr.Addr(), q.Proto.DefaultPort())
		}
		t := transport.Target{Proto: q.Proto, Addr: addr, Name: q.Host, Device: q.Device}
		targets = append(targets, t.Normal())
	}
	return targets, a.ttl, nil
}
