package dsp

import "math"

// maxSample is the largest sample there is.
const maxSample = math.MaxInt16

// A full-scale sine is 3.14 dBm0 (ITU-T G.711 section 4: the theoretical load capacity).
const fullScaleDBm0 = 3.14

// Peak returns the peak value of a sine of that level.
func Peak(dBm0 float64) int32 {
	p := maxSample * math.Pow(10, (dBm0-fullScaleDBm0)/20)
	return int32(math.Round(min(p, maxSample)))
}

// oscillator makes one sine. The phase is a fraction of a turn in 32 bits, so that the
// frequency is exact to 2 µHz and the amplitude never drifts, however long it runs.
type oscillator struct {
	phase, step uint32
	peak        int32
}

func newOscillator(hz, dBm0 float64) oscillator {
	return oscillator{step: uint32(math.Round(hz / SampleRate * (1 << 32))), peak: Peak(dBm0)}
}

func (o *oscillator) next() int32 {
	s := Sine(o.phase)
	o.phase += o.step
	return (s*o.peak + 1<<14) >> 15
}

// Sine returns the sine of a phase, a fraction of a turn in 32 bits, in units of 1/32768.
// It is interpolated in a table, with an error below that of rounding.
func Sine(phase uint32) int32 {
	const indexBits, fractionBits = 8, 15
	turn := phase << 2 // within the quarter
	i := turn >> (32 - indexBits)
	f := int32(turn >> (32 - indexBits - fractionBits) & (1<<fractionBits - 1))
	if phase&(1<<30) != 0 { // second and fourth quarter run backwards
		i, f = 1<<indexBits-1-i, 1<<fractionBits-f
	}
	s := quarter[i] + (quarter[i+1]-quarter[i])*f>>fractionBits
	if phase&(1<<31) != 0 {
		return -s
	}
	return s
}

// quarter is the first quarter of a sine in 256 steps, made by turning a unit vector by
// one step again and again; 30 bits of precision leave no error in the 15 that are kept.
var quarter = func() (t [257]int32) {
	const cosStep, sinStep = 1073721611, 6588356 // of 2π/1024, in units of 2^-30
	x, y := int64(1)<<30, int64(0)
	for i := range t {
		t[i] = min(int32((y+1<<14)>>15), maxSample)
		x, y = (x*cosStep-y*sinStep+1<<29)>>30, (x*sinStep+y*cosStep+1<<29)>>30
	}
	return t
}()
