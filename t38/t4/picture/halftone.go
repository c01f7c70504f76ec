package picture

import (
	"errors"

	"tipring/t38/t4"
)

var errPlace = errors.New("picture: it does not lie inside its page")

// threshold makes a pel black that is darker than half, or just half: so a line of one pel
// that is scaled to half its size stays.
type threshold struct {
	from Grey
	row  []byte
}

// Threshold makes black and white of a picture of text and lines.
func Threshold(g Grey) t4.RowReader { return &threshold{g, make([]byte, g.Width())} }

func (t *threshold) ReadRow(row []byte) error {
	if err := t.from.ReadGrey(t.row); err != nil {
		return err
	}
	clear(row)
	for x, v := range t.row {
		if v <= 128 {
			row[x>>3] |= 0x80 >> (x & 7)
		}
	}
	return nil
}

// A diffuser makes the error of each pel, its grey less the black or white that it became, a
// matter of those not yet decided: 7/16 of the next, 3, 5 and 1/16 of three below (Floyd and
// Steinberg 1976). Rows go right and left in turn, which keeps the pels from forming worms.
type diffuser struct {
	from       Grey
	row        []byte
	now, below []int32 // errors in sixteenths, from x = -1 on
	leftward   bool
}

// Diffuse makes black and white of a picture with tones.
func Diffuse(g Grey) t4.RowReader {
	n := g.Width()
	return &diffuser{from: g, row: make([]byte, n), now: make([]int32, n+2), below: make([]int32, n+2)}
}

func (d *diffuser) ReadRow(row []byte) error {
	if err := d.from.ReadGrey(d.row); err != nil {
		return err
	}
	clear(row)
	clear(d.below)
	x, end, step := 0, len(d.row), 1
	if d.leftward {
		x, end, step = len(d.row)-1, -1, -1
	}
	for ; x != end; x += step {
		want := int32(d.row[x]) + (d.now[x+1]+8)>>4
		off := want
		if want < 128 {
			row[x>>3] |= 0x80 >> (x & 7)
		} else {
			off -= 255
		}
		d.now[x+1+step] += 7 * off
		d.below[x+1-step] += 3 * off
		d.below[x+1] += 5 * off
		d.below[x+1+step] += off
	}
	d.now, d.below = d.below, d.now
	d.leftward = !d.leftward
	return nil
}
