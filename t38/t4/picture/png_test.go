package picture

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"testing"

	"tipring/t38/t4"
)

// striped rows are black in the pels whose number, and that of their row, are even together.
type striped struct{ columns, y, rows int }

func (s *striped) ReadRow(row []byte) error {
	if s.y == s.rows {
		return io.EOF
	}
	clear(row)
	for x := range s.columns {
		if (x+s.y)%2 == 0 {
			row[x/8] |= 0x80 >> (x % 8)
		}
	}
	s.y++
	return nil
}

// A picture has the pels of its page, and those that have not gone are pale.
func TestWritePNG(t *testing.T) {
	for _, columns := range []int{1, 3, 4, 7, 8, 9, 1728} {
		for _, pale := range []int{0, 1, 7, 10} {
			t.Run(fmt.Sprintf("%d columns, %d pale rows", columns, pale), func(t *testing.T) {
				var b bytes.Buffer
				if err := WritePNG(&b, &striped{columns: columns, rows: 10}, Sheet{columns, 10, 300, 300, pale, 0}); err != nil {
					t.Fatal(err)
				}
				p, err := png.Decode(&b)
				if err != nil {
					t.Fatal(err)
				}
				if p.Bounds().Dx() != columns || p.Bounds().Dy() != 10 {
					t.Fatal(p.Bounds())
				}
				for y := range 10 {
					for x := range columns {
						want := uint32(0xffff)
						switch black := (x+y)%2 == 0; {
						case y >= 10-pale && black:
							want = 0xb4b4
						case y >= 10-pale:
							want = 0xeeee
						case black:
							want = 0
						}
						if r, _, _, _ := p.At(x, y).RGBA(); r != want {
							t.Fatalf("pel %d of row %d is %04x, want %04x", x, y, r, want)
						}
					}
				}
			})
		}
	}
}

// A smaller picture has a grey for each square of pels.
func TestWritePNGSmaller(t *testing.T) {
	for _, scale := range []int{2, 4, 8} {
		for _, columns := range []int{1, 9, 31, 1728} {
			var b bytes.Buffer
			if err := WritePNG(&b, &striped{columns: columns, rows: 50}, Sheet{columns, 50, 300, 300, 20, scale}); err != nil {
				t.Fatal(err)
			}
			p, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			up := func(n int) int { return (n + scale - 1) / scale }
			if p.Bounds().Dx() != up(columns) || p.Bounds().Dy() != up(50) {
				t.Fatalf("%d columns by %d: %v", columns, scale, p.Bounds())
			}
			for y := range up(50) {
				for x := range columns / scale { // whole squares, half of them black
					want := uint32(0)
					if min((y+1)*scale, 50) > 30 {
						want = 180 * 257
					}
					if r, _, _, _ := p.At(x, y).RGBA(); r != want {
						t.Fatalf("%d columns by %d: pel %d of row %d is %04x, want %04x", columns, scale, x, y, r, want)
					}
				}
			}
		}
	}
}

// Rows become so many that pels are about square, and a row with black in it is not lost.
func TestWritePNGMakesPelsSquare(t *testing.T) {
	for _, tt := range []struct{ x, y, height int }{{204, 98, 208}, {204, 196, 104}, {204, 391, 52}, {300, 300, 100}, {200, 0, 20000}} {
		var b bytes.Buffer
		s := Sheet{Columns: 16, Rows: 100, XDPI: tt.x, YDPI: tt.y}
		if err := WritePNG(&b, &striped{columns: 16, rows: 100}, s); err != nil {
			t.Fatal(err)
		}
		p, err := png.Decode(&b)
		if err != nil || p.Bounds().Dy() != tt.height {
			t.Errorf("%v: %d rows, %v", tt, p.Bounds().Dy(), err)
		}
	}
	if err := WritePNG(io.Discard, &striped{columns: 16, rows: 3}, Sheet{Columns: 16, Rows: 100, XDPI: 204, YDPI: 196}); err == nil {
		t.Error("rows that are missing are no error")
	}
	var _ t4.RowReader = &striped{}
}
