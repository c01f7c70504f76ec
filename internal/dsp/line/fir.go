package line

import (
	"math"

	"tipring/internal/dsp"
)

// fir is a filter with a finite response.
type fir struct {
	taps []float64
	past []float64 // twice as long as taps, so that the last len(taps) samples lie together
	at   int
}

func newFIR(taps []float64) *fir { return &fir{taps: taps, past: make([]float64, 2*len(taps))} }

func (f *fir) delay() int { return len(f.taps) / 2 }

func (f *fir) apply(block []float64) {
	for i, x := range block {
		f.push(x)
		block[i] = f.sum()
	}
}

func (f *fir) push(x float64) {
	n := len(f.taps)
	if f.at--; f.at < 0 {
		f.at = n - 1
	}
	f.past[f.at], f.past[f.at+n] = x, x
}

func (f *fir) sum() (y float64) {
	past := f.past[f.at:]
	for k, c := range f.taps {
		y += c * past[k]
	}
	return y
}

// tap returns the sample before the last k.
func (f *fir) tap(k int) float64 { return f.past[f.at+k] }

// The slope of a line is that between the edges of the band; beyond them it is level.
const (
	slopeTaps   = 127
	slopeLowHz  = 300
	slopeHighHz = 3400
)

// newSlope makes a filter of constant delay whose gain in dB is a straight line.
func newSlope(dB float64) *fir {
	const grid = 4096
	taps := make([]float64, slopeTaps)
	for n := range taps {
		sum := 0.0
		for k := range grid {
			hz := (float64(k) + 0.5) * dsp.SampleRate / 2 / grid
			within := max(slopeLowHz, min(hz, slopeHighHz))
			gain := math.Pow(10, dB*(within-(slopeLowHz+slopeHighHz)/2)/(slopeHighHz-slopeLowHz)/20)
			sum += gain * math.Cos(2*math.Pi*hz/dsp.SampleRate*float64(n-slopeTaps/2))
		}
		taps[n] = sum / grid * kaiser(float64(n-slopeTaps/2)/(slopeTaps/2+1))
	}
	return newFIR(taps)
}

// kaiser is the window of that name at x, from -1 to 1: it keeps what leaks 80 dB down.
func kaiser(x float64) float64 {
	const beta = 8
	return bessel(beta*math.Sqrt(max(0, 1-x*x))) / bessel(beta)
}

// bessel is the modified Bessel function of order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-17; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

// echo adds a late copy of a signal.
type echo struct {
	past []float64
	at   int
	gain float64
}

func newEcho(ms, dB float64) *echo {
	samples := max(1, int(math.Round(ms*dsp.SampleRate/1000)))
	return &echo{past: make([]float64, samples), gain: math.Pow(10, dB/20)}
}

func (e *echo) apply(block []float64) {
	for i, x := range block {
		block[i] = x + e.gain*e.past[e.at]
		e.past[e.at] = x
		e.at = (e.at + 1) % len(e.past)
	}
}
