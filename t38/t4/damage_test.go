package t4

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// eolCount counts EOLs in octets whose least significant bit is first on the line.
func eolCount(coded []byte) (n int) {
	zeros := 0
	for _, octet := range coded {
		for i := range 8 {
			if octet>>i&1 == 0 {
				zeros++
				continue
			}
			if zeros >= eolZeros {
				n++
			}
			zeros = 0
		}
	}
	return n
}

// concealed is what a decoder gives when it takes the rows in the set for bad.
func concealed(p [][]byte, bad map[int]bool) [][]byte {
	out := make([][]byte, len(p))
	above := make([]byte, len(p[0]))
	for i := range p {
		if !bad[i] {
			above = p[i]
		}
		out[i] = above
	}
	return out
}

// A wrong bit costs its row, and in MR the ones up to the next that is coded by itself;
// or the row is taken for a good one, since its runs still add up. No other row moves. A
// bit that makes or unmakes an EOL is another test's matter.
func TestOneWrongBitCostsItsRowAlone(t *testing.T) {
	const columns, rows = 1728, 60
	p := page("drawing", columns, rows)
	for _, c := range []EncoderConfig{
		{Coding: MH, Columns: columns}, {Coding: MH, Columns: columns, MinRowBits: 600},
		{Coding: MR, K: 2, Columns: columns}, {Coding: MR, K: 4, Columns: columns}, {Coding: MR, K: 4, Columns: columns, MinRowBits: 288},
	} {
		t.Run(fmt.Sprintf("%v K=%d fill to %d", c.Coding, c.K, c.MinRowBits), func(t *testing.T) {
			e, _ := NewEncoder(c)
			var coded []byte
			starts := make([]int, rows) // the bit behind each row's EOL (and tag)
			for i, row := range p {
				starts[i] = len(coded)*8 + int(e.out.have) + eolBits
				if c.Coding == MR {
					starts[i]++
				}
				coded = e.AppendRow(coded, row)
			}
			coded = e.AppendEnd(coded)
			rnd := rand.New(rand.NewPCG(4, 4))
			detected, moved, eols := 0, 0, eolCount(coded)
			for range 1000 {
				hit := rnd.IntN(rows - 1)
				at := starts[hit] + rnd.IntN(starts[hit+1]-eolBits-1-starts[hit])
				damaged := bytes.Clone(coded)
				damaged[at/8] ^= 1 << (at & 7)
				if eolCount(damaged) != eols {
					continue
				}
				got, d := decode(t, DecoderConfig{Coding: c.Coding, Columns: columns}, damaged, 64)
				if !d.Complete() {
					t.Fatalf("bit %d of row %d wrong: no end", at-starts[hit], hit)
				}
				if len(got) == rows+1 { // what was left of a row looked as a damaged EOL does
					moved++
					continue
				}
				if len(got) != rows {
					t.Fatalf("bit %d of row %d wrong: %d rows", at-starts[hit], hit, len(got))
				}
				dependents := map[int]bool{hit: true}
				for i := hit + 1; c.Coding == MR && i%c.K != 0 && i < rows; i++ {
					dependents[i] = true
				}
				q := d.Quality()
				switch q.Bad {
				case 0: // wrong, or the bit was fill's
					for i := range p {
						if !dependents[i] && !bytes.Equal(got[i], p[i]) {
							t.Fatalf("bit of row %d wrong, unnoticed: row %d differs", hit, i)
						}
					}
				case q.LongestBad:
					detected++
					for i := range p {
						if !dependents[i] && !bytes.Equal(got[i], p[i]) {
							t.Fatalf("bit of row %d wrong: row %d differs", hit, i)
						}
					}
					if q.Bad > len(dependents) {
						t.Fatalf("bit of row %d wrong: %d bad rows", hit, q.Bad)
					}
					if q.Bad == len(dependents) {
						if err := samePage(got, concealed(p, dependents)); err != nil {
							t.Fatalf("bit of row %d wrong: concealed page: %v", hit, err)
						}
					}
				default:
					t.Fatalf("bit of row %d wrong: %+v", hit, q)
				}
			}
			if moved > 2 {
				t.Errorf("%d of 1000 wrong bits made a page of one row more, want at most 2", moved)
			}
			if detected < 250 {
				t.Errorf("only %d of 1000 wrong bits were noticed", detected)
			}
		})
	}
}

