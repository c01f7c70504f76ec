package t4

import "math/bits"

// beginRow decides by the first bits whether a row begins, or zeros, which
// only fill and EOLs begin with: no row begins with eight.
func (d *Decoder) beginRow() outcome {
	d.in.fill()
	wanted := 8
	if d.eols > 0 {
		wanted = 2*eolBits + 1
	}
	if d.in.have < wanted && !d.in.ended || d.in.have == 0 {
		return d.starve()
	}
	d.perhapsEOL = d.eols > 0 && d.beginsAsWrongEOL()
	d.row = d.row[:0]
	d.a0, d.ref, d.runs = -1, 0, 0
	d.state = inRow
	switch {
	case d.config.Coding == MMR:
	case d.in.window>>56 == 0:
		d.search(false)
		d.pure = true
	case d.needsEOL() && d.eols == 0:
		d.search(false)
	case d.refBad && !d.alone:
		d.search(true)
	}
	return goOn
}

// readRow takes words until the row has its pels, is damaged, or is out of bits.
func (d *Decoder) readRow() outcome {
	for {
		d.in.fill()
		e := d.look()
		n := int(e.bits())
		if n > d.in.have || e == 0 && d.in.have < maxWord {
			return d.starve()
		}
		if e == 0 || !d.take(e) {
			return d.misread()
		}
		d.lastWord = code{bits: uint16(d.in.window >> (64 - n)), n: uint8(n)}
		d.in.skip(n)
		if d.a0 == d.config.Columns && d.runs == 0 {
			return d.whole()
		}
	}
}

// look finds the next word: of a run or of a mode.
func (d *Decoder) look() entry {
	switch {
	case !d.alone && d.runs == 0:
		return modes[d.in.window>>(64-modeLength)]
	case len(d.row)&1 == 0:
		return lookWhite(d.in.window)
	}
	return lookBlack(d.in.window)
}

// take does what a word says, and reports false if a row cannot go on so.
func (d *Decoder) take(e entry) bool {
	if !d.alone && d.runs == 0 {
		return d.takeMode(e.run())
	}
	at := max(d.a0, 0) + e.run()
	if at > d.config.Columns {
		return false
	}
	d.a0 = at
	switch {
	case e.run() >= 64: // the word that ends the run follows
		d.runs = max(d.runs, 1)
	default:
		d.row = d.row.push(at)
		d.runs = max(d.runs-1, 0)
	}
	return true
}

// takeMode is T.4 clause 4.2.1.3.2, from the receiver's side.
func (d *Decoder) takeMode(mode int) bool {
	columns := uint16(d.config.Columns)
	for above := d.reference; int(above[d.ref]) <= d.a0 && above[d.ref] < columns; {
		d.ref += 2
	}
	switch mode {
	case pass:
		b2 := d.reference[d.ref+1]
		if b2 >= columns { // it is left of a1, which is in the row or just behind it
			return false
		}
		d.a0 = int(b2)
	case horizontal:
		d.runs = 2
	default:
		a1 := int(d.reference[d.ref]) + mode - vertical0
		if a1 <= d.a0 || a1 > d.config.Columns {
			return false
		}
		d.row = d.row.push(a1)
		d.a0 = a1
		if d.ref > 0 {
			d.ref-- // the next b1 is of the other kind, and may be before this one
		} else {
			d.ref++
		}
	}
	return true
}

// misread ends a row at bits that cannot stand there.
func (d *Decoder) misread() outcome {
	if d.config.Coding != MMR {
		d.search(!d.perhapsEOL)
		return goOn
	}
	if d.a0 < 0 && d.in.window>>(64-eolBits) == eolWord { // T.6 clause 2.4.1.1
		return d.finish(nil)
	}
	return d.finish(ErrDamaged)
}

// whole is for a row that has its pels: on the line it waits for its EOL.
func (d *Decoder) whole() outcome {
	if d.config.Align {
		d.in.align()
	}
	if d.needsEOL() {
		d.state = behind
		return goOn
	}
	return d.accept()
}

// confirm decides about a row by the first bits behind it: zeros are fill or an EOL, whose
// zeros may have begun in the last word; nearly an EOL is one that was damaged. Anything else
// is the rest of a row that was misread, or, at the very end, noise behind the carrier.
func (d *Decoder) confirm() outcome {
	d.in.fill()
	if d.in.have < eolBits && !d.in.ended {
		return starved
	}
	zeros := d.lastWord.trailingZeros() + bits.LeadingZeros64(d.in.window)
	if zeros >= eolZeros || wrongEOL(d.in.window) {
		return d.accept()
	}
	d.search(true)
	d.unsure = true
	return goOn
}

// accept makes the row the reference of the next one and gives it, after those held back.
func (d *Decoder) accept() outcome {
	d.row = d.row.seal(d.config.Columns)
	d.row, d.reference = d.reference, d.row
	d.doubtful, d.unsure = false, false
	if d.alone {
		d.refBad = false
	}
	d.owed, d.held = d.held, 0
	d.state = repaying
	return d.repay()
}

// repay gives a row that was held back, or at last the good one.
func (d *Decoder) repay() outcome {
	if d.owed > 0 {
		d.owed--
		return d.giveBad()
	}
	d.reference.draw(d.pels, d.config.Columns)
	d.quality.Rows++
	d.bad, d.badRun = false, 0
	d.eols = 0
	d.state = atRow
	return given
}

// giveBad gives a concealed row.
func (d *Decoder) giveBad() outcome {
	if d.config.Conceal == Blank {
		clear(d.pels)
	}
	d.quality.Rows++
	d.quality.Bad++
	d.badRun++
	d.quality.LongestBad = max(d.quality.LongestBad, d.badRun)
	d.bad = true
	return given
}
