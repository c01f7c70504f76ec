package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"tipring/t38/t4"
	"tipring/t38/t4/tiff"
)

var errDiffer = errors.New("they differ")

// compare prints what differs, or "exact".
func compare(out io.Writer, names ...string) error {
	var files [2]*tiff.File
	for i, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if files[i], err = tiff.Open(f, info.Size()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	differ := files[0].Pages() != files[1].Pages()
	if differ {
		fmt.Fprintf(out, "%d and %d pages\n", files[0].Pages(), files[1].Pages())
	}
	for n := range min(files[0].Pages(), files[1].Pages()) {
		d, err := comparePage(files[0], files[1], n)
		if err != nil {
			return err
		}
		if d != "" {
			differ = true
			fmt.Fprintf(out, "page %d: %s\n", n+1, d)
		}
	}
	if differ {
		return errDiffer
	}
	fmt.Fprintln(out, "exact")
	return nil
}

// comparePage tells how page n differs; "" if it does not.
func comparePage(a, b *tiff.File, n int) (string, error) {
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
