package dsp

// AnswerFlattener makes the answer tone of a Super G3 fax machine or a modem that of a
// plain fax machine: what is 2100 Hz is made anew, at its mean level, without swing of
// the amplitude and without reversals of the phase. So the caller does not answer with
// V.8's CM, and fax goes on as in T.30; and echo cancellers are not turned off. All else
// passes as it is, and so do the first 40 ms of the tone. The zero value is ready.
type AnswerFlattener struct {
	step   [faxStep]int16 // as they came
	filled int
	tone   steadyTone
	made   oscillator // what is sent instead while on
	peak   int64      // of it, with peakBits more
	on     bool
	other  int // steps of other sound while on, in a row
}

const (
	flattenNeeded = 16 // steps
	flattenOther  = 3  // steps of other sound: two are bad when the phase is reversed
	flattenMean   = 64 // steps, 160 ms, that the level is a mean of
	peakBits      = 8
)

// On tells whether a tone is being made anew.
func (f *AnswerFlattener) On() bool { return f.on }

// Apply works on samples in place.
func (f *AnswerFlattener) Apply(pcm []int16) {
	for i, s := range pcm {
		f.step[f.filled] = s
		if f.on {
			pcm[i] = int16(f.made.next())
		}
		if f.filled++; f.filled == faxStep {
			f.filled = 0
			f.hear()
		}
	}
}

func (f *AnswerFlattener) hear() {
	energy := energyOfStep(&f.step)
	if energy == 0 && f.tone.steps == 0 {
		f.tone.good = false
		return
	}
	z := faxSum(&f.step, &answerWave)
	ended := f.tone.add(z, energy, -1)
	switch {
	case f.on:
		f.follow(z, energy, ended)
	case ended || f.tone.steps == faxLongestRun:
		f.tone.forget()
	case f.tone.good && f.tone.heard >= flattenNeeded && f.tone.pure(answerTangent):
		f.begin(z)
	}
}

// begin goes over to a tone of our own, with the phase and the level of what came.
func (f *AnswerFlattener) begin(z phasor) {
	f.on, f.other = true, 0
	f.made = newOscillator(answerHz, 0)
	f.made.phase = z.angle() + 1<<30 + 1<<30 // a cosine's, and a quarter more after the step
	f.made.peak = root(f.tone.power << faxPowerDrop / int64(f.tone.heard) / flattenGain)
	f.peak = int64(f.made.peak) << peakBits
}

// flattenGain is the power of a step's sum over the square of the peak.
const flattenGain = faxGain * faxStep / 2

// follow keeps the level, and ends with the tone.
func (f *AnswerFlattener) follow(z phasor, energy int64, ended bool) {
	switch {
	case f.tone.good:
		f.other = 0
		peak := int64(max(f.made.peak, 1))
		f.peak += (z.power()/flattenGain - peak*peak) << peakBits / (2 * peak * flattenMean)
		f.peak = max(1, min(f.peak, maxSample<<peakBits))
		f.made.peak = int32(f.peak >> peakBits)
	case energy >= faxWeakest*faxStep:
		f.other++
	}
	if ended || f.other >= flattenOther {
		f.on = false
		f.tone.forget()
	} else if f.tone.steps == faxLongestRun {
		f.tone.renew()
	}
}

// angle returns the direction of p as a fraction of a turn in 32 bits.
func (p phasor) angle() uint32 {
	re, im, phase := int64(p.re)<<16, int64(p.im)<<16, uint32(0)
	if re < 0 {
		re, im, phase = -re, -im, 1<<31
	}
	for i, a := range arcTangents {
		if im > 0 {
			re, im, phase = re+im>>i, im-re>>i, phase+a
		} else {
			re, im, phase = re-im>>i, im+re>>i, phase-a
		}
	}
	return phase
}

// arcTangents are those of 2^-i, as fractions of a turn in 32 bits.
var arcTangents = [...]uint32{
	536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245, 2670163, 1335087, 667544, 333772,
}

// root returns the square root of v, which is at most maxSample squared.
func root(v int64) int32 {
	low, high := int64(0), int64(maxSample)
	for low < high {
		middle := (low + high + 1) / 2
		if middle*middle <= v {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return int32(low)
}
