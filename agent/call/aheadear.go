package call

import (
	"tipring/agent/fax"
	"tipring/internal/dsp"
)

// How a probe tells what has answered. A fax machine says CED within 2.5 s of its answer
// (T.30 clause 4.3.1.2), and one that leaves CED out its preamble; both are recognised in
// half a second. Who says a word and nothing of that within the next two seconds is no fax
// machine, and neither is who keeps silent for 8 s.
const (
	probeWord    = 2 * dsp.SampleRate
	probeSilence = 8 * dsp.SampleRate
)

// An answerEar listens to the far end of a probe.
type answerEar struct {
	ear      *fax.Ear
	answered int64 // samples since then
	spoke    int64 // samples since the first word
}

// hear takes what the far end says, and what was heard up to now: FaxTone is a fax
// machine, Speech somebody else, or nobody; BusyTone, FastBusy and SpecialTone are what they are.
// Before the answer nobody speaks: that is the network's.
func (e *answerEar) hear(in []int16, answered bool) fax.Sound {
	e.ear.Hear(in)
	s := e.ear.Sound()
	switch s {
	case fax.FaxTone, fax.BusyTone, fax.FastBusy:
		return s
	}
	if !answered {
		return fax.Nothing
	}
	e.answered += int64(len(in))
	if e.ear.Spoke() {
		e.spoke += int64(len(in))
	}
	switch {
	case s == fax.SpecialTone, s == fax.Speech:
		return s
	case e.spoke >= probeWord, e.answered >= probeSilence:
		return fax.Speech
	}
	return fax.Nothing
}
