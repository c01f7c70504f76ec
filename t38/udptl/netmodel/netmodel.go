// Package netmodel is the network between two T.38 ends in tests: it loses, doubles,
// delays and swaps datagrams by chance, and does the same again for the same seed. It
// has no clock: times are passed in, in samples (8000 a second), as the machines that
// are tested have them.
package netmodel

import (
	"math/rand/v2"
	"slices"
)

// Config says what the network does. Chances are 0 to 1, times samples.
type Config struct {
	Loss      float64 // chance that a datagram, and with it Burst-1 more, is lost
	Burst     int     // datagrams lost in a row; 0 is 1
	Duplicate float64 // chance of a second copy
	Reorder   float64 // chance that a datagram takes ReorderBy longer
	ReorderBy int64
	Delay     int64 // of every datagram
	Jitter    int64 // added to it: 0 to so much
	InOrder   bool  // jitter does not let a datagram overtake another
}

// Counters tell what became of datagrams.
type Counters struct {
	Sent, Lost, Duplicated, Reordered, Received int
}

// A Network joins two ends, a and b.
type Network struct {
	AToB, BToA *Path
}

// New returns a network whose chances come from the seed. What happens in one direction
// has no influence on the other.
func New(seed uint64, c Config) *Network {
	return &Network{AToB: NewPath(seed, 1, c), BToA: NewPath(seed, 2, c)}
}

// Next returns when a datagram is due in either direction. ok is false when none is
// under way.
func (n *Network) Next() (due int64, ok bool) {
	a, aUnderWay := n.AToB.Next()
	b, bUnderWay := n.BToA.Next()
	if !aUnderWay || bUnderWay && b < a {
		return b, bUnderWay
	}
	return a, true
}

// A Path is one direction of a network.
type Path struct {
	config   Config
	chance   *rand.Rand
	counters Counters
	toLose   int        // datagrams of a burst still to be lost
	latest   int64      // when the last datagram is due, if InOrder
	underWay []datagram // by the time they are due, equal ones as they were sent
}

type datagram struct {
	due    int64
	octets []byte
}

// NewPath returns a path of its own; a seed has a different course for each stream.
func NewPath(seed, stream uint64, c Config) *Path {
	return &Path{config: c, chance: rand.New(rand.NewPCG(seed, stream))}
}

// Counters returns what became of the datagrams so far.
func (p *Path) Counters() Counters { return p.counters }

// Send gives the path a datagram at a time; it is copied.
func (p *Path) Send(now int64, b []byte) {
	p.counters.Sent++
	if p.loses() {
		p.counters.Lost++
		return
	}
	p.carry(now, b)
	if p.happens(p.config.Duplicate) {
		p.counters.Duplicated++
		p.carry(now, b)
	}
}

// loses draws for every datagram, also for those of a burst.
func (p *Path) loses() bool {
	begins := p.happens(p.config.Loss)
	if p.toLose == 0 && begins {
		p.toLose = max(p.config.Burst, 1)
	}
	if p.toLose == 0 {
		return false
	}
	p.toLose--
	return true
}

func (p *Path) happens(chance float64) bool { return p.chance.Float64() < chance }

func (p *Path) carry(now int64, b []byte) {
	due := now + p.config.Delay
	if p.config.Jitter > 0 {
		due += p.chance.Int64N(p.config.Jitter + 1)
	}
	if p.config.InOrder {
		due = max(due, p.latest)
		p.latest = due
	}
	if p.happens(p.config.Reorder) {
		p.counters.Reordered++
		due += p.config.ReorderBy
	}
	at, _ := slices.BinarySearchFunc(p.underWay, due+1, func(d datagram, due int64) int { return int(d.due - due) })
	p.underWay = slices.Insert(p.underWay, at, datagram{due, slices.Clone(b)})
}

// Next returns when the next datagram is due. ok is false when none is under way.
func (p *Path) Next() (due int64, ok bool) {
	if len(p.underWay) == 0 {
		return 0, false
	}
	return p.underWay[0].due, true
}

// Receive takes a datagram that is due by now from the path. ok is false when none is.
func (p *Path) Receive(now int64) (b []byte, ok bool) {
	if due, ok := p.Next(); !ok || due > now {
		return nil, false
	}
	b = p.underWay[0].octets
	p.underWay = slices.Delete(p.underWay, 0, 1)
	p.counters.Received++
	return b, true
}
