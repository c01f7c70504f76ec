package pdf

import (
	"bufio"
	"fmt"
	"io"
)

// predictorConfig is what ISO 32000-1 table 8 says of a predictor.
type predictorConfig struct{ kind, colors, bits, columns int }

// A predictor undoes what a coder did to rows so that they pack better.
type predictor struct {
	in    *bufio.Reader
	kind  int
	bytes int // from an octet to the one that predicts it
	row   []byte
	above []byte
	rest  []byte // of row, not yet read
}

// newPredictor returns a reader of the octets as they were.
func newPredictor(in io.Reader, c predictorConfig) (io.Reader, error) {
	if c.kind == 1 {
		return in, nil
	}
	if c.colors < 1 || c.colors > 4 || c.columns < 1 || c.columns > maxSide || c.bits != 1 && c.bits != 8 {
		return nil, fmt.Errorf("a predictor for %d pels of %d colours of %d bits", c.columns, c.colors, c.bits)
	}
	if c.kind != 2 && (c.kind < 10 || c.kind > 15) || c.kind == 2 && c.bits != 8 {
		return nil, errOther
	}
	n := (c.columns*c.colors*c.bits + 7) / 8
	return &predictor{in: bufio.NewReaderSize(in, 512), kind: c.kind, bytes: max(1, c.colors*c.bits/8),
		row: make([]byte, n), above: make([]byte, n)}, nil
}

func (p *predictor) Read(out []byte) (int, error) {
	if len(p.rest) == 0 {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	n := copy(out, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *predictor) next() error {
	p.row, p.above = p.above, p.row
	kind := byte(1) // TIFF's predictor is that of the octet to the left
	if p.kind >= 10 {
		k, err := p.in.ReadByte()
		if err != nil {
			return err
		}
		kind = k
	}
	if n, err := io.ReadFull(p.in, p.row); err != nil {
		if n == 0 && p.kind == 2 {
			return err
		}
		return end(err)
	}
	p.rest = p.row
	return p.unfilter(kind)
}

// unfilter is clause 9.2 of the PNG specification (ISO 15948).
func (p *predictor) unfilter(kind byte) error {
	for i := range p.row {
		var left, corner byte
		if i >= p.bytes {
			left, corner = p.row[i-p.bytes], p.above[i-p.bytes]
		}
		above := p.above[i]
		switch kind {
		case 0:
			return nil
		case 1:
			p.row[i] += left
		case 2:
			p.row[i] += above
		case 3:
			p.row[i] += byte((int(left) + int(above)) / 2)
		case 4:
			p.row[i] += paeth(left, above, corner)
		default:
			return fmt.Errorf("a row with filter %d", kind)
		}
	}
	return nil
}

func paeth(left, above, corner byte) byte {
	a, b, c := int(left), int(above), int(corner)
	p := a + b - c
	switch da, db, dc := distance(p, a), distance(p, b), distance(p, c); {
	case da <= db && da <= dc:
		return left
	case db <= dc:
		return above
	}
	return corner
}

func distance(a, b int) int { return max(a-b, b-a) }
