// Package tiff reads and writes the TIFF files of fax: profiles S and F of TIFF-F (RFC
// 2301), of any number of pages, coded in MH, MR or MMR in either order of bits, in one strip
// a page or in several. It also reads bilevel pages that are not compressed, with
// PackBits, or with the EOL-less MH of TIFF 6.0 section 10.
//
// Pages are read and written row by row, with a few kilobytes of memory however
// large they are. A file that contradicts itself is refused, by an error that names the
// page and the field: no number in a file makes the reader allocate, loop or read beyond it.
package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tipring/t38/t4"
)

// Limits of what a file may say.
const (
	MaxPages   = 5000
	MaxRows    = 1 << 17 // 8.5 m at 391 lines an inch
	maxEntries = 256     // in a page's directory
)

// Info describes a page.
type Info struct {
	Columns, Rows int
	XDPI, YDPI    int         // pels and lines per inch, rounded; 0: the file does not say
	Coding        t4.Coding   // 0: not one of T.4's
	Order         t4.BitOrder // of the coded octets
	Received      t4.Quality  // what the fields of RFC 2301 clause 2.2.3 say about the reception of the page
}

// A File is an open TIFF file.
type File struct {
	in    io.ReaderAt
	size  int64
	order binary.ByteOrder
	pages []page
}

// Open reads the directories of a file of so many octets.
func Open(in io.ReaderAt, size int64) (*File, error) {
	f := &File{in: in, size: size}
	first, err := f.header()
	if err != nil {
		return nil, err
	}
	seen := map[uint32]bool{}
	for at := first; at != 0; {
		n := len(f.pages) + 1
		switch {
		case seen[at]:
			return nil, fmt.Errorf("tiff: page %d: the directories go round in a circle", n)
		case n > MaxPages:
			return nil, fmt.Errorf("tiff: more than %d pages", MaxPages)
		}
		seen[at] = true
		p, next, err := f.directory(at)
		if err != nil {
			return nil, fmt.Errorf("tiff: page %d: %w", n, err)
		}
		f.pages = append(f.pages, p)
		at = next
	}
	if len(f.pages) == 0 {
		return nil, errors.New("tiff: no page")
	}
	return f, nil
}

// header reads the eight octets that every TIFF file begins with.
func (f *File) header() (first uint32, err error) {
	var h [8]byte
	if err := f.readAt(h[:], 0); err != nil {
		return 0, fmt.Errorf("tiff: header: %w", err)
	}
	switch string(h[:4]) {
	case "II*\x00":
		f.order = binary.LittleEndian
	case "MM\x00*":
		f.order = binary.BigEndian
	default:
		return 0, errors.New("tiff: not a TIFF file")
	}
	return f.order.Uint32(h[4:]), nil
}

// readAt fills p, all of which is in the file.
func (f *File) readAt(p []byte, at int64) error {
	if at < 0 || at > f.size-int64(len(p)) {
		return fmt.Errorf("octets %d to %d of a file of %d: %w", at, at+int64(len(p)), f.size, io.ErrUnexpectedEOF)
	}
	n, err := f.in.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Pages returns the number of pages, at least 1.
func (f *File) Pages() int { return len(f.pages) }

// Info describes page n, the first is 0.
func (f *File) Info(n int) Info { return f.pages[n].Info }
