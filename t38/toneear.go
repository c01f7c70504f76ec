package t38

import (
	"tipring/internal/dsp"
	"tipring/t38/t30"
)

// A toneEar tells a t30.Terminal of CNG and CED.
type toneEar struct {
	t      *t30.Terminal
	tones  dsp.FaxDetector
	events []dsp.FaxEvent
}

func (e *toneEar) start() { e.tones.Reset() }

func (e *toneEar) hear(in []int16) {
	e.events = e.tones.Feed(e.events[:0], in)
	for _, ev := range e.events {
		switch {
		case ev.Ended:
		case ev.Tone == dsp.CNG:
			e.t.Tone(t30.ToneCNG)
		case ev.Tone == dsp.CED, ev.Tone == dsp.ANSam:
			e.t.Tone(t30.ToneCED)
		}
	}
}
