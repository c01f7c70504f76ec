// Package t4 holds our page coding, TIFF and PDF against what shares nothing with them:
// libtiff's tools, golang.org/x/image/ccitt and poppler-utils.
package t4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tipring/t38/t4"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
)

// kinds of pages that the codings are tried on; all are A4, fine, and of rows rows.
var kinds = testpage.Kinds()

const (
	columns = 1728
	rows    = 700
	octets  = columns / 8
)

// drawn are the pages that page has drawn.
var drawn = map[testpage.Kind][][]byte{}

// page returns the rows of a page.
func page(t *testing.T, kind testpage.Kind) [][]byte {
	t.Helper()
	if p, ok := drawn[kind]; ok {
		return p
	}
	r, err := testpage.New(testpage.Config{Kind: kind, Columns: columns, Rows: rows, XDPI: 204, YDPI: 196, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	drawn[kind] = readAll(t, r, columns)
	return drawn[kind]
}

func readAll(t *testing.T, r t4.RowReader, columns int) (page [][]byte) {
	t.Helper()
	for {
		row := make([]byte, t4.RowOctets(columns))
		err := r.ReadRow(row)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return page
		}
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, row)
	}
}

// differ counts the rows that differ, and those that one page has more.
func differ(a, b [][]byte) int {
	n := max(len(a), len(b)) - min(len(a), len(b))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			n++
		}
	}
	return n
}

// writeTIFF writes a page of each kind.
func writeTIFF(t *testing.T, name string, c tiff.PageConfig) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := tiff.NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	c.Columns, c.XDPI, c.YDPI = columns, 204, 196
	writeKinds(t, w, func() error { return w.BeginPage(c) })
}

// A pageWriter is a TIFF or PDF that is written.
type pageWriter interface {
	WriteRow(row []byte) error
	EndPage() error
	Close() error
}

// writeKinds writes a page of each kind, each of which begin begins, and the end.
func writeKinds(t *testing.T, w pageWriter, begin func() error) {
	t.Helper()
	for _, kind := range kinds {
		if err := begin(); err != nil {
			t.Fatal(err)
		}
		for _, row := range page(t, kind) {
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
}

// checkTIFF reads a page of each kind.
func checkTIFF(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := tiff.Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if file.Pages() != len(kinds) {
		t.Fatalf("%d pages, want %d", file.Pages(), len(kinds))
	}
	for i, kind := range kinds {
		r, err := file.Page(i)
		if err != nil {
			t.Fatal(err)
		}
		if n := differ(readAll(t, r, columns), page(t, kind)); n != 0 || r.Quality().Bad != 0 {
			t.Errorf("page of %s: %d rows differ, %+v", kind, n, r.Quality())
		}
		if i := r.Info(); i.XDPI != 204 || i.YDPI != 196 {
			t.Errorf("page of %s: %+v", kind, i)
		}
	}
}

// run runs a program and returns its output; it complains about nothing.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || complaint.Len() > 0 {
		t.Fatalf("%s %v: %v: %s", program, args, err, complaint.String())
	}
	return out
}

// What we write, libtiff reads, and without a warning.
func TestLibtiffReadsOurs(t *testing.T) {
	for _, coding := range []t4.Coding{t4.MH, t4.MR, t4.MMR} {
		for _, c := range []tiff.PageConfig{
			{}, {Order: t4.MSBFirst}, {RowsPerStrip: 100, Order: t4.MSBFirst, AlignEOL: true}, {K: 2, AlignEOL: true, Software: "tipring", Description: "page"},
		} {
			c.Coding = coding
			t.Run(fmt.Sprintf("%v %v strips %d align %t", coding, c.Order, c.RowsPerStrip, c.AlignEOL), func(t *testing.T) {
				dir := t.TempDir()
				ours, theirs := filepath.Join(dir, "ours.tif"), filepath.Join(dir, "theirs.tif")
				writeTIFF(t, ours, c)
				run(t, "tiffinfo", "-D", ours)
				run(t, "tiffcp", "-c", "none", ours, theirs)
				checkTIFF(t, theirs)
			})
		}
	}
}

// What libtiff writes, we read.
func TestWeReadLibtiff(t *testing.T) {
	dir := t.TempDir()
	ours := filepath.Join(dir, "ours.tif")
	writeTIFF(t, ours, tiff.PageConfig{Coding: t4.MMR})
	for _, coding := range []string{"g3:1d", "g3:2d", "g3:1d:fill", "g3:2d:fill", "g4", "packbits", "none"} {
		for _, more := range [][]string{{}, {"-f", "lsb2msb"}, {"-f", "msb2lsb", "-B"}, {"-r", "64"}} {
			t.Run(fmt.Sprint(coding, more), func(t *testing.T) {
				theirs := filepath.Join(t.TempDir(), "theirs.tif")
				run(t, "tiffcp", append(append([]string{"-c", coding}, more...), ours, theirs)...)
				checkTIFF(t, theirs)
			})
		}
	}
}

// The octets of a call, with EOLs, fill and return to control, as fax2tiff takes them from a
// modem. It makes empty rows of the EOLs of the end.
func TestFax2tiffReadsTheLine(t *testing.T) {
	for _, tt := range []struct {
		name  string
		c     t4.EncoderConfig
		flags []string
	}{
		{"MH", t4.EncoderConfig{Coding: t4.MH}, []string{"-1"}},
		{"MH with fill", t4.EncoderConfig{Coding: t4.MH, MinRowBits: t4.MinRowBits(20, 14400)}, []string{"-1"}},
		{"MR", t4.EncoderConfig{Coding: t4.MR, K: 4}, []string{"-2"}},
		{"MR with fill, K 2", t4.EncoderConfig{Coding: t4.MR, K: 2, MinRowBits: t4.MinRowBits(10, 9600)}, []string{"-2"}},
		{"MMR", t4.EncoderConfig{Coding: t4.MMR}, []string{"-4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.c.Columns = columns
			for _, kind := range kinds {
				if kind == testpage.Blank && tt.c.Coding == t4.MMR {
					continue // fax2tiff takes a page that begins with V0 alone for an empty one
				}
				e, err := t4.NewEncoder(tt.c)
				if err != nil {
					t.Fatal(err)
				}
				var line []byte
				for _, row := range page(t, kind) {
					line = e.AppendRow(line, row)
				}
				raw, out := filepath.Join(dir, "raw"), filepath.Join(dir, "out.tif")
				if err := os.WriteFile(raw, e.AppendEnd(line), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command("fax2tiff", append(tt.flags, "-o", out, raw)...)
				if said, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("fax2tiff: %v: %s", err, said)
				}
				f, err := os.Open(out)
				if err != nil {
					t.Fatal(err)
				}
				info, _ := f.Stat()
				file, err := tiff.Open(f, info.Size())
				if err != nil {
					t.Fatal(err)
				}
				r, err := file.Page(0)
				if err != nil {
					t.Fatal(err)
				}
				got := readAll(t, r, columns)
				if n := differ(got[:min(len(got), rows)], page(t, kind)); n != 0 || len(got) > rows+6 {
					t.Errorf("%s: %d rows, %d differ", kind, len(got), n)
				}
				f.Close()
			}
		})
	}
}
