package t38

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"tipring/t38/convey"
	"tipring/t38/ifp"
	"tipring/t38/t30"
	"tipring/t38/udptl"
)

// A vandal is a peer that sends anything: packets that are well-formed and mean nothing, real
// frames at the wrong time, frames without end, octets faster than any modem, and junk.
type vandal struct {
	*rand.Rand
	out *udptl.Encoder
}

func newVandal(seed uint64) *vandal {
	return &vandal{rand.New(rand.NewPCG(seed, 38)), udptl.NewEncoder(udptl.LimitsOf(0), uint16(seed))}
}

func (v *vandal) octets(most int) []byte {
	b := make([]byte, v.IntN(most+1))
	for i := range b {
		b[i] = byte(v.Uint32())
	}
	return b
}

// frame is one of T.30, as it stands in packets: with information that a machine would send, or
// any. DCN is rare, for it ends the game.
func (v *vandal) frame() []byte {
	codes := []byte{0x01, 0x02, 0x04, 0x81, 0x41, 0x42, 0x21, 0x22, 0x72, 0x71, 0x74, 0x7d, 0x73, 0x76, 0x31, 0x32, 0x33, 0x34, 0x35,
		0x3d, 0x37, 0x48, 0x23, 0x38, 0x58, 0x60, 0x61, 0x7a}
	b := []byte{0xff, 0xc0 | byte(v.IntN(2))<<3, codes[v.IntN(len(codes))] ^ byte(v.IntN(2))<<7}
	if v.IntN(1000) == 0 {
		b[2] = 0x5f
	}
	switch known := b[2] &^ 0x80; {
	case v.IntN(3) == 0:
		return append(b, v.octets(40)...)
	case known == 0x01:
		return append(b, 0x00, 0x77, 0x1f, 0x23, 0x01, 0xc0)
	case known == 0x41:
		return append(b, 0x00, [...]byte{0x47, 0x62, 0x4f, 0x03}[v.IntN(4)], 0x0f, 0x22)
	case known == 0x7d:
		return append(b, [...]byte{0x00, 0x72, 0xf2, 0x74}[v.IntN(4)], byte(v.IntN(3)), 0, byte(v.Uint32()))
	}
	return b
}

func (v *vandal) packet() []byte {
	if v.IntN(10) == 0 {
		return append(v.octets(80), 0)
	}
	var b []byte
	if v.IntN(3) == 0 {
		b, _ = ifp.AppendIndicator(nil, ifp.Indicator(v.IntN(23)))
		return b
	}
	most := 60
	if v.IntN(20) == 0 {
		most = 1000
	}
	fields := make([]ifp.Field, v.IntN(6))
	for i := range fields {
		fields[i] = ifp.Field{Type: ifp.FieldType(v.IntN(8)), Data: v.octets(most)}
		if v.IntN(3) == 0 {
			fields[i].Data = v.frame()
		}
	}
	b, _ = ifp.AppendData(nil, ifp.Original, ifp.DataType(v.IntN(15)), fields...)
	return b
}

func (v *vandal) datagram() []byte {
	p := v.packet()
	b, err := v.out.Append(nil, p[:min(len(p), udptl.MaxDatagram/3)], udptl.Protection{Secondaries: v.IntN(3)})
	switch {
	case err != nil:
		return v.octets(100)
	case v.IntN(20) == 0:
		b[v.IntN(len(b))] ^= 1 << v.IntN(8)
	case v.IntN(200) == 0:
		v.out = udptl.NewEncoder(udptl.LimitsOf(0), uint16(v.Uint32()))
	}
	return b
}

// Whatever comes for three minutes, five datagrams each 20 ms: the channel stays as small as it
// is, and is quiet soon after the last of them.
func TestGatewayOutlivesHostilePackets(t *testing.T) {
	for seed := range uint64(6) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		g := NewGateway(adaptive, DefaultLevel)
		v := newVandal(seed)
		var in, out [tick]int16
		for now := range 3 * 60 * t30.SampleRate / tick {
			for range 5 {
				_ = g.Hear(v.datagram())
			}
			if seed%2 == 1 { // the line is noisy
				for i := range in {
					in[i] = int16(v.IntN(20000) - 10000)
				}
			}
			g.Exchange(in[:], out[:])
			for n := 0; ; n++ {
				if _, ok := g.Say(); !ok {
					break
				}
				if n > 20 {
					t.Fatalf("seed %d: says more than 20 datagrams at once at %d", seed, now)
				}
			}
		}
		clear(in[:])
		for range 15 * t30.SampleRate / tick {
			g.Exchange(in[:], out[:])
			for _, ok := g.Say(); ok; _, ok = g.Say() {
			}
		}
		if _, due := g.Link.Deadline(); !g.tell.idle() || g.tell.held > 0 || due {
			t.Errorf("seed %d: 15 s later %d signals, %d frames wait; due: %v", seed, g.tell.count, g.tell.held, due)
		}
		v = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 256<<10 {
			t.Errorf("seed %d: the channel has %d octets", seed, grown)
		}
		runtime.KeepAlive(g)
	}
}

// A terminal's call ends by its own timers whatever comes: by T1 and the three tries of T.30,
// or at the limit of the call, with ten seconds for DCN.
func TestStationOutlivesHostilePackets(t *testing.T) {
	const limitS = 240
	for seed := range uint64(24) {
		c := t30.Config{Calling: seed%2 == 0, ECM: seed&2 == 0, Timers: t30.Timers{Call: limitS * t30.SampleRate}}
		if got := (&tray{t: t}); c.Calling {
			c.Source = leaflet{t, 3, 50}
		} else {
			c.Sink = got
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := convey.NewStation(terminal(t, c), adaptive)
			s.Start()
			v := newVandal(seed)
			for !s.Done() {
				if s.Now() > (limitS+12)*t30.SampleRate {
					t.Fatalf("goes on, in state %v", s.T30.State())
				}
				for range 1 + seed%4 {
					_ = s.Hear(bytes.Clone(v.datagram()))
				}
				s.Advance(tick)
				for _, ok := s.Say(); ok; _, ok = s.Say() {
				}
			}
			t.Logf("%d s: %v", s.Now()/t30.SampleRate, s.T30.Result().Code)
		})
	}
}
