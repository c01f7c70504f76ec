// Package relay is a TCP relay in front of a server that can break connections
// in the middle of a message.
package relay

import (
	"net"
	"sync"

	"tipring/tools/peers/netlab"
)

// A Relay passes connections on until Cut.
type Relay struct {
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	cuts  int
	conns map[net.Conn]bool
}

// Start relays from a port of the host to another of its ports.
func Start(t netlab.T, host *netlab.Host, from, to string) *Relay {
	t.Helper()
	r := &Relay{conns: map[net.Conn]bool{}}
	err := host.Do(func() (err error) {
		r.listener, err = net.Listen("tcp", from)
		return err
	})
	if err != nil {
		t.Fatalf("relay: %v", err)
	}
	r.done.Add(1)
	go func() {
		defer r.done.Done()
		for {
			in, err := r.listener.Accept()
			if err != nil {
				return
			}
			var out net.Conn
			if host.Do(func() (err error) { out, err = net.Dial("tcp", to); return err }) != nil {
				_ = in.Close()
				continue
			}
			r.mu.Lock()
			r.conns[in], r.conns[out] = true, true
			r.mu.Unlock()
			r.done.Add(2)
			go r.pass(in, out, false)
			go r.pass(out, in, true)
		}
	}()
	t.Cleanup(r.Close)
	return r
}

// Close ends the relay and every connection.
func (r *Relay) Close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.done.Wait()
}

// Cut makes the relay pass only the first half of whatever the server sends
// next on each connection, and then reset it. It stays so until Heal.
func (r *Relay) Cut() { r.set(true) }

// Heal ends the cutting.
func (r *Relay) Heal() { r.set(false) }

func (r *Relay) set(cut bool) {
	r.mu.Lock()
	r.cut = cut
	r.mu.Unlock()
}

// Cuts counts the connections that were cut.
func (r *Relay) Cuts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cuts
}

func (r *Relay) pass(from, to net.Conn, answers bool) {
	defer r.done.Done()
	defer func() {
		_ = from.Close()
		_ = to.Close()
		r.mu.Lock()
		delete(r.conns, from)
		r.mu.Unlock()
	}()
	b := make([]byte, 65536)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		cut := r.cut && answers
		if cut {
			r.cuts++
		}
		r.mu.Unlock()
		if cut {
			_, _ = to.Write(b[:n/2])
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset, not an orderly end
			}
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
