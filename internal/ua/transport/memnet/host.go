package memnet

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// A Host is one agent or server. It is a transport.Network.
type Host struct {
	net     *Net
	addr    netip.AddrPort
	handler transport.Handler

	mu       sync.Mutex
	flows    map[transport.Target]transport.Flow
	streams  map[*stream]struct{} // its ends of connections
	fault    Fault
	notice   time.Duration // until an Unreachable host is told of
	names    []string
	stun     bool
	patience time.Duration
}

// Addr is where the host listens.
func (h *Host) Addr() netip.AddrPort { return h.addr }

// Target is the host, for others.
func (h *Host) Target(p transport.Proto) transport.Target {
	return transport.Target{Proto: p, Addr: h.addr}
}

// Fail makes the host fail in that way, or brings it back with Alive.
func (h *Host) Fail(f Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

// UnreachableAfter sets what an Unreachable host takes to be noticed, such as the 3 s of
// ARP on a LAN.
func (h *Host) UnreachableAfter(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notice = d
}

// Certificate sets the names that TLS connections to this host may be asked for under.
// Without it every name will do.
func (h *Host) Certificate(names ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = names
}

// STUN makes the host answer binding requests.
func (h *Host) STUN(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stun = on
}

// ConnectTimeout sets when this host's own attempts to connect are over; else 32 s.
func (h *Host) ConnectTimeout(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.patience = d
}

// Cut resets all connections of the host, at both ends.
func (h *Host) Cut() { h.cut(syscall.ECONNRESET) }

// CutShort closes all connections of the host in the middle of a message.
func (h *Host) CutShort() {
	h.cut(errors.New("closed by the far end in the middle of a message"))
}

func (h *Host) cut(why error) {
	h.mu.Lock()
	var all []*stream
	for s := range h.streams {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		s.end(why)
		s.peer.end(why)
	}
}

func (h *Host) condition() (fault Fault, notice time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fault, h.notice
}

func (h *Host) alive() bool {
	fault, _ := h.condition()
	return fault == Alive
}

// Flow returns the flow to t, the one there is or a new one.
func (h *Host) Flow(t transport.Target) (transport.Flow, error) {
	t = t.Normal()
	if !t.Addr.IsValid() || t.Addr.Port() == 0 {
		return nil, fmt.Errorf("%s: no address to send to", t)
	}
	h.mu.Lock()
	if f := h.flows[t]; f != nil {
		h.mu.Unlock()
		return f, nil
	}
	if t.Proto == transport.UDP {
		f := &udpFlow{h, t}
		h.flows[t] = f
		h.mu.Unlock()
		return f, nil
	}
	s := newStream(h, t)
	h.flows[t] = s
	h.streams[s] = struct{}{}
	patience := h.patience
	h.mu.Unlock()
	s.connect(patience)
	return s, nil
}

func (h *Host) known(t transport.Target) transport.Flow {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.flows[t]
}

// forget takes one end of a connection out.
func (h *Host) forget(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
	if h.flows[s.target] == transport.Flow(s) {
		delete(h.flows, s.target)
	}
}

// A udpFlow is the flow to an address over UDP.
type udpFlow struct {
	host   *Host
	target transport.Target
}

func (f *udpFlow) Target() transport.Target    { return f.target }
func (f *udpFlow) Local() netip.AddrPort       { return f.host.addr }
func (f *udpFlow) Reliable() bool              { return false }
func (f *udpFlow) Up() bool                    { return true }
func (f *udpFlow) Close(error)                 {}
func (f *udpFlow) Send(wire []byte) error      { return f.host.datagram(f, f.target, wire) }
func (f *udpFlow) Ping(k transport.Ping) error { return f.host.ping(f, f.target, k) }

// A wayBack answers a source that no flow leads to. Two for the same are equal.
type wayBack struct {
	host *Host
	to   netip.AddrPort
}

func (w wayBack) Target() transport.Target    { return transport.Target{Addr: w.to} }
func (w wayBack) Local() netip.AddrPort       { return w.host.addr }
func (w wayBack) Reliable() bool              { return false }
func (w wayBack) Up() bool                    { return true }
func (w wayBack) Close(error)                 {}
func (w wayBack) Send(wire []byte) error      { return w.host.datagram(nil, w.Target(), wire) }
func (w wayBack) Ping(k transport.Ping) error { return w.host.ping(nil, w.Target(), k) }

// datagram sends one. f hears of it when it comes back, as far as there is an f.
func (h *Host) datagram(f *udpFlow, t transport.Target, wire []byte) error {
	if len(wire) > sipmsg.MaxDatagram {
		return fmt.Errorf("%s: %w", t, transport.ErrTooLong)
	}
	wire = append([]byte(nil), wire...)
	h.deliver(f, t, wire, func(to *Host) { to.receive(h.addr, wire) })
	return nil
}

func (h *Host) ping(f *udpFlow, t transport.Target, kind transport.Ping) error {
	if kind == transport.STUN && f == nil {
		return transport.ErrUnsupported
	}
	h.deliver(f, t, []byte("\r\n\r\n"), func(to *Host) {
		to.mu.Lock()
		answers := kind == transport.STUN && to.stun && to.fault == Alive
		to.mu.Unlock()
		back := h.net.Path(to, h)
		if answers && !back.loses(Packet{From: to, To: h}) {
			back.after(func() { h.handler.Pong(f, h.addr) })
		}
	})
	return nil
}

// deliver brings a datagram over the path to t, or an ICMP error back to f.
func (h *Host) deliver(f *udpFlow, t transport.Target, wire []byte, arrive func(*Host)) {
	to := h.net.host(t.Addr)
	pkt := Packet{From: h, To: to, Proto: transport.UDP, Wire: wire}
	if to == nil {
		pkt.Lost = true
		h.net.tell(pkt)
		return
	}
	path := h.net.Path(h, to)
	fault, notice := to.condition()
	vanished := !h.alive() || path.loses(pkt)
	pkt.Lost = vanished || fault != Alive
	h.net.tell(pkt)
	switch {
	case vanished:
	case fault == Alive:
		path.after(func() { arrive(to) })
	case f == nil:
	case fault == Refusing:
		path.after(func() {
			h.net.Path(to, h).after(func() { h.handler.FlowFailed(f, icmp(syscall.ECONNREFUSED, 3, to.addr.Addr())) })
		})
	case fault == Unreachable:
		err := icmp(syscall.EHOSTUNREACH, 1, h.addr.Addr())
		time.AfterFunc(notice, func() {
			if !h.net.isClosed() {
				h.handler.FlowFailed(f, err)
			}
		})
	}
}

// icmp is what a real flow reports of ICMP destination unreachable with that code.
func icmp(errno syscall.Errno, code uint8, from netip.Addr) error {
	return &transport.ICMPError{Errno: errno, Version: 4, Type: 3, Code: code, From: from}
}

// receive parses a datagram and hands it up, on the flow that leads to its source.
func (h *Host) receive(from netip.AddrPort, wire []byte) {
	if !h.alive() || string(wire) == "\r\n\r\n" {
		return
	}
	m, err := sipmsg.Parse(wire)
	reply := from
	if m != nil && m.IsRequest() {
		transport.Stamp(m, from)
		reply = transport.ReplyAddr(m, from)
	}
	f := h.known(transport.Target{Proto: transport.UDP, Addr: reply})
	if f == nil {
		f = wayBack{h, reply}
	}
	h.handler.Receive(f, from, m, err)
}
