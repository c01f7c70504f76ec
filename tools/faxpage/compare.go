package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"tipring/t38/t4/tiff"
	"tipring/tools/internal/faxpages"
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
	differ, err := faxpages.Differ(files[0], files[1])
	if err != nil {
		return err
	}
	for _, line := range differ {
		fmt.Fprintln(out, line)
	}
	if differ != nil {
		return errDiffer
	}
	fmt.Fprintln(out, "exact")
	return nil
}
