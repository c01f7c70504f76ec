// Package line models what a telephone line does to a signal, for the tests and benches
// of everything that has to survive one: a sender's clock that is off, loss, the band of
// ITU-T G.712, slope, an echo, a shifted frequency, phase jitter, noise, companding and
// lost packets, in that order.
//
//	l := line.New(line.Model{OffsetHz: 7, SkewPPM: 200, Band: true, Noise: line.SNR(20, -14), Law: line.ULaw, Seed: 3})
//	heard := l.Run(sent)
//
// The same Model always does the same, however the signal is cut into blocks. Lines can
// follow one another. Filters take time: SkewPPM holds the last 3 ms back, SlopeDB
// delays by 8 ms, OffsetHz or jitter by 16 ms; give silence after a signal to hear its
// end. Arithmetic is floating point, so the last bit may differ between processors.
package line

import (
	"math"

	"tipring/internal/dsp"
)

// Model says what a line does. The zero value does nothing.
type Model struct {
	SkewPPM   float64 // how fast the sender's clock is, in millionths: everything comes sooner and higher
	GainDB    float64 // negative: loss
	Band      bool    // the band of a PCM channel, 300 to 3400 Hz (ITU-T G.712)
	SlopeDB   float64 // gain at 3400 Hz over that at 300 Hz; none at 1850 Hz
	EchoMS    float64 // how late a copy of the signal comes, to the nearest sample; 0: none comes
	EchoDB    float64 // how strong that copy is against the signal
	OffsetHz  float64 // by which every frequency is too high
	JitterHz  float64 // how often the phase swings in a second
	JitterDeg float64 // how far it swings to each side
	Noise     Noise
	Law       Law
	Lost      []int   // frames of 20 ms that are silence, the first one out is 0
	LossPct   float64 // how many of the frames are lost at random, besides
	Seed      uint64  // of noise and random loss
}

// Line is a line in use, in one direction.
type Line struct {
	skew   *resampler
	gain   float64
	band   *band
	slope  *fir
	echo   *echo
	shift  *shifter
	noise  *noise
	law    Law
	losses *losses

	block []float64
	flags []bool
}

// New makes a line.
func New(m Model) *Line {
	l := &Line{gain: math.Pow(10, m.GainDB/20), law: m.Law}
	delay := 0 // of the filters before the noise
	if m.SkewPPM != 0 {
		l.skew = newResampler(m.SkewPPM)
	}
	if m.Band {
		l.band = newBand()
	}
	if m.SlopeDB != 0 {
		l.slope = newSlope(m.SlopeDB)
		delay += l.slope.delay()
	}
	if m.EchoMS > 0 {
		l.echo = newEcho(m.EchoMS, m.EchoDB)
	}
	if m.OffsetHz != 0 || m.JitterDeg != 0 {
		l.shift = newShifter(m.OffsetHz, m.JitterHz, m.JitterDeg)
		delay += l.shift.delay()
	}
	if m.Noise.When != Never {
		l.noise = newNoise(m.Noise, delay, m.Seed)
	}
	if m.LossPct > 0 || len(m.Lost) > 0 {
		l.losses = newLosses(m.Lost, m.LossPct, m.Seed)
	}
	return l
}

// Run returns what comes out of the line for in: as many samples, or with SkewPPM fewer
// or more.
func (l *Line) Run(in []int16) []int16 { return l.Append(nil, in) }

// Append adds what comes out of the line for in to out.
func (l *Line) Append(out, in []int16) []int16 {
	b := l.block[:0]
	if l.skew != nil {
		b = l.skew.append(b, in)
	} else {
		for _, s := range in {
			b = append(b, float64(s))
		}
	}
	l.block = b
	l.pass(b)
	at := len(out)
	for _, v := range b {
		out = append(out, l.law.pass(saturate(v)))
	}
	if l.losses != nil {
		l.losses.apply(out[at:])
	}
	return out
}

// pass takes a block through everything between the two clocks.
func (l *Line) pass(b []float64) {
	if l.noise != nil {
		l.flags = l.noise.watch(l.flags[:0], b)
	}
	if l.gain != 1 {
		for i := range b {
			b[i] *= l.gain
		}
	}
	if l.band != nil {
		l.band.apply(b)
	}
	if l.slope != nil {
		l.slope.apply(b)
	}
	if l.echo != nil {
		l.echo.apply(b)
	}
	if l.shift != nil {
		l.shift.apply(b)
	}
	if l.noise != nil {
		l.noise.apply(b, l.flags)
	}
}

// LevelDBm0 returns the level of a recording without its silence before and after.
func LevelDBm0(pcm []int16) float64 {
	for len(pcm) > 0 && pcm[0] == 0 {
		pcm = pcm[1:]
	}
	for len(pcm) > 0 && pcm[len(pcm)-1] == 0 {
		pcm = pcm[:len(pcm)-1]
	}
	var m dsp.Meter
	m.Add(pcm)
	return m.DBm0()
}

func saturate(v float64) int16 {
	return int16(max(math.MinInt16, min(math.Round(v), math.MaxInt16)))
}
