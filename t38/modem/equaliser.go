package modem

// equaliser is a filter over complex samples, two a symbol, that undoes what the line did.
// It learns by the method of least mean squares.
type equaliser struct {
	n      int
	re, im [equaliserTaps]int32 // the oldest sample's first; 1 is 1<<28
}

// equaliserTaps spans 16 to 20 symbols, precursor of them before the one that is decided:
// at 2400 symbols a second an echo of 3 ms lies within.
const (
	equaliserTaps = 40
	precursor     = 14 // in samples
)

// reset has the equaliser let everything through as it is, times gain, 1<<28 for 1.
func (e *equaliser) reset(gain int32) {
	*e = equaliser{n: equaliserTaps}
	e.re[e.n-1-precursor] = gain
}

// scale turns and multiplies the equaliser by a complex number, 1<<14 for 1.
func (e *equaliser) scale(by point) {
	for i := range e.n {
		re, im := int64(e.re[i]), int64(e.im[i])
		e.re[i] = int32((re*int64(by.re) - im*int64(by.im)) >> 14)
		e.im[i] = int32((re*int64(by.im) + im*int64(by.re)) >> 14)
	}
}

// output filters samples, the oldest first; 1<<16 is the root mean square of a signal.
func (e *equaliser) output(re, im []int32) point {
	cr, ci := e.re[:len(re)], e.im[:len(re)]
	im = im[:len(re)]
	var a, b int32
	for i, x := range re {
		r, m, y := cr[i]>>15, ci[i]>>15, im[i]
		a += r*x - m*y
		b += r*y + m*x
	}
	return point{(a + 1<<7) >> 8, (b + 1<<7) >> 8}
}

// learn moves the taps so that the output would have been more like the one wanted: by
// the step's share of the error, 1<<17 for 1.
func (e *equaliser) learn(re, im []int32, step point) {
	cr, ci := e.re[:len(re)], e.im[:len(re)]
	im = im[:len(re)]
	for i, x := range re {
		y := im[i]
		cr[i] += step.re*x + step.im*y
		ci[i] += step.im*x - step.re*y
	}
}
