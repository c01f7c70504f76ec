package lockstep

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// A Network says what happens to packets in one direction. The zero value is perfect.
type Network struct {
	Loss      float64       // share of packets lost at random, each copy by itself
	Burst     int           // how many in a row a loss takes; 0 is 1
	Duplicate float64       // share that arrives twice
	Reorder   float64       // share that is held up by ReorderBy
	ReorderBy time.Duration // 0: 45 ms
	Delay     time.Duration // of each packet
	Jitter    time.Duration // additional delay, evenly from 0 to this
	Seed      uint64

	// Drop, when set, decides too: n counts the packets sent, copies included, from 0.
	Drop func(n int, octets []byte) bool
	// Tap, when set, sees each packet as it is sent, lost or not.
	Tap func(at time.Duration, octets []byte)
}

// net is one direction of a network in use.
type net struct {
	Network
	random   *rand.Rand
	sent     int
	dropping int // more packets of a burst to lose
	underway []flight
}

type flight struct {
	due   time.Duration
	order int
	Packet
}

func newNet(n Network) *net {
	n.Burst = max(n.Burst, 1)
	if n.ReorderBy == 0 {
		n.ReorderBy = 45 * time.Millisecond
	}
	return &net{Network: n, random: rand.New(rand.NewPCG(n.Seed, 38))}
}

func (n *net) put(now time.Duration, packets []Packet) {
	for _, p := range packets {
		for range max(p.Copies, 1) {
			n.send(now, p)
		}
	}
}

// send puts one copy under way. It draws the same numbers whatever becomes of the
// copy, so that one setting does not change what another one hits.
func (n *net) send(now time.Duration, p Packet) {
	if n.Tap != nil {
		n.Tap(now, p.Octets)
	}
	lose, twice, late, jitter := n.random.Float64(), n.random.Float64(), n.random.Float64(), n.random.Float64()
	if lose < n.Loss && n.dropping == 0 {
		n.dropping = n.Burst
	}
	dropped := n.dropping > 0 || n.Drop != nil && n.Drop(n.sent, p.Octets)
	n.dropping = max(n.dropping-1, 0)
	n.sent++
	if dropped {
		return
	}
	due := now + TickTime + n.Delay + time.Duration(jitter*float64(n.Jitter))
	if late < n.Reorder {
		due += n.ReorderBy
	}
	n.underway = append(n.underway, flight{due, n.sent, p})
	if twice < n.Duplicate {
		n.underway = append(n.underway, flight{due + TickTime, n.sent, p})
	}
}

// take adds to list what has arrived by now, earliest first.
func (n *net) take(now time.Duration, list []Packet) []Packet {
	slices.SortStableFunc(n.underway, func(a, b flight) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.order, b.order))
	})
	arrived := 0
	for arrived < len(n.underway) && n.underway[arrived].due <= now {
		list = append(list, n.underway[arrived].Packet)
		arrived++
	}
	n.underway = slices.Delete(n.underway, 0, arrived)
	return list
}
