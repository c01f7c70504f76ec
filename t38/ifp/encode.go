package ifp

// Append adds a packet to dst and returns it. The error, ErrUnsupported, is for a packet
// that the coding cannot express: a type of a later edition, more than MaxFields fields,
// a field longer than MaxFieldData; dst is then as it was.
func (p *Packet) Append(dst []byte, c Coding) ([]byte, error) {
	if p.IsData {
		return AppendData(dst, c, p.Data, p.Fields...)
	}
	if len(p.Fields) > 0 {
		return dst, ErrUnsupported
	}
	return AppendIndicator(dst, p.Indicator)
}

// AppendIndicator adds a packet that holds an indicator.
func AppendIndicator(dst []byte, i Indicator) ([]byte, error) {
	if !i.Known() {
		return dst, ErrUnsupported
	}
	w := bitWriter{b: dst}
	w.put(0, 2) // no data field, choice t30-indicator
	w.enumerated(uint8(i), rootIndicators, 4)
	return w.b, nil
}

// AppendData adds a packet that holds data in fields. Without any field it has no data
// field at all.
func AppendData(dst []byte, c Coding, d DataType, fields ...Field) ([]byte, error) {
	if !d.Known() || !expressible(fields, c) {
		return dst, ErrUnsupported
	}
	w := bitWriter{b: dst}
	w.put(present(len(fields) > 0), 1)
	w.put(1, 1) // choice t30-data
	w.enumerated(uint8(d), rootDataTypes, 4)
	if len(fields) > 0 {
		w.align()
		w.length(len(fields))
		for _, f := range fields {
			w.field(f, c)
		}
	}
	return w.b, nil
}

func expressible(fields []Field, c Coding) bool {
	if len(fields) > MaxFields {
		return false
	}
	for _, f := range fields {
		if !f.Type.Known() || len(f.Data) > MaxFieldData || c == Original && f.Type >= rootFieldTypes {
			return false
		}
	}
	return true
}

func present(b bool) uint {
	if b {
		return 1
	}
	return 0
}

// field writes one element of the SEQUENCE OF. A field without data is not padded: the
// next one begins at the next bit.
func (w *bitWriter) field(f Field, c Coding) {
	w.put(present(len(f.Data) > 0), 1)
	if c == Original {
		w.put(uint(f.Type), 3)
	} else {
		w.enumerated(uint8(f.Type), rootFieldTypes, 3)
	}
	if len(f.Data) == 0 {
		return
	}
	w.align()
	n := len(f.Data) - 1 // X.691: a constrained length counts from its lower bound
	w.b = append(w.b, byte(n>>8), byte(n))
	w.b = append(w.b, f.Data...)
}

// A bitWriter appends bits, the most significant of each octet first.
type bitWriter struct {
	b    []byte
	free int // bits of the last octet not yet written
}

func (w *bitWriter) put(v uint, bits int) {
	for bits--; bits >= 0; bits-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>bits&1) << w.free
	}
}

func (w *bitWriter) align() { w.free = 0 }

// enumerated writes an extensible ENUMERATED (X.691 clause 14): a root value in its
// bits, an addition as a normally small number.
func (w *bitWriter) enumerated(v, root uint8, bits int) {
	if v < root {
		w.put(0, 1)
		w.put(uint(v), bits)
		return
	}
	w.put(1, 1)
	w.put(0, 1)
	w.put(uint(v-root), 6)
}

// length writes a length determinant up to 16383 (X.691 clause 11.9); w is aligned.
func (w *bitWriter) length(n int) {
	if n > 127 {
		w.b = append(w.b, 0x80|byte(n>>8))
	}
	w.b = append(w.b, byte(n))
}
