package aaa

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A network carries datagrams, and streams, in memory, so that a bubble's clock runs.
type network struct {
	mu      sync.Mutex
	hosts   map[string]func(*wire, []byte) // who gets a datagram; nil: nobody is there (ICMP)
	streams map[string]func(net.Conn)      // who accepts a connection
	dials   []time.Time                    // of streams
	began   time.Time
}

func newNetwork() *network {
	return &network{hosts: map[string]func(*wire, []byte){}, streams: map[string]func(net.Conn){}, began: time.Now()}
}

func (n *network) host(addr string, serve func(*wire, []byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[addr] = serve
}

func (n *network) dial(ctx context.Context, proto, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if proto == "tcp" {
		n.dials = append(n.dials, time.Now())
		accept := n.streams[addr]
		if accept == nil {
			return nil, &net.OpError{Op: "dial", Net: proto, Err: syscall.ECONNREFUSED}
		}
		client, server := net.Pipe()
		go accept(server)
		return client, nil
	}
	if _, there := n.hosts[addr]; !there {
		return nil, &net.OpError{Op: "dial", Net: proto, Err: syscall.ENETUNREACH}
	}
	return &wire{network: n, addr: addr, woken: make(chan struct{}, 1)}, nil
}

// A wire is the client's connected socket.
type wire struct {
	network *network
	addr    string
	mu      sync.Mutex
	queue   [][]byte // nil: an ICMP error
	woken   chan struct{}
	closed  bool
}

func (w *wire) Write(b []byte) (int, error) {
	w.network.mu.Lock()
	serve := w.network.hosts[w.addr]
	w.network.mu.Unlock()
	if serve == nil {
		w.inject(nil)
	} else {
		serve(w, bytes.Clone(b))
	}
	return len(b), nil
}

// inject makes a datagram arrive at the client, or an ICMP error.
func (w *wire) inject(datagram []byte) {
	w.mu.Lock()
	w.queue = append(w.queue, datagram)
	w.mu.Unlock()
	w.wake()
}

func (w *wire) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

func (w *wire) Read(b []byte) (int, error) {
	for {
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			return 0, net.ErrClosed
		}
		if len(w.queue) > 0 {
			datagram := w.queue[0]
			w.queue = w.queue[1:]
			w.mu.Unlock()
			if datagram == nil {
				return 0, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNREFUSED)}
			}
			return copy(b, datagram), nil
		}
		w.mu.Unlock()
		<-w.woken
	}
}

func (w *wire) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.wake()
	return nil
}

func (w *wire) LocalAddr() net.Addr              { return nil }
func (w *wire) RemoteAddr() net.Addr             { return nil }
func (w *wire) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (w *wire) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (w *wire) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// A record is what a server got, and when since the network began.
type record struct {
	at   time.Duration
	wire []byte
	from *wire
}

// A fake is a server on a network: it notes what comes and does what serve says.
type fake struct {
	network *network
	addr    string
	mu      sync.Mutex
	got     []record
}

// server puts a fake on the network. behave gets the number of the transmission
// since the fake was made, from 1.
func (n *network) server(addr string, behave func(n int, w *wire, request []byte)) *fake {
	f := &fake{network: n, addr: addr}
	f.behave(behave)
	return f
}

func (f *fake) behave(behave func(n int, w *wire, request []byte)) {
	f.network.host(f.addr, func(w *wire, b []byte) {
		f.mu.Lock()
		f.got = append(f.got, record{time.Since(f.network.began), b, w})
		count := len(f.got)
		f.mu.Unlock()
		if behave != nil {
			behave(count, w, b)
		}
	})
}

func (f *fake) times() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []time.Duration
	for _, r := range f.got {
		all = append(all, r.at)
	}
	return all
}

func (f *fake) requests() []record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// answers is the behaviour of a good server, and silence of one that is gone.
func answers(_ int, w *wire, request []byte) { w.inject(good(request, text(UserName, "account"))) }

var silence func(int, *wire, []byte)

// client makes a client of servers on a network, without jitter.
func (n *network) client(t *testing.T, cfg Config, addrs ...string) *Client {
	t.Helper()
	for _, addr := range addrs {
		cfg.Servers = append(cfg.Servers, Server{Addr: addr, Secret: secret})
	}
	cfg.Dial = n.dial
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.jitter = func(d time.Duration) time.Duration { return d }
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// bubble runs a test in fake time on a network of its own.
func bubble(t *testing.T, f func(t *testing.T, n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newNetwork()) })
}

func seconds(all ...float64) []time.Duration {
	var d []time.Duration
	for _, s := range all {
		d = append(d, time.Duration(s*float64(time.Second)))
	}
	return d
}
