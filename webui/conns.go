package webui

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the connections of one address. A browser has up to six, one of which is a stream.
const (
	maxConns     = 320
	maxFromThere = 80 // of one host, unless it is this one
	maxRefused   = 8  // of all whom [web] allow does not name: they are told so, and no more
)

// How slowly an answer may be taken: what a reader is behind with this speed comes out of his
// patience, and what he is ahead goes back into it.
const (
	readerPatience = 30 * time.Second
	readerSpeed    = 16 << 10 // octets a second
)

// conns knows the connections of one address, so that nobody can use them all up. When there are
// too many, who comes takes the place of another that nobody known is answered on: of the host
// that has most of them, the one that has been waited for longest.
type conns struct {
	allowed func(netip.Addr) bool

	mu   sync.Mutex
	all  map[*counted]*state
	from map[host]int
}

// A host is who a connection counts for; zero: one of those who may not come.
type host struct{ netip.Prefix }

type state struct {
	from  host
	since time.Time // it has been waited for since then; zero: somebody known is answered on it
}

func newConns(allowed func(netip.Addr) bool) *conns {
	return &conns{allowed: allowed, all: map[*counted]*state{}, from: map[host]int{}}
}

// hostAt is who has an address: of IPv6, a /64 is one host.
func (c *conns) hostAt(a netip.Addr) host {
	if !c.allowed(a) {
		return host{}
	}
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // of no address none
	return host{p}
}

// most is how many connections a host may have.
func (h host) most() int {
	switch {
	case !h.IsValid():
		return maxRefused
	case h.Addr().IsLoopback():
		return maxConns
	}
	return maxFromThere
}

// A limited listener takes as many connections as there may be.
type limited struct {
	net.Listener
	conns *conns
}

// Accept passes over connections for which there is no place.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		k := &counted{Conn: c, conns: l.conns, patience: readerPatience}
		if l.conns.add(k) {
			return k, nil
		}
		c.Close()
	}
}

// A counted connection gives its place back when it is closed, and is cut when nobody takes what
// is written to it.
type counted struct {
	net.Conn
	conns *conns

	// With the writer, of whom there is one at a time.
	patience time.Duration // that is left for the reader
	until    time.Time     // of SetWriteDeadline
}

// Close closes the connection, once or more often.
func (c *counted) Close() error {
	c.conns.remove(c)
	return c.Conn.Close()
}

// SetWriteDeadline bounds writes besides. One that is over already belonged to an answer before.
func (c *counted) SetWriteDeadline(t time.Time) error {
	c.until = t
	return nil
}

// Write writes as long as the reader takes it fast enough.
func (c *counted) Write(p []byte) (int, error) {
	began := time.Now()
	until := began.Add(c.patience)
	if c.until.After(began) && c.until.Before(until) {
		until = c.until
	}
	if err := c.Conn.SetWriteDeadline(until); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	c.patience -= time.Since(began) - time.Duration(n)*time.Second/readerSpeed
	c.patience = min(c.patience, readerPatience)
	return n, err
}

func (c *conns) add(k *counted) bool {
	from := c.hostAt(addrOf(k.RemoteAddr().String()))
	c.mu.Lock()
	full, same := len(c.all) >= maxConns, c.from[from] >= from.most()
	var victim *counted
	if full || same {
		victim = c.victim(from, same)
	}
	if victim == nil && (full || same) {
		c.mu.Unlock()
		return false
	}
	c.all[k] = &state{from: from, since: time.Now()}
	c.from[from]++
	c.mu.Unlock()
	if victim != nil {
		_ = victim.Close() // whoever has it hears of it
	}
	return true
}

// victim is the connection that is missed least, of one host if only its are looked at.
func (c *conns) victim(from host, only bool) (victim *counted) {
	most, since := 0, time.Time{}
	for k, s := range c.all {
		if s.since.IsZero() || only && s.from != from {
			continue
		}
		if n := c.from[s.from]; victim == nil || n > most || n == most && s.since.Before(since) {
			victim, most, since = k, n, s.since
		}
	}
	return victim
}

func (c *conns) remove(k *counted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.all[k]
	if s == nil {
		return
	}
	delete(c.all, k)
	if c.from[s.from]--; c.from[s.from] == 0 {
		delete(c.from, s.from)
	}
}

// note takes down which connections wait for their next request (http.Server.ConnState).
func (c *conns) note(k net.Conn, now http.ConnState) {
	if now == http.StateIdle {
		c.wait(beneath(k), time.Now())
	}
}

// wait sets since when a connection is waited for; zero: somebody known is answered on it.
func (c *conns) wait(k *counted, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.all[k]; s != nil {
		s.since = since
	}
}

// beneath is the counted connection that another one, such as a *tls.Conn, is made over; nil:
// none.
func beneath(k net.Conn) *counted {
	if over, ok := k.(interface{ NetConn() net.Conn }); ok {
		k = over.NetConn()
	}
	c, _ := k.(*counted)
	return c
}

type connKey struct{}

// withConn has a request know its connection (http.Server.ConnContext).
func withConn(ctx context.Context, k net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, beneath(k))
}

// known has the connection of a request stay for as long as it is answered: somebody known sent
// it.
func known(r *http.Request) {
	if k, _ := r.Context().Value(connKey{}).(*counted); k != nil {
		k.conns.wait(k, time.Time{})
	}
}

// addrOf is the host of an address with a port; zero when there is none.
func addrOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
