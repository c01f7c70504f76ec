package echo

import "math/bits"

// step is how far the taps go along the gradient: a product with mantissa, then a shift
// to the right. Coarse bits of the gradient go first, so that 32 bits hold the product.
type step struct {
	coarse   uint8 // bits of the gradient that are rounded away
	shift    uint8
	mantissa int32 // 14 bits
}

const (
	stepBits     = 14 // of the mantissa
	gradientBits = 17 // of the gradient when multiplied
	errorBits    = 10 // of an error in a strip
	tapBits      = 13 // behind the binary point of a tap; wide taps have 16 more
)

func (s step) of(gradient int32) int32 {
	return (gradient + 1<<(s.coarse&31)>>1) >> (s.coarse & 31) * s.mantissa >> (s.shift & 31)
}

// newStep returns the step that moves the taps by rate (a fraction of one, in 15 bits)
// of what would cancel errors of errors*2^scale with far samples of that energy. The step
// 0 moves nothing.
func newStep(rate uint32, energy uint64, scale int) step {
	if rate == 0 || energy == 0 {
		return step{}
	}
	// mantissa*2^exponent is rate/energy.
	up := bits.LeadingZeros64(uint64(rate))
	q := uint64(rate) << up / energy
	exponent := -up - 15
	if down := bits.Len64(q) - stepBits; down > 0 {
		q >>= down
		exponent += down
	}
	peak := (bits.Len64(energy) + 1) / 2 // bits of the largest far sample, at most
	coarse := max(0, errorBits+3+peak-gradientBits)
	shift := -(scale + exponent + coarse + tapBits + 16)
	if shift < 0 {
		shift, q = 0, 1<<stepBits-1
	}
	if shift > 31 {
		return step{}
	}
	return step{uint8(coarse), uint8(shift), int32(q)}
}
