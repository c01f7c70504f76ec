package line

import (
	"math"

	"tipring/internal/dsp"
)

// hilbertHalf, taps to each side, makes the transform good from 100 to 3900 Hz.
const hilbertHalf = 128

// shifter turns the phase of a whole signal: steadily, which moves every frequency by as
// much, or to and fro. With the signal's Hilbert transform beside it as its imaginary
// part, that is a multiplication.
type shifter struct {
	hilbert       [hilbertHalf / 2]float64 // its taps 1, 3, 5 … from the middle; the even ones are 0, the others its negative
	past          *fir
	phase, step   float64 // of the offset, in turns
	swing, often  float64 // of the jitter, in turns
	furthestTurns float64
}

func newShifter(offsetHz, jitterHz, jitterDeg float64) *shifter {
	s := &shifter{
		past:          newFIR(make([]float64, 2*hilbertHalf+1)),
		step:          offsetHz / dsp.SampleRate,
		often:         jitterHz / dsp.SampleRate,
		furthestTurns: jitterDeg / 360,
	}
	for i := range s.hilbert {
		k := float64(2*i + 1)
		s.hilbert[i] = 2 / (math.Pi * k) * kaiser(k/(hilbertHalf+1))
	}
	return s
}

func (s *shifter) delay() int { return hilbertHalf }

func (s *shifter) apply(block []float64) {
	for i, x := range block {
		s.past.push(x)
		turn := s.phase + s.furthestTurns*math.Sin(2*math.Pi*s.swing)
		sin, cos := math.Sincos(2 * math.Pi * turn)
		block[i] = s.past.tap(hilbertHalf)*cos - s.transform()*sin
		_, s.phase = math.Modf(s.phase + s.step)
		_, s.swing = math.Modf(s.swing + s.often)
	}
}

// transform returns the Hilbert transform of the sample in the middle.
func (s *shifter) transform() (y float64) {
	past := s.past.past[s.past.at:]
	for i, c := range s.hilbert {
		y += c * (past[hilbertHalf+2*i+1] - past[hilbertHalf-2*i-1])
	}
	return y
}
