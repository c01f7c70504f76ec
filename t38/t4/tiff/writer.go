package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"tipring/t38/t4"
)

// PageConfig says how a page is written.
type PageConfig struct {
	Columns    int
	XDPI, YDPI int // pels and lines per inch, as t4.Resolution.DPI gives them
	Coding     t4.Coding
	Order      t4.BitOrder // LSBFirst, which profile S demands, is FillOrder 2
	K          int         // of MR, as in t4.EncoderConfig
	AlignEOL   bool        // EOLs end with an octet
	// RowsPerStrip divides the page in strips of so many rows; 0: one strip, as profile S demands.
	RowsPerStrip int
	Description  string // ImageDescription; "" leaves it out
	Software     string
	DateTime     string // YYYY:MM:DD HH:MM:SS
}

// A Writer writes pages in a file one after the other. After each EndPage the file is
// whole, with the pages so far.
type Writer struct {
	out     io.WriterAt
	at      int64   // where buffer will be written
	buffer  []byte  // strips' octets
	link    int64   // where the offset of the next directory goes
	numbers []int64 // where the PageNumber of each page is
	page    *openPage
	before  undo // of the page ended last
	encoder *t4.Encoder
	err     error
}

// undo is what a Writer was before a page.
type undo struct {
	at, link int64 // link 0: there is no page to take back
}

// openPage is the page being written.
type openPage struct {
	PageConfig
	directory int64 // where it goes: before its strips
	fields    int
	rows      int
	inStrip   int
	offsets   []uint32
	counts    []uint32
	quality   t4.Quality
}

// ErrTooLarge is the error of a file beyond TIFF's 4 GiB or 65,535 pages.
var ErrTooLarge = errors.New("tiff: file too large")

// NewWriter begins a file.
func NewWriter(out io.WriterAt) (*Writer, error) {
	w := &Writer{out: out, at: 8, link: 4, buffer: make([]byte, 0, 2*chunk)}
	_, err := out.WriteAt([]byte{'I', 'I', '*', 0, 0, 0, 0, 0}, 0)
	w.err = err
	return w, err
}

// BeginPage begins a page; the one before has been ended.
func (w *Writer) BeginPage(c PageConfig) error {
	switch {
	case w.err != nil:
		return w.err
	case w.page != nil:
		return errors.New("tiff: a page is open")
	case len(w.numbers) == math.MaxUint16:
		return ErrTooLarge
	case c.RowsPerStrip < 0 || c.XDPI < 0 || c.YDPI < 0:
		return fmt.Errorf("tiff: %d rows a strip, %d x %d dpi", c.RowsPerStrip, c.XDPI, c.YDPI)
	}
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: c.Coding, Columns: c.Columns, K: c.K, Order: c.Order, AlignEOL: c.AlignEOL})
	if err != nil {
		return err
	}
	w.encoder = e
	w.page = &openPage{PageConfig: c, directory: w.at + w.at&1} // directories begin on words
	w.at = w.page.directory + int64(w.page.size())
	return nil
}

// Received tells how the page was received, for the fields of RFC 2301 clause 2.2.3.
func (w *Writer) Received(q t4.Quality) {
	if w.page != nil {
		w.page.quality = q
	}
}

// WriteRow writes the next row of the page, in the form of package t4.
func (w *Writer) WriteRow(row []byte) error {
	p := w.page
	switch {
	case w.err != nil:
		return w.err
	case p == nil:
		return errors.New("tiff: no page is open")
	case len(row) != t4.RowOctets(p.Columns):
		return fmt.Errorf("tiff: a row of %d octets for %d columns", len(row), p.Columns)
	case p.rows == MaxRows:
		return fmt.Errorf("tiff: more than %d rows", MaxRows)
	}
	if p.RowsPerStrip > 0 && p.inStrip == p.RowsPerStrip {
		w.endStrip()
	}
	if p.inStrip == 0 {
		p.offsets = append(p.offsets, uint32(w.at+int64(len(w.buffer))))
	}
	w.buffer = w.encoder.AppendRow(w.buffer, row)
	p.rows++
	p.inStrip++
	if len(w.buffer) >= chunk {
		w.flush()
	}
	return w.err
}

// endStrip ends the strip's coding: RFC 2301 wants no return to control in MH and
// MR, and an end of block in MMR.
func (w *Writer) endStrip() {
	if w.page.Coding == t4.MMR {
		w.buffer = w.encoder.AppendEnd(w.buffer)
	} else {
		w.buffer = w.encoder.AppendCut(w.buffer)
	}
	w.page.inStrip = 0
	last := len(w.page.offsets) - 1
	w.page.counts = append(w.page.counts, uint32(w.at+int64(len(w.buffer))-int64(w.page.offsets[last])))
}

func (w *Writer) flush() {
	if w.at+int64(len(w.buffer)) > math.MaxUint32 && w.err == nil {
		w.err = ErrTooLarge
	}
	if w.err == nil {
		_, w.err = w.out.WriteAt(w.buffer, w.at)
	}
	w.at += int64(len(w.buffer))
	w.buffer = w.buffer[:0]
}

// EndPage ends the page and enters it in the file.
func (w *Writer) EndPage() error {
	p := w.page
	switch {
	case w.err != nil:
		return w.err
	case p == nil:
		return errors.New("tiff: no page is open")
	case p.rows == 0:
		return errors.New("tiff: a page without rows")
	}
	w.endStrip()
	arrays := int64(0) // the places of the strips, if they are several
	if len(p.offsets) > 1 {
		arrays = w.at + int64(len(w.buffer))
		for _, v := range p.offsets {
			w.buffer = binary.LittleEndian.AppendUint32(w.buffer, v)
		}
		for _, v := range p.counts {
			w.buffer = binary.LittleEndian.AppendUint32(w.buffer, v)
		}
	}
	w.flush()
	directory, number := p.encode(len(w.numbers), arrays)
	w.patch(directory, p.directory)
	w.patch(binary.LittleEndian.AppendUint32(nil, uint32(p.directory)), w.link)
	w.before = undo{p.directory, w.link}
	w.link = p.directory + 2 + int64(12*p.fields)
	w.numbers = append(w.numbers, number)
	w.page = nil
	return w.err
}

// Drop takes back the page that is open, or else the one that was ended last: once, and the
// next page takes its place in the file.
func (w *Writer) Drop() error {
	switch {
	case w.err != nil:
		return w.err
	case w.page != nil:
		w.at, w.buffer, w.page = w.page.directory, w.buffer[:0], nil
		return nil
	case w.before.link == 0:
		return errors.New("tiff: no page to take back")
	}
	w.patch([]byte{0, 0, 0, 0}, w.before.link)
	w.at, w.link, w.before = w.before.at, w.before.link, undo{}
	w.numbers = w.numbers[:len(w.numbers)-1]
	return w.err
}

func (w *Writer) patch(octets []byte, at int64) {
	if w.err == nil {
		_, w.err = w.out.WriteAt(octets, at)
	}
}

// Close ends the file: each page learns how many there are. It does not close out.
func (w *Writer) Close() error {
	switch {
	case w.err != nil:
		return w.err
	case w.page != nil:
		return errors.New("tiff: a page is open")
	case len(w.numbers) == 0:
		return errors.New("tiff: no page")
	}
	total := binary.LittleEndian.AppendUint16(nil, uint16(len(w.numbers)))
	for _, at := range w.numbers {
		w.patch(total, at+2)
	}
	return w.err
}
