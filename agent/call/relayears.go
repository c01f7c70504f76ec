package call

import (
	"tipring/internal/dsp"
)

// earEvents is room for the tones that a frame can hold.
const earEvents = 8

// A faxEar listens for the signs of a fax in one direction.
type faxEar struct {
	near     bool // to the machine on the port
	detector dsp.FaxDetector
	events   []dsp.FaxEvent
	flat     dsp.AnswerFlattener
}

// faxEars are those of both directions.
type faxEars struct{ near, far faxEar }

func (e *faxEars) start() {
	for _, ear := range []*faxEar{&e.near, &e.far} {
		if ear.events == nil {
			ear.events = make([]dsp.FaxEvent, 0, earEvents)
		}
		ear.detector.Reset()
		ear.flat = dsp.AnswerFlattener{}
	}
	e.near.near = true
}

// decidedBy is how long after the first sign of a fax others may still matter, in samples.
const decidedBy = 30 * dsp.SampleRate

// decided reports that no more signs are needed.
func (r *relay) decided() bool {
	return r.phase != inVoice && (!r.settings.T38 || r.change.refused || r.now-r.began >= decidedBy)
}

// hear listens to a frame of the call's sound, unless it is decided already what the call is.
// Where T.38 may follow, the answer tone of a machine that knows V.8 is made a plain one:
// V.34 does not go through a gateway (ITU-T T.38 clause 6.1), and two such machines that have
// begun with it would have to be disturbed.
func (r *relay) hear(e *faxEar, pcm []int16) {
	if r.decided() {
		return
	}
	e.events = e.detector.Feed(e.events[:0], pcm)
	if r.settings.T38 && !r.change.refused {
		e.flat.Apply(pcm)
	}
	for _, v := range e.events {
		if !v.Ended && r.listensFor(v.Tone) {
			r.sign(e.near, v)
		}
	}
}

// listensFor reports whether a tone is to tell that the call is a fax.
func (r *relay) listensFor(t dsp.FaxTone) bool {
	switch t {
	case dsp.CNG:
		return r.settings.CNG
	case dsp.CED, dsp.ANSam:
		return r.settings.CED
	case dsp.Preamble:
		return r.settings.Preamble
	}
	return false
}

// sign takes a tone of a fax. CNG alone does not make the call data: a person may answer.
func (r *relay) sign(near bool, v dsp.FaxEvent) {
	if v.Tone == dsp.Preamble && near {
		r.net.past.preamble(v.At - v.Began)
	}
	switch asksFor(r.settings.Reinvite, r.attempt.Send, near, v.Tone, r.settings.Preamble) {
	case askNow:
		r.change.askAt(r.now)
	case askLater:
		r.change.askAt(r.now + giveWay)
	}
	r.asFax = r.asFax || !near && (v.Tone != dsp.CNG || !r.attempt.Send)
	if v.Tone != dsp.CNG {
		r.begin(v.Tone.String())
	}
}
