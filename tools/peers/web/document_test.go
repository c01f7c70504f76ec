package web

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// Documents that lie about themselves, or grow when they are unpacked, are refused with a word
// to who sent them. They cost the device no memory to speak of, and leave nothing behind.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	dir := filepath.Join(s.agent.Dir, "state", "faxes")
	before, memory := s.names(dir), s.memory("VmHWM")
	for name, file := range hostileDocuments(t) {
		for _, path := range []string{"/api/v1/faxes", "/fax"} {
			got := s.handIn(path, file)
			if got.status != 422 || strings.Contains(got.text, "/state/") || path == "/fax" && !strings.Contains(got.text, `role="alert"`) {
				t.Errorf("%s to %s: %d %.300s", name, path, got.status, got.text)
			}
		}
		if after := s.names(dir); after != before {
			t.Errorf("%s leaves %s behind", name, after)
		}
	}
	for name, file := range largeDocuments() {
		got := s.handIn("/api/v1/faxes", file)
		var fax struct{ ID string }
		if got.status != 202 {
			if got.status != 422 || !strings.Contains(name, "PDF") {
				t.Errorf("%s: %d %.300s", name, got.status, got.text)
			}
			continue
		}
		got.into(t, &fax)
		s.owner.must(204, "DELETE", "/api/v1/faxes/"+fax.ID, nil)
		if !netlab.Until(browser.Patience, func() bool { // it may be on its way out yet
			return s.owner.ask("POST", "/api/v1/faxes/"+fax.ID+"/forget", nil).status == 204
		}) {
			t.Errorf("%s: it is cancelled, and cannot be forgotten", name)
		}
	}
	if after := s.names(dir); after != before {
		t.Errorf("%s is left behind", after)
	}
	t.Logf("at most %d KiB in memory, %d before", s.memory("VmHWM"), memory)
	if more := s.memory("VmHWM") - memory; more > 100<<10 {
		t.Errorf("the documents took %d KiB", more)
	}
	if len(s.agent.LogLines("panic")) > 0 {
		t.Errorf("%v", s.agent.LogLines("panic"))
	}
	s.owner.must(200, "GET", "/healthz", nil)
}

// handIn has the owner send a document to 600 by the fax port.
func (s *besieged) handIn(path string, file []byte) said {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("by", "port 2")
	_ = w.WriteField("to", "600")
	part, _ := w.CreateFormFile("file", "document")
	_, _ = part.Write(file)
	_ = w.Close() // a buffer
	return s.owner.send("POST", path, w.FormDataContentType(), &b, "Accept", map[bool]string{true: "text/html", false: "application/json"}[path == "/fax"])
}

