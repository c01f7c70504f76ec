package udptl

import (
	"fmt"
	"strings"
	"testing"
)

// heard writes what a decoder hands on: the number of each packet, r for a recovered one,
// -n before it for n lost ones, ! for a new sequence.
type heard struct {
	words []string
	ifps  []string
}

func (h *heard) packet(p Packet) {
	if p.Resync {
		h.words = append(h.words, "!")
	}
	if p.Lost > 0 {
		h.words = append(h.words, fmt.Sprintf("-%d", p.Lost))
	}
	word := fmt.Sprint(p.Seq)
	if p.Recovered {
		word += "r"
	}
	h.words = append(h.words, word)
	h.ifps = append(h.ifps, fmt.Sprintf("%x", p.IFP))
}

// plain is a datagram with a packet that says its number, and such secondaries.
func plain(seq uint16, secondaries int) []byte {
	b := []byte{byte(seq >> 8), byte(seq), 3, 0xC0, byte(seq >> 8), byte(seq), 0, byte(secondaries)}
	for range secondaries {
		seq--
		b = append(b, 3, 0xC0, byte(seq>>8), byte(seq))
	}
	return b
}

// "." stands for a call of Release; a number for a datagram, with /n for n secondaries.
func TestSequences(t *testing.T) {
	for _, tt := range []struct {
		name   string
		in     string
		want   string
		counts Counters
	}{
		{"in order", "0 1 2", "0 1 2", Counters{Received: 3}},
		{"begins anywhere", "40000 40001", "40000 40001", Counters{Received: 2}},
		{"wraps", "65534 65535 0 1", "65534 65535 0 1", Counters{Received: 4}},
		{"wraps with a loss", "65534/1 0/1 1/1", "65533r 65534 65535r 0 1", Counters{Received: 3, Recovered: 2}},
		{"the same number three times", "5 5 5 6", "5 6", Counters{Received: 4, Duplicate: 2}},
		{"the first one lost", "1/1 2/2", "0r 1 2", Counters{Received: 2, Recovered: 1}},
		{"seven lost, seven secondaries", "0 8/7", "0 1r 2r 3r 4r 5r 6r 7r 8", Counters{Received: 2, Recovered: 7}},
		{"one lost, held back for 3", "0 2 3 4", "0", Counters{Received: 4}},
		{"one lost, given up", "0 2 3 4 5", "0 -1 2 3 4 5", Counters{Received: 5, Lost: 1}},
		{"one lost, then silence", "0 2 .", "0 -1 2", Counters{Received: 2, Lost: 1}},
		{"swapped", "0 2 1 3", "0 1 2 3", Counters{Received: 4}},
		{"three late", "0 4 3 2 1 5", "0 1 2 3 4 5", Counters{Received: 6}},
		{"late after it was given up", "0 2 3 4 5 1 6", "0 -1 2 3 4 5 6", Counters{Received: 7, Lost: 1, Late: 1}},
		{"late after it was recovered", "0 2/1 1 3", "0 1r 2 3", Counters{Received: 4, Recovered: 1, Duplicate: 1}},
		{"what comes late makes good what was before it", "0 3 2/1 4", "0 1r 2 3 4", Counters{Received: 4, Recovered: 1}},
		{"a duplicate with more secondaries", "0 3 3/2 4", "0 1r 2r 3 4", Counters{Received: 4, Recovered: 2, Duplicate: 1}},
		{"burst of 30", "0 31 32 33 34", "0 -30 31 32 33 34", Counters{Received: 5, Lost: 30}},
		{"burst of 30, then silence", "0 31 32 .", "0 -30 31 32", Counters{Received: 3, Lost: 30}},
		{"burst of 100", "0 101 102", "0 -100 101 102", Counters{Received: 3, Lost: 100}},
		{"burst of 100 with a secondary", "0 101/2 102", "0 -98 99r 100r 101 102", Counters{Received: 3, Lost: 98, Recovered: 2}},
		{"one lost, then a burst", "0 2 3 60 61", "0 -1 2 3 -56 60 61", Counters{Received: 5, Lost: 57}},
		{"one lost, then just too many", "0 2 33 34 .", "0 -1 2 -30 33 34", Counters{Received: 4, Lost: 31}},
		{"jump of 2000", "0 2001 2002", "0 ! 2001 2002", Counters{Received: 3, Resynced: 1}},
		{"jump of 2000 with secondaries", "0 2001/2", "0 ! 1999r 2000r 2001", Counters{Received: 2, Recovered: 2, Resynced: 1}},
		{"jump of 32767", "0 32767 32768", "0 ! 32767 32768", Counters{Received: 3, Resynced: 1}},
		{"jump back", "5000 0 1 2", "5000 ! 0 1 2", Counters{Received: 4, Resynced: 1}},
		{"jump back, three of the same number", "5000 0 0 0 1", "5000 ! 0 1", Counters{Received: 5, Duplicate: 2, Resynced: 1}},
		{"jump back, the second one lost", "5000 0 2/1", "5000 ! 0 1r 2", Counters{Received: 3, Recovered: 1, Resynced: 1}},
		{"jump back while one is held back", "5000 5002 0 1", "5000 -1 5002 ! 0 1", Counters{Received: 4, Lost: 1, Resynced: 1}},
		{"a stray", "5000 0 5001 5002", "5000 5001 5002", Counters{Received: 4, Stray: 1}},
		{"two strays that do not agree", "5000 0 900 5001", "5000 5001", Counters{Received: 4, Stray: 2}},
		{"a stray far ahead", "5000 9000 5001 5002", "5000 ! 9000 ! 5001 5002", Counters{Received: 4, Resynced: 2}},
		{"a stray from lately", "5000 5001 4980 5002", "5000 5001 5002", Counters{Received: 4, Late: 1}},
	} {
		var h heard
		d := NewDecoder(h.packet)
		for _, word := range strings.Fields(tt.in) {
			var seq, n int
			if word == "." {
				d.Release()
			} else if fmt.Sscanf(word, "%d/%d", &seq, &n); d.Decode(plain(uint16(seq), n)) != nil {
				t.Fatalf("%s: datagram %s", tt.name, word)
			}
		}
		if got := strings.Join(h.words, " "); got != tt.want || d.Counters() != tt.counts {
			t.Errorf("%s: %s\nhanded on %s, counted %+v\nwant      %s,         %+v", tt.name, tt.in, got, d.Counters(), tt.want, tt.counts)
		}
	}
}

