package spandsp

import "math/rand/v2"

// TextPage makes a page that codes about as a typed letter does: lines of words of
// upright strokes and bars, each seed another text. Across it is 1728 pixels at 204 an
// inch; y is the pixels an inch down: 98, 196 or 391.
func TextPage(rows, y int, seed uint64) Page {
	p := Page{Width: 1728, Rows: rows, X: 204, Y: y, Pixels: make([]byte, 1728/8*rows)}
	d := drawing{&p, rand.New(rand.NewPCG(seed, 4))}
	height := 24 * y / 196
	for top := 2 * height; top+height <= rows-2*height; top += 2 * height {
		d.line(top, height)
	}
	return p
}

type drawing struct {
	*Page
	*rand.Rand
}

func (d drawing) box(x, y, width, height int) {
	for r := y; r < y+height; r++ {
		for c := x; c < x+width; c++ {
			d.Pixels[r*(d.Width/8)+c/8] |= 0x80 >> (c % 8)
		}
	}
}

// line draws words until the right margin, or sooner at a paragraph's end.
func (d drawing) line(top, height int) {
	right := d.Width - 160
	if d.IntN(6) == 0 {
		right = 160 + d.IntN(right-160)
	}
	for x := 160; x < right; x += 14 {
		for range 2 + d.IntN(8) {
			if x += 20; x >= right {
				return
			}
			d.letter(x, top, height)
		}
	}
}

// letter draws one or two stems and up to two bars between them.
func (d drawing) letter(x, top, height int) {
	low := top + d.IntN(2)*height/4
	d.box(x, low, 3, top+height-low)
	if d.IntN(3) > 0 {
		d.box(x+11, top+height/4, 3, height-height/4)
	}
	for range d.IntN(3) {
		d.box(x+3, top+height/4+d.IntN(height/2), 8, max(height/12, 1))
	}
}
