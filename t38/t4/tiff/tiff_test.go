package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tipring/t38/t4"
)

// memory is a file.
type memory struct{ octets []byte }

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(m.octets) {
		m.octets = append(m.octets, make([]byte, need-len(m.octets))...)
	}
	return copy(m.octets[at:], p), nil
}

// drawing returns rows with a few black runs each.
func drawing(columns, rows int, seed uint64) [][]byte {
	rnd := rand.New(rand.NewPCG(seed, 0))
	p := make([][]byte, rows)
	for i := range p {
		p[i] = make([]byte, t4.RowOctets(columns))
		for range 1 + rnd.IntN(12) {
			p[i][rnd.IntN(len(p[i]))] = byte(rnd.Uint32())
		}
		if i%7 == 0 && i > 0 {
			copy(p[i], p[i-1])
		}
		if rest := columns & 7; rest != 0 {
			p[i][len(p[i])-1] &= 0xff << (8 - rest)
		}
	}
	return p
}

func write(t testing.TB, configs []PageConfig, pages [][][]byte) []byte {
	t.Helper()
	var m memory
	w, err := NewWriter(&m)
	if err != nil {
		t.Fatal(err)
	}
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
	return m.octets
}

func open(octets []byte) (*File, error) {
	return Open(bytes.NewReader(octets), int64(len(octets)))
}

// readPage returns the rows up to the first error, which is nil at the page's end.
func readPage(f *File, n int) ([][]byte, *PageReader, error) {
	r, err := f.Page(n)
	if err != nil {
		return nil, nil, err
	}
	var rows [][]byte
	for {
		row := make([]byte, t4.RowOctets(r.Info().Columns))
		switch err := r.ReadRow(row); {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return rows, r, nil
		case err != nil:
			return rows, r, err
		}
		rows = append(rows, row)
	}
}

func TestFilesReadBack(t *testing.T) {
	var configs []PageConfig
	var pages [][][]byte
	for _, coding := range []t4.Coding{t4.MH, t4.MR, t4.MMR} {
		for _, order := range []t4.BitOrder{t4.LSBFirst, t4.MSBFirst} {
			for _, perStrip := range []int{0, 1, 64, 1000} {
				for _, text := range []string{"", "abc", "a longer description"} {
					configs = append(configs, PageConfig{
						Columns: []int{1728, 2432, 2592, 77}[len(configs)%4], XDPI: 204, YDPI: 98, Coding: coding, Order: order,
						RowsPerStrip: perStrip, AlignEOL: perStrip == 64, K: 4, Description: text, Software: text,
					})
					pages = append(pages, drawing(configs[len(configs)-1].Columns, 150, uint64(len(configs))))
				}
			}
		}
	}
	f, err := open(write(t, configs, pages))
	if err != nil {
		t.Fatal(err)
	}
	if f.Pages() != len(pages) {
		t.Fatalf("%d pages, want %d", f.Pages(), len(pages))
	}
	for i, c := range configs {
		got, r, err := readPage(f, i)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		want := Info{Columns: c.Columns, Rows: 150, XDPI: 204, YDPI: 98, Coding: c.Coding, Order: c.Order, Received: t4.Quality{Rows: 150}}
		if r.Info() != want || r.Quality() != (t4.Quality{Rows: 150}) {
			t.Fatalf("%+v: %+v, %+v", c, r.Info(), r.Quality())
		}
		for j := range got {
			if !bytes.Equal(got[j], pages[i][j]) {
				t.Fatalf("%+v: row %d differs", c, j)
			}
		}
		if len(got) != 150 {
			t.Fatalf("%+v: %d rows", c, len(got))
		}
	}
}

