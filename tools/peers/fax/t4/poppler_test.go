package t4

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/picture"
	"tipring/t38/t4/tiff"
)

func writePDF(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pdf.NewWriter(f)
	writeKinds(t, w, func() error { return w.BeginPage(pdf.PageConfig{Columns: columns, XDPI: 204, YDPI: 196}) })
}

// Pdftoppm draws our PDF, pel for pel.
func TestPopplerDrawsOurs(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ours.pdf")
	writePDF(t, name)
	if out := run(t, "pdfinfo", name); !bytes.Contains(out, fmt.Appendf(nil, "%d", len(kinds))) {
		t.Errorf("pdfinfo: %s", out)
	}
	for i, kind := range kinds {
		n := fmt.Sprint(i + 1)
		pbm := run(t, "pdftoppm", "-mono", "-aa", "no", "-aaVector", "no", "-f", n, "-l", n, "-rx", "204", "-ry", "196", name)
		head := fmt.Appendf(nil, "P4\n%d %d\n", columns, rows)
		if !bytes.HasPrefix(pbm, head) || !bytes.Equal(pbm[len(head):], bytes.Join(page(t, kind), nil)) {
			t.Errorf("page of %s: other pels; begins %q", kind, pbm[:min(len(pbm), 16)])
		}
	}
}

// Tiff2pdf embeds TIFF's octets in pages of its own making, which we take apart.
func TestWeReadTiff2pdf(t *testing.T) {
	for _, c := range []tiff.PageConfig{{Coding: t4.MMR, Order: t4.MSBFirst}, {Coding: t4.MH, Order: t4.MSBFirst}, {Coding: t4.MR, Order: t4.MSBFirst, K: 4}} {
		for _, flags := range [][]string{{}, {"-z"}, {"-d"}} { // as it is, Flate, plain
			t.Run(fmt.Sprint(c.Coding, flags), func(t *testing.T) {
				dir := t.TempDir()
				tif, name := filepath.Join(dir, "ours.tif"), filepath.Join(dir, "theirs.pdf")
				writeTIFF(t, tif, c)
				run(t, "tiff2pdf", append(flags, "-o", name, tif)...)
				f, err := os.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				info, err := f.Stat()
				if err != nil {
					t.Fatal(err)
				}
				file, err := pdf.Open(f, info.Size())
				if err != nil {
					t.Fatal(err)
				}
				for i, kind := range kinds {
					m, err := file.Page(i)
					if err != nil {
						t.Fatal(err)
					}
					if m.Rows == nil {
						m.Rows = picture.Threshold(m.Grey)
					}
					if n := differ(readAll(t, m.Rows, columns), page(t, kind)); n != 0 {
						t.Errorf("page of %s: %d rows differ", kind, n)
					}
				}
			})
		}
	}
}

// letter is a page that no image makes: a black bar across the upper half, and text.
func letter(t *testing.T, rotate int) string {
	t.Helper()
	content := "0 0 0 rg 100 600 400 100 re f BT /F 24 Tf 100 300 Td (A letter, with words) Tj ET 0.5 g 100 100 400 100 re f"
	b := []byte("%PDF-1.4\n")
	var at []int
	for _, o := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Rotate %d /Contents 4 0 R /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>", rotate),
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
	} {
		at = append(at, len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", len(at), o)
	}
	xref := len(b)
	b = fmt.Appendf(b, "xref\n0 5\n0000000000 65535 f \n")
	for _, a := range at {
		b = fmt.Appendf(b, "%010d 00000 n \n", a)
	}
	b = fmt.Appendf(b, "trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", xref)
	name := filepath.Join(t.TempDir(), "letter.pdf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, name string, renderer pdf.Poppler) *document.Document {
	t.Helper()
	d, err := document.Open(context.Background(), name, renderer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

var fine = document.Options{Columns: columns, Resolution: t4.Fine}

func TestDocumentsThatPopplerDraws(t *testing.T) {
	d := open(t, letter(t, 0), pdf.Poppler{})
	p, err := d.Page(context.Background(), 0, fine)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got := readAll(t, p, columns)
	if p.Rows != len(got) || len(got) != 2207 { // 800 points by 1728 pels for 600
		t.Fatalf("%d rows, %d were promised", len(got), p.Rows)
	}
	black := func(x, y int) bool { return got[y*len(got)/800][x*columns/600>>3] == 0xff }
	white := func(x, y int) bool { return got[y*len(got)/800][x*columns/600>>3] == 0 }
	for _, at := range [][2]int{{110, 110}, {490, 190}, {300, 150}} {
		if !black(at[0], at[1]) {
			t.Errorf("no black at %v", at)
		}
	}
	for _, at := range [][2]int{{90, 150}, {510, 150}, {300, 90}, {300, 210}, {300, 790}} {
		if !white(at[0], at[1]) {
			t.Errorf("no white at %v", at)
		}
	}
	if n := share(got, 100, 480, 350, 510); n < 50 || n > 300 {
		t.Errorf("%d thousandths of the text are black", n)
	}
	if n := share(got, 110, 610, 490, 690); n < 480 || n > 520 {
		t.Errorf("%d thousandths of the grey are black", n)
	}
}

// share returns how many thousandths of a rectangle of a page of 600 x 800 points are black.
func share(page [][]byte, left, top, right, bottom int) int {
	black, all := 0, 0
	for y := top * len(page) / 800; y < bottom*len(page)/800; y++ {
		for x := left * columns / 600; x < right*columns/600; x++ {
			black += int(page[y][x>>3] >> (7 - x&7) & 1)
			all++
		}
	}
	return black * 1000 / all
}

func TestTurnedPage(t *testing.T) {
	d := open(t, letter(t, 90), pdf.Poppler{})
	p, err := d.Page(context.Background(), 0, fine)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Rows != 1242 { // 600 points by 1728 pels for 800
		t.Errorf("%d rows", p.Rows)
	}
	if got := readAll(t, p, columns); len(got) != p.Rows {
		t.Errorf("%d rows, %d were promised", len(got), p.Rows)
	}
}

// A file without its last lines is one that only Poppler can put together again.
func TestDamagedFileIsLeftToPoppler(t *testing.T) {
	whole, err := os.ReadFile(letter(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "cut.pdf")
	if err := os.WriteFile(name, whole[:bytes.Index(whole, []byte("startxref"))], 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := open(t, name, pdf.Poppler{}).Page(context.Background(), 0, fine)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := readAll(t, p, columns); len(got) != 2207 {
		t.Errorf("%d rows", len(got))
	}
}

func TestRendererHasLimits(t *testing.T) {
	name := letter(t, 0)
	for what, renderer := range map[string]pdf.Poppler{
		"memory": {Limits: pdf.Limits{MemoryMB: 8, CPUSeconds: 5}},
		"time":   {Timeout: time.Nanosecond},
	} {
		d := open(t, name, renderer)
		p, err := d.Page(context.Background(), 0, fine)
		if err == nil {
			row := make([]byte, octets)
			for err == nil {
				err = p.ReadRow(row)
			}
			p.Close()
		}
		if errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "pdf") {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Run("closed early", func(t *testing.T) {
		p, err := open(t, name, pdf.Poppler{}).Page(context.Background(), 0, fine)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.ReadRow(make([]byte, octets)), p.Close()); err != nil {
			t.Error(err)
		}
	})
}
