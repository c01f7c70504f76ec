package spool

import (
	"errors"
	"fmt"
	"io"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/picture"
	"tipring/t38/t4/tiff"
)

// WriteTIFF writes the document of a fax as it is kept.
func (s *Store) WriteTIFF(id string, out io.Writer) error {
	d, err := s.OpenDocument(id)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = io.Copy(out, io.NewSectionReader(d, 0, d.Size()))
	return err
}

// WritePDF writes the document of a fax as PDF.
func (s *Store) WritePDF(id string, out io.Writer) error {
	return s.view(id, func(f *tiff.File) error {
		w := pdf.NewWriter(out)
		for n := range f.Pages() {
			if err := pdfPage(w, f, n); err != nil {
				return err
			}
		}
		return w.Close()
	})
}

// view opens the document of a fax for f.
func (s *Store) view(id string, f func(*tiff.File) error) error {
	d, err := s.OpenDocument(id)
	if err != nil {
		return err
	}
	defer d.Close()
	t, err := tiff.Open(d, d.Size())
	if err == nil {
		err = f(t)
	}
	if err != nil {
		return fmt.Errorf("fax %s: %w", id, err)
	}
	return nil
}

func pdfPage(w *pdf.Writer, f *tiff.File, n int) error {
	p, err := f.Page(n)
	if err != nil {
		return err
	}
	i := p.Info()
	x, y := shape(i)
	if err := w.BeginPage(pdf.PageConfig{Columns: i.Columns, XDPI: x, YDPI: y}); err != nil {
		return err
	}
	if _, err := t4.Copy(w, p, i.Columns); err != nil {
		return err
	}
	return w.EndPage()
}

// shape is a page's pels and lines per inch; those of a fine page if it does not say.
func shape(i tiff.Info) (x, y int) {
	if i.XDPI > 0 && i.YDPI > 0 && i.XDPI <= 10000 && i.YDPI <= 10000 {
		return i.XDPI, i.YDPI
	}
	return t4.Fine.DPI()
}

// ErrNoSuchPage is the error of a page that a document does not have.
var ErrNoSuchPage = errors.New("no such page")

// WritePNG writes page n of a fax, the first is 1, as a picture in black and white. Rows are
// repeated or left out so that its pels are about square.
func (s *Store) WritePNG(id string, n int, out io.Writer) error {
	return s.WriteView(id, n, out, View{})
}

// A View is how a page is shown.
type View struct {
	Scale int // as of picture.Sheet
	// Gone of Of rows have gone of a page that is on its way, and what is still to go is pale;
	// an Of of 0: it is not.
	Gone, Of int
}

// WriteView is WritePNG in another way.
func (s *Store) WriteView(id string, n int, out io.Writer, v View) error {
	return s.view(id, func(f *tiff.File) error {
		if n < 1 || n > f.Pages() {
			return fmt.Errorf("page %d of %d: %w", n, f.Pages(), ErrNoSuchPage)
		}
		p, err := f.Page(n - 1)
		if err != nil {
			return err
		}
		i := p.Info()
		sheet := picture.Sheet{Columns: i.Columns, Rows: i.Rows, Scale: v.Scale}
		sheet.XDPI, sheet.YDPI = shape(i)
		if v.Of > 0 { // the page on the line may have other rows: a header, another resolution
			sheet.Pale = i.Rows - int(int64(i.Rows)*int64(min(v.Gone, v.Of))/int64(v.Of))
		}
		return picture.WritePNG(out, p, sheet)
	})
}
