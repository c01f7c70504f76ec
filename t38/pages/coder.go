package pages

import (
	"errors"
	"io"

	"tipring/t38/t30"
	"tipring/t38/t4"
)

// A coder is a page as coded octets.
type coder struct {
	source  *Source
	number  int
	rows    t4.RowReader
	row     []byte
	encoder *t4.Encoder
	octets  []byte // coded, a row at most
	at      int    // of them, read
	err     error
}

func newCoder(s *Source, n int, rows t4.RowReader, f t30.Format) (*coder, error) {
	columns := f.Width.Pels(f.Resolution)
	e, err := t4.NewEncoder(t4.EncoderConfig{
		Coding: codings[f.Coding], Columns: columns, K: rowsToK(f.Resolution), MinRowBits: f.MinRowBits(),
	})
	if err != nil {
		return nil, err
	}
	return &coder{source: s, number: n, rows: rows, row: make([]byte, t4.RowOctets(columns)), encoder: e}, nil
}

// Read implements io.Reader.
func (c *coder) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if c.at == len(c.octets) {
			if c.err != nil {
				break
			}
			c.code()
		}
		k := copy(p[n:], c.octets[c.at:])
		n, c.at = n+k, c.at+k
	}
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// code codes the next row, or the page's end.
func (c *coder) code() {
	c.octets, c.at = c.octets[:0], 0
	err := c.rows.ReadRow(c.row)
	switch {
	case err == nil:
		c.octets = c.encoder.AppendRow(c.octets, c.row)
		return
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		c.octets = c.encoder.AppendEnd(c.octets)
		c.err = io.EOF
	default:
		c.err = c.source.fail(c.number, err)
	}
}
