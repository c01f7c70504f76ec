package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/header"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
)

// memory is a file.
type memory struct{ octets []byte }

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(m.octets) {
		m.octets = append(m.octets, make([]byte, need-len(m.octets))...)
	}
	return copy(m.octets[at:], p), nil
}

// A sheet is a page of a file.
type sheet struct {
	columns, rows, x, y int
	seed                uint64
}

func (s sheet) reader(t testing.TB) t4.RowReader {
	t.Helper()
	r, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: s.columns, Rows: s.rows, XDPI: s.x, YDPI: s.y, Seed: s.seed})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readRows reads all rows.
func readRows(t testing.TB, r t4.RowReader, columns int) (rows [][]byte) {
	t.Helper()
	for {
		row := make([]byte, t4.RowOctets(columns))
		if err := r.ReadRow(row); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// file writes a TIFF file.
func file(t testing.TB, sheets ...sheet) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sent.tif")
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := tiff.NewWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sheets {
		must(t, w.BeginPage(tiff.PageConfig{Columns: s.columns, XDPI: s.x, YDPI: s.y, Coding: t4.MMR}))
		_, err := t4.Copy(w, s.reader(t), s.columns)
		must(t, err)
		must(t, w.EndPage())
	}
	must(t, w.Close())
	return name
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open makes a Source of a file.
func open(t testing.TB, name string) *Source {
	t.Helper()
	d, err := document.Open(context.Background(), name, pdf.Poppler{})
	must(t, err)
	s := NewSource(context.Background(), d)
	t.Cleanup(func() {
		s.Close()
		must(t, d.Close())
	})
	return s
}

// received reads what a Sink has made.
func received(t testing.TB, m *memory) *tiff.File {
	t.Helper()
	f, err := tiff.Open(bytes.NewReader(m.octets), int64(len(m.octets)))
	must(t, err)
	return f
}

// pass takes a page from a Source to a Sink.
func pass(t testing.TB, s *Source, k *Sink, n int, f t30.Format) t30.Copy {
	t.Helper()
	r, err := s.Open(n, f)
	must(t, err)
	w, err := k.Open(n, f)
	must(t, err)
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 61))
	must(t, err)
	c, err := w.Close(false)
	must(t, err)
	return c
}

var a4 = sheet{1728, 300, 204, 196, 1}

// A page that has the agreed form passes unchanged, in every form and coding.
func TestPagesPassUnchanged(t *testing.T) {
	for _, f := range []t30.Form{
		{Resolution: t30.Standard}, {Resolution: t30.Fine}, {Resolution: t30.Superfine},
		{Resolution: t30.R300, Inch: true}, {Resolution: t30.Ultrafine},
		{Resolution: t30.Fine, Width: t30.B4Width}, {Resolution: t30.Standard, Width: t30.A3Width}, {Resolution: t30.R300, Width: t30.A3Width, Inch: true},
	} {
		x, y := resolution(f.Resolution).DPI()
		s := sheet{f.Width.Pels(f.Resolution), 100, x, y, 1}
		source := open(t, file(t, s))
		form, ok := source.Page(0)
		if form.Inch = f.Inch; !ok || form != f {
			t.Errorf("%+v: form %+v", f, form)
		}
		want := readRows(t, s.reader(t), s.columns)
		for _, coding := range []t30.Coding{t30.MH, t30.MR, t30.MMR} {
			for _, scan := range []int{0, 20} {
				var m memory
				k, err := NewSink(&m)
				must(t, err)
				if scan > 0 {
					k.Coding = 0 // as received
				}
				format := t30.Format{Form: f, Coding: coding, MinScan: scan, BitRate: 14400}
				if c := pass(t, source, k, 0, format); c != (t30.Copy{Rows: 100}) {
					t.Errorf("%+v: copy %+v", format, c)
				}
				must(t, k.Close())
				page, err := received(t, &m).Page(0)
				must(t, err)
				info := page.Info()
				wantCoding := t4.MMR
				if scan > 0 {
					wantCoding = codings[coding]
				}
				if info.Coding != wantCoding || info.XDPI != x || info.YDPI != y {
					t.Errorf("%+v: stored as %+v", format, info)
				}
				if got := readRows(t, page, info.Columns); !slices.EqualFunc(got, want, bytes.Equal) {
					t.Errorf("%+v: %d rows, not those that were sent", format, len(got))
				}
			}
		}
	}
}

// The rows of a page without ECM last as long as the receiver needs, and none is coded by
// reference more often than its resolution allows.
func TestMinimumScanTime(t *testing.T) {
	source := open(t, file(t, a4))
	size := func(f t30.Format) int {
		r, err := source.Open(0, f)
		must(t, err)
		octets, err := io.ReadAll(r)
		must(t, err)
		return len(octets)
	}
	form := t30.Form{Resolution: t30.Fine}
	for _, rate := range []int{2400, 14400} {
		f := t30.Format{Form: form, Coding: t30.MH, MinScan: 40, BitRate: rate}
		if got, least := size(f), 300*40*rate/1000/8; got < least {
			t.Errorf("%d octets at %d bit/s: want %d at least", got, rate, least)
		}
	}
}

