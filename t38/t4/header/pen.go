package header

import "strings"

// The grid that letters are drawn on has units of a hundredth of an inch; a letter
// has a cell of 8 by 16 and is 6 by 8 itself.
const (
	unitsPerInch = 100
	cellWidth    = 8
	cellHeight   = 16
)

// A pen draws on a strip; it is about a unit wide.
type pen struct {
	strip      *Strip
	xDPI, yDPI int
}

// text writes from a cell of the strip on.
func (p pen) text(s string, cell int) {
	for _, r := range s {
		for points := range strings.FieldsSeq(letter(r)) {
			p.stroke(points, cell*cellWidth+1)
		}
		cell++
	}
}

// stroke draws lines from point to point; x and y of each are a base-36 digit.
func (p pen) stroke(points string, left int) {
	x, y := p.point(points, left)
	p.line(x, y, x, y)
	for points = points[2:]; points != ""; points = points[2:] {
		toX, toY := p.point(points, left)
		p.line(x, y, toX, toY)
		x, y = toX, toY
	}
}

func (p pen) point(s string, left int) (x, y int) {
	return (left + digit(s[0])) * p.xDPI / unitsPerInch, digit(s[1]) * p.yDPI / unitsPerInch
}

func digit(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}

func (p pen) line(x, y, toX, toY int) {
	steps := max(abs(toX-x), abs(toY-y), 1)
	for i := 0; i <= steps; i++ {
		p.dot(x+(toX-x)*i/steps, y+(toY-y)*i/steps)
	}
}

func abs(n int) int { return max(n, -n) }

func (p pen) dot(x, y int) {
	s := p.strip
	for j := y; j < min(s.rows, y+(p.yDPI+unitsPerInch/2)/unitsPerInch); j++ {
		for i := x; i < min(s.columns, x+(p.xDPI+unitsPerInch/2)/unitsPerInch); i++ {
			s.pels[j*s.octets+i>>3] |= 0x80 >> (i & 7)
		}
	}
}
