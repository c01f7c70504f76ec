package t38

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tipring/t38/modem"
	"tipring/t38/t4"
)

// page is a coded page of random rows.
func page(t testing.TB, c t4.Coding, rows int, seed uint64) []byte {
	t.Helper()
	return pageOf(t, t4.EncoderConfig{Coding: c, Columns: 1728, K: 4}, rows, seed)
}

func pageOf(t testing.TB, c t4.EncoderConfig, rows int, seed uint64) []byte {
	t.Helper()
	e, err := t4.NewEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	var out []byte
	row := make([]byte, t4.RowOctets(c.Columns))
	for range rows {
		switch random.IntN(3) {
		case 0:
			clear(row)
		case 1:
			row[random.IntN(len(row))] ^= byte(random.Uint32())
		}
		out = e.AppendRow(out, row)
	}
	return e.AppendEnd(out)
}

// lines decodes a page.
func lines(t testing.TB, c t4.Coding, coded []byte) (rows []string, q t4.Quality) {
	t.Helper()
	d, err := t4.NewDecoder(t4.DecoderConfig{Coding: c, Columns: 1728})
	if err != nil {
		t.Fatal(err)
	}
	d.Feed(coded)
	d.End()
	for d.Next() {
		rows = append(rows, string(d.Row()))
	}
	return rows, d.Quality()
}

// TestFillChangesNoRow: whatever the pace at which a page arrives, the rows that go out are
// those that came, and the end of the page comes in one piece.
func TestFillChangesNoRow(t *testing.T) {
	fill := 0
	for _, coding := range []t4.Coding{t4.MH, t4.MR} {
		for seed := range uint64(20) {
			coded := page(t, coding, 60, seed)
			random := rand.New(rand.NewPCG(seed, 2))
			var r rowFill
			r.start(false, 14400)
			var out octets
			for rest := coded; ; {
				n := min(len(rest), random.IntN(60))
				r.put(rest[:n])
				if rest = rest[n:]; len(rest) == 0 {
					r.end()
				}
				bit := 0
				for range random.IntN(400) {
					if bit = r.NextBit(); bit == modem.End {
						break
					}
					out.add(bit)
				}
				if bit == modem.End {
					break
				}
			}
			want, _ := lines(t, coding, coded)
			got, q := lines(t, coding, out.octets)
			if len(got) != len(want) || q.Bad != 0 {
				t.Fatalf("%v, seed %d: %d rows, %d bad, want %d", coding, seed, len(got), q.Bad, len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%v, seed %d: row %d differs", coding, seed, i)
				}
			}
			fill += r.fill
			if end := strings.Repeat("000000000001", 6); coding == t4.MH && !strings.Contains(out.text(), end) {
				t.Fatalf("seed %d: RTC has fill inside", seed)
			}
			if end := strings.Repeat("0000000000011", 6); coding == t4.MR && !strings.Contains(out.text(), end) {
				t.Fatalf("seed %d: RTC has fill inside", seed)
			}
		}
	}
	if fill < 5000 {
		t.Errorf("only %d bits of fill were needed", fill)
	}
}

// octets gathers bits.
type octets struct {
	octets []byte
	n      int
}

func (o *octets) add(bit int) {
	if o.n%8 == 0 {
		o.octets = append(o.octets, 0)
	}
	o.octets[o.n/8] |= byte(bit) << (o.n % 8)
	o.n++
}

func (o *octets) text() string {
	b := make([]byte, o.n)
	for i := range b {
		b[i] = '0' + o.octets[i/8]>>(i%8)&1
	}
	return string(b)
}

func TestATrainingCheckIsNotHeldBack(t *testing.T) {
	var r rowFill
	r.start(true, 9600)
	r.put([]byte{0, 0, 0xff})
	for i := range 24 {
		if bit := r.NextBit(); bit != i/16 {
			t.Fatalf("bit %d is %d", i, bit)
		}
	}
	if r.fill != 0 || r.NextBit() != 0 || r.fill != 1 {
		t.Error("it does not go on with zeros")
	}
	r.end()
	tail := 0
	for r.NextBit() != modem.End {
		tail++
	}
	if tail != 9600*tailMS/1000 {
		t.Errorf("%d zeros behind it", tail)
	}
}

// TestWhatIsNoPageGoesOutAnyway: data without an EOL, and more than fits.
func TestWhatIsNoPageGoesOutAnyway(t *testing.T) {
	var r rowFill
	r.start(false, 14400)
	junk := make([]byte, rowFillBits/8+100)
	for i := range junk {
		junk[i] = 0x55
	}
	r.put(junk)
	if r.overflow != 8*100 {
		t.Errorf("%d bits dropped, want %d", r.overflow, 8*100)
	}
	if r.NextBit() != 1 || r.NextBit() != 0 {
		t.Error("held back")
	}
}

func BenchmarkRowFill(b *testing.B) {
	coded := page(b, t4.MH, 100, 1)
	var r rowFill
	r.start(false, 14400)
	b.ReportAllocs()
	for range b.N {
		at := 36 * (b.N % (len(coded) / 36))
		r.put(coded[at : at+36])
		for range 288 {
			r.NextBit()
		}
	}
}