func TestFormsOfLongAndWidePages(t *testing.T) {
	for _, tt := range []struct {
		s    sheet
		want t30.Form
	}{
		{sheet{1728, 2376, 204, 196, 1}, t30.Form{Resolution: t30.Fine}},
		{sheet{1728, 2200, 200, 200, 1}, t30.Form{Resolution: t30.Fine}},
		{sheet{1728, 2800, 204, 196, 1}, t30.Form{Resolution: t30.Fine, Length: t30.B4Length}},
		{sheet{1728, 3000, 204, 98, 1}, t30.Form{Length: t30.Unlimited}},
		{sheet{2048, 1400, 204, 98, 1}, t30.Form{Width: t30.B4Width, Length: t30.B4Length}},
		{sheet{2432, 1600, 204, 98, 1}, t30.Form{Width: t30.A3Width, Length: t30.Unlimited}},
		{sheet{1700, 1100, 150, 150, 1}, t30.Form{Resolution: t30.Fine}},
	} {
		source := open(t, file(t, tt.s))
		if got, ok := source.Page(0); !ok || got != tt.want {
			t.Errorf("%+v: %+v", tt.s, got)
		}
		if _, ok := source.Page(1); ok {
			t.Errorf("%+v: a second page", tt.s)
		}
	}
}

// What the other machine cannot take is made smaller.
func TestPagesAreFitted(t *testing.T) {
	for _, tt := range []struct {
		s             sheet
		to            t30.Form
		columns, rows int
	}{
		{sheet{3456, 4574, 408, 391, 1}, t30.Form{Resolution: t30.Standard}, 1728, 1144},
		{sheet{2432, 1600, 204, 98, 1}, t30.Form{Resolution: t30.Standard}, 1728, 1137},
		{sheet{1728, 3000, 204, 98, 1}, t30.Form{Resolution: t30.Standard}, 1728, 1143},
		{sheet{1728, 2376, 204, 196, 1}, t30.Form{Resolution: t30.Standard}, 1728, 1188},
	} {
		source := open(t, file(t, tt.s))
		var m memory
		k, err := NewSink(&m)
		must(t, err)
		pass(t, source, k, 0, t30.Format{Form: tt.to, Coding: t30.MMR, ECM: true})
		must(t, k.Close())
		if i := received(t, &m).Info(0); i.Columns != tt.columns || i.Rows != tt.rows {
			t.Errorf("%+v: %dx%d, want %dx%d", tt.s, i.Columns, i.Rows, tt.columns, tt.rows)
		}
	}
}

func TestHeaderLine(t *testing.T) {
	source := open(t, file(t, a4, a4))
	when := time.Date(2026, 11, 21, 12, 30, 0, 0, time.UTC)
	source.Header = &header.Fields{When: when, Ident: "Acme", Number: "+1 555 0100"}
	var m memory
	k, err := NewSink(&m)
	must(t, err)
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MR}
	strip, err := header.Draw(header.Fields{When: when, Ident: "Acme", Number: "+1 555 0100", Page: 2, Pages: 2}.Line(), 1728, 204, 196)
	must(t, err)
	for n := range 2 {
		if c := pass(t, source, k, n, f); c.Rows != a4.rows+strip.Rows() {
			t.Errorf("page %d: %d rows, want %d and %d", n+1, c.Rows, a4.rows, strip.Rows())
		}
		if got := source.Rows(); got != a4.rows+strip.Rows() {
			t.Errorf("page %d: the source says %d rows", n+1, got)
		}
	}
	must(t, k.Close())
	page, err := received(t, &m).Page(1)
	must(t, err)
	for i, row := range readRows(t, page, 1728)[:strip.Rows()] {
		if !bytes.Equal(row, strip.Row(i)) {
			t.Fatalf("row %d is not the header's", i)
		}
	}
}

// A page that comes again after RTN takes the place of the one before; one of which nothing
// could be read leaves no trace.
func TestPagesThatComeAgain(t *testing.T) {
	first, second := a4, a4
	second.seed = 2
	source := open(t, file(t, first, second))
	var m memory
	k, err := NewSink(&m)
	must(t, err)
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH}
	pass(t, source, k, 0, f)

	r, err := source.Open(1, f)
	must(t, err)
	coded, err := io.ReadAll(r)
	must(t, err)
	for i := len(coded) / 4; i < len(coded)/2; i += 40 {
		coded[i] ^= 0x10
	}
	damaged := func(octets []byte) t30.Copy {
		w, err := k.Open(1, f)
		must(t, err)
		_, err = w.Write(octets)
		must(t, err)
		c, err := w.Close(false)
		must(t, err)
		return c
	}
	if c := damaged(coded); c.BadRows == 0 || k.BadRows() != c.BadRows || k.Pages() != 2 || c.Cut {
		t.Errorf("damaged: %+v, the file has %d pages with %d bad rows", c, k.Pages(), k.BadRows())
	}
	if i := received(t, &m).Info(1).Received; i.Bad != k.BadRows() {
		t.Errorf("the file says %+v", i)
	}
	if c := damaged(coded[:len(coded)/8]); !c.Cut || k.Pages() != 2 {
		t.Errorf("cut: %+v, %d pages", c, k.Pages())
	}
	if c := damaged(bytes.Repeat([]byte{0x55}, 1000)); c.Rows != 0 || k.Pages() != 1 {
		t.Errorf("noise: %+v, %d pages", c, k.Pages())
	}
	pass(t, source, k, 1, f)
	must(t, k.Close())
	if got := received(t, &m); got.Pages() != 2 || k.Pages() != 2 || k.BadRows() != 0 {
		t.Fatalf("%d pages, %d bad rows", got.Pages(), k.BadRows())
	}
	for n, s := range []sheet{first, second} {
		page, err := received(t, &m).Page(n)
		must(t, err)
		if !slices.EqualFunc(readRows(t, page, 1728), readRows(t, s.reader(t), 1728), bytes.Equal) {
			t.Errorf("page %d is not the one that was sent", n+1)
		}
	}
}

