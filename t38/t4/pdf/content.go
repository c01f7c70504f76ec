package pdf

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// A matrix maps the unit square, where an image is, to the page: ISO 32000-1 clause 8.3.4.
type matrix struct{ a, b, c, d, e, f float64 }

// then is the matrix that does m and then n.
func (m matrix) then(n matrix) matrix {
	return matrix{
		m.a*n.a + m.b*n.c, m.a*n.b + m.b*n.d, m.c*n.a + m.d*n.c, m.c*n.b + m.d*n.d,
		m.e*n.a + m.f*n.c + n.e, m.e*n.b + m.f*n.d + n.f,
	}
}

// upright reports that the image is neither turned nor mirrored, and of some sensible size.
func (m matrix) upright() bool {
	for _, v := range []float64{m.a, m.d, m.e, m.f} {
		if !(math.Abs(v) <= mostPoints) {
			return false
		}
	}
	return m.a >= 1 && m.d >= 1 && math.Abs(m.b) < 0.01 && math.Abs(m.c) < 0.01
}

// content returns what draws the page.
func (f *File) content(o any) ([]byte, error) {
	o, err := f.resolve(o)
	if err != nil {
		return nil, err
	}
	parts, ok := o.(array)
	if !ok {
		parts = array{o}
	}
	var all []byte
	for _, part := range parts {
		part, err := f.resolve(part)
		if err != nil {
			return nil, err
		}
		s, ok := part.(*stream)
		if !ok {
			return nil, errOther
		}
		octets, err := f.unpack(s, maxContent)
		if err != nil {
			return nil, err
		}
		if all = append(append(all, octets...), '\n'); len(all) > maxContent {
			return nil, errOther
		}
	}
	return all, nil
}

// drawn is the one image that a page draws.
type drawn struct {
	object   name
	at       matrix
	coloured bool // the page sets colours, which a mask is painted with
}

// A painter follows the operators of a page as far as they draw images.
type painter struct {
	drawn
	images   int
	operands []any
	now      matrix
	saved    []matrix
	hidden   bool // text is not shown: what a scanner has recognised
}

// readContent finds the image that is all a page draws.
func readContent(content []byte) (drawn, error) {
	p := painter{now: matrix{a: 1, d: 1}}
	l := newLexer(bytes.NewReader(content), 0)
	for {
		o, err := l.object(0)
		if errors.Is(err, io.ErrUnexpectedEOF) && l.offset() >= int64(len(content)) {
			break
		}
		if err != nil {
			return drawn{}, err
		}
		op, ok := o.(keyword)
		if !ok {
			if len(p.operands) == maxDepth {
				return drawn{}, errOther
			}
			p.operands = append(p.operands, o)
			continue
		}
		if !p.operate(op) {
			return drawn{}, errOther
		}
		p.operands = p.operands[:0]
	}
	if p.images != 1 || !p.at.upright() {
		return drawn{}, errOther
	}
	return p.drawn, nil
}

// operate does an operator of ISO 32000-1 annex A, and reports false if it draws
// anything but an image.
func (p *painter) operate(op keyword) bool {
	switch op {
	case "q":
		if len(p.saved) == maxDepth {
			return false
		}
		p.saved = append(p.saved, p.now)
	case "Q":
		if n := len(p.saved); n > 0 {
			p.now, p.saved = p.saved[n-1], p.saved[:n-1]
		}
	case "cm":
		m, ok := p.matrix()
		p.now = m.then(p.now)
		return ok
	case "Do":
		if len(p.operands) != 1 {
			return false
		}
		n, ok := p.operands[0].(name)
		p.object, p.at = n, p.now
		p.images++
		return ok
	case "g", "rg", "k", "cs", "sc", "scn":
		p.coloured = true
	case "G", "RG", "K", "CS", "SC", "SCN", // colours of lines, of which there are none
		"w", "J", "j", "M", "d", "ri", "i",
		"BT", "ET", "Tf", "Tc", "Tw", "Tz", "TL", "Ts", "Td", "TD", "Tm", "T*",
		"BMC", "BDC", "EMC", "MP", "DP":
	case "Tr":
		p.hidden = len(p.operands) == 1 && p.operands[0] == 3.0
	case "Tj", "TJ", "'", "\"":
		return p.hidden
	default:
		return false
	}
	return true
}

func (p *painter) matrix() (m matrix, ok bool) {
	var v [6]float64
	if len(p.operands) != len(v) {
		return m, false
	}
	for i, o := range p.operands {
		f, ok := o.(float64)
		if !ok {
			return m, false
		}
		v[i] = f
	}
	return matrix{v[0], v[1], v[2], v[3], v[4], v[5]}, true
}
