package spool

import (
	"io"
	"testing"

	"tipring/t38/t30"
	"tipring/t38/t4"
)

// give hands a page to an Intake as a Terminal does, up to the moment of its confirmation.
func give(t testing.TB, in *Intake, n int, s sheetOf, ecm bool) {
	t.Helper()
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH, ECM: ecm}
	if ecm {
		f.Coding = t30.MMR
	}
	w, err := in.Open(n, f)
	must(t, err)
	coding := t4.MH
	if ecm {
		coding = t4.MMR
	}
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: coding, Columns: s.columns})
	must(t, err)
	for _, row := range rowsIn(t, s.reader(t), s.columns) {
		_, err := w.Write(e.AppendRow(nil, row))
		must(t, err)
	}
	_, err = w.Write(e.AppendEnd(nil))
	must(t, err)
	c, err := w.Close(false)
	must(t, err)
	if c.Rows != s.rows || c.BadRows != 0 {
		t.Fatalf("%+v", c)
	}
}

// receive hands all pages of a fax to an Intake, each of which is confirmed.
func receive(t testing.TB, in *Intake, sheets ...sheetOf) {
	t.Helper()
	for n, s := range sheets {
		give(t, in, n, s, true)
		must(t, in.Keep(n == len(sheets)-1))
		in.Page(Page{N: n + 1, Result: Confirmed})
	}
}

var _ io.Closer = Document(nil)
