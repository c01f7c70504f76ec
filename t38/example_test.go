package t38_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tipring/t38"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
)

// A fax machine on samples sends a file to another one. In a program the samples go to a
// telephone line in place of the other machine, 160 of them each 20 ms.
func Example() {
	folder, err := os.MkdirTemp("", "fax")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	sent, received := filepath.Join(folder, "sent.tif"), filepath.Join(folder, "received.tif")
	if err := letter(sent); err != nil {
		fmt.Println(err)
		return
	}

	// What is sent may be TIFF, PDF, PNG or JPEG.
	ctx := context.Background()
	doc, err := document.Open(ctx, sent, pdf.Poppler{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer doc.Close()
	source := pages.NewSource(ctx, doc)
	defer source.Close()
	out, err := os.Create(received)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer out.Close()
	sink, err := pages.NewSink(out)
	if err != nil {
		fmt.Println(err)
		return
	}

	from, err := t30.New(t30.Config{Calling: true, Source: source, ECM: true, Ident: "+1 555 0100"})
	if err != nil {
		fmt.Println(err)
		return
	}
	to, err := t30.New(t30.Config{Sink: sink, ECM: true, Ident: "+1 555 0199"})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b := t38.NewMachine(from, t38.DefaultLevel), t38.NewMachine(to, t38.DefaultLevel)
	a.Start()
	b.Start()
	var aSays, bSays, aHears, bHears [160]int16
	for !a.Done() || !b.Done() {
		a.Exchange(aHears[:], aSays[:])
		b.Exchange(bHears[:], bSays[:])
		aHears, bHears = bSays, aSays
	}
	if err := sink.Close(); err != nil {
		fmt.Println(err)
		return
	}

	r := from.Result()
	fmt.Printf("%v: %d page sent to %s at %d bit/s with %v, ECM: %v\n", r.Code, r.Sent, r.Peer.Ident, r.BitRate, r.Format.Coding, r.ECM)
	fmt.Println("bad rows:", sink.BadRows())
	// Output:
	// all pages confirmed: 1 page sent to +1 555 0199 at 14400 bit/s with MMR, ECM: true
	// bad rows: 0
}

// letter makes a TIFF file of one page of text.
func letter(name string) error {
	const columns, rows, xDPI, yDPI = 1728, 400, 204, 98
	text, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: columns, Rows: rows, XDPI: xDPI, YDPI: yDPI})
	if err != nil {
		return err
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	w, err := tiff.NewWriter(out)
	if err != nil {
		return err
	}
	if err := w.BeginPage(tiff.PageConfig{Columns: columns, XDPI: xDPI, YDPI: yDPI, Coding: t4.MMR}); err != nil {
		return err
	}
	if _, err := t4.Copy(w, text, columns); err != nil {
		return err
	}
	if err := w.EndPage(); err != nil {
		return err
	}
	return w.Close()
}
