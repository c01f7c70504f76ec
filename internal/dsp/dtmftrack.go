package dsp

import "math"

// The DTMF detector takes its input in steps of 5 ms. Of each step it keeps how much of
// each of the eight frequencies there is, with its phase, and joins four steps,
// weighted 1 2 2 1, to a view of 20 ms. How far the phase turned between two views
// tells a frequency more finely than a view alone can: that is how 1.5 % off is told
// from 3.5 % off within 40 ms.
const (
	stepSamples = 40
	stepsInView = 4
	viewSamples = stepsInView * stepSamples

	waveBits = 11 // of the reference waves; so that no sum of a step overflows 32 bits
	stepDrop = 8  // bits dropped from such a sum
	turnBits = 15 // of the unit vectors below

	// A sine of peak A has A²/2 of energy a sample, and stands in a view with an
	// amplitude of A/2 times its samples times the mean weight 1.5. Power over energy:
	viewAmplitude = viewSamples * 3 / 4 << (waveBits - stepDrop)
	viewGain      = viewAmplitude * viewAmplitude / (viewSamples / 2)
)

var (
	weakestView  = int64(MeanSquare(dtmfWeakest)) * 2 * viewAmplitude * viewAmplitude
	faintestStep = int64(MeanSquare(dtmfWeakest-6)) * stepSamples
)

// phasor is an amplitude and phase.
type phasor struct{ re, im int32 }

// reference is what a DTMF frequency is compared with.
type reference struct {
	wave [stepSamples]phasor
	turn phasor // of the phase, from one step to the next
	// How far the phase may turn beyond that for the frequency to be right: the tangent
	// of the angle, in units of 1/1024.
	slack int64
}

var references = func() (refs [8]reference) {
	for i := range refs {
		hz := dtmfLow[i&3]
		if i >= 4 {
			hz = dtmfHigh[i&3]
		}
		r := &refs[i]
		step := uint32(math.Round(hz / SampleRate * (1 << 32)))
		for k := range r.wave {
			p := uint32(k) * step
			r.wave[k] = phasor{Sine(p+1<<30) >> (15 - waveBits), -Sine(p) >> (15 - waveBits)}
		}
		p := stepSamples * step
		r.turn = phasor{Sine(p + 1<<30), Sine(p)}
		r.slack = int64(1024 * math.Tan(2*math.Pi*hz*dtmfOffPct/100*stepSamples/SampleRate))
	}
	return refs
}()

// track is one frequency through the last views.
type track struct {
	steps      [stepsInView]phasor // newest first
	view, last phasor              // of the steps up to now, and one step before
	power      int64               // of view
}

// add takes in a step; a faint one counts as silence.
func (t *track) add(frequency int, in *[stepSamples]int16, audible bool) {
	ref := &references[frequency]
	copy(t.steps[1:], t.steps[:])
	t.steps[0] = phasor{}
	if audible {
		t.steps[0] = correlate(in, &ref.wave)
	}
	t.last = t.view
	v := t.steps[3].turned(ref.turn).plus(t.steps[2], 2)
	v = v.turned(ref.turn).plus(t.steps[1], 2)
	t.view = v.turned(ref.turn).plus(t.steps[0], 1)
	re, im := int64(t.view.re), int64(t.view.im)
	t.power = re*re + im*im
}

func correlate(in *[stepSamples]int16, wave *[stepSamples]phasor) phasor {
	re, im := int32(0), int32(0)
	for i, x := range in {
		re += int32(x) * wave[i].re
		im += int32(x) * wave[i].im
	}
	return phasor{re >> stepDrop, im >> stepDrop}
}

// turned returns p turned by the angle of a unit vector.
func (p phasor) turned(by phasor) phasor {
	a, b, c, s := int64(p.re), int64(p.im), int64(by.re), int64(by.im)
	return phasor{int32((a*c - b*s) >> turnBits), int32((a*s + b*c) >> turnBits)}
}

func (p phasor) plus(q phasor, times int32) phasor {
	return phasor{p.re + times*q.re, p.im + times*q.im}
}

// right returns the power of the frequency, or 0 when the phase did not go on since
// the last view as that of the right one does. The further off a frequency, the less
// of it is in the view: by the square of the cosine of what its phase turned too far.
func (t *track) right(frequency int) int64 {
	ref := &references[frequency]
	was := t.last.turned(ref.turn)
	a, b := int64(t.view.re>>8), int64(t.view.im>>8)
	c, s := int64(was.re>>8), int64(was.im>>8)
	along, across := a*c+b*s, b*c-a*s // of view, against where was points
	if across < 0 {
		across = -across
	}
	if along <= 0 || across<<10 > ref.slack*along {
		return 0
	}
	tangent := across << 10 / along
	return t.power + t.power>>20*(tangent*tangent)
}

func energyOf(in *[stepSamples]int16) int64 {
	sum := int64(0)
	for _, s := range in {
		v := int32(s)
		sum += int64(v * v)
	}
	return sum
}
