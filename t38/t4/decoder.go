package t4

import (
	"errors"
	"fmt"
)

// Concealment says what stands in the place of a row that could not be read.
type Concealment uint8

const (
	CopyAbove Concealment = iota // the row above it, or white at the top
	Blank                        // white
)

// DecoderConfig says how a page is coded.
type DecoderConfig struct {
	Coding  Coding
	Columns int // pels in a row: 1 to MaxColumns
	// Rows ends the page after so many; 0: at its end code alone.
	Rows  int
	Order BitOrder
	// EOLOptional reads MH rows whether an EOL stands before them or not, as files have them. On
	// the line, where each has one, a row without is a damaged row.
	EOLOptional bool
	// Align begins each row in a new octet (TIFF Compression 2, PDF EncodedByteAlign).
	Align   bool
	Conceal Concealment
}

func (c *DecoderConfig) check() error {
	switch {
	case c.Columns < 1 || c.Columns > MaxColumns:
		return errColumns
	case c.Coding < MH || c.Coding > MMR:
		return fmt.Errorf("t4: no coding %v", c.Coding)
	case c.Rows < 0:
		return fmt.Errorf("t4: a page of %d rows", c.Rows)
	}
	return nil
}

// Quality counts the rows of a page for the copy-quality check of T.30.
type Quality struct {
	Rows       int // given, the bad ones included
	Bad        int // rows concealed
	LongestBad int // longest run of bad rows
}

// ErrDamaged is the error of a page that cannot be read any further: a damaged one in
// MMR, or one whose rows have no EOL to begin again at.
var ErrDamaged = errors.New("t4: damaged coding")

// A Decoder reads a page from octets as they come.
//
// An MH or MR row is good if its runs add up to a row and an EOL follows. After a
// bad one the decoder begins again at the next EOL; in MR all rows up to the next that is
// coded by itself are bad too, since what they refer to is gone (T.4 clause 4.2.1.1). An
// EOL that is damaged costs the row behind it. The page ends at three EOLs without
// anything between (of the six of return to control), so that any one of them may be damaged; at
// two, rows are held back until a good one proves that the page goes on. MMR has no
// place to begin again: what was read before the damage stays, and Err tells.
type Decoder struct {
	config    DecoderConfig
	in        bitReader
	state     state
	row       changeList // being read
	reference changeList // the row above, sealed
	pels      []byte     // the last row given
	quality   Quality
	bad       bool // the last row given
	badRun    int
	err       error
	complete  bool
	cut       bool

	// Of the row being read.
	a0         int  // -1 before the first word
	ref        int  // index in reference: b1 is there or behind it
	runs       int  // of horizontal mode, still to come
	alone      bool // one-dimensional
	refBad     bool // the row above is not what the sender had
	lastWord   code // taken last
	perhapsEOL bool // it begins as a damaged EOL and another EOL does, and an EOL is before it

	// Between rows.
	eols     int  // with no row between
	zeros    int  // just before the window
	skipped  int  // bits since the search for an EOL began
	pure     bool // and all of them zeros
	lost     bool // the search is to cost a row, however short
	unsure   bool // which row has its pels, but no EOL followed
	doubtful bool // two EOLs came: the page may have ended
	held     int  // bad rows held back in doubt
	owed     int  // of those, to be given before the good one in row
}

type state uint8

const (
	atStart  state = iota // before the first EOL
	atTag                 // behind an EOL of MR
	atRow                 // before a row's first word
	inRow                 // in a row
	behind                // a row has its pels; what follows decides about it
	hunting               // looking for an EOL
	repaying              // held rows are being given, then the good one
	atEnd                 // no rows any more
)

// NewDecoder returns a decoder at the top of a page.
func NewDecoder(c DecoderConfig) (*Decoder, error) {
	d := new(Decoder)
	return d, d.Reset(c)
}

