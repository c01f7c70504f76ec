package t4

import "fmt"

// EncoderConfig says how pages are coded.
type EncoderConfig struct {
	Coding  Coding
	Columns int // pels in a row: 1 to MaxColumns
	// K is the number of rows of which the first is coded by itself, with MR: 2 at the standard
	// resolution and 4 at higher ones (T.4 clause 4.2.1.1). 0 is taken as 4.
	K int
	// MinRowBits is the least length of a row with its EOL, in bits: the minimum scan line time of
	// T.30 at the line's rate, as MinRowBits counts it. Shorter rows get fill. MMR has none.
	MinRowBits int
	Order      BitOrder
	// AlignEOL puts fill before each EOL so that it ends with an octet (TIFF T4Options bit 2).
	AlignEOL bool
	// Bare leaves EOLs out, and begins each row in a new octet; with MH alone (TIFF Compression 2).
	Bare bool
}

// MinRowBits returns how many bits a row lasts at least when a scan line takes
// so many milliseconds (0 to 40) on a line of so many bits a second (T.4 clause 4.1.3).
func MinRowBits(scanTimeMS, bitRate int) int { return (scanTimeMS*bitRate + 999) / 1000 }

// rtcEOLs is the number of EOLs in T.4's return to control.
const rtcEOLs = 6

// Limits of EncoderConfig that no use comes near: 40 ms at 33,600 bit/s are 1344 bits.
const (
	maxMinRowBits = 1 << 16
	maxK          = 1 << 16
)

func (c *EncoderConfig) check() error {
	switch {
	case c.Columns < 1 || c.Columns > MaxColumns:
		return errColumns
	case c.Coding < MH || c.Coding > MMR:
		return fmt.Errorf("t4: no coding %v", c.Coding)
	case c.K < 0 || c.K > maxK:
		return fmt.Errorf("t4: K = %d: want 0 to %d", c.K, maxK)
	case c.MinRowBits < 0 || c.MinRowBits > maxMinRowBits:
		return fmt.Errorf("t4: %d bits as a row's least: want 0 to %d", c.MinRowBits, maxMinRowBits)
	case c.Bare && c.Coding != MH:
		return fmt.Errorf("t4: %v has no form without EOL", c.Coding)
	}
	return nil
}

// An Encoder codes pages, one after the other, row by row.
type Encoder struct {
	config    EncoderConfig
	out       bitWriter
	row       changeList
	reference changeList
	oneDim    int // rows until one is coded by itself
	rowBits   int // coded since the last EOL, and with it
}

// NewEncoder returns an encoder at the top of a page.
func NewEncoder(c EncoderConfig) (*Encoder, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.K == 0 {
		c.K = 4
	}
	e := &Encoder{config: c, row: newChangeList(c.Columns), reference: newChangeList(c.Columns)}
	e.begin()
	return e, nil
}

// begin stands at the top of a page: T.6 clause 2.2.1 and T.4 put a white row above it.
func (e *Encoder) begin() {
	e.out = bitWriter{order: e.config.Order}
	e.reference = e.reference[:0].seal(e.config.Columns)
	e.oneDim = 0
	e.rowBits = 0
}

// MaxRowOctets returns how many octets AppendRow appends at most.
func (e *Encoder) MaxRowOctets() int {
	// No mode takes more than 7 bits for each pel it passes: vertical mode at most 7 a change, horizontal
	// mode 3 + 6 + 3 for two runs of one pel. What else there is: a run of none, EOL, tag, fill to the octet.
	bits := 7*e.config.Columns + 2*maxWord + eolBits + 1 + 16
	return max(bits, e.config.MinRowBits+16)/8 + 1
}

// AppendRow codes a row, which has RowOctets(columns), and appends to dst the octets
// that became whole. The row's EOL, with MH and MR, stands before it.
func (e *Encoder) AppendRow(dst, row []byte) []byte {
	e.row = changesOf(e.row, row, e.config.Columns)
	switch {
	case e.config.Coding == MMR:
		dst = e.twoDimensional(dst)
	case e.config.Bare:
		dst = e.oneDimensional(dst)
		dst = e.out.flush(dst)
	default:
		dst = e.t4Row(dst)
	}
	e.row, e.reference = e.reference, e.row
	return dst
}

func (e *Encoder) t4Row(dst []byte) []byte {
	alone := e.config.Coding == MH || e.oneDim == 0
	if e.config.AlignEOL {
		dst = e.out.zeros(dst, int(-(e.out.have+eolBits)&7)) // an MR tag follows the octet
	}
	dst = e.putEOL(dst, alone)
	e.rowBits = eolBits
	if e.config.Coding == MR {
		e.rowBits++
	}
	start := len(dst)*8 + int(e.out.have)
	if alone {
		dst = e.oneDimensional(dst)
		e.oneDim = e.config.K
	} else {
		dst = e.twoDimensional(dst)
	}
	e.oneDim--
	e.rowBits += len(dst)*8 + int(e.out.have) - start
	// T.4 clause 4.1.3: fill stands between a row's data and the next EOL.
	return e.out.zeros(dst, max(0, e.config.MinRowBits-e.rowBits))
}

// putEOL appends an EOL, and with MR the tag that says whether the next row is
// coded by itself (T.4 clause 4.2.2).
func (e *Encoder) putEOL(dst []byte, alone bool) []byte {
	switch {
	case e.config.Coding == MH:
		return e.out.put(dst, eolWord, eolBits)
	case alone:
		return e.out.put(dst, eolWord<<1|1, eolBits+1)
	}
	return e.out.put(dst, eolWord<<1, eolBits+1)
}

// AppendEnd ends the page: with six EOLs (return to control, T.4 clause 4.1.4),
// or with two after MMR (end of facsimile block, T.6 clause 2.4.1.1), and zeros up to a whole octet.
// A Bare page has no end. The encoder then is at the top of the next page.
func (e *Encoder) AppendEnd(dst []byte) []byte {
	switch {
	case e.config.Coding == MMR:
		dst = e.out.put(dst, eolWord<<eolBits|eolWord, 2*eolBits)
	case !e.config.Bare:
		for range rtcEOLs {
			dst = e.putEOL(dst, true)
		}
	}
	dst = e.out.flush(dst)
	e.begin()
	return dst
}

// AppendCut ends the coded data without an end code, as in a strip of a TIFF file, and
// appends the last octet. The encoder then is at the top of the next page.
func (e *Encoder) AppendCut(dst []byte) []byte {
	dst = e.out.flush(dst)
	e.begin()
	return dst
}
