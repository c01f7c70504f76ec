package t4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// page draws rows of a kind, the same ones each time.
func page(kind string, columns, rows int) [][]byte {
	rnd := rand.New(rand.NewPCG(uint64(columns), uint64(rows)))
	p := make([][]byte, rows)
	for i := range p {
		p[i] = make([]byte, RowOctets(columns))
		switch kind {
		case "blank":
		case "black":
			blacken(p[i], 0, columns)
		case "alternating":
			for x := i & 1; x < columns; x += 2 {
				blacken(p[i], x, x+1)
			}
		case "noise":
			for x := range columns {
				if rnd.IntN(2) == 0 {
					blacken(p[i], x, x+1)
				}
			}
		case "runs": // every length, long ones too
			for x := 0; x < columns; {
				x += rnd.IntN(1 + rnd.IntN(2*columns))
				end := x + rnd.IntN(1+rnd.IntN(columns))
				if x < columns && end > x {
					blacken(p[i], x, min(end, columns))
				}
				x = end
			}
		case "drawing": // edges that move by a few pels from row to row
			if i > 0 && rnd.IntN(20) > 0 {
				moveEdges(rnd, p[i-1], p[i], columns)
			} else {
				for x := rnd.IntN(40); x < columns; x += 1 + rnd.IntN(80) {
					end := min(columns, x+1+rnd.IntN(20))
					blacken(p[i], x, end)
					x = end
				}
			}
		}
	}
	return p
}

func moveEdges(rnd *rand.Rand, above, row []byte, columns int) {
	l := changesOf(newChangeList(columns), above, columns)
	for i := 0; int(l[i]) < columns; i += 2 {
		from := max(0, int(l[i])+rnd.IntN(9)-4)
		to := min(columns, int(l[i+1])+rnd.IntN(9)-4)
		if from < to {
			blacken(row, from, to)
		}
	}
}

var kinds = []string{"blank", "black", "alternating", "noise", "runs", "drawing"}

// widths: those of T.30, and odd ones.
var widths = []int{1728, 2048, 2432, 2592, 3072, 3648, 3456, 4096, 4864, 1, 2, 7, 8, 9, 63, 64, 65, 2561, 5121, MaxColumns}

func encode(t testing.TB, c EncoderConfig, p [][]byte) []byte {
	t.Helper()
	e, err := NewEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for i, row := range p {
		before := len(out)
		out = e.AppendRow(out, row)
		if n := len(out) - before; n > e.MaxRowOctets() {
			t.Fatalf("row %d took %d octets, MaxRowOctets is %d", i, n, e.MaxRowOctets())
		}
	}
	return e.AppendEnd(out)
}

// decode feeds a decoder in pieces and returns what it gives.
func decode(t testing.TB, c DecoderConfig, coded []byte, piece int) ([][]byte, *Decoder) {
	t.Helper()
	d, err := NewDecoder(c)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]byte
	for len(coded) > 0 {
		n := min(piece, len(coded))
		d.Feed(coded[:n])
		coded = coded[n:]
		for d.Next() {
			rows = append(rows, bytes.Clone(d.Row()))
		}
	}
	d.End()
	for d.Next() {
		rows = append(rows, bytes.Clone(d.Row()))
	}
	return rows, d
}

func samePage(got, want [][]byte) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			return fmt.Errorf("row %d differs", i)
		}
	}
	return nil
}

func TestEveryCodingGivesThePageBack(t *testing.T) {
	codings := []EncoderConfig{
		{Coding: MH}, {Coding: MH, Order: MSBFirst}, {Coding: MH, MinRowBits: 288}, {Coding: MH, AlignEOL: true}, {Coding: MH, Bare: true},
		{Coding: MR, K: 2}, {Coding: MR, K: 4}, {Coding: MR, K: 4, MinRowBits: 144}, {Coding: MR, AlignEOL: true, Order: MSBFirst},
		{Coding: MMR}, {Coding: MMR, Order: MSBFirst},
	}
	for _, c := range codings {
		for _, kind := range kinds {
			for _, columns := range widths {
				c.Columns = columns
				p := page(kind, columns, 6)
				coded := encode(t, c, p)
				dc := DecoderConfig{Coding: c.Coding, Columns: columns, Order: c.Order, EOLOptional: c.Bare, Align: c.Bare}
				for _, piece := range []int{1, 7, 1 << 20} {
					rows, d := decode(t, dc, coded, piece)
					if err := samePage(rows, p); err != nil {
						t.Fatalf("%+v %s, %d octets at a time: %v", c, kind, piece, err)
					}
					if q := d.Quality(); q.Bad != 0 || q.Rows != len(p) || d.Err() != nil || d.Complete() == c.Bare {
						t.Fatalf("%+v %s: %+v, complete %t, %v", c, kind, q, d.Complete(), d.Err())
					}
				}
			}
		}
	}
}
