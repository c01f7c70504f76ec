// Package document opens TIFF, PDF, PNG and JPEG files as fax pages: rows of the width and
// resolution that a call has settled on. A page that has them already passes unchanged; any other is
// scaled, placed and, if it has tones, made a halftone.
package document

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/picture"
	"tipring/t38/t4/tiff"
)

// Options say what pages are to be like.
type Options struct {
	Columns    int           // pels in a row: 1 to t4.MaxColumns
	Resolution t4.Resolution // of T.30
	MaxRows    int           // longer pages are made smaller; 0: no limit
}

// A Document is an open file.
type Document struct {
	file    *os.File
	tiff    *tiff.File
	pdf     *pdf.File // nil with drawn: only Poppler reads it
	drawn   bool
	pages   int
	poppler pdf.Poppler
}

// A Page gives rows from the top, as a t4.RowReader. Close it when it has been read or is given up.
type Page struct {
	t4.RowReader
	Columns, Rows int // known before the first row
	close         func() error
}

// Close frees what the page uses.
func (p *Page) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// Open opens a file by what it begins with, whatever its name. The renderer is for the
// pages of PDF that need one.
func Open(ctx context.Context, path string, renderer pdf.Poppler) (*Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	d := &Document{file: file, poppler: renderer}
	if err := d.open(ctx); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

func (d *Document) open(ctx context.Context) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	var magic [5]byte
	if _, err := d.file.ReadAt(magic[:], 0); err != nil {
		return errors.New("neither TIFF, PDF, PNG nor JPEG")
	}
	switch {
	case string(magic[:2]) == "II" || string(magic[:2]) == "MM":
		if d.tiff, err = tiff.Open(d.file, info.Size()); err == nil {
			d.pages = d.tiff.Pages()
		}
		return err
	case string(magic[:]) == "%PDF-":
		return d.openPDF(ctx, info.Size())
	case string(magic[:4]) == "\x89PNG" || string(magic[:2]) == "\xff\xd8":
		d.pages = 1
		return nil
	}
	return errors.New("neither TIFF, PDF, PNG nor JPEG")
}

// openPDF leaves a file that is not read here, an encrypted or a damaged one, to Poppler.
func (d *Document) openPDF(ctx context.Context, size int64) error {
	var err error
	if d.pdf, err = pdf.Open(d.file, size); err == nil {
		d.pages = d.pdf.Pages()
		return nil
	}
	s, failure := d.poppler.Size(ctx, d.file, 0)
	if errors.Is(failure, pdf.ErrNoPoppler) {
		return fmt.Errorf("%w; %w", err, failure)
	}
	d.drawn, d.pages = true, s.Pages
	return failure
}

// Pages returns the number of pages, at least 1.
func (d *Document) Pages() int { return d.pages }

// Close closes the file.
func (d *Document) Close() error { return d.file.Close() }

// Natural returns the size and resolution that page n, the first is 0, has by itself:
// those of a fax page; A4 at the fine resolution for anything else.
func (d *Document) Natural(n int) (t4.Paper, t4.Resolution) {
	if d.tiff != nil && n >= 0 && n < d.pages {
		i := d.tiff.Info(n)
		if r, ok := t4.ResolutionNear(i.XDPI, i.YDPI); ok {
			if p, ok := t4.PaperOfColumns(i.Columns, r); ok {
				return p, r
			}
		}
	}
	return t4.A4, t4.Fine
}

// Page opens page n, the first is 0. Pages may be opened in any order and again.
func (d *Document) Page(ctx context.Context, n int, o Options) (*Page, error) {
	if n < 0 || n >= d.pages {
		return nil, fmt.Errorf("page %d of %d", n+1, d.pages)
	}
	x, y := o.Resolution.PerMetre()
	if o.Columns < 1 || o.Columns > t4.MaxColumns || x == 0 || o.MaxRows < 0 {
		return nil, fmt.Errorf("a page of %d columns at %v, %d rows", o.Columns, o.Resolution, o.MaxRows)
	}
	l := layout{options: o, target: picture.Target{Columns: o.Columns, X: x, Y: y, MaxRows: o.MaxRows}}
	switch {
	case d.tiff != nil:
		return d.tiffPage(l, n)
	case d.drawn:
		return d.drawnPage(ctx, l, n)
	case d.pdf != nil:
		return d.pdfPage(ctx, l, n)
	}
	g, err := picture.Open(io.NewSectionReader(d.file, 0, 1<<40), 0)
	if err != nil {
		return nil, err
	}
	return l.place(g, l.target.Fit(g.Width(), g.Height(), 0, 0), true)
}

func (d *Document) tiffPage(l layout, n int) (*Page, error) {
	r, err := d.tiff.Page(n)
	if err != nil {
		return nil, err
	}
	i := r.Info()
	return l.rows(r, i.Columns, i.Rows, i.XDPI, i.YDPI)
}

// pdfPage takes the image of the page, or has Poppler draw it.
func (d *Document) pdfPage(ctx context.Context, l layout, n int) (*Page, error) {
	m, err := d.pdf.Page(n)
	if err != nil {
		page, failure := d.drawnPage(ctx, l, n)
		if errors.Is(failure, pdf.ErrNoPoppler) {
			failure = fmt.Errorf("%w; %w", err, failure)
		}
		return page, failure
	}
	if !covers(m.Place, m.Paper) {
		return l.onPaper(m)
	}
	xDPI, yDPI := dpi(m.Columns, m.Place.Width), dpi(m.Height, m.Place.Height)
	if m.Rows != nil {
		return l.rows(m.Rows, m.Columns, m.Height, xDPI, yDPI)
	}
	x, y := perMetre(xDPI, yDPI)
	return l.place(m.Grey, l.target.Fit(m.Columns, m.Height, x, y), true)
}

func (d *Document) drawnPage(ctx context.Context, l layout, n int) (*Page, error) {
	s, err := d.poppler.Size(ctx, d.file, n)
	if err != nil {
		return nil, err
	}
	p := l.fitPaper(s.Width, s.Height)
	drawing, err := d.poppler.Draw(ctx, d.file, n, p.PictureWidth, p.PictureRows)
	if err != nil {
		return nil, err
	}
	page, err := l.place(drawing, p, true)
	if err != nil {
		_ = drawing.Close()
		return nil, err
	}
	page.close = drawing.Close
	return page, nil
}
