package demo

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
	"tipring/tools/internal/faxpages"
)

// A drawing is a page of half the height of A4 to be drawn.
type drawing struct {
	name string
	kind testpage.Kind
	yDPI int // rows per inch: standard or fine
	seed uint64
}

// Of drawings.
const (
	drawingColumns = 1728
	drawingXDPI    = 204
	standard       = 98
	fine           = 196
)

// rows is how many a drawing has: of 148 mm.
func (d drawing) rows() int { return 148 * 10 * d.yDPI / 254 }

// draw draws a page into a file of the story.
func (s *story) draw(d drawing) (file string, err error) {
	file = filepath.Join(s.dir, d.name)
	return file, faxpages.Draw(file, testpage.Config{
		Kind: d.kind, Columns: drawingColumns, Rows: d.rows(), XDPI: drawingXDPI, YDPI: d.yDPI, Seed: d.seed,
	})
}

// A sheet is the rows of a page.
type sheet [][]byte

// readSheet reads a file of one page.
func readSheet(file []byte) (sheet, error) {
	t, err := tiff.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	if t.Pages() != 1 {
		return nil, fmt.Errorf("%d pages, want one", t.Pages())
	}
	rows, err := t.Page(0)
	if err != nil {
		return nil, err
	}
	info := t.Info(0)
	var all sheet
	for range info.Rows {
		row := make([]byte, t4.RowOctets(info.Columns))
		if err := rows.ReadRow(row); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// same tells how a file differs from one that was drawn; nil: each pel arrived as it was.
func same(drawn string, arrived []byte) error {
	sent, err := os.ReadFile(drawn)
	if err != nil {
		return err
	}
	a, err := tiff.Open(bytes.NewReader(sent), int64(len(sent)))
	if err != nil {
		return err
	}
	b, err := tiff.Open(bytes.NewReader(arrived), int64(len(arrived)))
	if err != nil {
		return fmt.Errorf("what arrived: %w", err)
	}
	differ, err := faxpages.Differ(a, b)
	if err == nil && differ != nil {
		err = fmt.Errorf("what arrived is not what was sent: %s", strings.Join(differ, ", "))
	}
	return err
}

// sameBelow is same for a page that has got a header line on its way.
func sameBelow(drawn string, arrived []byte) error {
	sent, err := os.ReadFile(drawn)
	if err != nil {
		return err
	}
	a, err := readSheet(sent)
	if err != nil {
		return err
	}
	b, err := readSheet(arrived)
	if err != nil {
		return fmt.Errorf("what arrived: %w", err)
	}
	return b.holds(a)
}

// holds tells what is wrong with a sheet that should be another one below a header line.
func (s sheet) holds(sent sheet) error {
	above := len(s) - len(sent)
	if above <= 0 {
		return fmt.Errorf("%d rows arrived of %d, and no header line", len(s), len(sent))
	}
	for n := range sent {
		if !bytes.Equal(sent[n], s[above+n]) {
			return fmt.Errorf("row %d is not what was sent", n+1)
		}
	}
	return nil
}

// pdfOf is a fine page as a PDF document.
func pdfOf(drawn string) ([]byte, error) {
	octets, err := os.ReadFile(drawn)
	if err != nil {
		return nil, err
	}
	rows, err := readSheet(octets)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := pdf.NewWriter(&out)
	if err := w.BeginPage(pdf.PageConfig{Columns: drawingColumns, XDPI: drawingXDPI, YDPI: fine}); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := w.WriteRow(row); err != nil {
			return nil, err
		}
	}
	err = errors.Join(w.EndPage(), w.Close())
	return out.Bytes(), err
}

// seen looks at a picture of a page.
func seen(picture []byte) error {
	i, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return err
	}
	if b := i.Bounds(); b.Dx() < drawingColumns/4 || b.Dy() < standard {
		return fmt.Errorf("the picture of the page has %d x %d pels", b.Dx(), b.Dy())
	}
	return nil
}
