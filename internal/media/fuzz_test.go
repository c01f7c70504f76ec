package media

import (
	"net/netip"
	"testing"
)

// FuzzReceive: a session takes any datagrams from its peer, on either port, and plays on.
// The first octet of each says how long it is and where it goes.
func FuzzReceive(f *testing.F) {
	seed := func(datagrams ...[]byte) []byte {
		var b []byte
		for _, d := range datagrams {
			b = append(b, byte(min(len(d), 255)), 0)
			b = append(b, d[:min(len(d), 255)]...)
		}
		return b
	}
	f.Add(seed(rtpPacket(0, 1, 160, 1, tone20()), rtpPacket(0, 2, 320, 1, tone20())))
	f.Add(seed(rtpPacket(101, 1, 160, 1, []byte{1, 0x8a, 3, 32}), rtpPacket(101, 2, 160, 1, []byte{1}), rtpPacket(13, 3, 160, 1, nil)))
	f.Add(seed(rtpPacket(0, 65535, 0xffffffff, 1, []byte{1}), rtpPacket(0, 0, 0x7fffffff, 1, []byte{1}), rtpPacket(0, 30000, 0, 2, nil)))
	padded := rtpPacket(0, 1, 160, 1, []byte{1, 2, 3, 4})
	padded[0] |= 0x30
	f.Add(seed(padded, appendBYE(appendReport(nil, 1, &senderInfo{}, &reportBlock{}), 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &Network{}
		pair, err := n.Listen(ours)
		if err != nil {
			t.Fatal(err)
		}
		s := New(pair, Config{})
		p := ulaw20.to(peers)
		p.Receive = []Format{{0, "PCMU"}, {8, "PCMA"}}
		if err := s.Update(p); err != nil {
			t.Fatal(err)
		}
		in, out := make([]int16, 160), make([]int16, 160)
		for len(data) >= 2 {
			size, how := int(data[0]), data[1]
			data = data[2:]
			size = min(size, len(data))
			to, from := ours, peers
			if how&1 != 0 {
				to = netip.AddrPortFrom(ours.Addr(), ours.Port()+1)
			}
			if how&2 != 0 {
				from = netip.AddrPortFrom(peers.Addr(), 7)
			}
			n.Send(data[:size], from, to)
			data = data[size:]
			if how&4 == 0 {
				s.Exchange(in, out)
			}
		}
		for range 60 {
			s.Exchange(in, out)
		}
		for range heardLimit {
			if e, ok := s.NextEvent(); ok && e.Samples < 0 {
				t.Fatalf("%+v", e)
			}
		}
		if st := s.Stats(); st.LossPct < 0 || st.LossPct > 100 || st.JitterMS < 0 || st.DelayMS > 400 {
			t.Fatalf("%+v", st)
		}
		if s.player.n > maxQueued || s.player.ahead < 0 || s.player.ahead > maxPayload+spliceLongest {
			t.Fatalf("%d packets held, %d samples ahead", s.player.n, s.player.ahead)
		}
		_ = s.Close()
	})
}

// FuzzRTCP: what parses is within its packet.
func FuzzRTCP(f *testing.F) {
	f.Add(appendBYE(appendCNAME(appendReport(nil, 1, &senderInfo{}, &reportBlock{ssrc: 2}), 1, "x"), 1))
	f.Add([]byte{0x81, 203, 0, 2, 0, 0, 0, 1, 3, 'e', 'n', 'd'})
	f.Add([]byte{0xa0, 203, 0, 1, 0, 0, 0, 4})
	f.Add([]byte{0x9f, 201, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parseRTCP(b, 2)
		if ok && r.has && (r.block.lost > 1<<23-1 || r.block.lost < -1<<23) {
			t.Fatalf("%+v", r)
		}
	})
}

// FuzzEvents: whatever comes, beginnings and ends take turns.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{0, 1, 0x0a, 0, 160, 0, 1, 0x8a, 0, 200})
	f.Add([]byte{200, 1, 0x8a, 0, 160, 9, 1, 0x8a, 0xff, 0xff, 255, 2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var r eventReceiver
		ts, pressed := uint32(1<<32-1000), false
		for ; len(data) >= 5; data = data[5:] {
			ts += uint32(int8(data[0])) * 100
			r.receive(ts, data[0]&1 != 0, data[1:5])
			r.pass(int(data[0]) * 10)
			for e, ok := r.next(); ok; e, ok = r.next() {
				if e.End != pressed || e.Samples < 0 {
					t.Fatalf("%+v, a key is down: %v", e, pressed)
				}
				pressed = !e.End
			}
		}
	})
}
