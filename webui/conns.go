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
)

// conns knows the connections of one address, so that nobody can use them all up: who comes
// when there are too many takes the place of the one that has been waited for longest, be it
// idle or late with the head of its request.
type conns struct {
	mu   sync.Mutex
	all  map[net.Conn]*state
	from map[netip.Addr]int
}

type state struct {
	from    netip.Addr
	waiting time.Time // for the whole head of a request, since then; zero: one is being answered
}

func newConns() *conns {
	return &conns{all: map[net.Conn]*state{}, from: map[netip.Addr]int{}}
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
		k := &counted{Conn: c, conns: l.conns}
		if l.conns.add(k) {
			return k, nil
		}
		c.Close()
	}
}

// A counted connection gives its place back when it is closed.
type counted struct {
	net.Conn
	conns *conns
}

// Close closes the connection, once or more often.
func (c *counted) Close() error {
	c.conns.remove(c)
	return c.Conn.Close()
}

func (c *conns) add(k *counted) bool {
	from := addrOf(k.RemoteAddr().String())
	c.mu.Lock()
	full, same := len(c.all) >= maxConns, !from.IsLoopback() && c.from[from] >= maxFromThere
	var victim net.Conn
	if full || same {
		victim = c.longestWaiting(from, same)
	}
	if victim == nil && (full || same) {
		c.mu.Unlock()
		return false
	}
	c.all[k] = &state{from: from, waiting: time.Now()}
	c.from[from]++
	c.mu.Unlock()
	if victim != nil {
		victim.Close()
	}
	return true
}

// longestWaiting is the connection that is missed least, of one host if only its are looked at.
func (c *conns) longestWaiting(from netip.Addr, only bool) (longest net.Conn) {
	var since time.Time
	for k, s := range c.all {
		if s.waiting.IsZero() || only && s.from != from || longest != nil && !s.waiting.Before(since) {
			continue
		}
		longest, since = k, s.waiting
	}
	return longest
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
		c.wait(k, time.Now())
	}
}

// wait sets since when a connection is waited for; zero: a request of it is being answered.
func (c *conns) wait(k net.Conn, since time.Time) {
	if over, ok := k.(interface{ NetConn() net.Conn }); ok { // a *tls.Conn
		k = over.NetConn()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.all[k]; s != nil {
		s.waiting = since
	}
}

type connKey struct{}

// withConn has a request know its connection (http.Server.ConnContext).
func withConn(ctx context.Context, k net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, k)
}

// answered hands requests on whose head is there.
func (c *conns) answered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			c.wait(k, time.Time{})
		}
		next.ServeHTTP(w, r)
	})
}

// addrOf is the host of an address with a port; zero when there is none.
func addrOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
