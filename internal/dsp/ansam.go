package dsp

import "math"

// ANSamGenerator makes the modified answer tone of V.8: 2100 Hz whose amplitude
// swings by 20 % 15 times a second, and whose phase is reversed each 450 ms. A fax
// machine that sends none is not taken for a Super G3 one; this is for what has to know
// it. The zero value is silent.
type ANSamGenerator struct {
	carrier, swing oscillator
	reversals      bool
	at             int // samples since the last reversal
}

const (
	reversalEvery = 450 * SampleRate / 1000
	swingBits     = 15
)

// NewANSam makes a generator of ANSam with reversals.
func NewANSam(dBm0 float64) *ANSamGenerator {
	g := NewANS(dBm0)
	g.swing = newOscillator(answerAMHz, 0)
	g.swing.peak = int32(math.Round(1 << swingBits * answerAMPct / 100))
	return g
}

// NewANS makes a generator of 2100 Hz with reversals, the answer tone of V.25 of a modem
// that turns echo cancellers off.
func NewANS(dBm0 float64) *ANSamGenerator {
	return &ANSamGenerator{carrier: newOscillator(answerHz, dBm0), reversals: true}
}

// WithoutReversals leaves the reversals out.
func (g *ANSamGenerator) WithoutReversals() *ANSamGenerator {
	g.reversals = false
	return g
}

// Read fills out with the next samples.
func (g *ANSamGenerator) Read(out []int16) {
	for i := range out {
		if g.at == reversalEvery {
			g.at = 0
			if g.reversals {
				g.carrier.phase += 1 << 31
			}
		}
		g.at++
		v := g.carrier.next()
		out[i] = saturate(v + v*g.swing.next()>>swingBits)
	}
}
