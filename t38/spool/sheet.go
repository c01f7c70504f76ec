package spool

import (
	"io"
	"strings"
	"unicode/utf8"

	"tipring/t38/t4"
	"tipring/t38/t4/header"
	"tipring/t38/t4/picture"
	"tipring/t38/t4/tiff"
)

// A sheet is a page of A4 with lines of text and a picture below them, made row by row.
type sheet struct {
	columns, height int
	resolution      t4.Resolution
	lines           []*header.Strip // nil: an empty one
	drawn           picture.Placement
	below           t4.RowReader // the picture's part of the page
}

const (
	titleScale = 300 // per cent of the header line's letters
	textScale  = 150
	textWidth  = 64 // letters in a line of text: what A4 has room for at textScale
	emptyRows  = 40
	sideMargin = 300 // pels beside the picture
)

func newSheet() *sheet {
	r := t4.Fine
	return &sheet{columns: t4.A4.Columns(r), height: t4.A4.Rows(r) - 100, resolution: r, lines: make([]*header.Strip, 2)}
}

// title adds a line of large letters.
func (p *sheet) title(s string) { p.lines = append(p.lines, p.strip(s, titleScale)) }

// write adds lines, broken between words where they are too long.
func (p *sheet) write(lines ...string) {
	for _, line := range lines {
		for _, part := range wrap(line, textWidth) {
			p.lines = append(p.lines, p.strip(part, textScale))
		}
	}
}

func (p *sheet) strip(s string, scale int) *header.Strip {
	if s == "" {
		return nil
	}
	x, y := p.resolution.DPI()
	strip, err := header.Draw(header.Line{Left: s}, p.columns, x*scale/100, y*scale/100)
	if err != nil {
		return nil
	}
	return strip
}

// wrap breaks a line between words, and indents what follows.
func wrap(s string, width int) (lines []string) {
	const indent = "          "
	for utf8.RuneCountInString(s) > width {
		r := []rune(s)
		at := width
		for k := width; k > len(indent); k-- {
			if r[k] == ' ' {
				at = k
				break
			}
		}
		lines = append(lines, string(r[:at]))
		s = indent + strings.TrimLeft(string(r[at:]), " ")
	}
	return append(lines, s)
}

func (p *sheet) textRows() (n int) {
	for _, l := range p.lines {
		n += rowsOf(l)
	}
	return n
}

func rowsOf(l *header.Strip) int {
	if l == nil {
		return emptyRows
	}
	return l.Rows()
}

// picture puts the first page of a document below the text, made smaller; a document that
// cannot be read leaves the place empty.
func (p *sheet) picture(d Document) {
	f, err := tiff.Open(d, d.Size())
	if err != nil {
		return
	}
	page, err := f.Page(0)
	if err != nil {
		return
	}
	info := page.Info()
	grey, err := picture.FromRows(page, info.Columns, info.Rows)
	if err != nil {
		return
	}
	t := picture.Target{Columns: p.columns - 2*sideMargin, MaxRows: p.height - p.textRows() - 2*frame}
	t.X, t.Y = p.resolution.PerMetre()
	x, y := 0, 0
	if r, ok := t4.ResolutionNear(info.XDPI, info.YDPI); ok {
		x, y = r.PerMetre()
	}
	at := t.Fit(info.Columns, info.Rows, x, y)
	at.Width = p.columns
	at.Left += sideMargin
	placed, err := picture.Place(grey, at)
	if err != nil {
		return
	}
	p.drawn, p.below = at, picture.Threshold(placed)
}

// rows are the page.
func (p *sheet) rows() t4.RowReader { return &sheetRows{sheet: p} }

// sheetRows is where in a page one is.
type sheetRows struct {
	*sheet
	line, row int // of the text
	below     int // rows of the picture given, its frame counted
	ended     bool
}

// frame is how wide the line around the picture is, in pels and rows.
const frame = 3

// ReadRow implements t4.RowReader.
func (p *sheetRows) ReadRow(row []byte) error {
	if p.line < len(p.lines) {
		p.textRow(row)
		return nil
	}
	if p.sheet.below == nil || p.below == p.drawn.Height+2*frame {
		return io.EOF
	}
	p.pictureRow(row)
	p.below++
	return nil
}

func (p *sheetRows) textRow(row []byte) {
	clear(row)
	l := p.lines[p.line]
	if l != nil {
		copy(row, l.Row(p.row))
	}
	if p.row++; p.row == rowsOf(l) {
		p.line, p.row = p.line+1, 0
	}
}

// pictureRow draws a row of the picture with its frame. Where its page cannot be read any
// further it stays white.
func (p *sheetRows) pictureRow(row []byte) {
	clear(row)
	left, right := p.drawn.Left-frame, p.drawn.Left+p.drawn.PictureWidth
	if p.below < frame || p.below >= p.drawn.Height+frame {
		blacken(row, left, right+frame)
		return
	}
	if !p.ended && p.sheet.below.ReadRow(row) != nil {
		p.ended = true
		clear(row)
	}
	blacken(row, left, left+frame)
	blacken(row, right, right+frame)
}

func blacken(row []byte, from, to int) {
	for x := from; x < to; x++ {
		row[x>>3] |= 0x80 >> (x & 7)
	}
}