// A T.6 page that was coded wrong is told, although no octet was lost.
func TestWrongCodingWithECM(t *testing.T) {
	source := open(t, file(t, a4))
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MMR, ECM: true}
	r, err := source.Open(0, f)
	must(t, err)
	coded, err := io.ReadAll(r)
	must(t, err)
	copy(coded[len(coded)/2:], make([]byte, 8))
	k, err := NewSink(&memory{})
	must(t, err)
	w, err := k.Open(0, f)
	must(t, err)
	_, err = w.Write(coded)
	must(t, err)
	if c, err := w.Close(false); err != nil || c.BadRows != 1 || c.Rows >= a4.rows || c.Rows == 0 || k.BadRows() != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// A page without its end code is told too, if no error correction vouches for it.
func TestEndNotHeard(t *testing.T) {
	source := open(t, file(t, a4))
	for _, ecm := range []bool{true, false} {
		f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH, ECM: ecm}
		r, err := source.Open(0, f)
		must(t, err)
		coded, err := io.ReadAll(r)
		must(t, err)
		k, err := NewSink(&memory{})
		must(t, err)
		w, err := k.Open(0, f)
		must(t, err)
		_, err = w.Write(coded[:len(coded)-9]) // return to control
		must(t, err)
		want := t30.Copy{Rows: a4.rows, BadRows: 1, BadRun: 1}
		if ecm {
			want = t30.Copy{Rows: a4.rows}
		}
		if c, err := w.Close(false); err != nil || c != want || k.BadRows() != want.BadRows {
			t.Errorf("ECM %v: %+v, %v", ecm, c, err)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	name := file(t, a4, a4)
	octets, err := os.ReadFile(name)
	must(t, err)
	clear(octets[len(octets)*3/4:])
	must(t, os.WriteFile(name, octets, 0o600))
	source := open(t, name)
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MR}
	r, err := source.Open(1, f)
	must(t, err)
	if _, err := io.Copy(io.Discard, r); err == nil || !strings.Contains(err.Error(), "page 2") || source.Err() == nil {
		t.Errorf("read to the end: %v, %v", err, source.Err())
	}
	if _, err := source.Open(7, f); err == nil {
		t.Error("opened a page that is not there")
	}
}

type full struct{ memory }

var errFull = errors.New("no space left")

func (f *full) WriteAt(p []byte, at int64) (int, error) {
	if at > 6000 {
		return 0, errFull
	}
	return f.memory.WriteAt(p, at)
}

func TestFullDisk(t *testing.T) {
	source := open(t, file(t, sheet{1728, 2000, 204, 196, 1}))
	k, err := NewSink(&full{})
	must(t, err)
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MR}
	r, err := source.Open(0, f)
	must(t, err)
	w, err := k.Open(0, f)
	must(t, err)
	if _, err := io.Copy(w, r); !errors.Is(err, errFull) || !errors.Is(k.Err(), errFull) {
		t.Errorf("wrote to the end: %v, %v", err, k.Err())
	}
}

// However long a page is, a row of it costs no memory.
func TestNoMemoryForRows(t *testing.T) {
	source := open(t, file(t, sheet{1728, 20000, 204, 196, 1}))
	k, err := NewSink(discard{})
	must(t, err)
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine, Length: t30.Unlimited}, Coding: t30.MR, BitRate: 14400}
	r, err := source.Open(0, f)
	must(t, err)
	w, err := k.Open(0, f)
	must(t, err)
	var b [64]byte
	turn := func() {
		n, err := r.Read(b[:])
		must(t, err)
		_, err = w.Write(b[:n])
		must(t, err)
	}
	for range 1000 {
		turn()
	}
	if n := testing.AllocsPerRun(1000, turn); n > 0 {
		t.Errorf("%v allocations for 64 octets", n)
	}
}

type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func ExampleSource() {
	ctx := context.Background()
	d, err := document.Open(ctx, "letter.tif", pdf.Poppler{})
	if err != nil {
		fmt.Println("no such letter")
		return
	}
	defer d.Close()
	source := NewSource(ctx, d)
	defer source.Close()
	_, _ = t30.New(t30.Config{Calling: true, Source: source})
	// Output: no such letter
}
