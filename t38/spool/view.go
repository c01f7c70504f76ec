package spool

import (
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
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
	return s.view(id, func(f *tiff.File) error {
		if n < 1 || n > f.Pages() {
			return fmt.Errorf("page %d of %d: %w", n, f.Pages(), ErrNoSuchPage)
		}
		p, err := f.Page(n - 1)
		if err != nil {
			return err
		}
		return writePNG(out, p, p.Info())
	})
}

// writePNG streams a page: the image/png package wants it whole, of an octet a pel.
func writePNG(out io.Writer, rows t4.RowReader, i tiff.Info) error {
	x, y := shape(i)
	height := max(1, int(int64(i.Rows)*int64(x)/int64(y)))
	w := &pngWriter{out: out}
	_, w.err = io.WriteString(out, "\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(nil, uint32(i.Columns))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	w.chunk("IHDR", append(head, 1, 0, 0, 0, 0)) // one bit of grey a pel
	z, err := zlib.NewWriterLevel(w, zlib.BestSpeed)
	if err != nil {
		return err
	}
	if err := pngRows(z, rows, i, height); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	w.chunk("IEND", nil)
	return w.err
}

// pngRows writes the rows, each behind the number of its filter (none), with 0 for black.
// Where several rows become one, a pel is black in it that is in any of them.
func pngRows(out io.Writer, rows t4.RowReader, i tiff.Info, height int) error {
	row, line := make([]byte, t4.RowOctets(i.Columns)), make([]byte, 1+t4.RowOctets(i.Columns))
	read := 0
	for y := range height {
		end := max(int(int64(y+1)*int64(i.Rows)/int64(height)), int(int64(y)*int64(i.Rows)/int64(height))+1)
		for fresh := true; read < end; read, fresh = read+1, false {
			if err := rows.ReadRow(row); err != nil {
				return err
			}
			for k, octet := range row {
				if fresh {
					line[1+k] = 0xff
				}
				line[1+k] &^= octet
			}
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// pngWriter writes chunks (PNG specification, section 5.3); what is written to it goes into
// IDAT chunks.
type pngWriter struct {
	out io.Writer
	err error
}

func (w *pngWriter) chunk(name string, data []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	if w.err == nil {
		_, w.err = w.out.Write(b)
	}
}

// Write implements io.Writer.
func (w *pngWriter) Write(p []byte) (int, error) {
	w.chunk("IDAT", p)
	return len(p), w.err
}
