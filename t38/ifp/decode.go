package ifp

import "encoding/binary"

// Decode reads one packet from the beginning of b into p and returns how many octets it
// took. Octets after it are left alone: a packet that parity restored is padded with
// zeros. The Data of the fields are parts of b, not copies. p.Fields is filled from its
// beginning and grows only when a packet has more fields than any before.
//
// Types that a later edition added are passed on with their number (not Known), with
// their data. The only error is ErrMalformed; p is then of no use but to decode into.
func (p *Packet) Decode(b []byte, c Coding) (int, error) {
	r := bitReader{b: b}
	fields := r.take(1) == 1
	p.IsData = r.take(1) == 1
	p.Indicator, p.Data, p.Fields = NoIndicator, NoData, p.Fields[:0]
	if p.IsData {
		p.Data = DataType(r.enumerated(rootDataTypes, 4))
	} else {
		p.Indicator = Indicator(r.enumerated(rootIndicators, 4))
	}
	if fields {
		r.align()
		p.readFields(&r, c)
	}
	r.align()
	if r.bad {
		return 0, ErrMalformed
	}
	return r.at / 8, nil
}

func (p *Packet) readFields(r *bitReader, c Coding) {
	n := r.length()
	if n > MaxFields {
		r.bad = true
	}
	for ; n > 0 && !r.bad; n-- {
		p.Fields = append(p.Fields, r.field(c))
	}
}

// field reads one element of the SEQUENCE OF.
func (r *bitReader) field(c Coding) (f Field) {
	data := r.take(1) == 1
	if c == Original {
		f.Type = FieldType(r.take(3))
	} else {
		f.Type = FieldType(r.enumerated(rootFieldTypes, 3))
	}
	if data {
		r.align()
		if n := r.octets(2); n != nil {
			f.Data = r.octets(int(binary.BigEndian.Uint16(n)) + 1)
		}
	}
	return f
}

// A bitReader takes bits, the most significant of each octet first. Past the end it is
// bad and gives zeros.
type bitReader struct {
	b   []byte
	at  int // bits taken
	bad bool
}

func (r *bitReader) take(bits int) (v uint) {
	if r.at+bits > 8*len(r.b) {
		r.bad = true
		return 0
	}
	for ; bits > 0; bits-- {
		v = v<<1 | uint(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bitReader) align() { r.at = (r.at + 7) &^ 7 }

// octets takes n whole octets; r is aligned.
func (r *bitReader) octets(n int) []byte {
	begin := r.at / 8
	if n > len(r.b)-begin {
		r.bad = true
		return nil
	}
	r.at += 8 * n
	return r.b[begin : begin+n : begin+n]
}

// enumerated reads an extensible ENUMERATED (X.691 clause 14) with so many root values
// in so many bits. Additions follow the root; those past what an octet holds are 255.
func (r *bitReader) enumerated(root uint, bits int) uint8 {
	if r.take(1) == 0 {
		v := r.take(bits)
		if v >= root {
			r.bad = true
		}
		return uint8(v)
	}
	v := r.normallySmall()
	return uint8(min(root+v, 255))
}

// normallySmall reads a normally small non-negative number (X.691 clause 11.6): six
// bits, or octets with their length. What does not fit an octet is 255.
func (r *bitReader) normallySmall() uint {
	if r.take(1) == 0 {
		return r.take(6)
	}
	r.align()
	octets := r.octets(r.length())
	if len(octets) == 0 {
		r.bad = true
		return 0
	}
	v := uint(0)
	for _, o := range octets {
		v = min(v<<8|uint(o), 255)
	}
	return v
}

// length reads a length determinant (X.691 clause 11.9); r is aligned. Nothing here is
// so long that it would be fragmented.
func (r *bitReader) length() int {
	n := r.take(8)
	switch {
	case n < 0x80:
		return int(n)
	case n < 0xC0:
		return int(n&0x3F<<8 | r.take(8))
	}
	r.bad = true
	return 0
}
