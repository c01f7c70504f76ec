// Package memnet is a network in memory with transport's interface, for tests of what
// stands above it: servers that fail in all the ways that servers do, under the clock
// of testing/synctest. Messages are written and parsed as on a wire.
//
// Each Host is an agent or a server with one Handler. Between two hosts runs a Path in
// each direction, with a delay and a filter that loses what it is told to; a host can
// be made to Fail as a whole. Everything arrives by timer, in the order sent.
package memnet

import (
	"net/netip"
	"sync"
	"time"

	"tipring/internal/ua/transport"
)

// A Net is a network in memory.
type Net struct {
	mu     sync.Mutex
	hosts  map[netip.AddrPort]*Host
	paths  map[[2]*Host]*Path
	closed bool
	ports  uint16 // the last ephemeral port given

	watching sync.Mutex
	watch    func(Packet)
}

// A Packet is something sent, for who watches the network.
type Packet struct {
	From, To *Host // To is nil where nobody lives
	Proto    transport.Proto
	Wire     []byte // empty: a TCP or TLS connection being opened
	Lost     bool   // by the filter of the path, or by a fault of the far host
}

// New returns a network without hosts.
func New() *Net {
	return &Net{hosts: make(map[netip.AddrPort]*Host), paths: make(map[[2]*Host]*Path), ports: 40000}
}

// Host adds a host that listens at addr, with every protocol.
func (n *Net) Host(addr string, h transport.Handler) *Host {
	host := &Host{
		net: n, addr: netip.MustParseAddrPort(addr), handler: h,
		flows: make(map[transport.Target]transport.Flow), streams: make(map[*stream]struct{}),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[host.addr] != nil {
		panic("memnet: two hosts at " + addr)
	}
	n.hosts[host.addr] = host
	return host
}

// Watch has each packet told to watch when it is sent, one at a time. It must not block,
// nor send.
func (n *Net) Watch(watch func(Packet)) {
	n.watching.Lock()
	defer n.watching.Unlock()
	n.watch = watch
}

// Close ends the network: nothing that is under way arrives any more.
func (n *Net) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, p := range n.paths {
		p.clear()
	}
}

func (n *Net) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

func (n *Net) host(at netip.AddrPort) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hosts[at]
}

func (n *Net) ephemeral() uint16 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports++
	return n.ports
}

func (n *Net) tell(p Packet) {
	n.watching.Lock()
	defer n.watching.Unlock()
	if n.watch != nil {
		n.watch(p)
	}
}

// A Path carries what one host sends to another.
type Path struct {
	net *Net

	mu    sync.Mutex
	delay time.Duration
	drop  func(Packet) bool
	queue []arrival
	last  time.Time // due of the last one queued
	busy  bool      // arrive runs, and delivers what becomes due meanwhile
}

type arrival struct {
	due  time.Time
	what func()
}

// Path is the way from one host to another; it works at once and loses nothing until
// told otherwise.
func (n *Net) Path(from, to *Host) *Path {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [2]*Host{from, to}
	p := n.paths[key]
	if p == nil {
		p = &Path{net: n}
		n.paths[key] = p
	}
	return p
}

// Delay sets how long a packet is under way.
func (p *Path) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Drop loses every packet for which lose reports true; nil loses none. On a TCP or TLS
// connection a lost message is lost for ever, as in a black hole.
func (p *Path) Drop(lose func(Packet) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = lose
}

// All is a filter for Drop: a black hole.
func All(Packet) bool { return true }

func (p *Path) loses(pkt Packet) bool {
	p.mu.Lock()
	drop := p.drop
	p.mu.Unlock()
	return drop != nil && drop(pkt)
}

// after has what happen when a packet sent now would arrive.
func (p *Path) after(what func()) {
	if p.net.isClosed() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	due := now.Add(p.delay)
	if due.Before(p.last) {
		due = p.last
	}
	p.last = due
	p.queue = append(p.queue, arrival{due, what})
	time.AfterFunc(due.Sub(now), p.arrive)
}

// arrive delivers what is due, one at a time and in the order sent.
func (p *Path) arrive() {
	if !p.occupy() {
		return
	}
	for what := p.due(); what != nil; what = p.due() {
		what()
	}
}

func (p *Path) occupy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.busy
	p.busy = true
	return !was
}

// due takes the next one out. Without one, arrive is over.
func (p *Path) due() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 || p.queue[0].due.After(time.Now()) {
		p.busy = false
		return nil
	}
	what := p.queue[0].what
	p.queue = p.queue[1:]
	return what
}

func (p *Path) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = nil
}

// A Fault is a way for a whole host to fail.
type Fault uint8

// The faults. A host that is not Alive sends nothing, and its Handler hears nothing. A
// connection stays as it is, unless Cut is called, or data comes to a Refusing host.
const (
	// Alive is no fault.
	Alive Fault = iota
	// Silent loses all that is sent to it: no answer, no connection.
	Silent
	// Refusing answers datagrams with ICMP port unreachable, and everything of TCP and
	// TLS with a reset, as when the program is not running.
	Refusing
	// Unreachable has a router, or the sender's own ARP, say host unreachable.
	Unreachable
	// Mute accepts connections, and takes what comes, but never says anything.
	Mute
)

func (f Fault) String() string {
	return [...]string{"alive", "silent", "refusing", "unreachable", "mute"}[f]
}
