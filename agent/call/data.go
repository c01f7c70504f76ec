package call

import (
	"cmp"

	"tipring/internal/dsp"
	"tipring/internal/dsp/echo"
)

// A hybrid is where the two directions of a port meet in two wires: a part of what is played
// comes back.
type hybrid struct {
	canceller *echo.Canceller // nil: there has been no call
	played    []int16         // the last frame
	data      bool
	linear    bool
}

// wrote keeps what was played to the telephone.
func (h *hybrid) wrote(pcm []int16) { h.played = append(h.played[:0], pcm...) }

// cancelEcho takes out of what a telephone says what it hears, but where modems talk: theirs
// have cancellers of their own, for both directions at once (ITU-T G.168 clause 7).
func (p *Port) cancelEcho(c *conversation, in []int16) {
	h := &p.hybrid
	if !p.cfg.EchoCanceller || p.mode != "" || !p.fx.OffHook() {
		return
	}
	if h.canceller == nil {
		h.canceller = echo.New(cmp.Or(p.cfg.EchoTailMS, 32))
	}
	if h.data != c.data {
		h.data = c.data
		h.canceller.SetData(h.data)
	}
	if h.linear != c.answerTone {
		h.linear = c.answerTone
		h.canceller.SetNLP(!h.linear)
	}
	if len(h.played) == len(in) {
		h.canceller.Process(h.played, in)
	}
}

// dataEars listen in both directions for the answer tone of a modem.
type dataEars struct {
	of        *conversation
	near, far dsp.FaxDetector
	events    []dsp.FaxEvent
}

// hearModems turns to data mode on 2100 Hz whose phase is reversed, from whichever side: with
// that a modem turns echo cancellers off (ITU-T V.25, G.168 clause 7). Without reversals the tone is that
// of a fax machine, or of a slow modem: they want the canceller left on, but nothing that takes the place
// of what is left of an echo (clause 6).
func (p *Port) hearModems(c *conversation, in, out []int16) {
	e := &p.ears
	if p.cfg.DataMode != "auto" || p.mode != "" || c.data || c.stage != up || p.joined {
		return
	}
	if e.of != c {
		e.of = c
		e.near.Reset()
		e.far.Reset()
	}
	e.events = e.far.Feed(e.near.Feed(e.events[:0], in), out)
	for _, v := range e.events {
		switch v.Tone {
		case dsp.CED, dsp.ANSam:
			c.answerTone = true
		case dsp.Reversal:
			p.log.Info("modem heard, the call carries data", "call", c.id)
			c.carryData()
			return
		}
	}
}

// carryData turns off what helps listeners, for the rest of the call.
func (c *conversation) carryData() {
	c.data = true
	c.session.DataMode(true)
	c.p.keyUp()
}
