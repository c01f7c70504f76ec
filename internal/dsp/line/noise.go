package line

import (
	"math"
	"math/rand/v2"

	"tipring/internal/dsp"
)

// When says when a line is noisy.
type When uint8

const (
	Never    When = iota
	InBursts      // only while a signal is there: the receiver starts from silence
	Always        // before, between and after bursts too
)

// Noise is white and Gaussian.
type Noise struct {
	When When
	DBm0 float64 // its whole level, 0 to 4000 Hz
}

// SNR returns noise that lies dB below a signal of signalDBm0 as it leaves the line, while
// the signal is there.
func SNR(dB, signalDBm0 float64) Noise { return Noise{InBursts, signalDBm0 - dB} }

// A signal is there where the samples sent are not 0. The pauses within a modem's
// training, 20 to 25 ms, belong to it.
const burstGap = 26 * dsp.SampleRate / 1000

type noise struct {
	random  *rand.Rand
	rms     float64
	always  bool
	quiet   int    // samples since one that was not silence
	waiting []bool // whether a signal is there, delayed as the signal is
	at      int
}

func newNoise(n Noise, delay int, seed uint64) *noise {
	return &noise{
		random:  rand.New(rand.NewPCG(seed, 1)),
		rms:     math.Sqrt(fullPower) * math.Pow(10, n.DBm0/20),
		always:  n.When == Always,
		quiet:   burstGap,
		waiting: make([]bool, delay+1),
	}
}

// fullPower is the mean square of a signal of 0 dBm0.
var fullPower = float64(dsp.MeanSquare(0))

// watch adds for each sample of a block that was sent whether it is to be noisy when it
// comes to the noise.
func (n *noise) watch(flags []bool, sent []float64) []bool {
	for _, x := range sent {
		if math.Abs(x) >= 0.5 {
			n.quiet = 0
		} else {
			n.quiet = min(n.quiet+1, burstGap)
		}
		n.waiting[n.at] = n.always || n.quiet < burstGap
		n.at = (n.at + 1) % len(n.waiting)
		flags = append(flags, n.waiting[n.at])
	}
	return flags
}

func (n *noise) apply(block []float64, flags []bool) {
	for i, noisy := range flags {
		if v := n.random.NormFloat64() * n.rms; noisy {
			block[i] += v
		}
	}
}
