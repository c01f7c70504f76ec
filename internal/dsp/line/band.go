package line

import (
	"math"
	"math/cmplx"

	"tipring/internal/dsp"
)

// The band of a PCM channel from one two-wire port to another: inside the mask of ITU-T
// G.712 clause 2 for attenuation with little to spare, so that a signal at the edges
// suffers as it may. Chebyshev filters also have the delay distortion of real ones.
const (
	bandLowHz     = 270
	bandHighHz    = 3430
	bandLowOrder  = 4
	bandHighOrder = 6
	bandRippleDB  = 0.2
	referenceHz   = 1020 // where the mask is 0 dB
)

// biquad is a filter of second order.
type biquad struct {
	b0, b1, b2, a1, a2 float64
	s1, s2             float64
}

type band []biquad

func newBand() *band {
	b := append(chebyshev(bandLowOrder, bandLowHz, true), chebyshev(bandHighOrder, bandHighHz, false)...)
	gain := 1 / b.gainAt(referenceHz)
	b[0].b0 *= gain
	b[0].b1 *= gain
	b[0].b2 *= gain
	return &b
}

// chebyshev designs a filter of even order whose ripple ends at a frequency, low pass or
// high pass, by the bilinear transform.
func chebyshev(order int, hz float64, high bool) (filter band) {
	edge := math.Tan(math.Pi * hz / dsp.SampleRate)
	e := math.Sqrt(math.Pow(10, bandRippleDB/10) - 1)
	a := math.Asinh(1/e) / float64(order)
	for k := range order / 2 {
		theta := math.Pi * float64(2*k+1) / float64(2*order)
		pole := complex(-math.Sinh(a)*math.Sin(theta), math.Cosh(a)*math.Cos(theta))
		zero := -1.0
		if high {
			pole, zero = 1/pole, 1.0
		}
		pole *= complex(edge, 0)
		z := (1 + pole) / (1 - pole)
		filter = append(filter, biquad{
			b0: 1, b1: -2 * zero, b2: 1,
			a1: -2 * real(z), a2: real(z)*real(z) + imag(z)*imag(z),
		})
	}
	return filter
}

func (b band) gainAt(hz float64) float64 {
	z := cmplx.Rect(1, -2*math.Pi*hz/dsp.SampleRate)
	gain := 1.0
	for _, q := range b {
		over := complex(q.b0, 0) + complex(q.b1, 0)*z + complex(q.b2, 0)*z*z
		under := 1 + complex(q.a1, 0)*z + complex(q.a2, 0)*z*z
		gain *= cmplx.Abs(over / under)
	}
	return gain
}

func (b band) apply(block []float64) {
	for k := range b {
		q := &b[k]
		for i, x := range block {
			y := q.b0*x + q.s1
			q.s1 = q.b1*x - q.a1*y + q.s2
			q.s2 = q.b2*x - q.a2*y
			block[i] = y
		}
	}
}
