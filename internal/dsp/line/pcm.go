package line

import (
	"math/rand/v2"

	"tipring/internal/dsp"
)

// Law is how the samples travel.
type Law uint8

const (
	Linear Law = iota
	ULaw       // ITU-T G.711 µ-law
	ALaw       // ITU-T G.711 A-law
)

func (l Law) pass(s int16) int16 {
	switch l {
	case ULaw:
		return dsp.ULawDecode(dsp.ULawEncode(s))
	case ALaw:
		return dsp.ALawDecode(dsp.ALawEncode(s))
	}
	return s
}

// frameSamples is what a packet carries.
const frameSamples = 20 * dsp.SampleRate / 1000

// losses silences frames.
type losses struct {
	random *rand.Rand
	rate   float64
	listed map[int]bool
	frame  int // number of the frame that the next sample belongs to
	left   int // samples of it to come
	lost   bool
}

func newLosses(frames []int, pct float64, seed uint64) *losses {
	l := &losses{random: rand.New(rand.NewPCG(seed, 2)), rate: pct / 100, listed: map[int]bool{}, frame: -1}
	for _, f := range frames {
		l.listed[f] = true
	}
	return l
}

func (l *losses) apply(block []int16) {
	for len(block) > 0 {
		if l.left == 0 {
			l.frame++
			l.left = frameSamples
			l.lost = l.random.Float64() < l.rate || l.listed[l.frame]
		}
		n := min(l.left, len(block))
		if l.lost {
			clear(block[:n])
		}
		l.left -= n
		block = block[n:]
	}
}
