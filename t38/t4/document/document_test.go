package document

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// part of a page's length is what the tests read.
const part = 4

// source is the top of a page of text of a paper and resolution.
func source(t *testing.T, p t4.Paper, r t4.Resolution) (page t4.RowReader, columns, rows int) {
	t.Helper()
	x, y := r.DPI()
	columns, rows = p.Columns(r), p.Rows(r)/part
	page, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: columns, Rows: rows, XDPI: x, YDPI: y})
	if err != nil {
		t.Fatal(err)
	}
	return page, columns, rows
}

func writeTIFF(t *testing.T, p t4.Paper, r t4.Resolution) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "page") // its name says nothing
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page, columns, _ := source(t, p, r)
	x, y := r.DPI()
	w, err := tiff.NewWriter(f)
	if err == nil {
		err = w.BeginPage(tiff.PageConfig{Columns: columns, XDPI: x, YDPI: y, Coding: t4.MMR})
	}
	if err == nil {
		_, err = t4.Copy(w, page, columns)
	}
	if err = errors.Join(err, w.EndPage(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func writePDF(t *testing.T, p t4.Paper, r t4.Resolution) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "page")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page, columns, _ := source(t, p, r)
	x, y := r.DPI()
	w := pdf.NewWriter(f)
	err = w.BeginPage(pdf.PageConfig{Columns: columns, XDPI: x, YDPI: y})
	if err == nil {
		_, err = t4.Copy(w, page, columns)
	}
	if err = errors.Join(err, w.EndPage(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, name string) *Document {
	t.Helper()
	d, err := Open(context.Background(), name, pdf.Poppler{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// read returns the rows of a page in one piece, and their number, and the share of black in thousandths.
func read(t *testing.T, d *Document, n int, o Options) (pels []byte, rows, black int) {
	t.Helper()
	p, err := d.Page(context.Background(), n, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Columns != o.Columns {
		t.Fatalf("%d columns, want %d", p.Columns, o.Columns)
	}
	row := make([]byte, t4.RowOctets(p.Columns))
	for {
		err := p.ReadRow(row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pels = append(pels, row...)
		rows++
		for _, octet := range row {
			black += bits.OnesCount8(octet)
		}
	}
	if rows != p.Rows {
		t.Fatalf("%d rows, %d were promised", rows, p.Rows)
	}
	return pels, rows, black * 1000 / (rows * p.Columns)
}

func TestFaxPagesPassUnchanged(t *testing.T) {
	for r := t4.Standard; r <= t4.R16; r++ {
		for _, p := range []t4.Paper{t4.A4, t4.A3} {
			page, columns, rows := source(t, p, r)
			want := make([]byte, rows*t4.RowOctets(columns))
			for i := range rows {
				n := t4.RowOctets(columns)
				if err := page.ReadRow(want[i*n : (i+1)*n]); err != nil {
					t.Fatal(err)
				}
			}
			for kind, name := range map[string]string{"TIFF": writeTIFF(t, p, r), "PDF": writePDF(t, p, r)} {
				d := open(t, name)
				if got, _, _ := read(t, d, 0, Options{Columns: columns, Resolution: r}); !bytes.Equal(got, want) {
					t.Errorf("%s %v %v: changed", kind, p, r)
				}
				if ownP, ownR := d.Natural(0); kind == "TIFF" && (ownP != p || ownR != r) {
					t.Errorf("%v %v: natural size is %v %v", p, r, ownP, ownR)
				}
			}
		}
	}
}

// From one resolution to another a page keeps its size on paper, and its share of black more or less.
func TestResolutionsAndWidthsChange(t *testing.T) {
	for _, tt := range []struct {
		from  t4.Paper
		res   t4.Resolution
		to    Options
		rows  int
		least int // thousandths that are black
		most  int
	}{
		{t4.A4, t4.Fine, Options{Columns: 1728, Resolution: t4.Standard}, 286, 80, 115},
		{t4.A4, t4.Standard, Options{Columns: 1728, Resolution: t4.Fine}, 570, 70, 95},
		{t4.A4, t4.Standard, Options{Columns: 1728, Resolution: t4.Superfine}, 1140, 70, 95},
		{t4.A4, t4.Fine, Options{Columns: 2592, Resolution: t4.DPI300}, 876, 80, 95},
		{t4.B4, t4.Fine, Options{Columns: 1728, Resolution: t4.Fine}, 573, 75, 115},
		{t4.A3, t4.Fine, Options{Columns: 1728, Resolution: t4.Fine}, 574, 75, 135},
		{t4.A4, t4.Fine, Options{Columns: 2432, Resolution: t4.Fine}, 571, 55, 70},
		{t4.A4, t4.Fine, Options{Columns: 1728, Resolution: t4.Fine, MaxRows: 500}, 500, 60, 95},
	} {
		for kind, name := range map[string]string{"TIFF": writeTIFF(t, tt.from, tt.res), "PDF": writePDF(t, tt.from, tt.res)} {
			_, rows, black := read(t, open(t, name), 0, tt.to)
			if rows != tt.rows || black < tt.least || black > tt.most {
				t.Errorf("%s %v %v to %+v: %d rows, %d thousandths black", kind, tt.from, tt.res, tt.to, rows, black)
			}
		}
	}
}

func TestPicturesBecomeHalftones(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 300, 150))
	for y := range 150 {
		for x := range 300 {
			m.SetGray(x, y, color.Gray{192})
		}
	}
	var asPNG, asJPEG bytes.Buffer
	if err := errors.Join(png.Encode(&asPNG, m), jpeg.Encode(&asJPEG, m, nil)); err != nil {
		t.Fatal(err)
	}
	for kind, octets := range map[string][]byte{"PNG": asPNG.Bytes(), "JPEG": asJPEG.Bytes()} {
		name := filepath.Join(t.TempDir(), "picture")
		if err := os.WriteFile(name, octets, 0o600); err != nil {
			t.Fatal(err)
		}
		d := open(t, name)
		_, rows, black := read(t, d, 0, Options{Columns: 1728, Resolution: t4.Fine})
		if d.Pages() != 1 || rows != 828 || black < 235 || black > 260 {
			t.Errorf("%s: %d pages, %d rows, %d thousandths black", kind, d.Pages(), rows, black)
		}
		if p, r := d.Natural(0); p != t4.A4 || r != t4.Fine {
			t.Errorf("natural size %v %v", p, r)
		}
	}
}

// An image on a part of its paper stays where it is.
func TestImageOnPaper(t *testing.T) {
	const pdfPage = `%PDF-1.4
1 0 obj
<< /Pages 2 0 R >>
endobj
2 0 obj
<< /Kids [3 0 R] /MediaBox [0 0 600 800] >>
endobj
3 0 obj
<< /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>
endobj
4 0 obj
<< /Length 30 >>
stream
q 300 0 0 200 150 400 cm /I Do
endstream
endobj
5 0 obj
<< /Subtype /Image /Width 8 /Height 1 /BitsPerComponent 1 /ColorSpace /DeviceGray /Length 1 >>
stream
` + "\x00" + `
endstream
endobj
`
	file := pdfPage + "xref\n1 5\n"
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		file += strings.Repeat("0", 7) + strings.Repeat("", 1)
		at := strings.Index(pdfPage, n+" 0 obj")
		file += string([]byte{byte('0' + at/100), byte('0' + at/10%10), byte('0' + at%10)}) + " 00000 n \n"
	}
	at := strings.Index(file, "xref")
	file += "trailer\n<< /Root 1 0 R >>\nstartxref\n" + string([]byte{byte('0' + at/100), byte('0' + at/10%10), byte('0' + at%10)}) + "\n%%EOF\n"
	name := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	pels, rows, black := read(t, open(t, name), 0, Options{Columns: 1728, Resolution: t4.Fine})
	// 600 x 800 points are 1728 x 2207 pels; the image takes a half by a quarter.
	if rows != 2207 || black < 124 || black > 126 {
		t.Errorf("%d rows, %d thousandths black", rows, black)
	}
	at800 := func(x, y int) bool { return pels[y*rows/800*216+x*1728/600>>3] != 0 }
	for _, p := range []struct {
		x, y  int
		black bool
	}{{140, 300, false}, {160, 300, true}, {440, 300, true}, {460, 300, false}, {300, 190, false}, {300, 210, true}, {300, 390, true}, {300, 410, false}} {
		if at800(p.x, p.y) != p.black {
			t.Errorf("point %d, %d: black %t", p.x, p.y, !p.black)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir) // no poppler-utils
	write := func(name, octets string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(octets), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "none"):       "no such file",
		dir:                              "not a regular file",
		write("empty", ""):               "neither TIFF, PDF, PNG nor JPEG",
		write("letter", "Dear Sir"):      "neither TIFF, PDF, PNG nor JPEG",
		write("tiff", "II*\x00\x08"):     "tiff: header",
		write("pdf", "%PDF-1.4 and cut"): "poppler-utils",
	} {
		if _, err := Open(context.Background(), name, pdf.Poppler{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	d := open(t, writeTIFF(t, t4.A4, t4.Standard))
	good := Options{Columns: 1728, Resolution: t4.Fine}
	for _, tt := range []struct {
		n int
		o Options
	}{{-1, good}, {1, good}, {0, Options{}}, {0, Options{Columns: 1728}}, {0, Options{Columns: 1 << 20, Resolution: t4.Fine}}, {0, Options{Columns: 1728, Resolution: t4.Fine, MaxRows: -1}}} {
		if _, err := d.Page(context.Background(), tt.n, tt.o); err == nil {
			t.Errorf("page %d, %+v: taken", tt.n, tt.o)
		}
	}
	broken := open(t, write("png", "\x89PNG\r\n\x1a\nand no more"))
	if _, err := broken.Page(context.Background(), 0, good); err == nil || !strings.Contains(err.Error(), "picture") {
		t.Error(err)
	}
}