// Reset makes the decoder stand at the top of another page. It allocates only if
// the page is wider than any before.
func (d *Decoder) Reset(c DecoderConfig) error {
	if err := c.check(); err != nil {
		return err
	}
	d.in.reset(c.Order)
	old := *d
	*d = Decoder{config: c, in: old.in, row: old.row, reference: old.reference, pels: old.pels}
	if cap(d.row) < c.Columns+1+sentinels || cap(d.reference) < c.Columns+1+sentinels {
		d.row, d.reference = newChangeList(c.Columns), newChangeList(c.Columns)
	}
	if cap(d.pels) < RowOctets(c.Columns) {
		d.pels = make([]byte, RowOctets(c.Columns))
	}
	d.pels = d.pels[:RowOctets(c.Columns)]
	clear(d.pels)
	d.reference = d.reference[:0].seal(c.Columns)
	d.alone = c.Coding != MMR
	if !d.needsEOL() {
		d.state = atRow
	}
	return nil
}

// Feed gives the decoder the next octets of the page. It copies them; a caller that
// reads all rows with Next before it feeds more keeps that copy as small as its pieces.
func (d *Decoder) Feed(octets []byte) {
	if d.state != atEnd {
		d.in.feed(octets)
	}
}

// End tells the decoder that no octets follow: Next gives what is left.
func (d *Decoder) End() { d.in.ended = true }

// Next reads the next row, which Row then returns, and reports whether there is
// one. It is false when more octets are needed, and at the page's end.
func (d *Decoder) Next() bool {
	for {
		if d.config.Rows > 0 && d.quality.Rows >= d.config.Rows {
			d.finish(nil)
		}
		switch d.step() {
		case goOn:
		case given:
			return true
		case starved:
			return false
		}
	}
}

// An outcome is what one step of the decoder came to.
type outcome uint8

const (
	goOn    outcome = iota
	given           // a row
	starved         // more octets are needed, or the page has ended
)

func (d *Decoder) step() outcome {
	switch d.state {
	case atStart, hunting:
		return d.hunt()
	case atTag:
		return d.readTag()
	case atRow:
		return d.beginRow()
	case inRow:
		return d.readRow()
	case behind:
		return d.confirm()
	case repaying:
		return d.repay()
	}
	return starved
}

// Row returns the row that Next read, in the form of the package comment. It is valid
// until the next call of Next.
func (d *Decoder) Row() []byte { return d.pels }

// Bad reports whether that row is a concealed one.
func (d *Decoder) Bad() bool { return d.bad }

// Ended reports that no rows follow: the page's end came, Rows were read,
// all octets were, or damage.
func (d *Decoder) Ended() bool { return d.state == atEnd }

// Complete reports that the page's end was seen (return to control, or end of
// facsimile block), or that it has all its Rows.
func (d *Decoder) Complete() bool { return d.complete }

// Cut reports that the page is not Complete and ended within a row, or in what could not be
// read: rows may be missing.
func (d *Decoder) Cut() bool { return d.cut || d.err != nil }

// Quality counts the rows so far.
func (d *Decoder) Quality() Quality { return d.quality }

// Err returns ErrDamaged if damage ended the page.
func (d *Decoder) Err() error { return d.err }

// finish ends the page: whole if err is nil.
func (d *Decoder) finish(err error) outcome {
	if d.state != atEnd {
		d.complete = err == nil
		d.err = err
		d.state = atEnd
	}
	return starved
}

// starve is for want of octets. If none follow the page ends, and is damaged if it was
// cut in a row that no EOL is to confirm.
func (d *Decoder) starve() outcome {
	if !d.in.ended || d.state == atEnd {
		return starved
	}
	if d.unsure {
		return d.accept()
	}
	begun := d.state == inRow && (d.a0 >= 0 || d.in.window>>56 != 0)
	d.cut = begun || d.lost
	if !d.needsEOL() && d.cut {
		d.err = ErrDamaged
	}
	d.state = atEnd
	return starved
}

// needsEOL tells whether each row has an EOL before it.
func (d *Decoder) needsEOL() bool {
	return d.config.Coding == MR || d.config.Coding == MH && !d.config.EOLOptional
}
