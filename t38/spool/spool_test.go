package spool

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fixed is a time for what asks for one.
func fixed() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

func opened(t testing.TB, dir string, c Config) *Store {
	t.Helper()
	s, r, err := Open(dir, c)
	must(t, err)
	if lines := r.Lines(); len(lines) > 0 {
		t.Fatalf("not in order: %q", lines)
	}
	return s
}

// A sheetOf is a page of a test document.
type sheetOf struct {
	columns, rows, x, y int
	seed                uint64
}

var a4 = sheetOf{1728, 300, 204, 196, 1}

func (s sheetOf) reader(t testing.TB) t4.RowReader {
	t.Helper()
	r, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: s.columns, Rows: s.rows, XDPI: s.x, YDPI: s.y, Seed: s.seed})
	must(t, err)
	return r
}

// buffer is a file in memory.
type buffer struct{ octets []byte }

func (b *buffer) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(b.octets) {
		b.octets = append(b.octets, make([]byte, need-len(b.octets))...)
	}
	return copy(b.octets[at:], p), nil
}

// document makes a TIFF file.
func tiffOf(t testing.TB, sheets ...sheetOf) []byte {
	t.Helper()
	var out buffer
	w, err := tiff.NewWriter(&out)
	must(t, err)
	for _, s := range sheets {
		must(t, w.BeginPage(tiff.PageConfig{Columns: s.columns, XDPI: s.x, YDPI: s.y, Coding: t4.MMR}))
		_, err := t4.Copy(w, s.reader(t), s.columns)
		must(t, err)
		must(t, w.EndPage())
	}
	must(t, w.Close())
	return out.octets
}

func rowsIn(t testing.TB, r t4.RowReader, columns int) (rows [][]byte) {
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

// samePages compares the document of a fax with sheets, pel for pel.
func samePages(t testing.TB, s *Store, id string, sheets ...sheetOf) {
	t.Helper()
	d, err := s.OpenDocument(id)
	must(t, err)
	defer d.Close()
	f, err := tiff.Open(d, d.Size())
	must(t, err)
	if f.Pages() != len(sheets) {
		t.Fatalf("%d pages, want %d", f.Pages(), len(sheets))
	}
	for n, want := range sheets {
		p, err := f.Page(n)
		must(t, err)
		if !slices.EqualFunc(rowsIn(t, p, want.columns), rowsIn(t, want.reader(t), want.columns), bytes.Equal) {
			t.Errorf("page %d is not the one that was handed in", n+1)
		}
	}
}

func submit(t testing.TB, s *Store, m Meta, sheets ...sheetOf) Record {
	t.Helper()
	r, err := s.Submit(context.Background(), bytes.NewReader(tiffOf(t, sheets...)), m)
	must(t, err)
	return r
}

// A document that was handed in is there, as it was, after the store was opened anew.
func TestSubmitAndOpenAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "faxes")
	s := opened(t, dir, Config{Now: fixed})
	second := a4
	second.seed = 2
	r := submit(t, s, Meta{Line: 2, Peer: "+49 30 123", CDRInfo: "job 7", CSID: "Acme", NotifyNdn: true}, a4, second)
	if r.State != Queued || r.Kind != Submitted || r.Direction != Out || r.PageCount != 2 || !r.Created.Equal(fixed()) || r.Octets == 0 {
		t.Errorf("%+v", r)
	}
	must(t, s.Close())
	s = opened(t, dir, Config{Now: fixed})
	got, err := s.Get(r.ID)
	must(t, err)
	if got.Peer != r.Peer || got.CDRInfo != r.CDRInfo || got.CSID != "Acme" || !got.NotifyNdn || got.State != Queued || got.Octets != r.Octets {
		t.Errorf("%+v, want %+v", got, r)
	}
	samePages(t, s, r.ID, a4, second)
	if u := s.Usage(); u.Faxes != 1 || u.Octets != r.Octets {
		t.Errorf("%+v", u)
	}
	names, err := os.ReadDir(filepath.Join(dir, r.ID))
	must(t, err)
	if len(names) != 2 {
		t.Errorf("in its folder: %v", names)
	}
	must(t, s.Close())
}

