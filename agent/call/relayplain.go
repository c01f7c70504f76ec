package call

import (
	"tipring/internal/dsp"
	"tipring/t38"
	"tipring/t38/modem"
	"tipring/t38/t30"
)

// imageSound is how long a signal that is no V.21 sounds until it is one of a page, in samples.
const imageSound = dsp.SampleRate / 4

// plainEars read along what two machines say to each other in sound: the frames of V.21, and
// where pages pass. They change nothing.
type plainEars struct {
	near, far plainEar
	watch     *t38.Watch
	check     bool // what sounds next is no page
}

// A plainEar is that of one direction.
type plainEar struct {
	all      *plainEars
	near     bool
	receiver *modem.Receiver
	frames   modem.HDLCReceiver
	slow     bool // V.21 sounds
	sounds   int  // samples of another signal, in a row
}

// start begins to read for a watch.
func (p *plainEars) start(w *t38.Watch) {
	p.watch = w
	p.near.near = true
	for _, e := range []*plainEar{&p.near, &p.far} {
		e.all = p
		if e.receiver == nil {
			e.receiver = modem.NewReceiver()
		}
		e.slow, e.sounds = false, 0
		p.check = true // or nothing of a page, until one is allowed
		e.frames.Start(e)
		e.receiver.Start(modem.V21, false, &e.frames)
	}
}

func (p *plainEars) hear(near, far []int16) {
	p.near.hear(near)
	p.far.hear(far)
}

func (e *plainEar) hear(pcm []int16) {
	e.receiver.Feed(pcm)
	if e.slow || !loud(pcm) {
		e.sounds = 0
		return
	}
	before := e.sounds
	e.sounds += len(pcm)
	if before < imageSound && e.sounds >= imageSound && !e.all.check {
		e.all.watch.Image(e.near)
	}
}

// Frame implements modem.FrameSink.
func (e *plainEar) Frame(octets []byte, good bool) {
	if !e.slow { // in the sound of a page
		return
	}
	e.all.watch.Frame(e.near, octets, good)
	if f, ok := t30.ParseFrame(octets); ok && good {
		switch f.FCF {
		case t30.DCS:
			e.all.check = true
		case t30.CFR, t30.MCF, t30.PPR, t30.RNR:
			e.all.check = false
		}
	}
}

// Framing implements modem.FrameSink.
func (e *plainEar) Framing(v modem.HDLCEvent) {
	switch v {
	case modem.HDLCFlags:
		e.slow = true
	case modem.HDLCLost:
		e.slow = false
	}
}

// Status implements modem.FrameSink.
func (e *plainEar) Status(s modem.Status) {
	if s == modem.CarrierDown {
		e.slow = false
	}
}
