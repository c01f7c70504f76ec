package lockstep

import (
	"encoding/binary"
	"time"

	"tipring/t38/udptl/netmodel"
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

// net is one direction of a network in use. Its path carries the numbers of the packets,
// which a packet's other fields would not pass.
type net struct {
	Network
	path    *netmodel.Path
	sent    int
	packets []Packet
}

// stream sets these networks apart from others that have the same seed.
const stream = 38

func newNet(n Network) *net {
	if n.ReorderBy == 0 {
		n.ReorderBy = 45 * time.Millisecond
	}
	return &net{Network: n, path: netmodel.NewPath(n.Seed, stream, netmodel.Config{
		Loss: n.Loss, Burst: n.Burst, Duplicate: n.Duplicate,
		Reorder: n.Reorder, ReorderBy: samples(n.ReorderBy),
		Delay: Tick + samples(n.Delay), Jitter: samples(n.Jitter),
	})}
}

func samples(d time.Duration) int64 { return int64(d * SampleRate / time.Second) }

func (n *net) put(now time.Duration, packets []Packet) {
	for _, p := range packets {
		for range max(p.Copies, 1) {
			n.send(now, p)
		}
	}
}

// send puts one copy under way.
func (n *net) send(now time.Duration, p Packet) {
	if n.Tap != nil {
		n.Tap(now, p.Octets)
	}
	dropped := n.Drop != nil && n.Drop(n.sent, p.Octets)
	n.sent++
	if !dropped {
		n.path.Send(samples(now), binary.BigEndian.AppendUint32(nil, uint32(len(n.packets))))
		n.packets = append(n.packets, p)
	}
}

// take adds to list what has arrived by now, earliest first.
func (n *net) take(now time.Duration, list []Packet) []Packet {
	for {
		number, ok := n.path.Receive(samples(now))
		if !ok {
			return list
		}
		list = append(list, n.packets[binary.BigEndian.Uint32(number)])
	}
}
