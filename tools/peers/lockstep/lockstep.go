// Package lockstep runs fax calls faster than real time and without a clock: the two
// ends of a call, and gateways between them, take turns, 20 ms of the call at a time.
// An end may be a program on a pipe or code in this process; what lies between two of
// them is a Line for samples or a Network for packets, perfect or not. The same ends,
// lines and seeds give the same call every time.
//
//	var c lockstep.Call
//	fax, gw, term := c.Machine("fax", a), c.Gateway("gateway", g), c.Terminal("terminal", b)
//	c.Line(fax, gw, nil, nil)
//	c.Network(gw, term, lockstep.Network{Loss: 0.03, Seed: 1}, lockstep.Network{Loss: 0.03, Seed: 2})
//	err := c.Run(5 * time.Minute)
package lockstep

import (
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	SampleRate = 8000                  // samples a second
	Tick       = 160                   // samples of one step
	TickTime   = 20 * time.Millisecond // what they last
)

// A PCMEnd is an end of a telephone line: a fax machine on an audio channel.
type PCMEnd interface {
	// Exchange gives the end the Tick samples that it hears and takes the Tick samples
	// that it says in the same 20 ms. io.EOF says that the end has hung up: from then
	// on it says nothing and is not asked again.
	Exchange(in, out []int16) error
}

// An IFPEnd is an end of a packet network: a T.38 terminal.
type IFPEnd interface {
	// Exchange gives the end the packets that reached it in 20 ms, in the order of
	// arrival, and returns those that it sends in the same 20 ms. Neither list is kept by
	// who receives it, but the octets may be. io.EOF says that the end has hung up.
	Exchange(in []Packet) (out []Packet, err error)
}

// A GatewayEnd stands between a line and a network.
type GatewayEnd interface {
	// Exchange is that of PCMEnd and IFPEnd at once.
	Exchange(pcmIn, pcmOut []int16, in []Packet) (out []Packet, err error)
}

// A Packet is what one IFP message becomes on the network. Both ends of a network
// must put the same into Octets: UDPTL datagrams, or bare IFP packets.
type Packet struct {
	Seq    uint16 // UDPTL number of a bare IFP packet; a datagram has it inside
	Copies int    // how often the sender puts it on the network, at least 1
	Depth  int    // how many earlier packets its datagram is to repeat, for who makes datagrams of bare packets
	Octets []byte
}

// A Line changes samples on their way, as tipring/internal/dsp/line does: Append adds
// to out what arrives for in, at times a few samples more or less than were sent.
type Line interface {
	Append(out, in []int16) []int16
}

// ErrLimit is what Run returns when an end was still up at the limit.
var ErrLimit = errors.New("the call is still up")

// A Call is a set of ends and what joins them. The zero value is an empty call.
type Call struct {
	nodes []*Node
	now   time.Duration
}

// A Node is an end's or a gateway's place in a call.
type Node struct {
	name    string
	machine PCMEnd
	term    IFPEnd
	gateway GatewayEnd
	gone    bool

	hears, says *wire // a line's two directions
	gets, puts  *net  // a network's two directions
	pcmIn       [Tick]int16
	pcmOut      [Tick]int16
	packets     []Packet
}

// Machine puts an audio end into the call; name appears in errors.
func (c *Call) Machine(name string, e PCMEnd) *Node { return c.add(&Node{name: name, machine: e}) }

// Terminal puts a packet end into the call.
func (c *Call) Terminal(name string, e IFPEnd) *Node { return c.add(&Node{name: name, term: e}) }

// Gateway puts a gateway into the call.
func (c *Call) Gateway(name string, e GatewayEnd) *Node {
	return c.add(&Node{name: name, gateway: e})
}

func (c *Call) add(n *Node) *Node {
	c.nodes = append(c.nodes, n)
	return n
}

// Line joins the audio sides of a and b; there changes what a says, back what b says,
// nil nothing. Each way takes 20 ms, or 100 ms when the line may hold samples back.
func (c *Call) Line(a, b *Node, there, back Line) {
	ab, ba := newWire(there), newWire(back)
	a.says, b.hears = ab, ab
	b.says, a.hears = ba, ba
}

// Network joins the packet sides of a and b; there is a's way to b. A packet takes
// 20 ms more than the network says, since it is taken at the end of one step and given
// at the beginning of the next.
func (c *Call) Network(a, b *Node, there, back Network) {
	ab, ba := newNet(there), newNet(back)
	a.puts, b.gets = ab, ab
	b.puts, a.gets = ba, ba
}

// Now is how long the call has lasted, by its samples.
func (c *Call) Now() time.Duration { return c.now }

// Run lets the call go on until every machine and terminal has hung up. It returns an
// error that wraps ErrLimit when one of them has not at the limit, counted from the
// call's beginning, and any error of an end.
func (c *Call) Run(limit time.Duration) error {
	for c.up() {
		if c.now >= limit {
			return fmt.Errorf("%w after %v: %s", ErrLimit, c.now, c.stillUp())
		}
		if err := c.Step(); err != nil {
			return err
		}
	}
	return nil
}

// Step lets 20 ms of the call pass.
func (c *Call) Step() error {
	for _, n := range c.nodes {
		if err := n.step(c.now); err != nil {
			return fmt.Errorf("%s at %v: %w", n.name, c.now, err)
		}
	}
	c.now += TickTime
	return nil
}

func (c *Call) up() bool { return c.stillUp() != "" }

func (c *Call) stillUp() string {
	names := ""
	for _, n := range c.nodes {
		if !n.gone && n.gateway == nil {
			names += " " + n.name
		}
	}
	return names
}

// step exchanges one tick with the node. One that is gone says silence, which a line
// with a memory still wants.
func (n *Node) step(now time.Duration) error {
	var in []Packet
	if n.hears != nil {
		if err := n.hears.take(n.pcmIn[:]); err != nil {
			return err
		}
	}
	if n.gets != nil {
		in = n.gets.take(now, n.packets[:0])
		n.packets = in
	}
	var out []Packet
	if !n.gone {
		var err error
		if out, err = n.exchange(in); errors.Is(err, io.EOF) {
			n.gone = true
		} else if err != nil {
			return err
		}
	}
	if n.gone {
		clear(n.pcmOut[:])
		out = nil
	}
	if n.says != nil {
		n.says.put(n.pcmOut[:])
	}
	if n.puts != nil {
		n.puts.put(now, out)
	}
	return nil
}

func (n *Node) exchange(in []Packet) ([]Packet, error) {
	switch {
	case n.machine != nil:
		return nil, n.machine.Exchange(n.pcmIn[:], n.pcmOut[:])
	case n.term != nil:
		return n.term.Exchange(in)
	}
	return n.gateway.Exchange(n.pcmIn[:], n.pcmOut[:], in)
}