// A wrong bit in an EOL costs the row behind it, and the page keeps its length.
func TestWrongBitInAnEOLCostsOneRow(t *testing.T) {
	const columns, rows = 1728, 40
	p := page("drawing", columns, rows)
	for _, c := range []EncoderConfig{{Coding: MH, Columns: columns}, {Coding: MR, K: 4, Columns: columns}} {
		e, _ := NewEncoder(c)
		var coded []byte
		eols := make([]int, rows)
		for i, row := range p {
			eols[i] = len(coded)*8 + int(e.out.have)
			coded = e.AppendRow(coded, row)
		}
		coded = e.AppendEnd(coded)
		for i := 1; i < rows; i++ {
			for bit := range eolBits {
				damaged := bytes.Clone(coded)
				at := eols[i] + bit
				damaged[at/8] ^= 1 << (at & 7)
				if eolCount(damaged) != eolCount(coded)-1 {
					continue // the next row's zeros make it an EOL again
				}
				got, d := decode(t, DecoderConfig{Coding: c.Coding, Columns: columns}, damaged, 1000)
				bad := map[int]bool{i: true}
				for j := i + 1; c.Coding == MR && j%c.K != 0 && j < rows; j++ {
					bad[j] = true
				}
				if err := samePage(got, concealed(p, bad)); err != nil {
					t.Fatalf("%v: EOL of row %d, bit %d: %v", c.Coding, i, bit, err)
				}
				if q := d.Quality(); q.Bad != len(bad) || q.LongestBad != len(bad) {
					t.Fatalf("%v: EOL of row %d, bit %d: %+v, want %d bad", c.Coding, i, bit, q, len(bad))
				}
			}
		}
	}
}

// A hole of 40 ms at 14,400 bit/s is 72 octets: noise where rows were. What is below it
// is in order, and the count of bad rows says about how much is missing.
func TestHoleCostsTheRowsInIt(t *testing.T) {
	const columns, rows, hole = 1728, 100, 72
	p := page("drawing", columns, rows)
	for _, fill := range []string{"noise", "zeros", "ones", "missing"} {
		for _, c := range []EncoderConfig{{Coding: MH, Columns: columns}, {Coding: MR, K: 2, Columns: columns}, {Coding: MR, K: 4, Columns: columns}} {
			coded := encode(t, c, p)
			rnd := rand.New(rand.NewPCG(7, 7))
			for range 100 {
				at := 100 + rnd.IntN(len(coded)-600)
				damaged := bytes.Clone(coded)
				switch fill {
				case "missing":
					damaged = append(damaged[:at], damaged[at+hole:]...)
				default:
					for i := range hole {
						damaged[at+i] = map[string]byte{"noise": byte(rnd.Uint32()), "ones": 255}[fill]
					}
				}
				got, d := decode(t, DecoderConfig{Coding: c.Coding, Columns: columns}, damaged, 36)
				q := d.Quality()
				above, below := 0, 0
				for above < len(got) && bytes.Equal(got[above], p[above]) {
					above++
				}
				for below < len(got) && bytes.Equal(got[len(got)-1-below], p[rows-1-below]) {
					below++
				}
				lost := rows - above - below
				inHole := hole*8*rows/(8*len(coded)) + 3 + 2*(c.K+1)
				if !d.Complete() || lost > 2*inHole || len(got) > rows+2 || len(got) < rows-2*inHole {
					t.Fatalf("%v K=%d, %s at octet %d: %d rows, %d above and %d below are right, complete %t, %+v",
						c.Coding, c.K, fill, at, len(got), above, below, d.Complete(), q)
				}
				// A row that is wrong and adds up by chance is no bad row; there may be one at each end.
				// Zeros behind a row are fill, and two ends of rows may make one.
				if fill != "zeros" && fill != "missing" && q.Bad == 0 && lost > 2 || q.Bad > lost+2 {
					t.Fatalf("%v K=%d, %s at octet %d: %d rows lost, %+v", c.Coding, c.K, fill, at, lost, q)
				}
			}
		}
	}
}

