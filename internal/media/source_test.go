package media

import "testing"

func TestSourceCountsAcrossTheWrap(t *testing.T) {
	var s source
	s.begin(1, 65000)
	for i := 1; i < 200000; i++ {
		if i%100 == 50 {
			continue // one in a hundred is lost
		}
		if kind := s.sequence(uint16(65000 + i)); kind != inOrder {
			t.Fatalf("packet %d: %v", i, kind)
		}
	}
	if s.expected() != 200000 || s.lost() != 2000 || s.highest() != 65000+199999 {
		t.Errorf("expected %d, lost %d, highest %d", s.expected(), s.lost(), s.highest())
	}
}

func TestSourceKinds(t *testing.T) {
	for _, tt := range []struct {
		name string
		seqs []uint16
		want arrivalKind // of the last
	}{
		{"next", []uint16{10, 11}, inOrder},
		{"a gap", []uint16{10, 3009}, inOrder},
		{"the same", []uint16{10, 10}, duplicate},
		{"a late one", []uint16{10, 12, 11}, reordered},
		{"a late one twice", []uint16{10, 12, 11, 11}, duplicate},
		{"late over the wrap", []uint16{65535, 1, 0}, reordered},
		{"from before the first", []uint16{10, 9}, reordered},
		{"late by more than is remembered", []uint16{10, 90, 11}, reordered},
		{"far ahead", []uint16{10, 3010}, strange},
		{"far back", []uint16{1000, 899}, strange},
		{"far ahead and on from there", []uint16{10, 3010, 3011}, restarted},
		{"far ahead twice, not in a row", []uint16{10, 3010, 9000}, strange},
		{"far ahead over the wrap", []uint16{10, 65000, 65001}, restarted},
		{"far ahead, then as before", []uint16{10, 3010, 11}, inOrder},
		{"far ahead at the last number", []uint16{10, 65400, 65401}, restarted},
		{"far ahead, confirmed over the wrap", []uint16{30000, 65535, 0}, restarted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s source
			s.begin(1, tt.seqs[0])
			kind := inOrder
			for _, seq := range tt.seqs[1:] {
				kind = s.sequence(seq)
			}
			if kind != tt.want {
				t.Errorf("got %d, want %d", kind, tt.want)
			}
		})
	}
}

func TestJitterEstimate(t *testing.T) {
	// Packets that come 0 and 16 clock units late in turns: each differs by 16 from the last.
	var s source
	for i := range 1000 {
		s.time(int64(i*160+i%2*16), uint32(i*160)-80000) // the timestamp wraps underway
	}
	if got := s.jitter >> 4; got != 15 && got != 16 {
		t.Errorf("jitter %d, want 16", got)
	}
	before := s.jitter
	s.time(160000, 7) // the timestamp jumps
	if s.jitter != before {
		t.Errorf("a jump of the timestamp changed the jitter from %d to %d", before, s.jitter)
	}
}
