package t38

import (
	"tipring/internal/dsp"
	"tipring/t38/modem"
	"tipring/t38/t30"
)

// An ear tells a t30.Terminal what it hears of what the terminal listens for.
type ear struct {
	t   *t30.Terminal
	now t30.Listening

	slow     *modem.Receiver // V.21
	slowHDLC modem.HDLCReceiver
	slowSink frames

	fast     *modem.Receiver
	fastHDLC modem.HDLCReceiver
	fastSink frames
	data     octetSink
	tones    toneEar
}

func (e *ear) init(t *t30.Terminal) {
	e.t = t
	e.slow, e.fast = modem.NewReceiver(), modem.NewReceiver()
	e.slowSink = frames{t, t30.ChannelV21}
	e.fastSink = frames{t, t30.ChannelFast}
	e.data.t, e.tones.t = t, t
	e.tones.events = make([]dsp.FaxEvent, 0, faxEvents)
}

func (e *ear) hear(in []int16) {
	if l := e.t.Listening(); l != e.now {
		e.turn(l)
	}
	if e.now.Tones {
		e.tones.hear(in)
	}
	if e.now.V21 {
		e.slow.Feed(in)
	}
	if e.now.Fast != t30.Nothing {
		e.fast.Feed(in)
		e.data.flush()
	}
}

// turn listens for something else. What is listened for already goes on.
func (e *ear) turn(l t30.Listening) {
	was := e.now
	e.now = l
	if l.Tones && !was.Tones {
		e.tones.start()
	}
	if l.V21 && !was.V21 {
		e.slowHDLC.Start(&e.slowSink)
		e.slow.Start(modem.V21, false, &e.slowHDLC)
	}
	l.Tones, l.V21, was.Tones, was.V21 = false, false, false, false
	if l == was || l.Fast == t30.Nothing {
		return
	}
	if l.Fast == t30.ECM {
		e.fastHDLC.Start(&e.fastSink)
		e.fast.Start(modes[l.Modulation], l.Short, &e.fastHDLC)
		return
	}
	e.data.start()
	e.fast.Start(modes[l.Modulation], l.Short, &e.data)
}

// frames passes the frames of a channel on.
type frames struct {
	t  *t30.Terminal
	ch t30.Channel
}

// Frame implements modem.FrameSink.
func (f *frames) Frame(octets []byte, good bool) { f.t.Frame(f.ch, octets, good) }

// Framing implements modem.FrameSink: on V.21 flags are the carrier that counts.
func (f *frames) Framing(e modem.HDLCEvent) {
	if f.ch != t30.ChannelV21 {
		return
	}
	switch e {
	case modem.HDLCFlags:
		f.t.Carrier(f.ch, t30.CarrierUp)
	case modem.HDLCLost:
		f.t.Carrier(f.ch, t30.CarrierDown)
	}
}

// Status implements modem.FrameSink.
func (f *frames) Status(s modem.Status) {
	if f.ch == t30.ChannelFast {
		f.t.Carrier(f.ch, carrierEvents[s])
	}
}

// carrierEvents are T.30's words for what a modem tells.
var carrierEvents = [...]t30.CarrierEvent{
	modem.CarrierUp: t30.CarrierUp, modem.TrainingSucceeded: t30.CarrierTrained,
	modem.TrainingFailed: t30.CarrierFailed, modem.CarrierDown: t30.CarrierDown,
}

// octetSink gathers the bits of TCF or an image to octets.
type octetSink struct {
	t      *t30.Terminal
	packer octetPacker
}

func (o *octetSink) start() { o.packer.start() }

// PutBit implements modem.BitSink.
func (o *octetSink) PutBit(bit int) {
	if o.packer.put(bit) {
		o.flush()
	}
}

// flush hands over the whole octets.
func (o *octetSink) flush() {
	if octets := o.packer.take(); len(octets) > 0 {
		o.t.Octets(octets)
	}
}

// Status implements modem.BitSink.
func (o *octetSink) Status(s modem.Status) {
	if s == modem.CarrierDown {
		o.packer.pad()
		o.flush()
	}
	o.t.Carrier(t30.ChannelFast, carrierEvents[s])
}
