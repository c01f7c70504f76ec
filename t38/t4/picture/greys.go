package picture

import (
	"io"
	"math/bits"
)

// greys makes a smaller picture: each of its pels is as dark as the square of pels is black
// that it stands for.
type greys struct {
	scale int
	black []int // pels in each square so far
	lines int   // of the squares
	line  []byte
}

func newGreys(s Sheet) *greys {
	n := (s.Columns + s.Scale - 1) / s.Scale
	return &greys{scale: s.Scale, black: make([]int, n+8), line: make([]byte, 1+n)}
}

// add takes a line, with 0 for black, and writes one where the squares are full.
func (g *greys) add(out io.Writer, line []byte, pale, last bool) error {
	each := 8 / g.scale
	for k, octet := range line {
		for i, black := 0, ^octet; i < each && black != 0; i, black = i+1, black<<g.scale {
			g.black[k*each+i] += bits.OnesCount8(black >> (8 - g.scale))
		}
	}
	if g.lines++; g.lines < g.scale && !last {
		return nil
	}
	of := g.lines * g.scale
	for i := range g.line[1:] {
		// Thin lines of a page would fade: what is half black is as dark as it gets.
		v := 255 - min(255, 510*g.black[i]/of)
		if pale {
			v = 180 + v*58/255
		}
		g.line[1+i] = byte(v)
	}
	clear(g.black)
	g.lines = 0
	_, err := out.Write(g.line)
	return err
}
