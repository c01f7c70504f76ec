package lab

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tipring/internal/ua/transaction"
	"tipring/t38/t30"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
	"tipring/tools/internal/faxpages"
)

// One far end sends a page to the fax machine of another: in real time, by T.38, which the
// called side asks for.
func TestFarFax(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends := [2]*FarEnd{}
	for i := range ends {
		var err error
		if ends[i], err = NewFarEnd(netip.MustParseAddr("127.0.0.1"), transaction.Default(), nil); err != nil {
			t.Fatal(err)
		}
		defer ends[i].Close()
	}
	sent := sample(t)
	page, err := document.Open(ctx, sent, pdf.Poppler{})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	call, err := ends[0].SendFax(ctx, ends[1].Addr(), FaxUser, page)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := ends[1].Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*FarCall{call, taken} {
		fax, err := c.Fax(ctx)
		if err != nil || fax.Err != nil || fax.Result.Code != t30.OK {
			t.Fatalf("%v %v: %v after %d pages", err, fax.Err, fax.Result.Code, fax.Result.Sent+fax.Result.Received)
		}
		if fax.TIFF != nil {
			wantSame(t, sent, fax.TIFF)
		}
	}
	select {
	case <-taken.Ended():
	case <-ctx.Done():
		t.Error("the caller does not hang up")
	}
}

// Who asks for the call to one number leaves those to others alone.
func TestNextOf(t *testing.T) {
	f := &FarEnd{news: make(chan struct{}), quit: make(chan struct{})}
	to := func(number string) func(*FarCall) bool {
		return func(c *FarCall) bool { return c.Number == number }
	}
	f.give(&FarCall{Number: FarUser})
	found := make(chan *FarCall)
	go func() {
		c, _ := f.NextOf(t.Context(), to(FaxUser))
		found <- c
	}()
	f.give(&FarCall{Number: FaxUser})
	if c := <-found; c == nil || c.Number != FaxUser {
		t.Errorf("asked for %s: %+v", FaxUser, c)
	}
	if c, err := f.Next(t.Context()); err != nil || c.Number != FarUser {
		t.Errorf("the first of the others: %+v, %v", c, err)
	}
	for range maxFarCalls + 1 {
		f.give(&FarCall{})
	}
	if len(f.taken) != maxFarCalls {
		t.Errorf("%d calls are kept that nobody asks for, want %d", len(f.taken), maxFarCalls)
	}
	close(f.quit)
	if _, err := f.NextOf(t.Context(), to(FaxUser)); err == nil {
		t.Error("a far end that is closed is called")
	}
}

// sample is a file with one small page.
func sample(t *testing.T) string {
	name := filepath.Join(t.TempDir(), "page.tiff")
	if err := faxpages.Draw(name, testpage.Config{Kind: testpage.Text, Columns: 1728, Rows: 300, XDPI: 204, YDPI: 98}); err != nil {
		t.Fatal(err)
	}
	return name
}

// wantSame compares what was received with the file that was sent, row by row.
func wantSame(t *testing.T, sent string, received []byte) {
	octets, err := os.ReadFile(sent)
	if err != nil {
		t.Fatal(err)
	}
	var files [2]*tiff.File
	for i, data := range [][]byte{octets, received} {
		if files[i], err = tiff.Open(bytes.NewReader(data), int64(len(data))); err != nil {
			t.Fatal(err)
		}
	}
	if differ, err := faxpages.Differ(files[0], files[1]); err != nil || differ != nil {
		t.Error(differ, err)
	}
}