// A peer that begins anew at numbers just passed is known by what its packets hold.
func TestBeginsAnewNearby(t *testing.T) {
	var h heard
	d := NewDecoder(h.packet)
	for seq := range uint16(10) {
		d.Decode(plain(seq, 0))
	}
	for _, b := range []string{"0000 01 06 00 00", "0001 01 08 00 00", "0002 01 0a 00 02 01 08 01 06"} {
		d.Decode(unhex(t, b))
	}
	if got, want := strings.Join(h.words[10:], " ")+" "+strings.Join(h.ifps[10:], " "), "! 0 1 2 06 08 0a"; got != want {
		t.Errorf("handed on %s, want %s", got, want)
	}
}

func TestHold(t *testing.T) {
	for _, tt := range []struct {
		hold int
		want string
	}{
		{-1, "0 -1 2 3 4 5 6"},
		{0, "0 -1 2 3 4 5 6"},
		{1, "0 -1 2 3 4 5 6"},
		{4, "0 -1 2 3 4 5 6"},
		{5, "0"},
		{99, "0"},
	} {
		var h heard
		d := NewDecoder(h.packet)
		d.Hold = tt.hold
		if d.Waiting() {
			t.Error("waits before the first packet")
		}
		for _, seq := range []uint16{0, 2, 3, 4, 5, 6} {
			d.Decode(plain(seq, 0))
		}
		if got := strings.Join(h.words, " "); got != tt.want || d.Waiting() != (tt.want == "0") {
			t.Errorf("hold %d: handed on %s, waits: %v; want %s", tt.hold, got, d.Waiting(), tt.want)
		}
	}
}

