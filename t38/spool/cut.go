package spool

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tipring/t38/t4/tiff"
)

var errChain = errors.New("a page that was confirmed is missing")

// cut ends a document behind so many pages: of what was written since they were made safe a
// power cut may have kept any part. The directories of a file that a pages.Sink wrote are a
// chain (TIFF 6.0 section 2), each with its link to the next behind its entries.
func cut(d files, name string, pages int) error {
	f, err := d.Edit(name)
	if err != nil {
		return err
	}
	err = cutChain(f, pages)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func cutChain(f file, pages int) error {
	link := int64(4)
	for n := range pages {
		var b [4]byte
		if _, err := f.ReadAt(b[:], link); err != nil {
			return fmt.Errorf("page %d: %w", n+1, errChain)
		}
		at := int64(binary.LittleEndian.Uint32(b[:]))
		if _, err := f.ReadAt(b[:2], at); at < 8 || err != nil {
			return fmt.Errorf("page %d: %w", n+1, errChain)
		}
		link = at + 2 + 12*int64(binary.LittleEndian.Uint16(b[:2]))
	}
	var next [4]byte
	if _, err := f.ReadAt(next[:], link); err != nil {
		return fmt.Errorf("behind page %d: %w", pages, errChain)
	}
	if next == [4]byte{} {
		return nil
	}
	if _, err := f.WriteAt(make([]byte, 4), link); err != nil {
		return err
	}
	return f.Sync()
}

// countPages reads the directories of a document.
func countPages(d files, name string) (pages int, octets int64, err error) {
	f, err := d.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	t, err := tiff.Open(f, f.Size())
	if err != nil {
		return 0, 0, err
	}
	return t.Pages(), f.Size(), nil
}
