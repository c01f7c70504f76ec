package webui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/config"
)

// Whoever opens connections and says nothing, or nothing whole, takes no place from others:
// those that have been waited for longest make room.
func TestManyConnections(t *testing.T) {
	for _, first := range []string{"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /hea", ""} {
		t.Run(first, func(t *testing.T) { manyConnections(t, first) })
	}
}

func manyConnections(t *testing.T, first string) {
	r := start(t, loopback)
	addr := strings.TrimPrefix(r.url(), "http://")
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for i := range maxConns + 20 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		io.WriteString(c, first)
		if strings.HasSuffix(first, "\r\n\r\n") {
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			io.Copy(io.Discard, res.Body)
		}
		waitFor(t, "idle connection", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.doors[false].conns.count() <= maxConns
		})
	}
	if get(t, http.DefaultClient, r.url()+"/healthz").StatusCode != 200 {
		t.Error("no place for one more")
	}
}

func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

func everybody(netip.Addr) bool { return true }

// A fakeConn comes from somewhere.
type fakeConn struct {
	net.Conn
	from   string
	closed bool
}

func (f *fakeConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.from))
}

func (f *fakeConn) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:8080"))
}

func (f *fakeConn) Close() error {
	f.closed = true
	if f.Conn == nil {
		return nil
	}
	return f.Conn.Close()
}

// connect has a connection come from somewhere; nil: there was no place for it.
func (c *conns) connect(from string) *counted {
	k := &counted{Conn: &fakeConn{from: from}, conns: c}
	if !c.add(k) {
		return nil
	}
	return k
}

func isClosed(k *counted) bool { return k.Conn.(*fakeConn).closed }

// A connection counts for its host alone, and its place is given back once.
func TestPlaces(t *testing.T) {
	c := newConns(everybody)
	var all []*counted
	for i := range maxFromThere {
		k := c.connect(fmt.Sprintf("192.0.2.1:%d", i+1))
		if k == nil {
			t.Fatal(i)
		}
		c.wait(k, time.Time{}) // somebody known is answered
		all = append(all, k)
	}
	if c.connect("192.0.2.1:999") != nil {
		t.Error("one host has more than its places")
	}
	if c.connect("192.0.2.2:1") == nil || c.connect("[2001:db8::1]:1") == nil {
		t.Error("another host has none")
	}
	c.note(all[5], http.StateIdle)
	if c.connect("192.0.2.1:999") == nil || !isClosed(all[5]) {
		t.Error("an idle one does not make room")
	}
	c.wait(all[7], time.Now())
	if c.connect("192.0.2.1:998") == nil || c.connect("192.0.2.3:1") == nil {
		t.Error("one that is waited for does not make room")
	}
	for _, k := range all {
		k.Close()
		k.Close()
	}
	if n := c.count(); n != 4 || len(c.from) != 4 {
		t.Errorf("%d are left, of %d hosts", n, len(c.from))
	}
}

// Who has a network of IPv6 addresses is one host, and has the places of one.
func TestPlacesOfANetwork(t *testing.T) {
	c := newConns(everybody)
	first := c.connect("[2001:db8::1]:1")
	for i := range maxFromThere {
		if c.connect(fmt.Sprintf("[2001:db8::%x]:1", i+2)) == nil {
			t.Fatal(i)
		}
	}
	if c.count() != maxFromThere || !isClosed(first) {
		t.Errorf("a /64 has %d places", c.count())
	}
	if c.connect("[2001:db8:0:1::1]:1"); c.count() != maxFromThere+1 {
		t.Error("another /64 is the same host")
	}
}

// Where everything is taken, the host that has most makes room, be its requests ever so new: one
// that has a few keeps them.
func TestWhoHasMostMakesRoom(t *testing.T) {
	c := newConns(everybody)
	owner := c.connect("192.168.1.9:1")
	for i := range 20 * maxConns {
		c.connect(fmt.Sprintf("10.0.0.%d:%d", i%6, 1+i))
	}
	if c.count() != maxConns || isClosed(owner) {
		t.Errorf("%d connections; the owner's is closed: %v", c.count(), isClosed(owner))
	}
	if second := c.connect("192.168.1.9:2"); second == nil || isClosed(owner) || c.count() != maxConns {
		t.Error("the owner gets no other place")
	}
}

// Those whom [web] allow does not name are told so, a few at a time, and take no places.
func TestPlacesOfTheRefused(t *testing.T) {
	c := newConns(func(a netip.Addr) bool { return a.IsPrivate() })
	for i := range maxConns {
		if c.connect(fmt.Sprintf("198.51.%d.7:1", i%250)) == nil {
			t.Fatal("nobody tells him why")
		}
	}
	if c.count() != maxRefused {
		t.Errorf("%d places", c.count())
	}
	if c.connect("192.168.1.9:1"); c.count() != maxRefused+1 {
		t.Error("who may come finds no place")
	}
}

