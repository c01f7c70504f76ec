package demo

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/tools/internal/faxpages"
)

// What arrived is what was sent, down to the last pel, or is not.
func TestPaper(t *testing.T) {
	s := &story{dir: t.TempDir()}
	sent := drawn(t, s, drawing{"sent.tiff", testpage.Text, standard, 1})
	other := drawn(t, s, drawing{"other.tiff", testpage.Text, standard, 2})
	twice := filepath.Join(s.dir, "twice.tiff")
	page := testpage.Config{Kind: testpage.Text, Columns: drawingColumns, Rows: 100, XDPI: drawingXDPI, YDPI: standard}
	if err := faxpages.Draw(twice, page, page); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		arrived string
		want    string // empty: the same
	}{
		{sent, ""},
		{other, "rows differ"},
		{twice, "1 and 2 pages"},
	}
	for _, tt := range tests {
		if err := same(sent, octets(t, tt.arrived)); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", filepath.Base(tt.arrived), err, tt.want)
		}
	}
	if err := same(sent, []byte("no TIFF")); err == nil {
		t.Error("what is no file is the same")
	}
}

// A page that got a header line is the same below it, and only then.
func TestPaperBelowHeader(t *testing.T) {
	s := &story{dir: t.TempDir()}
	sent := drawn(t, s, drawing{"sent.tiff", testpage.Form, standard, 1})
	other := drawn(t, s, drawing{"other.tiff", testpage.Form, standard, 2})
	rows, err := readSheet(octets(t, sent))
	if err != nil {
		t.Fatal(err)
	}
	below := append(sheet{make([]byte, len(rows[0]))}, rows...)
	if err := below.holds(rows); err != nil {
		t.Error(err)
	}
	if err := rows.holds(rows); err == nil {
		t.Error("there is no header line, and nobody minds")
	}
	strange, err := readSheet(octets(t, other))
	if err != nil {
		t.Fatal(err)
	}
	if err := append(sheet{make([]byte, len(rows[0]))}, strange...).holds(rows); err == nil {
		t.Error("another page is the same")
	}
}

// The PDF of a page is sent as the page itself, without a program that draws it.
func TestPDF(t *testing.T) {
	s := &story{dir: t.TempDir()}
	page := drawn(t, s, drawing{"page.tiff", testpage.Form, fine, 1})
	text, err := pdfOf(page)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "page.pdf")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := document.Open(t.Context(), file, pdf.Poppler{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	paper, resolution := d.Natural(0)
	got, err := d.Page(t.Context(), 0, document.Options{Columns: paper.Columns(resolution), Resolution: resolution})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	want, err := readSheet(octets(t, page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range want {
		row := make([]byte, len(want[n]))
		if err := got.ReadRow(row); err != nil || !bytes.Equal(row, want[n]) {
			t.Fatalf("row %d is another: %v", n+1, err)
		}
	}
}

func TestSeen(t *testing.T) {
	for _, tt := range []struct {
		width, height int
		ok            bool
	}{{1728, 572, true}, {864, 286, true}, {10, 10, false}} {
		var out bytes.Buffer
		if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, tt.width, tt.height))); err != nil {
			t.Fatal(err)
		}
		if err := seen(out.Bytes()); (err == nil) != tt.ok {
			t.Errorf("%d x %d: %v", tt.width, tt.height, err)
		}
	}
	if seen([]byte("no picture")) == nil {
		t.Error("no picture is one")
	}
}

func drawn(t *testing.T, s *story, d drawing) string {
	t.Helper()
	file, err := s.draw(d)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func octets(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
