package dsp

// band is one sub-band of G.722: an adaptive quantiser and a predictor with two poles
// and six zeros, driven by nothing but the codes, so that both ends keep the same one.
type band struct {
	s  int32    // the predicted value of the next sample
	nb int32    // logarithm of the quantiser's step
	sz int32    // the zeros' part of s
	a  [2]int32 // pole coefficients
	b  [6]int32 // zero coefficients
	r  [2]int32 // reconstructed signal, newest first
	p  [2]int32 // partially reconstructed signal, newest first
	d  [6]int32 // quantised difference, newest first
}

// The two bands scale their steps differently (SCALEL, SCALEH).
const (
	lowerShift = 8
	upperShift = 10
)

// step is the quantiser's step, from its logarithm (SCALEL, SCALEH).
func (b *band) step(shift int32) int32 {
	v := antilog[b.nb>>6&31]
	if s := shift - b.nb>>11; s >= 0 {
		v >>= s
	} else {
		v <<= -s
	}
	return v << 2
}

// quantiseLower returns the six-bit code of a sample of the lower band (SUBTRA, QUANTL).
func (b *band) quantiseLower(x int32) int32 {
	difference, negative := magnitude(x - b.s)
	step := b.step(lowerShift)
	interval, end := int32(0), int32(len(decision6))
	for interval < end { // how many decision levels it reaches
		if mid := (interval + end) / 2; difference >= decision6[mid]*step>>12 {
			interval = mid + 1
		} else {
			end = mid
		}
	}
	// The codes count downwards from the smallest difference; the two smallest
	// negative ones have the codes that would otherwise be left over.
	switch {
	case !negative:
		return 61 - interval
	case interval < 2:
		return 63 - interval
	}
	return 33 - interval
}

// quantiseUpper returns the two-bit code of a sample of the upper band (SUBTRB, QUANTH).
func (b *band) quantiseUpper(x int32) int32 {
	difference, negative := magnitude(x - b.s)
	code := int32(3)
	if difference >= 564*b.step(upperShift)>>12 {
		code = 2
	}
	if negative {
		code -= 2
	}
	return code
}

func magnitude(difference int32) (size int32, negative bool) {
	d := int32(saturate(difference))
	return d ^ d>>31, d < 0
}

// adaptLower goes on by one sample, by the first four bits of its code (INVQAL, LOGSCL).
func (b *band) adaptLower(four int32) {
	difference := b.step(lowerShift) * level4[four] >> 15
	b.nb = max(0, min(b.nb*127>>7+weight4[four], 18432))
	b.predict(difference)
}

// adaptUpper goes on by one sample (INVQAH, LOGSCH).
func (b *band) adaptUpper(two int32) {
	difference := b.upperDifference(two)
	b.nb = max(0, min(b.nb*127>>7+weight2[two], 22528))
	b.predict(difference)
}

func (b *band) upperDifference(two int32) int32 { return b.step(upperShift) * level2[two] >> 15 }

// predict takes in the quantised difference and predicts the next sample (ITU-T G.722
// block 4, which is alike in both bands).
func (b *band) predict(difference int32) {
	reconstructed := sat(b.s + difference) // RECONS
	partly := sat(b.sz + difference)       // PARREC
	b.adaptPoles(partly)
	b.adaptZeros(difference)
	b.r = [2]int32{reconstructed, b.r[0]}
	b.p = [2]int32{partly, b.p[0]}
	copy(b.d[1:], b.d[:5])
	b.d[0] = difference

	poles := sat(b.a[0]*sat(2*b.r[0])>>15 + b.a[1]*sat(2*b.r[1])>>15) // FILTEP
	zeros := int32(0)
	for i, c := range b.b { // FILTEZ
		zeros += c * sat(2*b.d[i]) >> 15
	}
	b.sz = sat(zeros)
	b.s = sat(poles + b.sz) // PREDIC
}

// adaptPoles is UPPOL2 and UPPOL1: a gradient step by signs alone, then what keeps the
// filter stable.
func (b *band) adaptPoles(partly int32) {
	same1, same2 := (partly^b.p[0]) >= 0, (partly^b.p[1]) >= 0

	push := sat(4 * b.a[0])
	if same1 {
		push = sat(-push)
	}
	push >>= 7
	if same2 {
		push += 128
	} else {
		push -= 128
	}
	a2 := max(-12288, min(push+b.a[1]*32512>>15, 12288))

	push = -192
	if same1 {
		push = 192
	}
	bound := sat(15360 - a2)
	a1 := max(-bound, min(sat(push+b.a[0]*32640>>15), bound))
	b.a = [2]int32{a1, a2}
}

// adaptZeros is UPZERO.
func (b *band) adaptZeros(difference int32) {
	for i, c := range b.b {
		push := int32(0)
		switch {
		case difference == 0:
		case (difference ^ b.d[i]) >= 0:
			push = 128
		default:
			push = -128
		}
		b.b[i] = sat(push + c*32640>>15)
	}
}

func sat(v int32) int32 { return int32(saturate(v)) }
