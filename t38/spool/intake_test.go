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
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH}
	if ecm {
		f.Coding, f.ECM = t30.MMR, true
	}
	c, err := pour(t, in, n, s, f)
	must(t, err)
	if c.Rows != s.rows || c.BadRows != 0 {
		t.Fatalf("%+v", c)
	}
}

// tryToGive is give on a disk that may fail.
func tryToGive(t testing.TB, in *Intake, n int, s sheetOf) error {
	_, err := pour(t, in, n, s, t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH})
	return err
}

func pour(t testing.TB, in *Intake, n int, s sheetOf, f t30.Format) (t30.Copy, error) {
	w, err := in.Open(n, f)
	if err != nil {
		return t30.Copy{}, err
	}
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: []t4.Coding{t4.MH, t4.MR, t4.MMR}[f.Coding], Columns: s.columns})
	must(t, err)
	for _, row := range rowsIn(t, s.reader(t), s.columns) {
		if _, err := w.Write(e.AppendRow(nil, row)); err != nil {
			return t30.Copy{}, err
		}
	}
	if _, err = w.Write(e.AppendEnd(nil)); err != nil {
		return t30.Copy{}, err
	}
	return w.Close(false)
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
