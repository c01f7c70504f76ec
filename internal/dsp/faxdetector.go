package dsp

// FaxTone is one of the sounds by which fax machines and modems announce themselves.
type FaxTone uint8

const (
	CNG      FaxTone = iota + 1 // calling tone of T.30 clause 4: 1100 Hz, 0.5 s of 3.5 s
	CED                         // called tone of T.30 clause 4, ANS of V.25: 2100 Hz
	ANSam                       // 2100 Hz with an amplitude that swings 15 times a second (V.8): the answerer knows V.8
	Reversal                    // of the phase of a CED or ANSam, to turn echo cancellers off (V.25, V.8: each 450 ms)
	Preamble                    // flags at 300 bit/s in V.21 channel 2 (T.30 clause 5.3.1)
)

// String returns the tone's name.
func (t FaxTone) String() string {
	switch t {
	case CNG:
		return "cng"
	case CED:
		return "ced"
	case ANSam:
		return "ansam"
	case Reversal:
		return "reversal"
	case Preamble:
		return "preamble"
	}
	return "no fax tone"
}

// FaxEvent is a tone that was recognised, or one that has ended.
type FaxEvent struct {
	Tone  FaxTone
	Ended bool  // of CNG, CED and ANSam
	Began int64 // when the tone began, or the moment of a reversal, in samples since the detector's first
	At    int64 // when it was recognised, or when it ended
}

// FaxDetector hears the tones of fax: CNG after 0.35 s, CED and ANSam after 0.42 s, a
// preamble after 0.12 s, at -43 dBm0 and above, from a signal-to-noise ratio of 9 dB on. A
// tone is told once, with its end; in CNG each burst is one. The zero value is ready.
//
// It takes its input in steps of 2.5 ms. Of each it keeps how much of 1100 and 2100 Hz
// there is, with the phase, and of 1750 Hz in thirds of a step, a quarter of a bit of
// V.21 each; everything else is done with these.
type FaxDetector struct {
	step   [faxStep]int16
	filled int
	now    int64 // end of the last step

	cng      cngTone
	answer   answerTone
	preamble preambleTone
}

const (
	faxStep     = 20
	faxStepRate = SampleRate / faxStep
	faxWaveBits = 11 // of the reference waves; no sum of a step overflows 32 bits
	faxDrop     = 8  // bits dropped from such a sum
	// The power of a step's sum over its energy, for the right frequency: a sine of peak A
	// sums up to A/2 a sample, and has A²/2 of energy a sample.
	faxGain = faxStep / 2 * (1 << (faxWaveBits - faxDrop)) * (1 << (faxWaveBits - faxDrop))

	faxWeakestDBm0 = -46
	faxEndAfter    = (faxBridged + 1) * faxStep // a tone's end is known
)

var faxWeakest = int64(MeanSquare(faxWeakestDBm0)) // of a sample

// Both frequencies turn by whole quarters in a step: 1100 Hz by
// one less than whole turns, 2100 Hz by one more.
var (
	cngWave    = faxWave(1100)
	answerWave = faxWave(2100)
)

func faxWave(hz int) (w [faxStep]phasor) {
	for i := range w {
		p := uint32(int64(i) * int64(hz) << 32 / SampleRate)
		w[i] = phasor{Sine(p+1<<30) >> (15 - faxWaveBits), -Sine(p) >> (15 - faxWaveBits)}
	}
	return w
}

// Reset forgets everything that was heard.
func (d *FaxDetector) Reset() { *d = FaxDetector{} }

// Feed takes samples and adds what was recognised in them to events.
func (d *FaxDetector) Feed(events []FaxEvent, in []int16) []FaxEvent {
	for len(in) > 0 {
		n := copy(d.step[d.filled:], in)
		in = in[n:]
		if d.filled += n; d.filled == faxStep {
			d.filled = 0
			d.now += faxStep
			events = d.hear(events)
		}
	}
	return events
}

func (d *FaxDetector) hear(events []FaxEvent) []FaxEvent {
	energy := energyOfStep(&d.step)
	// Silence, most of the time, needs no more than this.
	var low, high phasor
	if energy >= faxWeakest*faxStep/8 {
		low, high = faxSum(&d.step, &cngWave), faxSum(&d.step, &answerWave)
	}
	events = d.hearCNG(events, low, energy)
	events = d.hearAnswer(events, high, energy)
	return d.hearPreamble(events, energy)
}

func energyOfStep(in *[faxStep]int16) (sum int64) {
	for _, s := range in {
		v := int32(s)
		sum += int64(v * v)
	}
	return sum
}

// faxSum returns how much of a wave a step holds.
func faxSum(in *[faxStep]int16, wave *[faxStep]phasor) phasor {
	re, im := int32(0), int32(0)
	for i, x := range in {
		re += int32(x) * wave[i].re
		im += int32(x) * wave[i].im
	}
	return phasor{re >> faxDrop, im >> faxDrop}
}

func (p phasor) power() int64 { return int64(p.re)*int64(p.re) + int64(p.im)*int64(p.im) }

// against returns p along q and across it, each times the length of q.
func (p phasor) against(q phasor) (along, across int64) {
	a, b, c, s := int64(p.re), int64(p.im), int64(q.re), int64(q.im)
	return a*c + b*s, b*c - a*s
}
