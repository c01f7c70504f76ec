package t4

// oneDimensional appends the row's runs by T.4 clause 4.1.1: white first, in turn.
func (e *Encoder) oneDimensional(dst []byte) []byte {
	at, colour := 0, 0
	for _, change := range e.row {
		dst = e.run(dst, colour, int(change)-at)
		at = int(change)
		if at == e.config.Columns {
			break
		}
		colour ^= 1
	}
	return dst
}

// run appends the words of one run: make-up words, then the one that ends it.
func (e *Encoder) run(dst []byte, colour, length int) []byte {
	for length >= 2560+64 {
		c := makeUpCodes[colour][2560/64]
		dst = e.out.put(dst, uint32(c.bits), uint(c.n))
		length -= 2560
	}
	if length >= 64 {
		c := makeUpCodes[colour][length/64]
		dst = e.out.put(dst, uint32(c.bits), uint(c.n))
		length %= 64
	}
	c := runCodes[colour][length]
	return e.out.put(dst, uint32(c.bits), uint(c.n))
}

// twoDimensional appends the row by its difference from the one above, with the
// procedure of T.4 clause 4.2.1.3.3; a0, a1, a2, b1 and b2 are its changing elements.
func (e *Encoder) twoDimensional(dst []byte) []byte {
	row, above, columns := e.row, e.reference, e.config.Columns
	a0, colour := -1, 0
	i, j := 0, 0 // row[i] is a1; above[j] is b1 or before it, and of its kind
	for a0 < columns {
		for int(above[j]) <= a0 && int(above[j]) < columns {
			j += 2
		}
		a1, b1, b2 := int(row[i]), int(above[j]), int(above[j+1])
		switch d := a1 - b1; {
		case b2 < a1:
			dst = e.mode(dst, pass)
			a0 = b2
		case -3 <= d && d <= 3:
			dst = e.mode(dst, vertical0+d)
			a0 = a1
			colour ^= 1
			i++
			if j > 0 {
				j-- // the next b1 is of the other kind, and may be before this one
			} else {
				j++
			}
		default:
			a2 := int(row[i+1])
			dst = e.mode(dst, horizontal)
			dst = e.run(dst, colour, a1-max(a0, 0))
			dst = e.run(dst, colour^1, a2-a1)
			a0 = a2
			i += 2
		}
	}
	return dst
}

func (e *Encoder) mode(dst []byte, mode int) []byte {
	c := modeCodes[mode]
	return e.out.put(dst, uint32(c.bits), uint(c.n))
}
