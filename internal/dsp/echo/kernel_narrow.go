//go:build !(amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64 || s390x)

package echo

// lane holds one sample; where registers have 64 bits it holds two.
type lane int32

func pack(earlier, _ int32) lane { return lane(earlier) }

// convolve sets out to a filter's next outputs: out[i] is the sum of taps[j]*x[i+j]. The
// length of taps is a multiple of strip, x is longer by strip.
func convolve(out *[strip]int32, taps []int16, x []lane) {
	var y [strip]lane
	for i := 0; i < strip; i += 4 {
		var a, b, c, d lane
		taps, x := taps, x[i:]
		for len(taps) >= 4 && len(x) >= 7 {
			t, v := (*[4]int16)(taps), (*[7]lane)(x)
			h0, h1, h2, h3 := lane(t[0]), lane(t[1]), lane(t[2]), lane(t[3])
			a += h0*v[0] + h1*v[1] + h2*v[2] + h3*v[3]
			b += h0*v[1] + h1*v[2] + h2*v[3] + h3*v[4]
			c += h0*v[2] + h1*v[3] + h2*v[4] + h3*v[5]
			d += h0*v[3] + h1*v[4] + h2*v[5] + h3*v[6]
			taps, x = taps[4:], x[4:]
		}
		y[i], y[i+1], y[i+2], y[i+3] = a, b, c, d
	}
	for i, v := range y {
		out[i] = int32(v)
	}
}

// correlate adds to each tap what the errors say of it: the sum of errs[i]*x[i+j], in the
// step's measure.
func correlate(w []int32, taps []int16, x []lane, errs *[strip]int32, s step) {
	e := [strip]lane{}
	for i, v := range errs {
		e[i] = lane(v)
	}
	for len(w) >= 1 && len(taps) >= 1 && len(x) >= 8 {
		v := (*[8]lane)(x)
		sum := e[0]*v[0] + e[1]*v[1] + e[2]*v[2] + e[3]*v[3] + e[4]*v[4] + e[5]*v[5] + e[6]*v[6] + e[7]*v[7]
		w0 := w[0] + s.of(int32(sum))
		w[0], taps[0] = w0, int16(w0>>16)
		w, taps, x = w[1:], taps[1:], x[1:]
	}
}
