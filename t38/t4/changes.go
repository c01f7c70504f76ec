package t4

import (
	"encoding/binary"
	"math/bits"
)

// A changeList is a row as the positions where the colour changes, ascending: the
// first pel of a black run at even indices, the first of a white run at odd ones. A row
// begins white, so that a black first pel is a change at 0. Behind the last change stand
// sentinels at the number of columns, so that a search needs no other end.
type changeList []uint16

const sentinels = 4

// newChangeList returns an empty list with room for any row of so many columns.
func newChangeList(columns int) changeList { return make(changeList, 0, columns+1+sentinels) }

// push adds a change at p, which is not before the last one. Two changes at one place are none.
func (l changeList) push(p int) changeList {
	if n := len(l); n > 0 && int(l[n-1]) == p {
		return l[:n-1]
	}
	return append(l, uint16(p))
}

// seal puts the sentinels behind the list.
func (l changeList) seal(columns int) changeList {
	c := uint16(columns)
	return append(l, c, c, c, c)
}

// changesOf lists the changes of a row, sealed, in the memory of l.
func changesOf(l changeList, row []byte, columns int) changeList {
	l = l[:0]
	var last uint64 // the pel before the window, in its top bit
	for at := 0; at < columns; at += 64 {
		window := load(row[at/8:])
		edges := window ^ (window>>1 | last)
		last = window << 63
		for edges != 0 {
			p := bits.LeadingZeros64(edges)
			edges &^= 1 << (63 - p)
			if at+p >= columns {
				break
			}
			l = append(l, uint16(at+p))
		}
	}
	return l.seal(columns)
}

// load returns the first 64 pels of a row, or all of them and zeros.
func load(row []byte) (window uint64) {
	if len(row) >= 8 {
		return binary.BigEndian.Uint64(row)
	}
	for i, octet := range row {
		window |= uint64(octet) << (56 - 8*i)
	}
	return window
}

// draw sets row to the pels of a sealed list.
func (l changeList) draw(row []byte, columns int) {
	clear(row)
	for i := 0; int(l[i]) < columns; i += 2 {
		blacken(row, int(l[i]), int(l[i+1]))
	}
}

// blacken makes the pels from first to before end black; first is before end.
func blacken(row []byte, first, end int) {
	i, j := first>>3, (end-1)>>3
	head := byte(0xff) >> (first & 7)
	tail := byte(0xff) << (7 - (end-1)&7)
	if i == j {
		row[i] |= head & tail
		return
	}
	row[i] |= head
	for k := i + 1; k < j; k++ {
		row[k] = 0xff
	}
	row[j] |= tail
}
