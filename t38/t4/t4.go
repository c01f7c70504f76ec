// Package t4 codes and decodes the pages of Group 3 fax: Modified Huffman and
// Modified READ (ITU-T T.4 clauses 4.1 and 4.2) and Modified Modified READ (T.6).
//
// A row of a page is a slice of octets, eight pels an octet, the leftmost pel in
// the most significant bit, 1 for black: RowOctets(columns) of them, with zeros
// behind the last pel. A Decoder takes the octets of a page as they arrive and
// gives rows; an Encoder takes rows and gives octets. Both keep a few rows of
// state, allocate nothing once they are made and work in time that is linear in
// what they read and write, whatever that is.
//
// On the line an octet's least significant bit comes first, as in the HDLC
// frames of T.30; that is LSBFirst here, the order of a fax call. Files may have
// either order.
//
// The sub-packages put pages in files and take them out: tiff, pdf, picture (PNG,
// JPEG, scaling, halftones), header (the line at the top of a page), and document,
// which opens any of them as pages that are ready for the line.
package t4

import (
	"errors"
	"fmt"
	"io"
)

// Coding is one of the codings of a page that T.30 negotiates.
type Coding uint8

// The codings, by the names of T.4 and T.6.
const (
	MH  Coding = iota + 1 // one-dimensional, T.4 clause 4.1
	MR                    // two-dimensional with a one-dimensional row each K, T.4 clause 4.2
	MMR                   // two-dimensional throughout, T.6; for error-free channels
)

// String returns the coding's name: "MH", "MR" or "MMR".
func (c Coding) String() string {
	switch c {
	case MH:
		return "MH"
	case MR:
		return "MR"
	case MMR:
		return "MMR"
	}
	return fmt.Sprintf("Coding(%d)", uint8(c))
}

// BitOrder is the order of bits in an octet of coded data.
type BitOrder uint8

const (
	LSBFirst BitOrder = iota // the line's order, and TIFF's FillOrder 2
	MSBFirst                 // TIFF's FillOrder 1, and PDF's
)

// MaxColumns bounds the width of a row in pels: it is beyond the widest row of
// T.30 (A3 at 1200 pels per inch, 14592).
const MaxColumns = 1 << 14

// RowOctets returns the number of octets in a row of so many pels.
func RowOctets(columns int) int { return (columns + 7) / 8 }

// A RowReader gives the rows of a page from the top, and io.EOF after the last.
// It fills row, which has RowOctets of the page's columns.
type RowReader interface {
	ReadRow(row []byte) error
}

// A RowWriter takes the rows of a page from the top. It keeps no reference to row.
type RowWriter interface {
	WriteRow(row []byte) error
}

var errColumns = fmt.Errorf("t4: want 1 to %d columns", MaxColumns)

// Copy moves all rows of a page of so many columns from r to w, and returns their number.
func Copy(w RowWriter, r RowReader, columns int) (rows int, err error) {
	if columns < 1 || columns > MaxColumns {
		return 0, errColumns
	}
	row := make([]byte, RowOctets(columns))
	for {
		err := r.ReadRow(row)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if err := w.WriteRow(row); err != nil {
			return rows, err
		}
		rows++
	}
}
