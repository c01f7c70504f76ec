package tiff

import (
	"io"
	"math/bits"

	"tipring/t38/t4"
)

// plain reads rows that are not in one of T.4's codings: as they are, or in PackBits
// (TIFF 6.0 section 9).
type plain struct {
	r      *PageReader
	packed bool
	octets []byte // read and not used
	count  int    // octets that the run or the literal still has
	again  bool   // it is a run
	value  byte   // of the run
}

func (p *plain) reset() { p.octets, p.count = nil, 0 }

func (p *plain) octet() (byte, error) {
	if len(p.octets) == 0 {
		octets, err := p.r.more()
		if err != nil {
			return 0, err
		}
		if len(octets) == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		p.octets = octets
	}
	b := p.octets[0]
	p.octets = p.octets[1:]
	if p.r.page.Order == t4.LSBFirst {
		b = bits.Reverse8(b)
	}
	return b, nil
}

// next returns the next octet of the rows.
func (p *plain) next() (byte, error) {
	if !p.packed {
		return p.octet()
	}
	for p.count == 0 {
		n, err := p.octet()
		if err != nil {
			return 0, err
		}
		switch {
		case n < 128:
			p.count, p.again = int(n)+1, false
		case n > 128:
			p.count, p.again = 257-int(n), true
			if p.value, err = p.octet(); err != nil {
				return 0, err
			}
		}
	}
	p.count--
	if p.again {
		return p.value, nil
	}
	return p.octet()
}

func (p *plain) readRow(row []byte) error {
	for i := range row {
		b, err := p.next()
		if err != nil {
			return err
		}
		row[i] = b
	}
	if rest := p.r.page.Columns & 7; rest != 0 {
		row[len(row)-1] &= 0xff << (8 - rest)
	}
	return nil
}
