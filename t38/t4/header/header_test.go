package header

import (
	"bytes"
	"io"
	"math/bits"
	"strings"
	"testing"
	"time"

	"tipring/t38/t4"
)

func TestFieldsAsText(t *testing.T) {
	when := time.Date(2026, 11, 22, 14, 5, 59, 0, time.FixedZone("", 3600))
	got := Fields{when, "Praxis Müller", "+49 30 1234567", 2, 5}.Line()
	if want := (Line{"2026-11-22 14:05", "Praxis Müller  +49 30 1234567", "p. 2/5"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	got = Fields{When: when, Number: "123", Page: 1}.Line()
	if want := (Line{"2026-11-22 14:05", "123", "p. 1"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// cell draws one character alone.
func cell(t *testing.T, s string, xDPI, yDPI int) []byte {
	t.Helper()
	strip, err := Draw(Line{Left: s}, 400, xDPI, yDPI)
	if err != nil {
		t.Fatal(err)
	}
	return strip.pels
}

func TestEachCharacterHasItsShape(t *testing.T) {
	blank, unknown := cell(t, " ", 204, 98), cell(t, "?", 204, 98)
	seen := map[string]rune{}
	for r := rune(' '); r <= 'ÿ'; r++ {
		if r > '~' && r < 0xa0 || r == 0xa0 || r == 0xad { // controls; look like space and hyphen
			continue
		}
		pels := string(cell(t, string(r), 204, 98))
		if twin, ok := seen[pels]; ok {
			t.Errorf("%q looks like %q", r, twin)
		}
		seen[pels] = r
	}
	for s, want := range map[string][]byte{"\u00a0": blank, "\t": unknown, "\x80": unknown, "\u0416": unknown, "–": cell(t, "-", 204, 98), "\xff": unknown} {
		if !bytes.Equal(cell(t, s, 204, 98), want) {
			t.Errorf("%q does not look as it should", s)
		}
	}
	if bytes.Equal(cell(t, "€", 204, 98), unknown) {
		t.Error("no euro sign")
	}
}

// black counts the pels of rows and says where the first and the last are, in tenths of a millimetre.
func black(s *Strip, xDPI int) (n, left, right int) {
	left = s.columns
	for i := range s.Rows() {
		for j, octet := range s.Row(i) {
			n += bits.OnesCount8(octet)
			if octet != 0 {
				left = min(left, 8*j+bits.LeadingZeros8(octet))
				right = max(right, 8*j+7-bits.TrailingZeros8(octet))
			}
		}
	}
	return n, left * 254 / xDPI, right * 254 / xDPI
}

func TestLineHasOneSizeAtEveryResolution(t *testing.T) {
	for r := t4.Standard; r <= t4.R16; r++ {
		x, y := r.DPI()
		for _, p := range []t4.Paper{t4.A4, t4.B4, t4.A3} {
			columns := p.Columns(r)
			s, err := Draw(Line{"2026-11-22 14:05", "Ident  123", "p. 1/2"}, columns, x, y)
			if err != nil {
				t.Fatal(err)
			}
			if mm := s.Rows() * 254 / y; mm < 38 || mm > 41 {
				t.Errorf("%v %v: %d tenths of a millimetre high", p, r, mm)
			}
			n, left, right := black(s, x)
			width := columns * 254 / x
			if n == 0 || left < 50 || left > 80 || right < width-110 || right > width-50 {
				t.Errorf("%v %v: %d black pels from %d to %d of %d", p, r, n, left, right, width)
			}
		}
	}
}

func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("W", 500)
	for _, l := range []Line{{long, long, long}, {Left: long}, {Middle: long}, {Right: long}, {"a", long, "b"}, {long, "m", "r"}} {
		for _, columns := range []int{1, 8, 100, 1728} {
			s, err := Draw(l, columns, 204, 196)
			if err != nil {
				t.Fatal(err)
			}
			if _, left, right := black(s, 254); right >= columns && left < right {
				t.Errorf("%d columns: black from %d to %d", columns, left, right)
			}
		}
	}
	if s, _ := Draw(Line{"a", long, "b"}, 1728, 204, 196); !bytes.Equal(s.pels, redraw(t, Line{"a", long[:93], "b"})) {
		t.Error("the middle was not cut alone")
	}
}

func redraw(t *testing.T, l Line) []byte {
	t.Helper()
	s, err := Draw(l, 1728, 204, 196)
	if err != nil {
		t.Fatal(err)
	}
	return s.pels
}

func TestRefusals(t *testing.T) {
	for _, c := range [][3]int{{0, 204, 98}, {-1, 204, 98}, {t4.MaxColumns + 1, 204, 98}, {1728, 0, 98}, {1728, 204, 0}, {1728, 20000, 98}} {
		if _, err := Draw(Line{}, c[0], c[1], c[2]); err == nil {
			t.Errorf("%v: taken", c)
		}
	}
}

// blackRows gives so many black rows.
type blackRows int

func (n *blackRows) ReadRow(row []byte) error {
	if *n == 0 {
		return io.EOF
	}
	*n--
	for i := range row {
		row[i] = 0xff
	}
	return nil
}

func TestStripOnPage(t *testing.T) {
	s, err := Draw(Line{Left: "x"}, 1728, 204, 98)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		put        func(t4.RowReader, *Strip) t4.RowReader
		rows, want int
	}{
		{"above", Above, 100, 115}, {"over", Over, 100, 100}, {"over a short page", Over, 5, 15}, {"above no page", Above, 0, 15},
	} {
		page := blackRows(tt.rows)
		r := tt.put(&page, s)
		row := make([]byte, 216)
		n := 0
		for ; r.ReadRow(row) == nil; n++ {
			if n < s.Rows() != bytes.Equal(row, s.Row(min(n, s.Rows()-1))) {
				t.Errorf("%s: row %d", tt.name, n)
			}
		}
		if n != tt.want {
			t.Errorf("%s: %d rows, want %d", tt.name, n, tt.want)
		}
	}
	if err := Above(new(blackRows), s).ReadRow(make([]byte, 10)); err == nil {
		t.Error("a narrow row was taken")
	}
}
