package udptl

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A stream is what a sender had to say and what became of it.
type stream struct {
	first uint16
	ifps  [][]byte
	got   []Packet
}

func anyStream(t *rapid.T, n int) *stream {
	s := &stream{first: rapid.Uint16().Draw(t, "first number")}
	ifp := rapid.SliceOfN(rapid.Byte(), 1, 20)
	for range n {
		s.ifps = append(s.ifps, append(ifp.Draw(t, "packet"), 1)) // no zeros at its end
	}
	return s
}

func (s *stream) packet(p Packet) {
	p.IFP = bytes.Clone(p.IFP)
	s.got = append(s.got, p)
}

// check fails unless what was handed on is in order, what was sent, and complete but for
// what is said to be lost. It returns how many packets those are, from the first one
// handed on to the last.
func (s *stream) check(t *rapid.T) (lost int) {
	next := -1
	for _, p := range s.got {
		at := int(p.Seq - s.first)
		if p.Resync || at >= len(s.ifps) {
			t.Fatalf("packet %d of %d", at, len(s.ifps))
		}
		if next >= 0 && at != next+p.Lost {
			t.Fatalf("packet %d after %d, %d lost", at, next-1, p.Lost)
		}
		ifp := p.IFP
		if p.Recovered {
			ifp = bytes.TrimRight(ifp, "\x00")
		}
		if !bytes.Equal(ifp, s.ifps[at]) {
			t.Fatalf("packet %d is %x, was %x", at, p.IFP, s.ifps[at])
		}
		next = at + 1
		lost += p.Lost
	}
	return lost
}

// lossRuns marks runs of at most longest lost datagrams with at least apart that arrive
// between them; the first and the last arrive.
func lossRuns(t *rapid.T, n, longest, apart int) []bool {
	lost := make([]bool, n)
	for at := 1; at < n; {
		run := rapid.IntRange(0, longest).Draw(t, "run")
		for i := at; i < min(at+run, n-1); i++ {
			lost[i] = true
		}
		at += run + apart + rapid.IntRange(0, 5).Draw(t, "between")
	}
	return lost
}

// With k secondaries, no k datagrams lost in a row lose a packet.
func TestAnyLossWithinTheRedundancyIsMadeGood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, MaxSecondaries).Draw(t, "depth")
		s := anyStream(t, 60)
		within(t, s, Protection{Secondaries: depth}, lossRuns(t, 60, depth, 1))
	})
}

// With parity over span packets in each of entries messages, no burst of entries loses a
// packet once as many datagrams arrived before it as a message reaches back.
func TestAnyLossWithinTheParityIsMadeGood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Protection{Span: rapid.IntRange(1, 7).Draw(t, "span"), Entries: rapid.IntRange(1, 4).Draw(t, "entries")}
		s := anyStream(t, 90)
		within(t, s, p, lossRuns(t, 90, p.Entries, p.Span*p.Entries))
	})
}

// Parity messages help one another: of any loss but in the last ones, what can be worked
// out from all that came is worked out.
func TestParityMessagesHelpOneAnother(t *testing.T) {
	e, s := NewEncoder(LimitsOf(0), 0), &stream{}
	d := NewDecoder(s.packet)
	for i := range 40 {
		s.ifps = append(s.ifps, []byte{byte(i), 1})
		b, _ := e.Append(nil, s.ifps[i], Protection{Span: 3, Entries: 3})
		// 20 and 23 share the messages that come with 24 and 26; 29 brings one for 23
		// alone, and with 23 the older message gives 20. 21's own came with 23.
		if i != 20 && i != 21 && i != 22 && i != 23 {
			d.Decode(b)
		}
	}
	lost := 0
	for _, p := range s.got {
		lost += p.Lost
	}
	if last := s.got[len(s.got)-1]; lost != 0 || last.Seq != 39 {
		t.Errorf("%d lost, %d last", lost, last.Seq)
	}
}

func within(t *rapid.T, s *stream, p Protection, lost []bool) {
	e, d := NewEncoder(LimitsOf(MaxDatagram), s.first), NewDecoder(s.packet)
	for i, ifp := range s.ifps {
		b, err := e.Append(nil, ifp, p)
		if err != nil {
			t.Fatal(err)
		}
		if !lost[i] && d.Decode(b) != nil {
			t.Fatalf("datagram %x", b)
		}
	}
	if n := s.check(t); n > 0 || len(s.got) != len(s.ifps) {
		t.Fatalf("%d of %d packets, %d lost: %+v", len(s.got), len(s.ifps), n, d.Counters())
	}
}

// Whatever the network does to datagrams of any protection, packets come once, in order,
// unchanged, and those that do not come are counted.
func TestAnyNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyStream(t, 80)
		e, d := NewEncoder(LimitsOf(MaxDatagram), s.first), NewDecoder(s.packet)
		d.Hold = rapid.IntRange(0, 10).Draw(t, "hold")
		wire := make([][][]byte, len(s.ifps)+8) // by the time of arrival
		sent := 0
		for i, ifp := range s.ifps {
			p := Protection{Secondaries: rapid.IntRange(0, 7).Draw(t, "secondaries")}
			if rapid.Bool().Draw(t, "parity") {
				p.Span, p.Entries = rapid.IntRange(1, 10).Draw(t, "span"), rapid.IntRange(1, 5).Draw(t, "entries")
			}
			b, _ := e.Append(nil, ifp, p)
			for range rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(t, "copies") {
				at := i + rapid.IntRange(0, 8).Draw(t, "delay")
				wire[at] = append(wire[at], b)
				sent++
			}
		}
		for _, b := range slices.Concat(wire...) {
			if d.Decode(b) != nil {
				t.Fatalf("datagram %x", b)
			}
		}
		d.Release()
		lost := s.check(t)
		if c := d.Counters(); int(c.Lost) != lost || int(c.Received) != sent || c.Malformed+c.Resynced != 0 || d.Waiting() {
			t.Fatalf("%d lost, %d datagrams: counted %+v", lost, sent, c)
		}
	})
}
