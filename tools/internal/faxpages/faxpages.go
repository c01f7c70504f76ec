// Package faxpages draws fax pages into files and compares them, for the programs and the
// demo that send some and want to know whether they arrived.
package faxpages

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"tipring/t38/t4"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
)

// Draw writes pages into a new TIFF file.
func Draw(name string, pages ...testpage.Config) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := draw(f, pages); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", name, err), f.Close(), os.Remove(name))
	}
	return f.Close()
}

func draw(f *os.File, pages []testpage.Config) error {
	w, err := tiff.NewWriter(f)
	if err != nil {
		return err
	}
	for _, p := range pages {
		rows, err := testpage.New(p)
		if err != nil {
			return err
		}
		if err := w.BeginPage(tiff.PageConfig{Columns: p.Columns, Coding: t4.MMR, XDPI: p.XDPI, YDPI: p.YDPI}); err != nil {
			return err
		}
		if _, err := t4.Copy(w, rows, p.Columns); err != nil {
			return err
		}
		if err := w.EndPage(); err != nil {
			return err
		}
	}
	return w.Close()
}

// Differ tells how two files differ, a line each; nil if their pages are the same.
func Differ(a, b *tiff.File) (lines []string, err error) {
	if a.Pages() != b.Pages() {
		lines = append(lines, fmt.Sprintf("%d and %d pages", a.Pages(), b.Pages()))
	}
	for n := range min(a.Pages(), b.Pages()) {
		d, err := differPage(a, b, n)
		if err != nil {
			return nil, err
		}
		if d != "" {
			lines = append(lines, fmt.Sprintf("page %d: %s", n+1, d))
		}
	}
	return lines, nil
}

// differPage tells how page n differs; "" if it does not.
func differPage(a, b *tiff.File, n int) (string, error) {
	ai, bi := a.Info(n), b.Info(n)
	if ai.Columns != bi.Columns {
		return fmt.Sprintf("%d and %d columns", ai.Columns, bi.Columns), nil
	}
	ar, err := a.Page(n)
	if err != nil {
		return "", err
	}
	br, err := b.Page(n)
	if err != nil {
		return "", err
	}
	differ := 0
	x, y := make([]byte, t4.RowOctets(ai.Columns)), make([]byte, t4.RowOctets(ai.Columns))
	for range min(ai.Rows, bi.Rows) {
		if err := errors.Join(ar.ReadRow(x), br.ReadRow(y)); err != nil {
			return "", err
		}
		if !bytes.Equal(x, y) {
			differ++
		}
	}
	switch {
	case ai.Rows != bi.Rows:
		return fmt.Sprintf("%d and %d rows, %d of them differ", ai.Rows, bi.Rows, differ), nil
	case differ > 0:
		return fmt.Sprintf("%d of %d rows differ", differ, ai.Rows), nil
	}
	return "", nil
}
