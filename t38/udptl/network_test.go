package udptl

import (
	"encoding/binary"
	"testing"

	"tipring/t38/udptl/netmodel"
)

// The networks that a fax must survive, 30 ms a packet for two minutes: with the
// redundancy given, no more packets are lost than a letter's worth of luck, and no time
func TestNetworks(t *testing.T) {
	const packets, every = 4000, 240
	for _, tt := range []struct {
		name string
		c    netmodel.Config
		p    Protection
		lost uint32 // at most
	}{
		{"clean", netmodel.Config{}, Protection{}, 0},
		{"10 % loss, redundancy 3", netmodel.Config{Loss: 0.1}, Protection{Secondaries: 3}, 2},
		{"10 % loss, redundancy 5", netmodel.Config{Loss: 0.1}, Protection{Secondaries: 5}, 0},
		{"5 % loss, parity 3x3", netmodel.Config{Loss: 0.05}, Protection{Span: 3, Entries: 3}, 8},
		{"bursts of 3, redundancy 3", netmodel.Config{Loss: 0.02, Burst: 3}, Protection{Secondaries: 3}, 12},
		{"bursts of 3, redundancy 6", netmodel.Config{Loss: 0.02, Burst: 3}, Protection{Secondaries: 6}, 4}, // when bursts meet
		{"5 % reordered, 5 % doubled, no redundancy", netmodel.Config{Reorder: 0.05, ReorderBy: 360, Duplicate: 0.05}, Protection{}, 0},
		{"100 ms and 60 ms of jitter, no redundancy", netmodel.Config{Delay: 800, Jitter: 480}, Protection{}, 0},
		{"all together, redundancy 5", netmodel.Config{Loss: 0.05, Duplicate: 0.05, Reorder: 0.05, ReorderBy: 360, Delay: 800, Jitter: 480}, Protection{Secondaries: 5}, 0},
	} {
		path, e := netmodel.NewPath(1, 1, tt.c), NewEncoder(LimitsOf(0), 60000)
		got := uint32(0)
		d := NewDecoder(func(p Packet) {
			got++
			if n := binary.BigEndian.Uint16(p.IFP); n != p.Seq-60000 {
				t.Fatalf("%s: packet %d under number %d", tt.name, n, p.Seq)
			}
		})
		for now := int64(0); now < (packets+10)*every; now += every / 8 {
			if n := now / every; now%every == 0 && n < packets {
				b, _ := e.Append(nil, append(binary.BigEndian.AppendUint16(nil, uint16(n)), make([]byte, 56)...), tt.p)
				path.Send(now, b)
			}
			for b, ok := path.Receive(now); ok; b, ok = path.Receive(now) {
				d.Decode(b)
			}
		}
		d.Release()
		c := d.Counters()
		if c.Lost > tt.lost || got+c.Lost < packets-7 || c.Resynced+c.Malformed > 0 {
			t.Errorf("%s: %d of %d packets, %+v", tt.name, got, packets, c)
		}
	}
}