// names are what is in a directory.
func (s *besieged) names(dir string) string {
	s.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// hostileDocuments are those that nobody could want to send.
func hostileDocuments(t *testing.T) map[string][]byte {
	t.Helper()
	loop := tiffOf(1, nil)
	copy(loop[len(loop)-4:], loop[4:8]) // the next directory is the first
	pair := tiffOf(2, nil)
	copy(pair[len(pair)-4:], pair[4:8])
	all := map[string][]byte{
		"nothing but a name":                   []byte("II*\x00"),
		"a TIFF that begins behind its end":    []byte("II*\x00\xff\xff\xff\x7f"),
		"a directory that is its own next":     loop,
		"two directories, one after another":   pair,
		"a directory of 65535 fields":          append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), make([]byte, 4000)...),
		"6000 pages":                           tiffOf(6000, nil),
		"201 pages":                            tiffOf(201, nil),
		"4294967295 columns":                   tiffOf(1, map[uint16]uint32{256: 1<<32 - 1}),
		"4294967295 lines":                     tiffOf(1, map[uint16]uint32{257: 1<<32 - 1}),
		"a strip outside the file":             tiffOf(1, map[uint16]uint32{273: 1 << 30}),
		"a strip longer than the file":         tiffOf(1, map[uint16]uint32{279: 1 << 30}),
		"131072 strips without a list":         tiffOf(1, map[uint16]uint32{278: 1}),
		"samples of 4294967295 bits":           tiffOf(1, map[uint16]uint32{258: 1<<32 - 1}),
		"lines that are not there":             tiffOf(1, map[uint16]uint32{279: 2}),
		"a PNG of 65535 x 65535 pels":          pngOf(65535, 65535, 1, 0, 100),
		"a PNG of 2147483647 x 1 pels":         pngOf(1<<31-1, 1, 1, 0, 100),
		"a PNG with 288 MB in 36 million":      pngOf(6000, 6000, 16, 6, 6000*(6000*8+1)),
		"a PNG of one pel and 64 MB":           pngOf(1, 1, 8, 0, 64<<20),
		"a PNG that ends before its pels":      pngOf(5000, 5000, 8, 0, 1000),
		"a JPEG of 65535 x 65535 pels":         jpegOf(65535, 65535, 0xc0, 3, 100),
		"a JPEG whose coefficients are 720 MB": jpegOf(6000, 6000, 0xc2, 4, 6000*6000/64*4/8+100),
		"a JPEG that is nothing but a head":    jpegOf(5000, 5000, 0xc0, 3, 0),
	}
	pdfs, _ := hostilePDFs()
	maps.Copy(all, pdfs)
	return all
}

// largeDocuments are much on paper and little in a file: they are taken, and cost no more; a PDF, if
// pdftoppm draws it.
func largeDocuments() map[string][]byte {
	_, all := hostilePDFs()
	all["a TIFF of two pages of 131072 lines"] = tiffOf(2, nil)
	all["a PNG of 6000 x 6000 pels"] = pngOf(6000, 6000, 1, 0, 6000*(6000/8+1))
	return all
}

// tiffOf is a TIFF 6.0 file of pages of 1728 columns and 131072 lines, coded by T.6 as white
// lines of one bit each, in one strip that all of them share. Values may be other ones by their tags.
func tiffOf(pages int, other map[uint16]uint32) []byte {
	const lines = 1 << 17
	strip := bytes.Repeat([]byte{0xff}, lines/8)
	b := append([]byte("II*\x00"), 0, 0, 0, 0)
	b = append(b, strip...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	values := []struct {
		tag   uint16
		value uint32
	}{{256, 1728}, {257, lines}, {258, 1}, {259, 4}, {262, 0}, {273, 8}, {277, 1}, {278, lines}, {279, uint32(len(strip))}}
	for n := range pages {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(values)))
		for _, v := range values {
			if o, ok := other[v.tag]; ok {
				v.value = o
			}
			b = binary.LittleEndian.AppendUint16(b, v.tag)
			b = binary.LittleEndian.AppendUint16(b, 4) // LONG
			b = binary.LittleEndian.AppendUint32(b, 1)
			b = binary.LittleEndian.AppendUint32(b, v.value)
		}
		next := uint32(len(b) + 4)
		if n == pages-1 {
			next = 0
		}
		b = binary.LittleEndian.AppendUint32(b, next)
	}
	return b
}

// deflated is so many octets of one value, packed.
func deflated(octets int, value byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	chunk := bytes.Repeat([]byte{value}, 1<<16)
	for ; octets > 0; octets -= len(chunk) {
		_, _ = w.Write(chunk[:min(octets, len(chunk))])
	}
	_ = w.Close() // a buffer
	return b.Bytes()
}