func TestFileIsWholeAfterEachPage(t *testing.T) {
	var m memory
	w, err := NewWriter(&m)
	if err != nil {
		t.Fatal(err)
	}
	p := drawing(1728, 100, 1)
	for n := range 3 {
		if err := w.BeginPage(PageConfig{Columns: 1728, Coding: t4.MMR}); err != nil {
			t.Fatal(err)
		}
		for i, row := range p {
			if err := w.WriteRow(row); err != nil {
				t.Fatal(err)
			}
			if f, err := open(m.octets); n > 0 && (err != nil || f.Pages() != n) {
				t.Fatalf("in page %d, row %d: %v", n+1, i, err)
			}
		}
		w.Received(t4.Quality{Rows: 100, Bad: 3, LongestBad: 2})
		if err := w.EndPage(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := open(m.octets)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Info(2).Received; got != (t4.Quality{Rows: 100, Bad: 3, LongestBad: 2}) {
		t.Errorf("reception: %+v", got)
	}
}

// A page that is taken back, open or ended, leaves the file as it was, and its place to the next.
func TestPagesTakenBack(t *testing.T) {
	var m memory
	w, err := NewWriter(&m)
	if err != nil {
		t.Fatal(err)
	}
	if w.Drop() == nil {
		t.Error("took a page back from an empty file")
	}
	page := func(rows int, end bool) {
		t.Helper()
		if err := w.BeginPage(PageConfig{Columns: 1728, Coding: t4.MH}); err != nil {
			t.Fatal(err)
		}
		for _, row := range drawing(1728, rows, uint64(rows)) {
			if err := w.WriteRow(row); err != nil {
				t.Fatal(err)
			}
		}
		if !end {
			return
		}
		if err := w.EndPage(); err != nil {
			t.Fatal(err)
		}
	}
	drop := func() {
		t.Helper()
		if err := w.Drop(); err != nil {
			t.Fatal(err)
		}
	}
	page(10, true)
	drop() // the only one
	page(20, true)
	page(400, true)
	drop()
	if w.Drop() == nil {
		t.Error("took back two pages")
	}
	page(300, false)
	drop()
	page(30, true)
	page(500, false)
	drop() // the open one, not the one before
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := open(m.octets)
	if err != nil {
		t.Fatal(err)
	}
	if f.Pages() != 2 {
		t.Fatalf("%d pages, want 2", f.Pages())
	}
	for n, rows := range []int{20, 30} {
		got, _, err := readPage(f, n)
		if want := drawing(1728, rows, uint64(rows)); err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("page %d: %d rows, want the %d that stayed; %v", n+1, len(got), rows, err)
		}
	}
}

func TestWriterRefusals(t *testing.T) {
	var m memory
	w, _ := NewWriter(&m)
	row := make([]byte, 216)
	for name, err := range map[string]error{
		"row without a page": w.WriteRow(row), "end without a page": w.EndPage(), "no page": w.Close(),
		"no columns": w.BeginPage(PageConfig{Coding: t4.MH}), "no coding": w.BeginPage(PageConfig{Columns: 1728}),
		"strips": w.BeginPage(PageConfig{Columns: 1728, Coding: t4.MH, RowsPerStrip: -1}),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := w.BeginPage(PageConfig{Columns: 1728, Coding: t4.MH}); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"page in a page": w.BeginPage(PageConfig{Columns: 1728, Coding: t4.MH}), "empty page": w.EndPage(),
		"short row": w.WriteRow(row[1:]), "close": w.Close(),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	broken, err := NewWriter(refusing{})
	if err == nil || broken.BeginPage(PageConfig{Columns: 1728, Coding: t4.MH}) == nil {
		t.Error("a disk that is full went unnoticed")
	}
}

type refusing struct{}

func (refusing) WriteAt([]byte, int64) (int, error) { return 0, errors.New("no space left") }

// entry finds the octets of a field of the first page.
func entry(t testing.TB, octets []byte, want tag) []byte {
	t.Helper()
	at := binary.LittleEndian.Uint32(octets[4:])
	for i := range int(binary.LittleEndian.Uint16(octets[at:])) {
		e := octets[int(at)+2+12*i:][:12]
		if tag(binary.LittleEndian.Uint16(e)) == want {
			return e
		}
	}
	t.Fatalf("no field %d", want)
	return nil
}

// set makes a field a number.
func set(t testing.TB, octets []byte, f tag, v uint32) {
	e := entry(t, octets, f)
	binary.LittleEndian.PutUint16(e[2:], typeLong)
	binary.LittleEndian.PutUint32(e[4:], 1)
	binary.LittleEndian.PutUint32(e[8:], v)
}

// Short strips, lying lengths, widths of nothing, huge sizes: each is refused, and says why.
func TestLyingFilesAreRefused(t *testing.T) {
	good := func(perStrip int, coding t4.Coding) []byte {
		return write(t, []PageConfig{{Columns: 1728, XDPI: 204, YDPI: 98, Coding: coding, RowsPerStrip: perStrip}}, [][][]byte{drawing(1728, 100, 3)})
	}
	number := func(f tag, v uint32) func([]byte) []byte {
		return func(o []byte) []byte { set(t, o, f, v); return o }
	}
	for _, tt := range []struct {
		name string
		spit func([]byte) []byte
		want string
	}{
		{"empty", func([]byte) []byte { return nil }, "header"},
		{"seven octets", func(o []byte) []byte { return o[:7] }, "header"},
		{"a PNG", func([]byte) []byte { return []byte("\x89PNG\r\n\x1a\n") }, "not a TIFF file"},
		{"BigTIFF", func([]byte) []byte { return []byte("II+\x00\x08\x00\x00\x00") }, "not a TIFF file"},
		{"no directory", func(o []byte) []byte { return append(o[:4:4], 0, 0, 0, 0) }, "no page"},
		{"directory beyond the end", func(o []byte) []byte { o[7] = 0xff; return o }, "page 1: directory"},
		{"directory cut", func(o []byte) []byte { return o[:40] }, "page 1: directory"},
		{"no fields", func(o []byte) []byte { o[8], o[9] = 0, 0; return o }, "directory of 0 fields"},
		{"65535 fields", func(o []byte) []byte { o[8], o[9] = 0xff, 0xff; return o }, "directory of 65535 fields"},
		{"directories in a circle", func(o []byte) []byte {
			at := binary.LittleEndian.Uint32(o[4:])
			n := uint32(binary.LittleEndian.Uint16(o[at:]))
			binary.LittleEndian.PutUint32(o[at+2+12*n:], at)
			return o
		}, "circle"},
		{"width 0", number(imageWidth, 0), "width 0"},
		{"width 2^32-1", number(imageWidth, 1<<32-1), "width 4294967295"},
		{"length 0", number(imageLength, 0), "length 0"},
		{"length 2^31", number(imageLength, 1<<31), "length 2147483648"},
		{"longer than its strips", number(imageLength, 120), "1 strips in 120 rows"},
		{"longer than its coding", func(o []byte) []byte { set(t, o, imageLength, 120); set(t, o, rowsPerStrip, 120); return o }, "row 101 of 120"},
		{"8 bits", number(bitsPerSample, 8), "8 bits"},
		{"3 samples", number(samplesPerPixel, 3), "3 samples"},
		{"LZW", number(compression, 5), "compression 5"},
		{"JPEG", number(compression, 7), "compression 7"},
		{"RGB", number(photometric, 2), "photometric interpretation 2"},
		{"fill order 3", number(fillOrder, 3), "fill order 3"},
		{"no rows a strip", number(rowsPerStrip, 0), "0 rows in a strip"},
		{"more strips than offsets", number(rowsPerStrip, 1), "1 strips in 100 rows"},
		{"strip beyond the end", number(stripOffsets, 1<<30), "strip 1"},
		{"strip at the end of numbers", number(stripOffsets, 1<<32-1), "strip 1"},
		{"strip longer than the file", number(stripByteCounts, 1<<32-1), "strip 1"},
		{"strip of nothing", number(stripByteCounts, 0), "strip 1: row 1 of 100: unexpected EOF"},
		{"short strip", number(stripByteCounts, 200), "strip 1: row"},
		{"cut file", func(o []byte) []byte { return o[:len(o)-1000] }, "strip 1"},
		{"width as text", func(o []byte) []byte { entry(t, o, imageWidth)[2] = typeASCII; return o }, "a number of type 2"},
		{"width without a value", func(o []byte) []byte { entry(t, o, imageWidth)[4] = 0; return o }, "value 1 of 0"},
		{"uncompressed mode", number(t4Options, 3), "uncompressed mode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			octets := tt.spit(good(0, t4.MR))
			f, err := open(octets)
			if err == nil {
				_, _, err = readPage(f, 0)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "tiff: ") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("array of strips beyond the end", func(t *testing.T) {
		octets := good(10, t4.MMR)
		binary.LittleEndian.PutUint32(entry(t, octets, stripOffsets)[8:], 1<<31)
		f, err := open(octets)
		if err == nil {
			_, _, err = readPage(f, 0)
		}
		if err == nil || !strings.Contains(err.Error(), "strip 1: offset") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("damaged MMR keeps what was read", func(t *testing.T) {
		octets := good(0, t4.MMR)
		octets[len(octets)/2] ^= 0x55
		octets[len(octets)/2+1] = 0
		f, err := open(octets)
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := readPage(f, 0)
		if !errors.Is(err, t4.ErrDamaged) || len(rows) < 30 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
	t.Run("damaged MH is concealed and counted", func(t *testing.T) {
		octets := good(0, t4.MH)
		octets[len(octets)/2] ^= 0x55
		octets[len(octets)/2+1] ^= 0x55
		f, err := open(octets)
		if err != nil {
			t.Fatal(err)
		}
		rows, r, err := readPage(f, 0)
		if err != nil || len(rows) != 100 || r.Quality().Bad == 0 || r.Quality().Bad > 3 {
			t.Errorf("%d rows, %v, %+v", len(rows), err, r.Quality())
		}
	})
}

// What other programs write: big-endian files, black as 0, PackBits, rows as they are, MH without EOL.
func TestOtherKindsOfFiles(t *testing.T) {
	const columns, rows = 20, 3
	p := [][]byte{{0xf0, 0x0f, 0x10}, {0, 0, 0}, {0xff, 0xff, 0xf0}}
	bare := func(order t4.BitOrder) (out []byte) {
		e, err := t4.NewEncoder(t4.EncoderConfig{Coding: t4.MH, Bare: true, Columns: columns, Order: order})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range p {
			out = e.AppendRow(out, row)
		}
		return out
	}
	for _, tt := range []struct {
		name        string
		compression uint16
		photometric uint16
		order       uint16
		data        []byte
	}{
		{"as it is", uncompressed, 0, 1, bytes.Join(p, nil)},
		{"as it is, padding set", uncompressed, 0, 1, []byte{0xf0, 0x0f, 0x1f, 0, 0, 0x0f, 0xff, 0xff, 0xff}},
		{"black is 0", uncompressed, 1, 1, []byte{0x0f, 0xf0, 0xef, 0xff, 0xff, 0xff, 0, 0, 0}},
		{"least bit first", uncompressed, 0, 2, []byte{0x0f, 0xf0, 0x08, 0, 0, 0, 0xff, 0xff, 0x0f}},
		{"PackBits", packBits, 0, 1, []byte{2, 0xf0, 0x0f, 0x10, 0x80, 0xfe, 0, 2, 0xff, 0xff, 0xf0}},
		{"MH without EOL", bareMH, 0, 1, bare(t4.MSBFirst)},
		{"MH without EOL, least bit first", bareMH, 0, 2, bare(t4.LSBFirst)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := open(bigEndian(columns, rows, tt.compression, tt.photometric, tt.order, tt.data))
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := readPage(f, 0)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(p) {
				t.Errorf("%v %v", got, err)
			}
		})
	}
}

// bigEndian makes a file in Motorola order without a strip length.
func bigEndian(columns, rows, compress, photo, order uint16, data []byte) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08")
	fields := [][2]uint16{
		{uint16(imageWidth), columns}, {uint16(imageLength), rows}, {uint16(compression), compress},
		{uint16(photometric), photo}, {uint16(fillOrder), order}, {uint16(stripOffsets), 8 + 2 + 6*12 + 4},
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(fields)))
	for _, f := range fields {
		b = binary.BigEndian.AppendUint16(b, f[0])
		b = append(b, 0, typeShort, 0, 0, 0, 1)
		b = binary.BigEndian.AppendUint16(b, f[1])
		b = append(b, 0, 0)
	}
	return append(append(b, 0, 0, 0, 0), data...)
}

func FuzzOpen(f *testing.F) {
	for _, coding := range []t4.Coding{t4.MH, t4.MR, t4.MMR} {
		c := PageConfig{Columns: 100, Coding: coding, RowsPerStrip: 3, Description: "seed"}
		f.Add(write(f, []PageConfig{c, c}, [][][]byte{drawing(100, 5, 1), drawing(100, 4, 2)}))
	}
	f.Add(bigEndian(20, 3, packBits, 1, 2, []byte{2, 0xf0, 0x0f, 0x10, 0x80, 0xfe, 0, 2, 0xff, 0xff, 0xf0}))
	f.Fuzz(func(t *testing.T, octets []byte) {
		file, err := open(octets)
		if err != nil {
			return
		}
		budget := 20000 // rows: a bit of MMR may be one
		for n := range file.Pages() {
			r, err := file.Page(n)
			if err != nil {
				t.Fatalf("page %d of an open file: %v", n, err)
			}
			row := make([]byte, t4.RowOctets(r.Info().Columns))
			rows := 0
			for ; budget > 0 && r.ReadRow(row) == nil; budget-- {
				rows++
			}
			if rows > r.Info().Rows {
				t.Fatalf("%d rows of %d", rows, r.Info().Rows)
			}
		}
	})
}

// One op is a row of 1728 pels, from the file and into it.
func BenchmarkReadRow(b *testing.B) {
	octets := write(b, []PageConfig{{Columns: 1728, Coding: t4.MMR}}, [][][]byte{drawing(1728, 2000, 1)})
	f, _ := open(octets)
	r, _ := f.Page(0)
	row := make([]byte, 216)
	b.ReportAllocs()
	for b.Loop() {
		if r.ReadRow(row) != nil {
			r, _ = f.Page(0)
		}
	}
}