func TestParity(t *testing.T) {
	// 1 and 2 of two octets, 3 of five: the parity of 1 and 3, and that of 2 and 4.
	const one, two, three, four = "0001 02 2000 00 00", "0002 02 2040 00 00", "0003 05 c001100000 00 00", "0004 01 06 00 00"
	const five = "0005 01 08 80 01 02 02 05 e001100000 02 2640"
	// The same with the packets' lengths, as annex C has it.
	const fiveC = "0005 01 08 80 01 02 02 07 0007e001100000 04 00032640"
	const twoC = "0002 02 2040 80 01 01 01 04 00022000"
	for _, tt := range []struct {
		name string
		in   []string
		want string
		ifps string
	}{
		{"none lost", []string{one, two, three, four, five}, "1 2 3 4 5", "2000 2040 c001100000 06 08"},
		{"the longest lost", []string{one, two, four, five}, "1 2 3r 4 5", "2000 2040 c001100000 06 08"},
		{"a shorter lost: zeros after it", []string{one, two, three, five}, "1 2 3 4r 5", "2000 2040 c001100000 0600 08"},
		{"two in a row lost", []string{one, two, five}, "1 2 3r 4r 5", "2000 2040 c001100000 0600 08"},
		{"both of a message lost", []string{"0000 01 00 00 00", two, four, five}, "0", "00"},
		{"both of a message lost, one comes late", []string{"0000 01 00 00 00", two, four, five, three}, "0 1r 2 3 4 5", "00 2000000000 2040 c001100000 06 08"},
		{"with lengths, none lost", []string{one, twoC, three, four, fiveC}, "1 2 3 4 5", "2000 2040 c001100000 06 08"},
		{"with lengths, the longest lost", []string{one, twoC, four, fiveC}, "1 2 3r 4 5", "2000 2040 c001100000 06 08"},
		{"with lengths, a shorter lost", []string{one, twoC, three, fiveC}, "1 2 3 4r 5", "2000 2040 c001100000 06 08"},
		{"with lengths, two in a row lost", []string{one, twoC, fiveC}, "1 2 3r 4r 5", "2000 2040 c001100000 06 08"},
		{"with a length that cannot be", []string{one, twoC, three, "0005 01 08 80 01 02 02 00 04 ff032640"}, "1 2 3", "2000 2040 c001100000"},
		{"with no room for lengths", []string{one, twoC, three, "0005 01 08 80 01 02 02 00 02 0003"}, "1 2 3", "2000 2040 c001100000"},
		{"with lengths after messages without", []string{"0000 01 00 00 00", "0001 02 2000 80 01 01 01 01 00", twoC, three, fiveC}, "0 1 2 3 4r 5", "00 2000 2040 c001100000 06 08"},
	} {
		var h heard
		d := NewDecoder(h.packet)
		for _, b := range tt.in {
			if d.Decode(unhex(t, b)) != nil {
				t.Fatalf("%s: datagram %s", tt.name, b)
			}
		}
		if got := strings.Join(h.words, " "); got != tt.want || strings.Join(h.ifps, " ") != tt.ifps {
			t.Errorf("%s: handed on %s: %s; want %s: %s", tt.name, got, h.ifps, tt.want, tt.ifps)
		}
	}
}

func TestDecoderAllocatesNothing(t *testing.T) {
	e, d := NewEncoder(LimitsOf(0), 0), NewDecoder(func(Packet) {})
	ifp, buffer := make([]byte, 60), make([]byte, 0, MaxDatagram)
	i := 0
	pass := func() {
		b, _ := e.Append(buffer, ifp, []Protection{{Secondaries: 3}, {Span: 3, Entries: 3}}[i/8%2])
		if i++; i%11 != 0 {
			d.Decode(b)
		}
	}
	for range 1000 {
		pass()
	}
	if n := testing.AllocsPerRun(1000, pass); n != 0 {
		t.Errorf("%v allocations for a datagram", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, p := range map[string]Protection{"redundancy": {Secondaries: 3}, "parity": {Span: 3, Entries: 3}} {
		b.Run(name, func(b *testing.B) {
			e, d := NewEncoder(LimitsOf(0), 0), NewDecoder(func(Packet) {})
			ifp, buffer := make([]byte, 60), make([]byte, 0, MaxDatagram)
			b.ReportAllocs()
			for b.Loop() {
				datagram, _ := e.Append(buffer, ifp, p)
				d.Decode(datagram)
			}
		})
	}
}