func TestPageEnds(t *testing.T) {
	const columns = 1728
	p := page("drawing", columns, 10)
	rtc := func(eols int, tag bool) string {
		s := ""
		for range eols {
			s += "000000000001"
			if tag {
				s += "1"
			}
		}
		return s
	}
	mh, mr := bitsOf(encode(t, EncoderConfig{Coding: MH, Columns: columns}, p)), bitsOf(encode(t, EncoderConfig{Coding: MR, K: 2, Columns: columns}, p))
	mh, mr = mh[:lastIndex(mh, rtc(6, false))], mr[:lastIndex(mr, rtc(6, true))]
	mmr := bitsOf(encode(t, EncoderConfig{Coding: MMR, Columns: columns}, p))
	mmr = mmr[:lastIndex(mmr, rtc(2, false))]
	flipped := func(s string, at int) string { return s[:at] + string(s[at]^1) + s[at+1:] }
	for _, tt := range []struct {
		name     string
		coding   Coding
		bits     string
		complete bool
		bad      int
	}{
		{"return to control", MH, mh + rtc(6, false), true, 0},
		{"and zeros", MH, mh + rtc(6, false) + zeros(500), true, 0},
		{"and noise", MH, mh + rtc(6, false) + mh, true, 0},
		{"three EOLs", MH, mh + rtc(3, false), true, 0},
		{"two EOLs, carrier lost", MH, mh + rtc(2, false), false, 0},
		{"two EOLs, noise, carrier lost", MH, mh + rtc(2, false) + "110101010111" + rtc(1, false) + "1101111", false, 0},
		{"first EOL damaged", MH, mh + flipped(rtc(6, false), 5), true, 0},
		{"first EOL's one damaged", MH, mh + flipped(rtc(6, false), 11), true, 0},
		{"second EOL damaged", MH, mh + flipped(rtc(6, false), 12+5), true, 0},
		{"third EOL damaged", MH, mh + flipped(rtc(6, false), 24+5), true, 0},
		{"fourth EOL damaged", MH, mh + flipped(rtc(6, false), 36+5), true, 0},
		{"each EOL filled to an octet", MH, mh + "0000" + rtc(1, false) + "0000" + rtc(1, false) + "0000" + rtc(1, false), true, 0},
		{"two EOLs between two rows", MH, "000000000001" + mh + rtc(6, false), true, 0},
		{"no end, carrier lost", MH, mh, false, 0},
		{"no end, noise", MH, mh + "1011010011101011", false, 0},
		{"a row of zeros is a lost row", MH, mh + rtc(1, false) + zeros(60) + rtc(6, false), true, 1},
		{"return to control", MR, mr + rtc(6, true), true, 0},
		{"without tags", MR, mr + rtc(6, false), true, 0},
		{"third EOL damaged", MR, mr + flipped(rtc(6, true), 26+5), true, 0},
		{"end of block", MMR, mmr + rtc(2, false), true, 0},
		{"half an end of block", MMR, mmr + rtc(1, false), true, 0},
		{"no end of block", MMR, mmr, false, 0},
	} {
		t.Run(tt.coding.String()+" "+tt.name, func(t *testing.T) {
			for _, piece := range []int{1, 1000} {
				got, d := decode(t, DecoderConfig{Coding: tt.coding, Columns: columns}, octetsOf(tt.bits), piece)
				if d.Complete() != tt.complete || d.Err() != nil || d.Quality().Bad != tt.bad {
					t.Errorf("complete %t, want %t; %v; %+v", d.Complete(), tt.complete, d.Err(), d.Quality())
				}
				if err := samePage(got[:max(0, len(got)-tt.bad)], p); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// bitsOf writes octets as the line has them; octetsOf reads that.
func bitsOf(octets []byte) string {
	var s []byte
	for _, o := range octets {
		s = fmt.Appendf(s, "%08b", bits.Reverse8(o))
	}
	return string(s)
}

func octetsOf(s string) []byte {
	out := make([]byte, (len(s)+7)/8)
	for i := range s {
		out[i/8] |= (s[i] - '0') << (i & 7)
	}
	return out
}

func zeros(n int) string { return string(bytes.Repeat([]byte{'0'}, n)) }

func lastIndex(s, sub string) int { return bytes.LastIndex([]byte(s), []byte(sub)) }

// MMR has nothing to begin again at: what was read stays.
func TestDamagedMMRKeepsWhatWasRead(t *testing.T) {
	const columns, rows = 1728, 80
	p := page("drawing", columns, rows)
	c := EncoderConfig{Coding: MMR, Columns: columns}
	e, _ := NewEncoder(c)
	var coded []byte
	starts := make([]int, rows+1)
	for i, row := range p {
		starts[i] = len(coded)*8 + int(e.out.have)
		coded = e.AppendRow(coded, row)
	}
	starts[rows] = len(coded)*8 + int(e.out.have)
	coded = e.AppendEnd(coded)
	rnd := rand.New(rand.NewPCG(9, 9))
	refused := 0
	for range 1000 {
		at := rnd.IntN(starts[rows])
		hit := 0
		for starts[hit+1] <= at {
			hit++
		}
		damaged := bytes.Clone(coded)
		damaged[at/8] ^= 1 << (at & 7)
		got, d := decode(t, DecoderConfig{Coding: MMR, Columns: columns}, damaged, 100)
		if len(got) < hit {
			t.Fatalf("bit of row %d wrong: %d rows", hit, len(got))
		}
		if err := samePage(got[:hit], p[:hit]); err != nil {
			t.Fatalf("bit of row %d wrong: %v", hit, err)
		}
		if d.Err() != nil {
			refused++
		}
	}
	if refused < 500 {
		t.Errorf("%d of 1000 damaged pages were noticed", refused)
	}
}

func TestFirstRowBad(t *testing.T) {
	const columns = 64
	p := page("runs", columns, 3)
	coded := "000000000001" + "1111111" + bitsOf(encode(t, EncoderConfig{Coding: MH, Columns: columns}, p))
	for _, c := range []Concealment{CopyAbove, Blank} {
		got, d := decode(t, DecoderConfig{Coding: MH, Columns: columns, Conceal: c}, octetsOf(coded), 1)
		if len(got) != 4 || !bytes.Equal(got[0], make([]byte, 8)) || d.Quality() != (Quality{4, 1, 1}) {
			t.Errorf("conceal %d: %x %+v", c, got, d.Quality())
		}
	}
}

func TestBlankConcealment(t *testing.T) {
	p := [][]byte{{0xff}, {0xff}}
	one := bitsOf(encode(t, EncoderConfig{Coding: MH, Columns: 8}, p[:1]))
	first := one[:lastIndex(one, "000000000001000000000001000000000001000000000001000000000001000000000001")]
	got, _ := decode(t, DecoderConfig{Coding: MH, Columns: 8, Conceal: Blank}, octetsOf(first+"000000000001"+"0111111111111110"+one), 1)
	if err := samePage(got, [][]byte{{0xff}, {0}, {0xff}}); err != nil {
		t.Error(err, got)
	}
}

func TestRowsEndThePage(t *testing.T) {
	p := page("drawing", 1728, 9)
	for _, coding := range []Coding{MH, MR, MMR} {
		coded := encode(t, EncoderConfig{Coding: coding, Columns: 1728}, p)
		got, d := decode(t, DecoderConfig{Coding: coding, Columns: 1728, Rows: 5}, coded, 1<<20)
		if err := samePage(got, p[:5]); err != nil || !d.Complete() || !d.Ended() {
			t.Errorf("%v: %v, complete %t", coding, err, d.Complete())
		}
	}
}

// A page without its end code tells whether it ended in a row or behind one.
func TestCutPages(t *testing.T) {
	const columns, rows = 1728, 40
	p := page("drawing", columns, rows)
	for _, c := range []EncoderConfig{{Coding: MH, Columns: columns}, {Coding: MR, K: 4, Columns: columns}, {Coding: MMR, Columns: columns}} {
		e, _ := NewEncoder(c)
		code := func(end func([]byte) []byte) (coded []byte) {
			for _, row := range p {
				coded = e.AppendRow(coded, row)
			}
			return end(coded)
		}
		whole, bare := code(e.AppendEnd), code(e.AppendCut)
		half := whole[: len(whole)/2 : len(whole)/2]
		noise := bytes.Repeat([]byte{0x5A, 0xC3, 0x99}, 200)
		for _, tt := range []struct {
			name   string
			octets []byte
			cut    bool
		}{
			{"whole", whole, false},
			{"no end code", bare, false},
			{"in a row", half, true},
			{"noise for an end", append(half, noise...), true},
		} {
			if _, d := decode(t, DecoderConfig{Coding: c.Coding, Columns: columns}, tt.octets, 64); d.Cut() != tt.cut {
				t.Errorf("%v, %s: cut %v, complete %v, %v", c.Coding, tt.name, d.Cut(), d.Complete(), d.Err())
			}
		}
	}
}

// A page whose beginning was not heard begins with a bad row, whatever was before it; one with
// fill before its first EOL does not.
func TestBeginningNotHeard(t *testing.T) {
	const columns, rows = 1728, 40
	p := page("drawing", columns, rows)
	for _, c := range []EncoderConfig{{Coding: MH, Columns: columns}, {Coding: MR, K: 2, Columns: columns}} {
		e, _ := NewEncoder(c)
		var coded []byte
		for _, row := range p {
			coded = e.AppendRow(coded, row)
		}
		coded = e.AppendEnd(coded)
		for _, tt := range []struct {
			name   string
			octets []byte
			bad    bool
		}{
			{"all", coded, false},
			{"fill", append(make([]byte, 100), coded...), false},
			{"from within a row", coded[len(coded)/3:], true},
		} {
			got, d := decode(t, DecoderConfig{Coding: c.Coding, Columns: columns}, tt.octets, 64)
			if q := d.Quality(); q.Bad > 0 != tt.bad || !d.Complete() || q.Bad > c.K+1 || len(got) > rows {
				t.Errorf("%v, %s: %+v", c.Coding, tt.name, q)
			}
		}
	}
}