func TestViews(t *testing.T) {
	s := opened(t, t.TempDir(), Config{})
	standard := sheetOf{1728, 200, 204, 98, 3}
	superfine := sheetOf{1728, 400, 204, 391, 4}
	r := submit(t, s, Meta{Peer: "1"}, standard, superfine)
	var out bytes.Buffer
	must(t, s.WriteTIFF(r.ID, &out))
	f, err := tiff.Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
	must(t, err)
	if f.Pages() != 2 {
		t.Errorf("TIFF of %d pages", f.Pages())
	}
	out.Reset()
	must(t, s.WritePDF(r.ID, &out))
	if !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) || bytes.Count(out.Bytes(), []byte("/Type /Page ")) != 2 {
		t.Errorf("PDF begins %.20q", out.String())
	}
	for n, want := range []sheetOf{standard, superfine} {
		out.Reset()
		must(t, s.WritePNG(r.ID, n+1, &out))
		m, err := png.Decode(&out)
		must(t, err)
		height := want.rows * want.x / want.y
		if b := m.Bounds(); b.Dx() != want.columns || b.Dy() != height {
			t.Fatalf("PNG of %v, want %d x %d", b, want.columns, height)
		}
		rows := rowsIn(t, want.reader(t), want.columns)
		for y := range height {
			first := y * want.rows / height
			for x := range want.columns {
				black := false
				for _, row := range rows[first:max(first+1, (y+1)*want.rows/height)] {
					black = black || row[x>>3]&(0x80>>(x&7)) != 0
				}
				if grey, _, _, _ := m.At(x, y).RGBA(); (grey == 0) != black {
					t.Fatalf("page %d, pel %d,%d: grey %d, want black %v", n+1, x, y, grey, black)
				}
			}
		}
	}
	if err := s.WritePNG(r.ID, 3, io.Discard); !errors.Is(err, ErrNoSuchPage) {
		t.Errorf("page 3: %v", err)
	}
	if err := s.WritePDF("nobody", io.Discard); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
	must(t, s.Close())
}

func TestWhatCannotBeSent(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{MaxPages: 2, MaxUpload: 100000, MaxDocument: 20000})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	locked := "%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R /Encrypt 1 0 R >>\nstartxref\n45\n%%EOF\n"
	for _, tt := range []struct {
		name string
		ctx  context.Context
		file []byte
		want error
		text string
	}{
		{"text", nil, []byte("Dear Sir or Madam"), ErrDocument, "neither TIFF, PDF, PNG nor JPEG"},
		{"nothing", nil, nil, ErrDocument, "neither TIFF"},
		{"a damaged TIFF", nil, tiffOf(t, a4)[:500], ErrDocument, "tiff"},
		{"a damaged PNG", nil, []byte("\x89PNG\r\n\x1a\n1234"), ErrDocument, "picture"},
		{"an encrypted PDF", nil, []byte(locked), ErrDocument, "encrypted"},
		{"too many pages", nil, tiffOf(t, a4, a4, a4), ErrTooManyPages, "3, 2 at most"},
		{"too large a file", nil, make([]byte, 100001), ErrTooLarge, "100000 octets"},
		{"too large a document", nil, tiffOf(t, sheetOf{1728, 2200, 204, 391, 1}), ErrTooLarge, "20000 octets"},
		{"given up", cancelled, tiffOf(t, a4), context.Canceled, ""},
	} {
		ctx := tt.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		_, err := s.Submit(ctx, bytes.NewReader(tt.file), Meta{Peer: "1"})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if u := s.Usage(); u.Faxes != 0 || u.Octets != 0 {
		t.Errorf("left behind: %+v", u)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	must(t, s.Close())
}

// A page that has to be drawn, where nothing draws it, names what to install.
func TestNoRenderer(t *testing.T) {
	t.Setenv("PATH", "")
	const drawing = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n" +
		"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>\nendobj\n4 0 obj\n<< /Length 12 >>\nstream\n0 0 9 9 re f \nendstream\nendobj\n" +
		"trailer\n<< /Size 5 /Root 1 0 R >>\n%%EOF\n"
	s := opened(t, t.TempDir(), Config{})
	_, err := s.Submit(context.Background(), strings.NewReader(drawing), Meta{Peer: "1"})
	if !errors.Is(err, ErrDocument) || !errors.Is(err, pdf.ErrNoPoppler) || !strings.Contains(err.Error(), "poppler-utils") {
		t.Error(err)
	}
	must(t, s.Close())
}
