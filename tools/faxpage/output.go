package main

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"strings"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/tiff"
)

// output is a file being written: TIFF, PDF, or PNG of one page, by its name.
type output struct {
	how  format
	file *os.File
	tiff *tiff.Writer
	pdf  *pdf.Writer
	pngs int
}

func create(how format) (*output, error) {
	file, err := os.Create(how.output)
	if err != nil {
		return nil, err
	}
	o := &output{how: how, file: file}
	switch {
	case strings.HasSuffix(how.output, ".pdf"):
		o.pdf = pdf.NewWriter(file)
	case strings.HasSuffix(how.output, ".png"):
	default:
		if o.tiff, err = tiff.NewWriter(file); err != nil {
			return nil, o.giveUp(err)
		}
	}
	return o, nil
}

// giveUp removes the file.
func (o *output) giveUp(err error) error {
	o.file.Close()
	os.Remove(o.file.Name())
	return err
}

// pageWriter is what package tiff and package pdf write pages with.
type pageWriter interface {
	t4.RowWriter
	EndPage() error
}

// page writes a page.
func (o *output) page(r t4.RowReader, columns, rows int) error {
	x, y := o.how.resolution.DPI()
	var w pageWriter
	var err error
	switch {
	case o.tiff != nil:
		w = o.tiff
		err = o.tiff.BeginPage(tiff.PageConfig{
			Columns: columns, XDPI: x, YDPI: y, Coding: o.how.coding, Order: o.how.order, K: o.how.k,
			AlignEOL: o.how.align, RowsPerStrip: o.how.strip, Software: "tipring faxpage",
		})
	case o.pdf != nil:
		w = o.pdf
		err = o.pdf.BeginPage(pdf.PageConfig{Columns: columns, XDPI: x, YDPI: y})
	default:
		return o.png(r, columns, rows)
	}
	if err != nil {
		return err
	}
	if _, err := t4.Copy(w, r, columns); err != nil {
		return err
	}
	return w.EndPage()
}

// png writes a page as a picture, to be looked at.
func (o *output) png(r t4.RowReader, columns, rows int) error {
	if o.pngs++; o.pngs > 1 {
		return errors.New("a PNG has one page: want -page")
	}
	m := image.NewPaletted(image.Rect(0, 0, columns, rows), color.Palette{color.White, color.Black})
	row := make([]byte, t4.RowOctets(columns))
	for y := range rows {
		switch err := r.ReadRow(row); {
		case errors.Is(err, io.EOF):
		case err != nil:
			return err
		}
		for x := range columns {
			m.Pix[y*m.Stride+x] = row[x>>3] >> (7 - x&7) & 1
		}
	}
	return png.Encode(o.file, m)
}

func (o *output) close() error {
	var err error
	switch {
	case o.tiff != nil:
		err = o.tiff.Close()
	case o.pdf != nil:
		err = o.pdf.Close()
	}
	if err != nil {
		return o.giveUp(err)
	}
	return o.file.Close()
}
