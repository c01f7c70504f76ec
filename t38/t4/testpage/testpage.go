// Package testpage draws pages that look like what is faxed, for tests and benches: the
// same ones on every machine, row by row, of any size.
package testpage

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"tipring/t38/t4"
	"tipring/t38/t4/header"
	"tipring/t38/t4/picture"
)

// A Kind is a kind of page.
type Kind string

// The kinds of pages.
const (
	Text    Kind = "text"    // dense text
	Form    Kind = "form"    // ruled boxes with words in them
	Picture Kind = "picture" // a halftone of soft tones
	Blank   Kind = "blank"
	Black   Kind = "black"
	Noise   Kind = "noise" // each pel by itself: the worst that there is to code
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{Text, Form, Picture, Blank, Black, Noise} }

// A Config says what page is drawn.
type Config struct {
	Kind       Kind
	Columns    int // pels in a row
	Rows       int
	XDPI, YDPI int    // pels and lines per inch, which set the size of letters
	Seed       uint64 // of words and noise
}

// New returns the rows of a page.
func New(c Config) (t4.RowReader, error) {
	if c.Columns < 1 || c.Columns > t4.MaxColumns || c.Rows < 1 || c.Rows > picture.MaxSide {
		return nil, fmt.Errorf("testpage: %d x %d pels", c.Columns, c.Rows)
	}
	rnd := rand.New(rand.NewPCG(c.Seed, 0))
	switch c.Kind {
	case Text, Form:
		if _, err := header.Draw(header.Line{}, c.Columns, c.XDPI, c.YDPI); err != nil {
			return nil, fmt.Errorf("testpage: %w", err)
		}
		return &lines{config: c, rnd: rnd}, nil
	case Picture:
		return picture.Diffuse(&tones{config: c}), nil
	case Blank, Black, Noise:
		return &plain{config: c, rnd: rnd}, nil
	}
	return nil, fmt.Errorf("testpage: kind %q: want one of %v", c.Kind, Kinds())
}

// plain draws pages without shapes.
type plain struct {
	config Config
	rnd    *rand.Rand
	row    int
}

func (p *plain) ReadRow(row []byte) error {
	if p.row == p.config.Rows {
		return io.EOF
	}
	p.row++
	for i := range row {
		switch p.config.Kind {
		case Black:
			row[i] = 0xff
		case Noise:
			row[i] = byte(p.rnd.Uint32())
		default:
			row[i] = 0
		}
	}
	clip(row, p.config.Columns)
	return nil
}

func clip(row []byte, columns int) {
	if rest := columns & 7; rest != 0 {
		row[len(row)-1] &= 0xff << (8 - rest)
	}
}

// lines draws text line by line, and the rules of forms.
type lines struct {
	config Config
	rnd    *rand.Rand
	row    int
	line   *header.Strip
	next   int // row of the line; beyond its end is the space to the next
	number int
}

func (l *lines) ReadRow(row []byte) error {
	if l.row == l.config.Rows {
		return io.EOF
	}
	l.row++
	gap := l.config.YDPI / 20
	if l.line == nil || l.next == l.line.Rows()+gap {
		if err := l.newLine(); err != nil {
			return err
		}
	}
	clear(row)
	if l.next < l.line.Rows() {
		copy(row, l.line.Row(l.next))
	}
	if l.config.Kind == Form {
		l.rules(row)
	}
	l.next++
	return nil
}

func (l *lines) newLine() (err error) {
	l.number++
	l.next = 0
	var text header.Line
	switch {
	case l.config.Kind == Form && l.number%3 == 0:
		text = header.Line{Left: l.words(12), Middle: l.words(20), Right: l.words(8)}
	case l.config.Kind == Text && l.number%9 != 0: // an empty line ends a paragraph
		text = header.Line{Left: l.words(140)}
	}
	l.line, err = header.Draw(text, l.config.Columns, l.config.XDPI, l.config.YDPI)
	return err
}

// words returns so many letters of words.
func (l *lines) words(letters int) string {
	const frequent = "eeeeeettttaaaooooiiinnnsssrrhhddllcummwfgypbvkETAOINS0123456789,."
	var b strings.Builder
	for b.Len() < letters {
		for range 1 + l.rnd.IntN(9) {
			b.WriteByte(frequent[l.rnd.IntN(len(frequent))])
		}
		b.WriteByte(' ')
	}
	return b.String()[:letters]
}

// rules draws boxes: each third line of text is in one.
func (l *lines) rules(row []byte) {
	unit := l.config.XDPI / 50
	end := l.config.Columns - 10*unit
	if l.number%3 == 1 && l.next < max(1, l.config.YDPI/100) {
		for x := 10 * unit; x < end; x++ {
			row[x>>3] |= 0x80 >> (x & 7)
		}
		return
	}
	for at := 10 * unit; at < end; at += l.config.Columns / 4 {
		for x := at; x < at+max(1, unit/2); x++ {
			row[x>>3] |= 0x80 >> (x & 7)
		}
	}
}

// tones are rings of grey over a slope, as grey.
type tones struct {
	config Config
	row    int
}

func (t *tones) Width() int  { return t.config.Columns }
func (t *tones) Height() int { return t.config.Rows }

func (t *tones) ReadGrey(row []byte) error {
	if t.row == t.config.Rows {
		return io.EOF
	}
	// Squares of distances, in units that hold in 32 bits on every page.
	y := (t.row*1000/t.config.Rows - 500)
	for x := range row {
		dx := x*1000/t.config.Columns - 500 + int(t.config.Seed%200)
		ring := (dx*dx + y*y) / 512 % 510
		if ring > 255 {
			ring = 510 - ring
		}
		slope := x * 255 / t.config.Columns
		row[x] = byte((ring + slope) / 2)
	}
	t.row++
	return nil
}
