package dsp

const (
	answerHz        = 2100
	answerAMHz      = 15
	answerAMPct     = 20  // of the amplitude, to each side (V.8)
	answerSettles   = 8   // steps before amplitude and phase are looked at
	answerNeeded    = 160 // steps after that, 400 ms: six swings of ANSam
	answerHeard     = 140 // of those steps, at least
	answerTangent   = 414 // 25 Hz; a sender may be off by 15 Hz (T.30 clause 4), a line by 7 Hz
	answerSwingPct  = 10  // of the power's mean: half of what ANSam has
	swingPeriod     = 80  // steps: three swings
	reversalSpacing = 40  // steps, 100 ms, between two reversals
)

// CEDSignal returns the answering tone of a fax machine (T.30 clause 4), which is
// to last 2.6 to 4 s.
func CEDSignal(dBm0 float64, samples int) *Signal {
	return NewSignal(1, Segment{Partials: []Partial{{answerHz, dBm0}}, Samples: samples})
}

// answerTone is 2100 Hz: its amplitude may swing, its phase may be reversed.
type answerTone struct {
	tone     steadyTone
	told     FaxTone // 0: nothing yet
	began    int64
	power    int64 // mean, of what the swing is a part
	re, im   int64 // of the swing
	turnedAt int64 // when its phase was reversed before it was told; 0: was not
	spacing  int   // steps in which no reversal can follow
}

// answerSwing is 15 Hz, step by step.
var answerSwing = func() (w [swingPeriod]phasor) {
	for i := range w {
		p := uint32(uint64(i) * answerAMHz << 32 / faxStepRate)
		w[i] = phasor{Sine(p+1<<30) >> (15 - faxWaveBits), -Sine(p) >> (15 - faxWaveBits)}
	}
	return w
}()

func (d *FaxDetector) hearAnswer(events []FaxEvent, z phasor, energy int64) []FaxEvent {
	a := &d.answer
	ended := a.tone.add(z, energy, -1)
	a.swing(z)
	if a.reversed() {
		events = d.reversal(events)
	}
	switch {
	case ended:
		if a.told != 0 {
			events = append(events, FaxEvent{Tone: a.told, Ended: true, Began: a.began, At: d.now - faxEndAfter})
		}
		*a = answerTone{}
	case a.told == 0 && a.tone.steps == answerSettles+answerNeeded:
		if a.tone.heard >= answerHeard && a.tone.pure(answerTangent) {
			events = d.tellAnswer(events)
		} else {
			*a = answerTone{tone: a.tone}
			a.tone.renew()
		}
	case a.tone.steps == faxLongestRun: // only whether it goes on still matters
		a.tone.renew()
	}
	return events
}

// swing sums up how the power of the tone swings.
func (a *answerTone) swing(z phasor) {
	if a.told != 0 || !a.tone.good || a.tone.steps <= answerSettles {
		return
	}
	p := z.power() >> faxPowerDrop
	w := &answerSwing[a.tone.steps%swingPeriod]
	a.power += p
	a.re += p * int64(w.re)
	a.im += p * int64(w.im)
}

// swings tells whether the amplitude does: if by a part m of itself, the power by 2m, and
// that sums up to m.
func (a *answerTone) swings() bool {
	const drop = 12 // so that squares fit
	re, im, power := a.re>>(faxWaveBits+drop), a.im>>(faxWaveBits+drop), a.power>>drop
	return (re*re+im*im)*10000 >= power*power*(answerSwingPct*answerSwingPct)
}

// reversed tells whether the phase was reversed just now.
func (a *answerTone) reversed() bool {
	if a.spacing > 0 {
		a.spacing--
		return false
	}
	return (a.told != 0 || a.tone.steps > answerSettles) && a.tone.reversed()
}

func (d *FaxDetector) tellAnswer(events []FaxEvent) []FaxEvent {
	a := &d.answer
	a.told, a.began = CED, d.now-int64(a.tone.steps)*faxStep
	if a.swings() {
		a.told = ANSam
	}
	events = append(events, FaxEvent{Tone: a.told, Began: a.began, At: d.now})
	if a.turnedAt != 0 {
		events = append(events, FaxEvent{Tone: Reversal, Began: a.turnedAt, At: d.now})
	}
	return events
}

func (d *FaxDetector) reversal(events []FaxEvent) []FaxEvent {
	a := &d.answer
	a.spacing = reversalSpacing
	at := d.now - faxStep*3/2
	if a.told == 0 {
		a.turnedAt = at
		return events
	}
	return append(events, FaxEvent{Tone: Reversal, Began: at, At: d.now})
}
