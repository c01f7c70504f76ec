package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"tipring/t38/t4"
	"tipring/t38/t4/picture"
)

func drawing(columns, rows int, seed uint64) [][]byte {
	rnd := rand.New(rand.NewPCG(seed, 0))
	p := make([][]byte, rows)
	for i := range p {
		p[i] = make([]byte, t4.RowOctets(columns))
		for range 1 + rnd.IntN(12) {
			p[i][rnd.IntN(len(p[i]))] = byte(rnd.Uint32())
		}
		clip(p[i], columns)
	}
	return p
}

func write(t testing.TB, configs []PageConfig, pages [][][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for i, c := range configs {
		if err := w.BeginPage(c); err != nil {
			t.Fatal(err)
		}
		for _, row := range pages[i] {
			if err := w.WriteRow(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.EndPage(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(octets []byte) (*File, error) {
	return Open(bytes.NewReader(octets), int64(len(octets)))
}

// readRows returns the rows up to the first error, which is nil at the end.
func readRows(m *Image) ([][]byte, error) {
	r := m.Rows
	if r == nil {
		r = picture.Threshold(m.Grey)
	}
	var rows [][]byte
	for {
		row := make([]byte, t4.RowOctets(m.Columns))
		switch err := r.ReadRow(row); {
		case err == io.EOF:
			return rows, nil
		case err != nil:
			return rows, err
		}
		rows = append(rows, row)
	}
}

func TestFilesReadBack(t *testing.T) {
	configs := []PageConfig{{1728, 204, 98}, {2432, 204, 391}, {2592, 300, 300}, {77, 72, 72}}
	var pages [][][]byte
	for i, c := range configs {
		pages = append(pages, drawing(c.Columns, 100+i, uint64(i)))
	}
	f, err := open(write(t, configs, pages))
	if err != nil {
		t.Fatal(err)
	}
	if f.Pages() != len(pages) {
		t.Fatalf("%d pages", f.Pages())
	}
	for i, c := range configs {
		m, err := f.Page(i)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readRows(m)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(pages[i]) {
			t.Errorf("page %d: %d rows, %v", i, len(got), err)
		}
		if m.Paper != m.Place || m.Paper.Left != 0 || m.Paper.Top != 0 {
			t.Errorf("page %d: image %+v on %+v", i, m.Place, m.Paper)
		}
		if dpi := (c.Columns*72000 + m.Place.Width/2) / m.Place.Width; dpi != c.XDPI {
			t.Errorf("page %d: %d dpi, want %d", i, dpi, c.XDPI)
		}
	}
}

func TestWriterRefusals(t *testing.T) {
	w := NewWriter(io.Discard)
	row := make([]byte, 216)
	for what, err := range map[string]error{
		"row without a page": w.WriteRow(row), "end without a page": w.EndPage(), "no page": w.Close(),
		"no columns": w.BeginPage(PageConfig{0, 204, 98}), "no resolution": w.BeginPage(PageConfig{1728, 0, 98}),
	} {
		if err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if err := w.BeginPage(PageConfig{1728, 204, 98}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"page in a page": w.BeginPage(PageConfig{1728, 204, 98}), "empty page": w.EndPage(), "short row": w.WriteRow(row[1:]), "close": w.Close(),
	} {
		if err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

// build makes a file of objects, of which 1 is the catalog, with a table of where they are.
func build(objects ...string) []byte {
	b := []byte("%PDF-1.5\n")
	var at []int
	for i, o := range objects {
		at = append(at, len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := len(b)
	b = fmt.Appendf(b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		b = fmt.Appendf(b, "%010d 00000 n \n", a)
	}
	return fmt.Appendf(b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
}

func streamOf(entries, octets string) string {
	return fmt.Sprintf("<< /Length %d %s >>\nstream\n%s\nendstream", len(octets), entries, octets)
}

// onePage is a file with a page, which has a content and an image.
func onePage(page, content, image string) []byte {
	return build("<< /Type /Catalog /Pages 2 0 R >>", "<< /Kids [3 0 R] /Count 1 /MediaBox [0 0 200 100] >>",
		"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> "+page+" >>", streamOf("", content), image)
}

func deflate(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

const whole1 = "q 200 0 0 100 0 0 cm /I Do Q"

// One image of 10 x 3 pels in what scanners write: its first row is black, its second is
// black at the left, its third white.
func TestKindsOfImages(t *testing.T) {
	want := [][]byte{{0xff, 0xc0}, {0xf8, 0}, {0, 0}}
	bits := "\xff\xc0\xf8\x00\x00\x00"
	inverse := "\x00\x3f\x07\xff\xff\xff"
	var grey, rgb, index, up, paethed string
	for y := range 3 {
		up += "\x02"
		paethed += "\x04"
		for x := range 10 {
			v := byte(255)
			if y == 0 || y == 1 && x < 5 {
				v = 0
			}
			grey += string([]byte{v})
			rgb += string([]byte{v, v, v})
			index += string([]byte{1 - v/255})
		}
	}
	up = "\x00" + grey[:10] + "\x02"
	for x := range 10 {
		up += string([]byte{grey[10+x] - grey[x]})
	}
	up += "\x01" + grey[20:21] + strings.Repeat("\x00", 9)
	fax := func(c t4.EncoderConfig) string {
		c.Columns, c.Order = 10, t4.MSBFirst
		e, err := t4.NewEncoder(c)
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		for _, row := range want {
			out = e.AppendRow(out, row)
		}
		return string(e.AppendEnd(out))
	}
	size := "/Subtype /Image /Width 10 /Height 3 "
	gray1, gray8 := size+"/BitsPerComponent 1 /ColorSpace /DeviceGray ", size+"/BitsPerComponent 8 /ColorSpace /DeviceGray "
	for _, tt := range []struct{ name, entries, octets string }{
		{"bits", gray1, inverse},
		{"bits, 1 is black", gray1 + "/Decode [1 0]", bits},
		{"mask", size + "/ImageMask true", inverse},
		{"bits with a palette", size + "/BitsPerComponent 1 /ColorSpace [/Indexed /DeviceRGB 1 <ffffff000000>]", bits},
		{"bits, Flate", gray1 + "/Filter /FlateDecode", deflate(inverse)},
		{"grey", gray8, grey},
		{"grey, Flate", gray8 + "/Filter [/FlateDecode]", deflate(grey)},
		{"grey, PNG predictor", gray8 + "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 10 >>", deflate(up)},
		{"grey, TIFF predictor", gray8 + "/Filter /FlateDecode /DecodeParms [<< /Predictor 2 /Columns 10 >>]", deflate(differences(grey, 10, 1))},
		{"RGB", size + "/BitsPerComponent 8 /ColorSpace /DeviceRGB", rgb},
		{"RGB, TIFF predictor", size + "/BitsPerComponent 8 /ColorSpace [/ICCBased 6 0 R] /Filter /FlateDecode /DecodeParms << /Predictor 2 /Columns 10 /Colors 3 >>", deflate(differences(rgb, 30, 3))},
		{"palette", size + "/BitsPerComponent 8 /ColorSpace [/Indexed /DeviceGray 1 (\\377\\000)]", index},
		{"MMR", gray1 + "/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 10 >>", fax(t4.EncoderConfig{Coding: t4.MMR})},
		{"MH with EOL", gray1 + "/Filter /CCITTFaxDecode /DecodeParms << /Columns 10 /EndOfLine true >>", fax(t4.EncoderConfig{Coding: t4.MH})},
		{"MH aligned", gray1 + "/Filter /CCITTFaxDecode /DecodeParms << /Columns 10 /EncodedByteAlign true >>", fax(t4.EncoderConfig{Coding: t4.MH, Bare: true})},
		{"MR", gray1 + "/Filter /CCITTFaxDecode /DecodeParms << /K 4 /Columns 10 /EndOfLine true >>", fax(t4.EncoderConfig{Coding: t4.MR})},
		{"MMR, black is 1 and painted black", gray1 + "/Decode [1 0] /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 10 /BlackIs1 true >>", fax(t4.EncoderConfig{Coding: t4.MMR})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			octets := onePage("", whole1, streamOf(tt.entries, tt.octets))
			octets = bytes.Replace(octets, []byte("[/ICCBased 6 0 R]"), []byte("[/ICCBased 9 0 R]"), 1)
			if strings.Contains(tt.entries, "ICCBased") {
				octets = build("<< /Pages 2 0 R >>", "<< /Kids [3 0 R] /MediaBox [0 0 200 100] >>",
					"<< /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>", streamOf("", whole1), streamOf(tt.entries, tt.octets), streamOf("/N 3", "profile"))
			}
			f, err := open(octets)
			if err != nil {
				t.Fatal(err)
			}
			m, err := f.Page(0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readRows(m)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%x, %v", got, err)
			}
			if m.Paper != (Box{0, 0, 200000, 100000}) || m.Place != m.Paper {
				t.Errorf("%+v on %+v", m.Place, m.Paper)
			}
		})
	}
	t.Run("JPEG", func(t *testing.T) {
		g := image.NewGray(image.Rect(0, 0, 10, 3))
		for i := range g.Pix {
			g.Set(i%10, i/10, color.Gray{grey[i]})
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, g, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		f, err := open(onePage("", whole1, streamOf(gray8+"/Filter /DCTDecode", b.String())))
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.Page(0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readRows(m); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%x, %v", got, err)
		}
	})
}

// differences is what the TIFF predictor makes of rows.
func differences(s string, row, step int) string {
	out := []byte(s)
	for i := len(out) - 1; i >= 0; i-- {
		if i%row >= step {
			out[i] -= out[i-step]
		}
	}
	return string(out)
}

const anImage = "/Subtype /Image /Width 8 /Height 1 /BitsPerComponent 1 /ColorSpace /DeviceGray"

func TestWhatAPageMayDraw(t *testing.T) {
	for _, tt := range []struct {
		name, page, content string
		other               bool
		place               Box
	}{
		{"the image", "", whole1, false, Box{0, 0, 200000, 100000}},
		{"with a margin", "", "q 1 0 0 1 10 20 cm 100 0 0 50 0 0 cm /I Do Q", false, Box{10000, 30000, 100000, 50000}},
		{"in a crop box", "/CropBox [10 10 110 60]", "q 100 0 0 50 10 10 cm /I Do Q", false, Box{0, 0, 100000, 50000}},
		{"with recognised text", "", whole1 + " BT /F 12 Tf 3 Tr 10 10 Td (text) Tj ET", false, Box{0, 0, 200000, 100000}},
		{"with marks", "", "/P <</MCID 0>> BDC " + whole1 + " EMC", false, Box{0, 0, 200000, 100000}},
		{"text", "", whole1 + " BT /F 12 Tf 10 10 Td (text) Tj ET", true, Box{}},
		{"a line", "", whole1 + " 0 0 m 10 10 l S", true, Box{}},
		{"two images", "", whole1 + " " + whole1, true, Box{}},
		{"nothing", "", "", true, Box{}},
		{"a turned image", "", "q 0 100 -200 0 200 0 cm /I Do Q", true, Box{}},
		{"a mirrored image", "", "q -200 0 0 100 200 0 cm /I Do Q", true, Box{}},
		{"a turned page", "/Rotate 90", whole1, true, Box{}},
		{"with notes", "/Annots [6 0 R]", whole1, true, Box{}},
		{"an image of none", "", "q 200 0 0 100 0 0 cm /J Do Q", true, Box{}},
		{"clipped", "", "0 0 10 10 re W n " + whole1, true, Box{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := open(onePage(tt.page, tt.content, streamOf(anImage, "\xaa")))
			if err != nil {
				t.Fatal(err)
			}
			m, err := f.Page(0)
			if Other(err) != tt.other || err != nil && !tt.other {
				t.Fatalf("%v", err)
			}
			if err == nil && m.Place != tt.place {
				t.Errorf("%+v, want %+v", m.Place, tt.place)
			}
		})
	}
}

// The newer form of a file: a stream tells where objects are, and most are in another.
func TestCrossReferenceStreams(t *testing.T) {
	inside := []string{"<< /Pages 2 0 R >>", "<< /Kids [3 0 R] /MediaBox [0 0 200 100] >>", "<< /Contents 5 0 R /Resources << /XObject << /I 6 0 R >> >> >>"}
	head, body := "", ""
	for i, o := range inside {
		head += fmt.Sprintf("%d %d ", i+1, len(body))
		body += o + " "
	}
	b := []byte("%PDF-1.5\n")
	at := map[int]int{}
	put := func(n int, o string) {
		at[n] = len(b)
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", n, o)
	}
	put(4, streamOf(fmt.Sprintf("/Type /ObjStm /N 3 /First %d /Filter /FlateDecode", len(head)), deflate(head+body)))
	put(5, streamOf("", whole1))
	put(6, streamOf(anImage, "\xaa"))
	at[7] = len(b)
	var rows []byte
	row := func(kind, v, w int) { rows = append(rows, byte(kind), byte(v>>8), byte(v), byte(w)) }
	row(0, 0, 0)
	for i := range 3 {
		row(2, 4, i)
	}
	for n := 4; n <= 7; n++ {
		row(1, at[n], 0)
	}
	filtered := "" // each row less the one above
	for i := range rows {
		if i%4 == 0 {
			filtered += "\x02"
		}
		above := byte(0)
		if i >= 4 {
			above = rows[i-4]
		}
		filtered += string([]byte{rows[i] - above})
	}
	put(7, streamOf("/Type /XRef /Size 8 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>", deflate(filtered)))
	b = fmt.Appendf(b, "startxref\n%d\n%%%%EOF", at[7])
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Page(0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readRows(m); err != nil || fmt.Sprintf("%x", got) != "[55]" {
		t.Errorf("%x, %v", got, err)
	}
}

func TestLyingFilesAreRefused(t *testing.T) {
	image := func(entries, octets string) []byte { return onePage("", whole1, streamOf(entries, octets)) }
	raw := func(s string) []byte { return onePage("", whole1, s) }
	pages := func(s ...string) []byte { return build(append([]string{"<< /Pages 2 0 R >>"}, s...)...) }
	good := image(anImage, "\xaa")
	for _, tt := range []struct {
		name   string
		octets []byte
		want   string
	}{
		{"nothing", nil, "header"},
		{"a letter", []byte("Dear Sir or Madam"), "not a PDF file"},
		{"cut", good[:len(good)-40], "startxref"},
		{"startxref beyond the end", append(good[:len(good)-10:len(good)-10], "99999999\n%%EOF\n"...), "startxref"},
		{"encrypted", bytes.Replace(good, []byte("/Root"), []byte("/Encrypt 3 0 R /Root"), 1), "encrypted"},
		{"no catalog", bytes.Replace(good, []byte("/Root 1"), []byte("/Root 9"), 1), "catalog"},
		{"pages in a circle", pages("<< /Kids [2 0 R] >>"), "circle"},
		{"no pages", pages("<< /Kids [] >>"), "no page"},
		{"page not an object", pages("<< /Kids [<< >>] >>"), "no object of its own"},
		{"lists in a circle", bytes.Replace(good, []byte("/Root"), []byte(fmt.Sprintf("/Prev %d /Root", bytes.LastIndex(good, []byte("xref\n0")))), 1), "circle"},
		{"deep", pages(strings.Repeat("[", 100000)), "deep"},
		{"many", pages("[" + strings.Repeat("0 ", 100000) + "]"), "elements"},
		{"long name", pages("/" + strings.Repeat("x", 100000)), "syntax"},
		{"references to themselves", pages("2 0 R", "2 0 R"), ""},
		{"no width", image("/Subtype /Image /Height 1", "x"), "0 x 1 pels"},
		{"huge", image("/Subtype /Image /Width 2000000000 /Height 2000000000", "x"), "2000000000 x 2000000000 pels"},
		{"negative", image("/Subtype /Image /Width -8 /Height 1", "x"), "-8 x 1 pels"},
		{"stream longer than the file", raw("<< /Length 100000 " + anImage + " >>\nstream\nx\nendstream"), "length"},
		{"stream of negative length", raw("<< /Length -1 " + anImage + " >>\nstream\nx\nendstream"), "length"},
		{"stream without length", raw("<< " + anImage + " >>\nstream\nx\nendstream"), "length"},
		{"length in a circle", raw("<< /Length 6 0 R " + anImage + " >>\nstream\nx\nendstream"), "length"},
		{"too few octets", image("/Subtype /Image /Width 80 /Height 10 /BitsPerComponent 1 /ColorSpace /DeviceGray", "x"), "row 1 of 10"},
		{"cut Flate", image("/Subtype /Image /Width 80 /Height 10 /BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /FlateDecode", deflate("some octets")[:8]), "row 1 of 10"},
		{"not Flate", image("/Subtype /Image /Width 80 /Height 10 /BitsPerComponent 1 /Filter /FlateDecode", "some octets"), "flate"},
		{"predictor of a huge row", image(anImage+" /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 2000000000 >>", deflate("x")), "predictor"},
		{"fax of another width", image(anImage+" /Filter /CCITTFaxDecode", "x"), "1728 columns"},
		{"damaged fax", image(anImage+" /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 8 >>", "\x00\x00\x00"), "row 1 of 1"},
		{"JPEG of another size", image(anImage+" /Filter /DCTDecode", "\xff\xd8\xff\xd8"), "picture"},
		{"page of no size", onePage("/MediaBox [0 0 0 0]", whole1, streamOf(anImage, "x")), "size"},
		{"page of huge size", onePage("/MediaBox [0 0 1e30 1e30]", whole1, streamOf(anImage, "x")), "size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := open(tt.octets)
			var m *Image
			if err == nil {
				m, err = f.Page(0)
			}
			if err == nil {
				_, err = readRows(m)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "pdf: ") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := open(bytes.Replace(good, []byte("/Root"), []byte("/Encrypt 3 0 R /Root"), 1)); !errors.Is(err, ErrEncrypted) {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(write(f, []PageConfig{{100, 204, 98}, {60, 204, 98}}, [][][]byte{drawing(100, 5, 1), drawing(60, 4, 2)}))
	f.Add(onePage("/CropBox [10 10 110 60]", "q 100 0 0 50 10 10 cm /I Do Q", streamOf(anImage, "\xaa")))
	f.Add(onePage("", whole1, streamOf("/Subtype /Image /Width 8 /Height 2 /BitsPerComponent 8 /ColorSpace [/Indexed /DeviceRGB 1 <ffffff000000>] /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 8 >>", deflate("\x04aaaabbbb\x03ababbaab"))))
	f.Fuzz(func(t *testing.T, octets []byte) {
		file, err := open(octets)
		if err != nil {
			return
		}
		budget := 2000 // rows
		for n := range min(file.Pages(), 20) {
			m, err := file.Page(n)
			if err != nil {
				continue
			}
			r := m.Rows
			if r == nil {
				r = picture.Threshold(m.Grey)
			}
			row := make([]byte, t4.RowOctets(m.Columns))
			rows := 0
			for ; budget > 0 && r.ReadRow(row) == nil; budget-- {
				rows++
			}
			if rows > m.Height {
				t.Fatalf("%d rows of %d", rows, m.Height)
			}
		}
	})
}
