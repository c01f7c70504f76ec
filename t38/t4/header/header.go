// Package header draws the line at the top of a fax page that tells when, by whom and
// from what number it was sent, and which page of how many it is.
//
// Its letters are strokes on a grid, of an own design, drawn with a pen for the
// resolution of the page, so that they have one size on paper: capitals of 2 mm in a strip of 4 mm.
// There are those of ASCII and Latin-1; any other character is shown as a question mark.
package header

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"tipring/t38/t4"
)

// Fields is what a header line says.
type Fields struct {
	When   time.Time // shown in its own zone, to the minute
	Ident  string    // the sender's name
	Number string    // and number
	Page   int       // 1 is the first
	Pages  int       // 0: not known
}

// A Line is text at the left margin, in the middle and at the right margin.
type Line struct{ Left, Middle, Right string }

// Line returns the fields as text.
func (f Fields) Line() Line {
	l := Line{Left: f.When.Format("2006-01-02 15:04"), Middle: strings.TrimSpace(f.Ident + "  " + f.Number)}
	l.Right = fmt.Sprintf("p. %d", f.Page)
	if f.Pages > 0 {
		l.Right += fmt.Sprintf("/%d", f.Pages)
	}
	return l
}

// A Strip is a drawn header line: rows in the form of package t4.
type Strip struct {
	columns, octets, rows int
	pels                  []byte
}

const (
	margin     = 3 // characters
	leastSpace = 2 // characters between two texts
)

// Draw draws a line for a page of so many columns and pels and lines per inch, which are
// 50 to 1200. What does not fit is cut, the middle first.
func Draw(l Line, columns, xDPI, yDPI int) (*Strip, error) {
	if columns < 1 || columns > t4.MaxColumns || xDPI < 50 || yDPI < 50 || xDPI > 1200 || yDPI > 1200 {
		return nil, fmt.Errorf("header: %d columns at %d x %d dpi", columns, xDPI, yDPI)
	}
	s := &Strip{columns: columns, octets: t4.RowOctets(columns), rows: cellHeight * yDPI / unitsPerInch}
	s.pels = make([]byte, s.octets*s.rows)
	room := columns*unitsPerInch/(xDPI*cellWidth) - 2*margin
	left, middle, right := cut(l.Left, room), l.Middle, cut(l.Right, room)
	if length(left)+length(right)+leastSpace > room {
		right = ""
	}
	middle = cut(middle, room-length(left)-length(right)-2*leastSpace)
	p := pen{s, xDPI, yDPI}
	p.text(left, margin)
	p.text(right, margin+room-length(right))
	// In the middle of the page, if the others leave it free.
	at := min(max((room-length(middle))/2, length(left)+leastSpace), room-length(right)-leastSpace-length(middle))
	p.text(middle, margin+at)
	return s, nil
}

func length(s string) int { return utf8.RuneCountInString(s) }

// cut returns the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n <= 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// Rows returns the height of the strip.
func (s *Strip) Rows() int { return s.rows }

// Row returns row i of the strip, 0 is the highest.
func (s *Strip) Row(i int) []byte { return s.pels[i*s.octets : (i+1)*s.octets] }

// A page is a page with a strip.
type page struct {
	t4.RowReader
	strip *Strip
	next  int
	over  bool
}

// Above returns a page with the strip before its first row: it gets longer.
func Above(r t4.RowReader, s *Strip) t4.RowReader { return &page{RowReader: r, strip: s} }

// Over returns a page with the strip in the place of its first rows.
func Over(r t4.RowReader, s *Strip) t4.RowReader { return &page{RowReader: r, strip: s, over: true} }

// ReadRow gives the next row of strip or page.
func (p *page) ReadRow(row []byte) error {
	if p.next == p.strip.rows {
		return p.RowReader.ReadRow(row)
	}
	if len(row) != p.strip.octets {
		return fmt.Errorf("header: a row of %d octets on a page of %d columns", len(row), p.strip.columns)
	}
	if p.over {
		switch err := p.RowReader.ReadRow(row); {
		case err == io.EOF: // a page shorter than the strip keeps it
		case err != nil:
			return err
		}
	}
	copy(row, p.strip.Row(p.next))
	p.next++
	return nil
}
