package t38

import "tipring/t38/modem"

// Sizes of a rowFill, in bits.
const (
	rowFillBits = 1 << 17         // that may wait: nine seconds at 14400 bit/s
	rowHeldBits = rowFillBits / 2 // behind the last EOL: more is no row, and is let go
	eolZeros    = 11              // before the 1 of an EOL (T.4 clause 4.1.2)
	tailMS      = 50              // zeros behind the last bit: receivers want the page's end whole
)

// A rowFill is the modem's source for the rows of a page that arrive by packets, sooner or
// later than the modem needs them. Where rows are late it sends fill: zeros within the
// zeros of an EOL, which T.4 clause 4.1.3 allows between rows and nowhere else. So a row
// goes out once its end is known, and the EOLs of the page's end (RTC) stay together.
type rowFill struct {
	bits     [rowFillBits / 8]byte
	in, out  uint64 // bits ever put in, and taken out
	free     uint64 // may be taken out: in front of the last EOL's 1
	plain    bool   // no rows: a training check, of zeros
	ended    bool
	tail     int // zeros still to be sent at the end
	fill     int // zeros sent while there was nothing else
	overflow int // bits dropped because the other side was too fast

	zeros  int    // before in
	eolAt  uint64 // of the last EOL's 1
	hasEOL bool
}

// start makes it ready for a page, or a training check, at a rate in bit/s.
func (r *rowFill) start(plain bool, rate int) {
	r.in, r.out, r.free, r.zeros, r.eolAt = 0, 0, 0, 0, 0
	r.plain, r.ended, r.hasEOL, r.fill, r.overflow = plain, false, false, 0, 0
	r.tail = rate * tailMS / millisecondsIn
}

// put takes octets that came, least significant bit first.
func (r *rowFill) put(octets []byte) {
	for _, o := range octets {
		if r.in-r.out > rowFillBits-8 {
			r.overflow += 8
			continue
		}
		for range 8 {
			r.putBit(o & 1)
			o >>= 1
		}
	}
	switch {
	case r.plain:
		r.free = r.in
	case r.in-r.free > rowHeldBits:
		r.free = r.in - eolZeros
	}
}

func (r *rowFill) putBit(bit byte) {
	at := r.in % rowFillBits
	if at%8 == 0 {
		r.bits[at/8] = 0
	}
	r.bits[at/8] |= bit << (at % 8)
	r.in++
	if bit == 0 {
		r.zeros++
		return
	}
	if r.zeros >= eolZeros {
		r.eol(r.in - 1)
	}
	r.zeros = 0
}

// eol notes the 1 of an EOL. One with nothing but zeros, and the tag bit of MR, between
// it and the last belongs to RTC: fill may not come before it.
func (r *rowFill) eol(at uint64) {
	between := at - r.eolAt - 1 - uint64(r.zeros)
	empty := r.hasEOL && (between == 0 || between == 1 && r.bit(r.eolAt+1) == 1)
	r.hasEOL, r.eolAt = true, at
	if !empty {
		r.free = at
	}
}

func (r *rowFill) bit(n uint64) byte {
	at := n % rowFillBits
	return r.bits[at/8] >> (at % 8) & 1
}

// end says that nothing follows.
func (r *rowFill) end() {
	r.free, r.ended = r.in, true
}

// NextBit implements modem.BitSource.
func (r *rowFill) NextBit() int {
	switch {
	case r.out < r.free:
		r.out++
		return int(r.bit(r.out - 1))
	case !r.ended:
		r.fill++
		return 0
	case r.tail > 0:
		r.tail--
		return 0
	}
	return modem.End
}
