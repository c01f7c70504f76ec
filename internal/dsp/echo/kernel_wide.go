//go:build amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64 || s390x

package echo

// lane holds two samples that follow one another, the earlier one in its low half: where
// registers have 64 bits, one multiplication then works on both. A sum of products must
// fit 32 bits in each half; what is on the way to that sum need not.
type lane int64

func pack(earlier, later int32) lane { return lane(earlier) + lane(later)<<32 }

// split undoes what a negative low half has borrowed from the high one.
func (l lane) split() (earlier, later int32) { return int32(l), int32((l + 1<<31) >> 32) }

// convolve sets out to a filter's next outputs: out[i] is the sum of taps[j]*x[i+j]. The
// length of taps is a multiple of strip, x is longer by strip.
func convolve(out *[strip]int32, taps []int16, x []lane) {
	var a, b, c, d lane
	for len(taps) >= 8 && len(x) >= 14 {
		t, v := (*[8]int16)(taps), (*[14]lane)(x)
		h := lane(t[0])
		a, b, c, d = a+h*v[0], b+h*v[2], c+h*v[4], d+h*v[6]
		h = lane(t[1])
		a, b, c, d = a+h*v[1], b+h*v[3], c+h*v[5], d+h*v[7]
		h = lane(t[2])
		a, b, c, d = a+h*v[2], b+h*v[4], c+h*v[6], d+h*v[8]
		h = lane(t[3])
		a, b, c, d = a+h*v[3], b+h*v[5], c+h*v[7], d+h*v[9]
		h = lane(t[4])
		a, b, c, d = a+h*v[4], b+h*v[6], c+h*v[8], d+h*v[10]
		h = lane(t[5])
		a, b, c, d = a+h*v[5], b+h*v[7], c+h*v[9], d+h*v[11]
		h = lane(t[6])
		a, b, c, d = a+h*v[6], b+h*v[8], c+h*v[10], d+h*v[12]
		h = lane(t[7])
		a, b, c, d = a+h*v[7], b+h*v[9], c+h*v[11], d+h*v[13]
		taps, x = taps[8:], x[8:]
	}
	out[0], out[1] = a.split()
	out[2], out[3] = b.split()
	out[4], out[5] = c.split()
	out[6], out[7] = d.split()
}

// correlate adds to each tap what the errors say of it: the sum of errs[i]*x[i+j], in the
// step's measure.
func correlate(w []int32, taps []int16, x []lane, errs *[strip]int32, s step) {
	e0, e1, e2, e3 := lane(errs[0]), lane(errs[1]), lane(errs[2]), lane(errs[3])
	e4, e5, e6, e7 := lane(errs[4]), lane(errs[5]), lane(errs[6]), lane(errs[7])
	for len(w) >= 2 && len(taps) >= 2 && len(x) >= 8 {
		v := (*[8]lane)(x)
		sum := e0*v[0] + e1*v[1] + e2*v[2] + e3*v[3] + e4*v[4] + e5*v[5] + e6*v[6] + e7*v[7]
		g0, g1 := sum.split()
		w0, w1 := w[0]+s.of(g0), w[1]+s.of(g1)
		w[0], w[1] = w0, w1
		taps[0], taps[1] = int16(w0>>16), int16(w1>>16)
		w, taps, x = w[2:], taps[2:], x[2:]
	}
}
