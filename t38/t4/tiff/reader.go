package tiff

import (
	"fmt"
	"io"

	"tipring/t38/t4"
)

// chunk is how much of a file is read or written at a time.
const chunk = 4096

// A PageReader gives the rows of a page from the top.
type PageReader struct {
	file    *File
	page    *page
	number  int
	rows    int // given
	strip   int // being read; -1 before the first
	left    int // rows of the strip to come
	at, end int64
	decoder *t4.Decoder
	plain   *plain
	buffer  []byte
	before  t4.Quality // of the strips before this one
	err     error
}

// Page returns a reader at the top of page n, the first is 0.
func (f *File) Page(n int) (*PageReader, error) {
	p := &f.pages[n]
	r := &PageReader{file: f, page: p, number: n + 1, strip: -1, buffer: make([]byte, chunk)}
	if p.Coding == 0 {
		r.plain = &plain{r: r, packed: p.compression == packBits}
		return r, nil
	}
	d, err := t4.NewDecoder(r.coding())
	r.decoder = d
	return r, err
}

// Info describes the page.
func (r *PageReader) Info() Info { return r.page.Info }

// Quality counts the rows given; bad rows are those the T.4 decoder concealed.
func (r *PageReader) Quality() t4.Quality {
	q := r.before
	if r.decoder != nil {
		now := r.decoder.Quality()
		q.Rows += now.Rows
		q.Bad += now.Bad
		q.LongestBad = max(q.LongestBad, now.LongestBad)
	}
	return q
}

func (r *PageReader) coding() t4.DecoderConfig {
	return t4.DecoderConfig{
		Coding: r.page.Coding, Columns: r.page.Columns, Rows: r.left, Order: r.page.Order,
		EOLOptional: true, Align: r.page.compression == bareMH,
	}
}

// ReadRow fills row, in the form of package t4, and returns io.EOF behind the last
// one. A page that ends early is an error after the rows that could be read.
func (r *PageReader) ReadRow(row []byte) error {
	if r.err == nil {
		r.err = r.readRow(row)
	}
	return r.err
}

func (r *PageReader) readRow(row []byte) error {
	if len(row) != t4.RowOctets(r.page.Columns) {
		return fmt.Errorf("tiff: a row of %d octets for %d columns", len(row), r.page.Columns)
	}
	if r.rows == r.page.Rows {
		return io.EOF
	}
	if r.left == 0 {
		if err := r.nextStrip(); err != nil {
			return fmt.Errorf("tiff: page %d: strip %d: %w", r.number, r.strip+1, err)
		}
	}
	if err := r.stripRow(row); err != nil {
		return fmt.Errorf("tiff: page %d: strip %d: row %d of %d: %w", r.number, r.strip+1, r.rows+1, r.page.Rows, err)
	}
	if r.page.inverted {
		invert(row, r.page.Columns)
	}
	r.rows++
	r.left--
	return nil
}

func (r *PageReader) nextStrip() error {
	r.before = r.Quality()
	r.strip++
	r.left = min(r.page.perStrip, r.page.Rows-r.rows)
	at, octets, err := r.file.strip(r.page, r.strip)
	if err != nil {
		return err
	}
	r.at, r.end = at, at+octets
	if r.decoder != nil {
		return r.decoder.Reset(r.coding())
	}
	r.plain.reset()
	return nil
}

func (r *PageReader) stripRow(row []byte) error {
	if r.decoder == nil {
		return r.plain.readRow(row)
	}
	for !r.decoder.Next() {
		if r.decoder.Ended() {
			if err := r.decoder.Err(); err != nil {
				return err
			}
			return io.ErrUnexpectedEOF
		}
		octets, err := r.more()
		if err != nil {
			return err
		}
		if len(octets) == 0 {
			r.decoder.End()
		}
		r.decoder.Feed(octets)
	}
	copy(row, r.decoder.Row())
	return nil
}

// more reads the next octets of the strip, none at its end. They are good until the next call.
func (r *PageReader) more() ([]byte, error) {
	n := min(r.end-r.at, int64(len(r.buffer)))
	if n == 0 {
		return nil, nil
	}
	err := r.file.readAt(r.buffer[:n], r.at)
	r.at += n
	return r.buffer[:n], err
}

// invert makes black pels white and white ones black.
func invert(row []byte, columns int) {
	for i := range row {
		row[i] = ^row[i]
	}
	if rest := columns & 7; rest != 0 {
		row[len(row)-1] &= 0xff << (8 - rest)
	}
}
