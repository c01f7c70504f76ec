package dsp

import "math"

// Goertzel measures how much of one frequency there is in blocks of samples. Its
// resolution is the inverse of the block: 160 samples tell 50 Hz apart.
type Goertzel struct {
	coefficient int64 // 2 cos ω, in units of 2^-goertzelBits
	s1, s2      int64
	seen, block int
	power       uint64
}

// The state grows to 2^15 times the block and may be multiplied by twice 2^goertzelBits.
const (
	goertzelBits     = 28
	maxGoertzelBlock = 8000
)

// NewGoertzel makes a detector of a frequency for blocks of 1 to 8000 samples.
func NewGoertzel(hz float64, block int) Goertzel {
	w := 2 * math.Pi * hz / SampleRate
	return Goertzel{
		coefficient: int64(math.Round(2 * math.Cos(w) * (1 << goertzelBits))),
		block:       max(1, min(block, maxGoertzelBlock)),
	}
}

// Feed takes samples and tells whether they completed a block; the measurement is then
// that of the last complete one.
func (g *Goertzel) Feed(in []int16) (complete bool) {
	for len(in) > 0 {
		n := min(len(in), g.block-g.seen)
		s1, s2 := g.s1, g.s2
		for _, x := range in[:n] {
			s1, s2 = int64(x)+g.coefficient*s1>>goertzelBits-s2, s1
		}
		g.s1, g.s2 = s1, s2
		if g.seen += n; g.seen == g.block {
			g.finish()
			complete = true
		}
		in = in[n:]
	}
	return complete
}

// finish turns the state into the mean square of the sine that would have left it.
func (g *Goertzel) finish() {
	n := float64(g.block)
	s1, s2 := float64(g.s1), float64(g.s2)
	c := float64(g.coefficient) / (1 << goertzelBits)
	g.power = uint64(max(0, 2*(s1*s1+s2*s2-c*s1*s2)/(n*n)))
	g.s1, g.s2, g.seen = 0, 0, 0
}

// MeanSquare returns the power of the frequency in the last complete block.
func (g *Goertzel) MeanSquare() uint64 { return g.power }

// DBm0 returns its level.
func (g *Goertzel) DBm0() float64 { return powerDBm0(float64(g.power)) }