// Who takes an answer slower than readerSpeed is cut; who takes it faster, or a stream with
// little in it, is not.
func TestSlowReaders(t *testing.T) {
	for _, tt := range []struct {
		name    string
		octets  int           // of each write
		every   time.Duration // a write
		take    int           // octets that the reader takes
		per     time.Duration
		cutFrom time.Duration // zero: never
		cutTo   time.Duration
	}{
		{"reads nothing", 4096, 0, 0, time.Second, 30 * time.Second, 30 * time.Second},
		{"reads an octet a second", 4096, 0, 1, time.Second, 30 * time.Second, 31 * time.Second},
		{"reads 1 KiB/s", 4096, 0, 1024, time.Second, 30 * time.Second, 40 * time.Second},
		{"reads 20 KiB/s", 4096, 0, 20 << 10, time.Second, 0, 0},
		{"a stream of events", 200, 15 * time.Second, 4096, time.Millisecond, 0, 0},
		{"reads nothing of a stream", 200, 15 * time.Second, 0, time.Second, 30 * time.Second, 45 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				k := &counted{Conn: here, conns: newConns(everybody), patience: readerPatience}
				var reader sync.WaitGroup
				defer reader.Wait()
				reader.Go(func() {
					buffer := make([]byte, tt.take)
					for tt.take > 0 {
						if _, err := io.ReadFull(there, buffer); err != nil {
							return
						}
						time.Sleep(tt.per)
					}
				})
				began := time.Now()
				var err error
				for err == nil && time.Since(began) < time.Hour {
					_, err = k.Write(make([]byte, tt.octets))
					time.Sleep(tt.every)
				}
				after := time.Since(began) - tt.every
				if cut := errors.Is(err, os.ErrDeadlineExceeded); cut != (tt.cutFrom > 0) || cut && (after < tt.cutFrom || after > tt.cutTo) {
					t.Errorf("%v after %v, want a cut after %v to %v", err, after, tt.cutFrom, tt.cutTo)
				}
				here.Close()
				there.Close()
			})
		})
	}
}

// A deadline that its writer sets holds, until it is over.
func TestDeadlineOfAWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		k := &counted{Conn: here, conns: newConns(everybody), patience: readerPatience}
		defer k.Close()
		began := time.Now()
		k.SetWriteDeadline(began.Add(10 * time.Second))
		if _, err := k.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		go io.Copy(io.Discard, there)
		if _, err := k.Write([]byte("x")); err != nil {
			t.Errorf("the next answer: %v", err)
		}
	})
}

// An inlet is a listener whose connections come from the test.
type inlet struct {
	came chan net.Conn
	end  context.Context
}

func (l inlet) Accept() (net.Conn, error) {
	select {
	case c := <-l.came:
		return c, nil
	case <-l.end.Done():
		return nil, net.ErrClosed
	}
}

func (inlet) Close() error   { return nil }
func (inlet) Addr() net.Addr { return &net.TCPAddr{} }

// Whatever a stranger leaves unsaid or unread, his connection ends after half a minute.
func TestSlowStrangers(t *testing.T) {
	for name, tt := range map[string]struct {
		says string
		slow string // said for ever, an octet a second
		most time.Duration
	}{
		"head":              {"", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1000), 11 * time.Second},
		"login":             {"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n", "{", 31 * time.Second},
		"chunked login":     {"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 31 * time.Second},
		"password":          {"PUT /api/v1/password HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n", "{", 31 * time.Second},
		"not his":           {"POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n", "{", 31 * time.Second},
		"chunked, not his":  {"POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 31 * time.Second},
		"not even a page":   {"POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n", "a", 31 * time.Second},
		"a body of a GET":   {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n", "a", 31 * time.Second},
		"idle":              {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "", 61 * time.Second},
		"never reads":       {strings.Repeat("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 100), "-", 31 * time.Second},
		"expects, says not": {"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9000\r\n\r\n", "", 31 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, config.Web{Allow: config.Networks{Word: "lan"}})
				ctx, cancel := context.WithCancel(t.Context())
				l := inlet{make(chan net.Conn), ctx}
				places := newConns(r.allows)
				server := r.serverOf(ctx, places)
				served := make(chan error)
				go func() { served <- server.Serve(&limited{l, places}) }()
				here, there := net.Pipe()
				l.came <- &fakeConn{Conn: here, from: "192.168.1.66:4000"}
				began := time.Now()
				var stranger sync.WaitGroup
				stranger.Go(func() {
					_, err := io.WriteString(there, tt.says)
					for i := 0; err == nil && tt.slow != "" && tt.slow != "-"; i++ {
						_, err = there.Write([]byte{tt.slow[i%len(tt.slow)]})
						time.Sleep(time.Second)
					}
				})
				if tt.slow != "-" {
					stranger.Go(func() { io.Copy(io.Discard, there) })
				}
				for places.count() == 0 {
					time.Sleep(time.Millisecond)
				}
				for places.count() > 0 && time.Since(began) < time.Hour {
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(began); took > tt.most {
					t.Errorf("it ended after %v, want %v at most", took, tt.most)
				}
				there.Close()
				stranger.Wait()
				cancel()
				server.Close()
				<-served
				r.Close()
			})
		})
	}
}