// pngOf is a PNG whose pels, and the filters of its lines, are so many octets of 0.
func pngOf(width, height uint32, depth, colour byte, octets int) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		at := len(b)
		b = append(append(b, kind...), data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[at:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	chunk("IHDR", append(head, depth, colour, 0, 0, 0))
	chunk("IDAT", deflated(octets, 0))
	chunk("IEND", nil)
	return b
}

// jpegOf is a JPEG of one colour: baseline (0xc0) or progressive (0xc2), each coefficient one bit of
// value 0, as many of them as there are octets for.
func jpegOf(width, height uint16, kind byte, components int, octets int) []byte {
	b := []byte{0xff, 0xd8}
	segment := func(marker byte, data ...byte) {
		b = append(b, 0xff, marker)
		b = binary.BigEndian.AppendUint16(b, uint16(len(data)+2))
		b = append(b, data...)
	}
	segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, 0)...)
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(components)}
	scan := []byte{byte(components)}
	for n := range components {
		frame = append(frame, byte(n+1), 0x11, 0)
		scan = append(scan, byte(n+1), 0)
	}
	segment(kind, frame...)
	for _, class := range []byte{0x00, 0x10} {
		segment(0xc4, append(append([]byte{class, 1}, make([]byte, 15)...), 0)...)
	}
	last := byte(63)
	if kind == 0xc2 {
		last = 0
	}
	segment(0xda, append(scan, 0, last, 0)...)
	b = append(b, make([]byte, octets)...)
	return append(b, 0xff, 0xd9)
}

// hostilePDFs are those of PDF that are refused, and those that pdftoppm may draw as it likes: in a
// process of its own, with limits.
func hostilePDFs() (refused, drawn map[string][]byte) {
	bomb := deflated(64<<20, ' ')
	stream := func(more string, data []byte) string {
		return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", more, len(data), data)
	}
	page := "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>"
	draw := stream("", []byte("595 0 0 842 0 0 cm /I Do"))
	image := func(w, h int, filter string, data []byte) string {
		return stream(fmt.Sprintf("/Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceGray %s", w, h, filter), data)
	}
	catalog, tree := "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
	refused = map[string][]byte{
		"a PDF without objects":               []byte("%PDF-1.4\n%%EOF\n"),
		"a PDF whose table is its own before": pdfOf(" /Prev 9", "null"),
		"a PDF whose pages are their own":     pdfOf("", catalog, "<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] /Count 3 >>"),
		"a PDF of 2147483647 pages":           pdfOf("", catalog, "<< /Type /Pages /Kids 4 0 R /Count 2147483647 >>"),
		"a PDF nested 100000 deep":            pdfOf("", strings.Repeat("[", 100000)),
		"an image of a PDF that ends early":   pdfOf("", catalog, tree, page, draw, image(5000, 100000, "/Filter /FlateDecode", deflated(1000, 0))),
		"PDF objects in 64 MB of blanks":      pdfOf("", catalog, "<< /Type /Pages /Kids [9 0 R] /Count 1 >>", "null", "null", stream("/Type /ObjStm /N 1000000 /First 60000000 /Filter /FlateDecode", bomb)),
	}
	drawn = map[string][]byte{
		"a PDF whose length is its own":         pdfOf("", catalog, tree, page, "<< /Length 4 0 R >>\nstream\nq\nendstream"),
		"a PDF whose image is 2147483647 wide":  pdfOf("", catalog, tree, page, draw, image(1<<31-1, 1<<31-1, "/Filter /FlateDecode", deflated(1000, 0))),
		"a PDF whose image is its own filter":   pdfOf("", catalog, tree, page, draw, image(100, 100, "/Filter 5 0 R", nil)),
		"a PDF with a JPEG of 720 MB":           pdfOf("", catalog, tree, page, draw, image(6000, 6000, "/Filter /DCTDecode", jpegOf(6000, 6000, 0xc2, 4, 6000*6000/64*4/8+100))),
		"a PDF that draws 64 MB of blanks":      pdfOf("", catalog, tree, page, stream("/Filter /FlateDecode", bomb)),
		"a PDF with an image of 100 megapixels": pdfOf("", catalog, tree, page, draw, image(10000, 10000, "/Filter /FlateDecode", deflated(100_000_000, 0))),
	}
	return refused, drawn
}

// pdfOf is a PDF of objects, with a table of where they are.
func pdfOf(trailer string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	at := []int{}
	for n, object := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n+1, object)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, table)
	return b.Bytes()
}
