package transport

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
)

// fds is the number of open file descriptors of this process.
func fds(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// What strangers send makes no state: no flow, no goroutine, no descriptor.
func TestUDPFloodLeavesNothing(t *testing.T) {
	l, err := New(Config{Bind: loopback, Accept: func(a netip.Addr) bool { return a == loopback }}, nullHandler{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var sources []*net.UDPConn
	for i := range 20 {
		sources = append(sources, peer(t, fmt.Sprintf("127.0.0.%d:0", 1+i%2)))
	}
	goroutines, descriptors := runtime.NumGoroutine(), fds(t)
	n := l.Counters()
	const rounds = 250
	for i := range rounds {
		for j, s := range sources {
			wire := options(fmt.Sprintf("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%d-%d;rport", i, j))
			if i%3 == 0 {
				wire = wire[:i%len(wire)]
			}
			write(t, s, local(l), wire)
		}
		for deadline := time.Now().Add(5 * time.Second); ; { // do not outrun the receive buffer
			seen := n.Received[UDP].Load() + n.DroppedSource.Load() + n.KeepAlives.Load()
			if seen == int64((i+1)*len(sources)) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("round %d: %d datagrams accounted for, want %d", i, seen, (i+1)*len(sources))
			}
			runtime.Gosched()
		}
	}
	if got, want := n.DroppedSource.Load(), int64(rounds*len(sources)/2); got != want {
		t.Errorf("%d of strangers dropped, want %d", got, want)
	}
	if got := runtime.NumGoroutine(); got > goroutines {
		t.Errorf("%d goroutines, were %d", got, goroutines)
	}
	if got := fds(t); got > descriptors {
		t.Errorf("%d descriptors, were %d", got, descriptors)
	}
	if len(l.flows) != 0 {
		t.Errorf("%d flows", len(l.flows))
	}
}

// Connections that say nothing, TCP ones and half-open TLS ones, stay under the cap,
// and one that is asked for works beside them.
func TestSilentConnectionsStayUnderTheCap(t *testing.T) {
	ca := newAuthority(t, "our CA")
	cert := ca.issue(time.Now().Add(-time.Minute), "ata.example")
	l, r := start(t, func(c *Config) { c.ServerCert, c.MaxInbound, c.MaxPerSource = &cert, 8, 6 })
	ln := listenTCP(t)
	before := fds(t)
	var conns []net.Conn
	for i := range 100 {
		p := TCP
		if i%2 == 0 {
			p = TLS
		}
		conns = append(conns, dialTCP(t, at(l, p)))
	}
	for deadline := time.Now().Add(5 * time.Second); l.Counters().DroppedInbound.Load() != 94; {
		if time.Now().After(deadline) {
			t.Fatalf("%d refused, want 94 of 100", l.Counters().DroppedInbound.Load())
		}
		runtime.Gosched()
	}
	if got := fds(t) - before - len(conns); got != 6 {
		t.Errorf("%d descriptors for connections in, want 6", got)
	}
	f := flow(t, l, TCP, ln.Addr().String())
	acceptOne(t, ln)
	for {
		if e := r.next(t, "up"); e.flow == f {
			break
		}
	}
}
