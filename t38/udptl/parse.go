package udptl

// A datagram is a UDPTLPacket (T.38 annex A). Its slices are parts of what was read.
type datagram struct {
	seq      uint16
	primary  []byte
	recovery [maxRecovery][]byte // secondaries, newest first, or parity messages
	count    int                 // of them
	span     int                 // of the parity messages; 0: they are secondaries
}

// parse reads a datagram and tells whether it is one. Octets after it are ignored: some
// senders pad.
func (d *datagram) parse(b []byte) bool {
	if len(b) > MaxDatagram || len(b) < 2 {
		return false
	}
	r := reader{b: b[2:]}
	d.seq = uint16(b[0])<<8 | uint16(b[1])
	d.primary = r.octets()
	d.span = 0
	if r.octet() >= fecInfo {
		d.span = r.span()
	}
	if d.count = r.length(); d.count > maxRecovery {
		return false
	}
	for i := range d.count {
		d.recovery[i] = r.octets()
	}
	return !r.bad && len(d.primary) > 0
}

// secondaries returns how many packets before the primary the datagram brings, without a
// gap between them.
func (d *datagram) secondaries() int {
	n := 0
	for d.span == 0 && n < d.count && len(d.recovery[n]) > 0 {
		n++
	}
	return n
}

// parity returns parity message i.
func (d *datagram) parity(i int) parityMessage {
	return parityMessage{base: d.seq + uint16(i), every: d.count, span: d.span, octets: d.recovery[i]}
}

// A reader takes octets from the front of b. Past the end it is bad and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) octet() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	o := r.b[0]
	r.b = r.b[1:]
	return o
}

// length reads a length determinant (X.691 clause 11.9). A fragmented one is longer
// than a datagram.
func (r *reader) length() int {
	n := int(r.octet())
	if n >= 0xC0 {
		r.bad = true
		return 0
	}
	if n >= 0x80 {
		n = n&0x3F<<8 | int(r.octet())
	}
	return n
}

func (r *reader) octets() []byte {
	n := r.length()
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// span reads fec-npackets, an INTEGER without bounds: 1 to maxSpan.
func (r *reader) span() int {
	n := 0
	b := r.octets()
	for _, o := range b {
		n = min(n<<8|int(o), maxSpan+1)
	}
	if n < 1 || n > maxSpan || b[0] > 0x7F {
		r.bad = true
	}
	return n
}
