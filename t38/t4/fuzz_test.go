package t4

import (
	"bytes"
	"testing"
)

func FuzzDecodeMH(f *testing.F)  { fuzzDecode(f, MH) }
func FuzzDecodeMR(f *testing.F)  { fuzzDecode(f, MR) }
func FuzzDecodeMMR(f *testing.F) { fuzzDecode(f, MMR) }

// Whatever the octets are: no more rows than bits, the same rows however they are
// cut into pieces, and every row is one that can be coded again.
func fuzzDecode(f *testing.F, coding Coding) {
	for _, kind := range kinds {
		for _, columns := range []uint16{1, 8, 100, 1728} {
			p := page(kind, int(columns), 6)
			coded := encode(f, EncoderConfig{Coding: coding, K: 2, Columns: int(columns)}, p)
			f.Add(columns, uint8(0), uint8(len(coded)), coded)
			f.Add(columns, uint8(7), uint8(3), coded)
			f.Add(columns, uint8(16), uint8(3), append(coded[:len(coded)/2:len(coded)/2], 0, 0, 0, 0x80))
		}
	}
	f.Fuzz(func(t *testing.T, columns uint16, options, piece uint8, coded []byte) {
		coded = coded[:min(len(coded), 1000)] // a row in MMR may be a bit
		c := DecoderConfig{
			Coding: coding, Columns: int(columns)%MaxColumns + 1,
			Order: BitOrder(options & 1), EOLOptional: options&2 != 0, Align: options&4 != 0,
			Conceal: Concealment(options >> 3 & 1), Rows: int(options >> 4),
		}
		whole, d := decode(t, c, coded, len(coded)+1)
		if len(whole) > 8*len(coded) {
			t.Fatalf("%d rows of %d octets", len(whole), len(coded))
		}
		pieces, again := decode(t, c, coded, int(piece)+1)
		if err := samePage(pieces, whole); err != nil {
			t.Fatalf("in pieces: %v", err)
		}
		if d.Quality() != again.Quality() || d.Complete() != again.Complete() || (d.Err() == nil) != (again.Err() == nil) {
			t.Fatalf("in pieces: %+v, whole: %+v", again.Quality(), d.Quality())
		}
		if q := d.Quality(); q.Rows != len(whole) || q.Bad > q.Rows || q.LongestBad > q.Bad {
			t.Fatalf("%d rows: %+v", len(whole), q)
		}
		recoded := encode(t, EncoderConfig{Coding: coding, Columns: c.Columns}, whole)
		back, _ := decode(t, DecoderConfig{Coding: coding, Columns: c.Columns}, recoded, 1<<20)
		if err := samePage(back, whole); err != nil {
			t.Fatalf("coded again: %v", err)
		}
	})
}

// Long fill, and octets that are no page at all, cost time by their length and no memory.
func TestJunkIsBounded(t *testing.T) {
	for _, coding := range []Coding{MH, MR, MMR} {
		for _, octet := range []byte{0, 0xff, 0x55} {
			junk := bytes.Repeat([]byte{octet}, 4096)
			d, err := NewDecoder(DecoderConfig{Coding: coding, Columns: 1728})
			if err != nil {
				t.Fatal(err)
			}
			feed := func() {
				d.Feed(junk)
				for d.Next() {
				}
			}
			feed()
			if n := testing.AllocsPerRun(100, feed); n != 0 {
				t.Errorf("%v of %#x: %v allocations per 4096 octets", coding, octet, n)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []DecoderConfig{{}, {Coding: MH}, {Coding: MH, Columns: -1}, {Coding: MR, Columns: MaxColumns + 1}, {Columns: 8}, {Coding: 4, Columns: 8}, {Coding: MH, Columns: 8, Rows: -1}} {
		if _, err := NewDecoder(c); err == nil {
			t.Errorf("%+v: taken", c)
		}
	}
	for _, c := range []EncoderConfig{
		{}, {Coding: MH}, {Coding: MH, Columns: -1}, {Coding: MR, Columns: MaxColumns + 1}, {Columns: 8}, {Coding: 4, Columns: 8},
		{Coding: MR, Columns: 8, K: -1}, {Coding: MH, Columns: 8, MinRowBits: -1}, {Coding: MH, Columns: 8, MinRowBits: 1 << 20}, {Coding: MR, Columns: 8, Bare: true},
	} {
		if _, err := NewEncoder(c); err == nil {
			t.Errorf("%+v: taken", c)
		}
	}
}

// T.4 tables 2 and 3 leave room for nothing but EOL: all bits but eight zeros begin with a word.
func TestWordsFillTheCodeSpace(t *testing.T) {
	for i := range uint64(1 << maxWord) {
		window := i << (64 - maxWord)
		none := window>>56 == 0
		if white := lookWhite(window); (white == 0) != none {
			t.Fatalf("%013b: white word of %d bits", i, white.bits())
		}
		if black := lookBlack(window); (black == 0) != none {
			t.Fatalf("%013b: black word of %d bits", i, black.bits())
		}
	}
}

func TestFillMakesTheRowLastItsTime(t *testing.T) {
	for _, tt := range []struct{ ms, rate, want int }{{20, 14400, 288}, {40, 2400, 96}, {5, 9600, 48}, {0, 9600, 0}, {10, 7201, 73}} {
		if got := MinRowBits(tt.ms, tt.rate); got != tt.want {
			t.Errorf("%d ms at %d bit/s: %d bits, want %d", tt.ms, tt.rate, got, tt.want)
		}
	}
	for _, coding := range []Coding{MH, MR} {
		for _, kind := range []string{"blank", "drawing"} {
			e, _ := NewEncoder(EncoderConfig{Coding: coding, Columns: 1728, MinRowBits: 288})
			var coded []byte
			for i, row := range page(kind, 1728, 30) {
				before := 8*len(coded) + int(e.out.have)
				coded = e.AppendRow(coded, row)
				n := 8*len(coded) + int(e.out.have) - before
				if n < 288 || kind == "blank" && n != 288 {
					t.Fatalf("%v %s: row %d has %d bits, want 288 at least", coding, kind, i, n)
				}
			}
		}
	}
}
