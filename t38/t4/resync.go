package t4

import "math/bits"

const (
	// Between two EOLs, what is no longer than this in MH is no row: the shortest word pair of
	// T.30's widths has 17 bits.
	longestEOL = eolBits + 1
	// EOLs with nothing between that end a page, and that make it doubtful.
	endEOLs   = 3
	doubtEOLs = 2

	bitsCountedMost = 1 << 20 // of a search, which may go on for ever
)

// search begins to look for an EOL. Its zeros may have begun in the word
// taken last, if that was misread, or in an MR tag.
func (d *Decoder) search(lost bool) {
	d.state = hunting
	d.lost, d.unsure = lost, false
	d.pure = false
	d.skipped = 0
	d.zeros = d.lastWord.trailingZeros()
}

// trailingZeros counts the zeros that a word ends with.
func (c code) trailingZeros() int { return min(bits.TrailingZeros16(c.bits), int(c.n)) }

// hunt looks for an EOL: no sequence of words has eleven zeros.
func (d *Decoder) hunt() outcome {
	for {
		d.in.fill()
		if d.in.have == 0 {
			return d.starve()
		}
		n := min(bits.LeadingZeros64(d.in.window), d.in.have)
		d.zeros = min(d.zeros+n, bitsCountedMost)
		d.skipped = min(d.skipped+n+1, bitsCountedMost)
		if n == d.in.have {
			d.in.skip(n)
			d.skipped--
			continue
		}
		d.in.skip(n + 1)
		if d.zeros >= eolZeros {
			return d.foundEOL()
		}
		d.zeros, d.pure = 0, false
	}
}

// foundEOL decides what lay before the EOL: nothing, fill, or a row that is lost; before the first
// EOL too, where a modem may have missed the beginning of a page.
func (d *Decoder) foundEOL() outcome {
	lost := d.lost || d.skipped-1-d.zeros > longestEOL // what is neither fill nor EOL
	if d.pure && d.eols > 0 {
		lost = d.rowOfZeros()
	}
	d.lastWord = code{}
	d.state = atRow
	if d.config.Coding == MR {
		d.state = atTag
	}
	if lost {
		d.eols = 1
		d.refBad = true
		return d.reject()
	}
	return d.countEOL()
}

// rowOfZeros tells whether zeros between two EOLs were a row, as fill has no place there. In
// MH they may have filled an octet; in MR a row may be a bit.
func (d *Decoder) rowOfZeros() bool {
	between := d.zeros - eolZeros
	return between > longestEOL || between > 0 && d.config.Coding == MR
}

// countEOL counts EOLs without a row between.
func (d *Decoder) countEOL() outcome {
	d.eols++
	switch {
	case d.eols >= endEOLs:
		return d.finish(nil)
	case d.eols >= doubtEOLs:
		d.doubtful = true
	}
	return goOn
}

// reject gives a concealed row in the place of a lost one, unless the page may have ended.
func (d *Decoder) reject() outcome {
	if d.doubtful {
		d.held = min(d.held+1, bitsCountedMost)
		return goOn
	}
	return d.giveBad()
}

// readTag reads the bit behind an EOL that says how the row is coded: T.4 clause 4.2.2.
// The zero of a two-dimensional row counts as a zero before an EOL, for the sake of
// senders that end the page with EOLs that have no tags.
func (d *Decoder) readTag() outcome {
	d.in.fill()
	if d.in.have == 0 {
		return d.starve()
	}
	tag := d.in.window >> 63
	d.in.skip(1)
	d.alone = tag == 1
	d.lastWord = code{bits: uint16(tag), n: 1}
	d.state = atRow
	return goOn
}

// wrongEOL tells whether the window begins with an EOL but for one of its zeros.
func wrongEOL(window uint64) bool {
	return bits.OnesCount64(window>>(64-eolBits)^eolWord) == 1 && window>>(64-eolBits)&1 == 1
}

// beginsAsWrongEOL tells whether what follows an EOL begins as a damaged EOL with another
// EOL behind it: those that end a page do, and hardly any row.
func (d *Decoder) beginsAsWrongEOL() bool {
	length := eolBits
	if d.config.Coding == MR {
		length++
	}
	return wrongEOL(d.in.window) && d.in.window<<length>>(64-eolBits) == eolWord
}
