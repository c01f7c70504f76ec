package fax

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/tiff"
)

// picture is a page in shades of grey.
func picture() image.Image {
	m := image.NewGray(image.Rect(0, 0, 600, 100))
	for y := range 100 {
		for x := range 600 {
			m.SetGray(x, y, color.Gray{Y: uint8(x*y/7 + x/3)})
		}
	}
	return m
}

// Documents of every kind are sent: as they are, or fitted to a page.
func TestDocuments(t *testing.T) {
	write := func(name string, encode func(b *bytes.Buffer) error) string {
		t.Helper()
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	files := []struct {
		path       string
		pages      int
		resolution string
	}{
		{write("a.png", func(b *bytes.Buffer) error { return png.Encode(b, picture()) }), 1, "fine"},
		{write("a.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(), nil) }), 1, "fine"},
		{write("a.pdf", func(b *bytes.Buffer) error { return threePages(t, b) }), 3, "fine"},
	}
	for _, f := range files {
		t.Run(filepath.Ext(f.path), func(t *testing.T) {
			source := openDocument(t, f.path)
			inBubble(t, usual(), func(t *testing.T, r *rig) {
				box := newMailbox(t)
				r.far.sink = box
				out := r.send(source, nil).wait()
				in := r.took()
				mustSend(t, out, in, f.pages, "t38")
				if err := box.Close(); err != nil {
					t.Fatal(err)
				}
				got, err := tiff.Open(bytes.NewReader(box.file.octets), int64(len(box.file.octets)))
				if err != nil {
					t.Fatal(err)
				}
				for n := range got.Pages() {
					if i := got.Info(n); i.Columns != 1728 || i.Rows != in.Pages[n].Rows || in.Pages[n].Rows != out.Pages[n].Rows || out.Pages[n].Resolution != f.resolution {
						t.Errorf("page %d: %+v, %+v, %+v", n+1, i, in.Pages[n], out.Pages[n])
					}
				}
			})
		})
	}
}

// A banner of A3's width arrives as it is where nobody has to print it, and on A4 elsewhere.
func TestPaper(t *testing.T) {
	const columns, rows = 2432, 4000 // of 98 lines an inch: over a metre
	name := filepath.Join(t.TempDir(), "banner.tif")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := tiff.NewWriter(file)
	if err == nil {
		err = w.BeginPage(tiff.PageConfig{Columns: columns, XDPI: 204, YDPI: 98, Coding: t4.MMR})
	}
	row := make([]byte, t4.RowOctets(columns))
	for n := 0; n < rows && err == nil; n++ {
		row[n%len(row)] ^= 0x18
		err = w.WriteRow(row)
	}
	if err = errors.Join(err, w.EndPage(), w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	for _, anyPaper := range []bool{true, false} {
		inBubble(t, usual(), func(t *testing.T, r *rig) {
			box := newMailbox(t)
			r.far.sink, r.far.anyPaper = box, anyPaper
			mustSend(t, r.send(openDocument(t, name), nil).wait(), r.took(), 1, "t38")
			if err := box.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := tiff.Open(bytes.NewReader(box.file.octets), int64(len(box.file.octets)))
			if err != nil {
				t.Fatal(err)
			}
			if i := got.Info(0); anyPaper != (i.Columns == columns && i.Rows == rows) || !anyPaper && i.Columns != 1728 {
				t.Errorf("any paper %v: %+v", anyPaper, i)
			}
		})
	}
}

func threePages(t testing.TB, b *bytes.Buffer) error {
	w := pdf.NewWriter(b)
	for n := range 3 {
		if err := w.BeginPage(pdf.PageConfig{Columns: 1728, XDPI: 204, YDPI: 98}); err != nil {
			return err
		}
		if _, err := t4.Copy(w, pageOf(t, n), 1728); err != nil {
			return err
		}
		if err := w.EndPage(); err != nil {
			return err
		}
	}
	return w.Close()
}
