// Package picture turns pictures into fax rows: it opens PNG and JPEG, scales rows of
// grey by area, places them on a page, and makes black and white of them by error
// diffusion or at a threshold. All arithmetic is in integers, so that the same picture
// makes the same page on every machine.
//
// Scaling, placing and halftones go row by row and hold one or two rows; only the
// formats' own decoders hold a picture whole, up to a limit of pels.
package picture

import (
	"errors"
	"fmt"
	"io"

	"tipring/t38/t4"
)

// A Grey is a picture as rows of grey from the top: 0 is black, 255 white. ReadGrey fills
// row, of Width pels, and returns io.EOF after Height rows.
type Grey interface {
	Width() int
	Height() int
	ReadGrey(row []byte) error
}

// MaxSide bounds the width and the height of a picture.
const MaxSide = 1 << 17

func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide {
		return fmt.Errorf("picture: %d x %d pels: want 1 to %d", width, height, MaxSide)
	}
	return nil
}

// bilevel is a page's rows as grey.
type bilevel struct {
	rows          t4.RowReader
	width, height int
	row           []byte
}

// FromRows makes a picture of a page of known size.
func FromRows(r t4.RowReader, columns, rows int) (Grey, error) {
	if err := checkSize(columns, rows); err != nil {
		return nil, err
	}
	return &bilevel{r, columns, rows, make([]byte, t4.RowOctets(columns))}, nil
}

func (b *bilevel) Width() int  { return b.width }
func (b *bilevel) Height() int { return b.height }

func (b *bilevel) ReadGrey(row []byte) error {
	if err := b.rows.ReadRow(b.row); err != nil {
		return err
	}
	for x := range row {
		// 255 for a 0, 0 for a 1
		row[x] = b.row[x>>3]>>(7-x&7)&1 - 1
	}
	return nil
}

// early makes io.EOF before a picture's last row an error.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
