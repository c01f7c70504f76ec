// Package pdf puts fax pages in PDF files, and takes the image out of PDF pages that are one
// image, as scanners and fax programs make them: CCITT, JPEG, or Flate with or without a
// predictor, in black and white, grey, RGB or a palette. Any other page is drawn by the
// program pdftoppm of the package poppler-utils, if that is installed (Poppler).
//
// A Writer codes pages in MMR and streams them; nothing but the places of objects is kept.
// A File reads through a small window and believes no number: nesting, counts and lengths
// have limits, and what does not fit them is an error, never a large piece of memory or a loop.
package pdf

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"tipring/t38/t4"
)

// MaxPages bounds a file, written or read.
const MaxPages = 5000

// A Writer writes pages one after the other.
type Writer struct {
	out     *bufio.Writer
	at      int64
	objects []int64 // where each is, from number 1 on; 0: not yet
	pages   []int   // their numbers
	page    *openPage
	err     error
}

// PageConfig says what a page is like.
type PageConfig struct {
	Columns    int
	XDPI, YDPI int // pels and lines per inch
}

// openPage is the page being written.
type openPage struct {
	PageConfig
	encoder *t4.Encoder
	coded   []byte
	image   int // object number; its length and height have the next two
	rows    int
	stream  int64 // where the image's octets begin
}

const (
	catalog  = 1
	pageTree = 2
)

// NewWriter begins a file.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: bufio.NewWriter(out), objects: make([]int64, pageTree)}
	w.printf("%%PDF-1.4\n%%\xe2\xe3\xcf\xd3\n")
	return w
}

func (w *Writer) printf(format string, args ...any) {
	n, err := fmt.Fprintf(w.out, format, args...)
	w.wrote(n, err)
}

func (w *Writer) wrote(n int, err error) {
	w.at += int64(n)
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("pdf: %w", err)
	}
}

// reserve takes a number for an object; begin begins it here.
func (w *Writer) reserve() int {
	w.objects = append(w.objects, 0)
	return len(w.objects)
}

func (w *Writer) begin(number int) {
	w.objects[number-1] = w.at
	w.printf("%d 0 obj\n", number)
}

// BeginPage begins a page; the one before has been ended.
func (w *Writer) BeginPage(c PageConfig) error {
	switch {
	case w.err != nil:
		return w.err
	case w.page != nil:
		return errors.New("pdf: a page is open")
	case len(w.pages) == MaxPages:
		return fmt.Errorf("pdf: more than %d pages", MaxPages)
	case c.XDPI < 1 || c.YDPI < 1 || c.XDPI > 10000 || c.YDPI > 10000:
		return fmt.Errorf("pdf: %d x %d dpi", c.XDPI, c.YDPI)
	}
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: t4.MMR, Columns: c.Columns, Order: t4.MSBFirst})
	if err != nil {
		return err
	}
	w.page = &openPage{PageConfig: c, encoder: e, image: w.reserve()}
	length, height := w.reserve(), w.reserve()
	w.begin(w.page.image)
	w.printf("<< /Type /XObject /Subtype /Image /Width %d /Height %d 0 R /ColorSpace /DeviceGray /BitsPerComponent 1\n", c.Columns, height)
	w.printf("/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns %d >> /Length %d 0 R >>\nstream\n", c.Columns, length)
	w.page.stream = w.at
	return w.err
}

// WriteRow writes the next row of the page, in the form of package t4.
func (w *Writer) WriteRow(row []byte) error {
	p := w.page
	switch {
	case w.err != nil:
		return w.err
	case p == nil:
		return errors.New("pdf: no page is open")
	case len(row) != t4.RowOctets(p.Columns):
		return fmt.Errorf("pdf: a row of %d octets for %d columns", len(row), p.Columns)
	case p.rows == maxSide:
		return fmt.Errorf("pdf: more than %d rows", maxSide)
	}
	p.coded = p.encoder.AppendRow(p.coded[:0], row)
	p.rows++
	w.wrote(w.out.Write(p.coded))
	return w.err
}

// EndPage ends the page.
func (w *Writer) EndPage() error {
	p := w.page
	switch {
	case w.err != nil:
		return w.err
	case p == nil:
		return errors.New("pdf: no page is open")
	case p.rows == 0:
		return errors.New("pdf: a page without rows")
	}
	w.wrote(w.out.Write(p.encoder.AppendEnd(p.coded[:0])))
	length := w.at - p.stream
	w.printf("\nendstream\nendobj\n")
	w.begin(p.image + 1)
	w.printf("%d\nendobj\n", length)
	w.begin(p.image + 2)
	w.printf("%d\nendobj\n", p.rows)
	width, height := points(p.Columns, p.XDPI), points(p.rows, p.YDPI)
	content := fmt.Sprintf("q %s 0 0 %s 0 0 cm /Fax Do Q", width, height)
	drawing, page := w.reserve(), w.reserve()
	w.begin(drawing)
	w.printf("<< /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(content), content)
	w.begin(page)
	w.printf("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Contents %d 0 R\n", pageTree, width, height, drawing)
	w.printf("/Resources << /XObject << /Fax %d 0 R >> >> >>\nendobj\n", p.image)
	w.pages = append(w.pages, page)
	w.page = nil
	return w.err
}

// points is a length in 72nds of an inch with three decimals. It is rounded down: a
// renderer rounds up to whole pels, and at the page's own resolution is to come to as many.
func points(pels, dpi int) string {
	thousandths := int64(pels) * 72000 / int64(dpi)
	return fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000)
}

// Close ends the file. It does not close what it was written to.
func (w *Writer) Close() error {
	switch {
	case w.err != nil:
		return w.err
	case w.page != nil:
		return errors.New("pdf: a page is open")
	case len(w.pages) == 0:
		return errors.New("pdf: no page")
	}
	w.begin(catalog)
	w.printf("<< /Type /Catalog /Pages %d 0 R >>\nendobj\n", pageTree)
	w.begin(pageTree)
	w.printf("<< /Type /Pages /Count %d /Kids [", len(w.pages))
	for _, p := range w.pages {
		w.printf("%d 0 R\n", p)
	}
	w.printf("] >>\nendobj\n")
	xref := w.at
	w.printf("xref\n0 %d\n0000000000 65535 f \n", len(w.objects)+1)
	for _, at := range w.objects {
		w.printf("%010d 00000 n \n", at)
	}
	w.printf("trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(w.objects)+1, catalog, xref)
	if err := w.out.Flush(); w.err == nil && err != nil {
		w.err = fmt.Errorf("pdf: %w", err)
	}
	return w.err
}
