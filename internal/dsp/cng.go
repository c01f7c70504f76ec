package dsp

const (
	cngHz       = 1100
	cngOn       = 500 * SampleRate / 1000
	cngOff      = 3000 * SampleRate / 1000
	cngNeeded   = 140  // steps, 350 ms: the shortest burst that T.30 allows is 425 ms
	cngVoicePct = 6    // of its power in the bands of a voice is too much; noise at 9 dB SNR has 4
	cngTangent  = 1000 // 50 Hz; a sender may be off by 38 Hz (T.30 clause 4), a line by 7 Hz
)

// CNGSignal returns the calling tone of a fax machine (T.30 clause 4), which goes
// on until it is stopped.
func CNGSignal(dBm0 float64) *Signal {
	return NewSignal(0, Segment{Partials: []Partial{{cngHz, dBm0}}, Samples: cngOn}, Segment{Samples: cngOff})
}

// A voice that holds a vowel may have little else than a harmonic near 1100 Hz for long
// enough, but never without a fundamental or first formant: about 300 and 700 Hz, which a
// step tells from 1100 Hz.
var voiceWaves = [2][faxStep]phasor{faxWave(300), faxWave(700)}

type cngTone struct {
	tone  steadyTone
	voice int64 // power of that, in units of 2^faxPowerDrop
	began int64
	told  bool
}

func (d *FaxDetector) hearCNG(events []FaxEvent, z phasor, energy int64) []FaxEvent {
	c := &d.cng
	ended := c.tone.add(z, energy, 1)
	if c.tone.good && !c.told {
		for i := range voiceWaves {
			c.voice += faxSum(&d.step, &voiceWaves[i]).power() >> faxPowerDrop
		}
	}
	switch {
	case c.told && ended:
		events = append(events, FaxEvent{Tone: CNG, Ended: true, Began: c.began, At: d.now - faxEndAfter})
	case !c.told && c.tone.heard >= cngNeeded && c.tone.pure(cngTangent) && c.voice*100 <= c.tone.power*cngVoicePct:
		c.told, c.began = true, d.now-int64(c.tone.steps)*faxStep
		events = append(events, FaxEvent{Tone: CNG, Began: c.began, At: d.now})
	}
	switch {
	case ended:
		*c = cngTone{tone: c.tone}
		c.tone.forget()
	case c.tone.steps == faxLongestRun:
		c.tone.renew()
		c.voice = 0
	}
	return events
}
