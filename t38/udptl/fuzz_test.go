package udptl

import "testing"

// FuzzDecode gives a decoder a stream of datagrams, each with its length before it in two
// octets. Whatever they hold, packets come in order and their count adds up.
func FuzzDecode(f *testing.F) {
	var all []byte
	for _, g := range goldens(f) {
		f.Add(framed(g.octets))
		all = append(all, framed(g.octets)...)
	}
	f.Add(all)
	for _, p := range []Protection{{Secondaries: 7}, {Span: 3, Entries: 3}, {}} {
		e, lossy := NewEncoder(LimitsOf(0), 65530), []byte(nil)
		for i := range 30 {
			if b, _ := e.Append(nil, make([]byte, 1+i%40), p); i%7 != 5 && i%7 != 6 {
				lossy = append(lossy, framed(b)...)
			}
		}
		f.Add(lossy)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		delivered, lost := 0, 0
		last := uint16(0)
		d := NewDecoder(func(p Packet) {
			if len(p.IFP) == 0 || len(p.IFP) > MaxDatagram {
				t.Fatalf("packet of %d octets", len(p.IFP))
			}
			if delivered > 0 && !p.Resync && p.Seq != last+1+uint16(p.Lost) {
				t.Fatalf("%d after %d, %d lost", p.Seq, last, p.Lost)
			}
			last = p.Seq
			delivered++
			lost += p.Lost
		})
		datagrams := 0
		for len(b) >= 2 {
			n := min(int(b[0])<<8|int(b[1]), len(b)-2)
			d.Decode(b[2 : 2+n])
			b = b[2+n:]
			datagrams++
		}
		d.Release()
		c := d.Counters()
		if int(c.Received+c.Malformed) != datagrams || int(c.Lost) != lost || d.Waiting() {
			t.Fatalf("%d datagrams, %d lost: counted %+v", datagrams, lost, c)
		}
		if delivered > datagrams+int(c.Recovered) {
			t.Fatalf("%d packets of %d datagrams: counted %+v", delivered, datagrams, c)
		}
	})
}

func framed(b []byte) []byte {
	return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...)
}
