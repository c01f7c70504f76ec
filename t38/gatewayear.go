package t38

import (
	"tipring/internal/dsp"
	"tipring/t38/ifp"
	"tipring/t38/modem"
	"tipring/t38/t30"
)

// A gatewayEar hears a machine on the line and tells the network.
type gatewayEar struct {
	g *Gateway

	tones  dsp.FaxDetector
	events []dsp.FaxEvent
	tone   dsp.FaxTone // that sounds

	slow     *modem.Receiver
	slowHDLC modem.HDLCReceiver
	slowUp   bool // a preamble was told
	hushed   bool // what follows is not told

	fast     *modem.Receiver
	fastHDLC modem.HDLCReceiver
	data     gatewayOctets
	tuned    tuning
	fastUp   bool
	fastAt   int64 // since when it is up
	failed   bool  // its training, or it is not wanted
}

// A tuning is what the fast receiver is set to.
type tuning struct {
	mode       modem.Mode
	short, ecm bool
}

// spoilt are octets of no training check, told where a training failed or is for too high a
// rate: so that whoever checks it says FTT.
var spoilt = [...]byte{0x55, 0xaa, 0x55, 0xaa}

func (e *gatewayEar) init(g *Gateway) {
	e.g = g
	e.events = make([]dsp.FaxEvent, 0, faxEvents)
	e.slow, e.fast = modem.NewReceiver(), modem.NewReceiver()
	e.slowHDLC.Start((*slowSink)(e))
	e.slow.Start(modem.V21, false, &e.slowHDLC)
}

// busy reports that the machine is speaking.
func (e *gatewayEar) busy() bool { return e.slowUp || e.fastUp }

func (e *gatewayEar) hear(in []int16) {
	e.hearTones(in)
	e.slow.Feed(in)
	if e.tuned.mode != 0 && !e.slowUp {
		e.fast.Feed(in)
		e.data.flush()
		if e.fastUp && e.failed && e.g.plan.check {
			e.spoil(len(in))
		}
	}
	e.tune()
}

// hearTones tells of CNG, CED and ANSam, until the procedure has begun.
func (e *gatewayEar) hearTones(in []int16) {
	if e.g.plan.mode != 0 {
		return
	}
	e.events = e.tones.Feed(e.events[:0], in)
	for _, ev := range e.events {
		switch {
		case ev.Tone != dsp.CNG && ev.Tone != dsp.CED && ev.Tone != dsp.ANSam:
		case ev.Ended && ev.Tone == e.tone:
			e.tone = 0
			e.g.net.Silence()
		case ev.Ended, e.tone != 0:
		case ev.Tone == dsp.CNG:
			e.tone = ev.Tone
			e.g.net.Tone(ifp.CNG)
		default:
			e.tone = ev.Tone
			e.g.net.Tone(ifp.CED)
		}
	}
}

// tune sets the fast receiver to the modem that comes next, between signals.
func (e *gatewayEar) tune() {
	p := &e.g.plan
	if e.fastUp || !p.fromLine || p.mode == 0 {
		return
	}
	want := tuning{p.mode, !p.long, p.ecm && !p.check}
	if want == e.tuned {
		return
	}
	e.tuned = want
	if want.ecm {
		e.fastHDLC.Start((*fastSink)(e))
		e.fast.Start(want.mode, want.short, &e.fastHDLC)
		return
	}
	e.data.start(e)
	e.fast.Start(want.mode, want.short, &e.data)
}

// hush keeps what is left of a signal from the network.
func (e *gatewayEar) hush() {
	if e.slowUp && !e.hushed {
		e.hushed = true
		e.g.net.End(ifp.V21Data, true)
	}
}

// spoil tells the network octets that no training check has.
func (e *gatewayEar) spoil(samples int) {
	n := e.tuned.mode.BitRate() * samples / t30.SampleRate / 8
	for n > 0 {
		k := min(n, len(spoilt))
		e.g.net.Octets(dataTypes[e.tuned.mode], spoilt[:k])
		n -= k
	}
}

// shortestImage is less than any page takes, and more than V.21 is taken for a fast signal.
const shortestImage = t30.SampleRate / 4

// fastStatus takes a change of the fast signal.
func (e *gatewayEar) fastStatus(s modem.Status) {
	d := dataTypes[e.tuned.mode]
	switch s {
	case modem.CarrierUp:
		e.fastUp, e.failed, e.fastAt = true, false, e.g.now
		e.g.net.Signal(d, e.tuned.short && e.tuned.mode >= modem.V17At7200)
	case modem.TrainingSucceeded:
		e.trained()
	case modem.TrainingFailed:
		e.failed = true
	case modem.CarrierDown:
		if e.failed && !e.g.plan.check && e.g.now-e.fastAt >= shortestImage {
			e.g.Watch.Image(true)
		}
		e.fastUp = false
		e.g.net.End(d, e.tuned.ecm)
		e.g.plan.signalEnded(e.g.now, true)
	}
}

// trained goes on behind a training. One for more than the Policy allows is made to fail: the
// far end says FTT, and the machine steps down by itself.
func (e *gatewayEar) trained() {
	if e.g.plan.check {
		e.failed = e.g.Policy.tooFast(e.tuned.mode.BitRate())
		return
	}
	e.g.Watch.Image(true)
}

// slowSink is an ear as it hears V.21.
type slowSink gatewayEar

// Part implements modem.PartSink.
func (s *slowSink) Part(octets []byte) {
	if e := (*gatewayEar)(s); e.slowUp && !e.hushed {
		e.g.Policy.identify(octets)
		e.g.Policy.edit(octets)
		e.g.net.Part(octets)
	}
}

// Frame implements modem.FrameSink.
func (s *slowSink) Frame(octets []byte, good bool) {
	e := (*gatewayEar)(s)
	if !e.slowUp {
		if !good {
			return
		}
		e.slowBegan() // without a preamble, but no accident
	}
	e.g.Policy.identify(octets)
	e.g.Watch.Frame(true, octets, good)
	if good {
		e.g.plan.fromMachine(octets)
	}
	if e.hushed {
		return
	}
	e.g.Policy.edit(octets)
	e.g.net.Frame(ifp.V21Data, octets, good)
}

// Framing implements modem.FrameSink.
func (s *slowSink) Framing(ev modem.HDLCEvent) {
	e := (*gatewayEar)(s)
	switch {
	case ev == modem.HDLCFlags && !e.slowUp && !e.fastSounds():
		e.slowBegan()
	case ev == modem.HDLCAborted && e.slowUp && !e.hushed:
		e.g.net.Break()
	case ev == modem.HDLCLost && e.slowUp:
		e.slowEnded()
	}
}

// Status implements modem.FrameSink.
func (s *slowSink) Status(st modem.Status) {
	if e := (*gatewayEar)(s); st == modem.CarrierDown && e.slowUp {
		e.slowEnded()
	}
}

// noSignalDB is the error of what is no signal of the fast modem, but sound where one was.
const noSignalDB = -5

// fastSounds reports that the fast modem's signal goes on: what looks like flags in it is
// none. V.21 behind it would look like a carrier, but not like data.
func (e *gatewayEar) fastSounds() bool { return e.fastUp && e.fast.Quality() < noSignalDB }

// slowBegan is the beginning of V.21. To the fast receiver that is a carrier too: if it
// follows its own signal closely, the receiver does not notice the end.
func (e *gatewayEar) slowBegan() {
	if e.fastUp {
		e.fastStatus(modem.CarrierDown)
		e.tuned = tuning{}
	}
	e.slowUp, e.hushed = true, false
	if e.tone != 0 {
		e.tone = 0
		e.g.net.Silence()
	}
	e.g.plan.askedAt = 0
	e.g.net.Signal(ifp.V21Data, false)
}

func (e *gatewayEar) slowEnded() {
	e.slowUp = false
	if !e.hushed {
		e.g.net.End(ifp.V21Data, true)
		e.g.plan.signalEnded(e.g.now, false)
	}
}

// fastSink is an ear as it hears the frames of ECM.
type fastSink gatewayEar

// Frame implements modem.FrameSink.
func (s *fastSink) Frame(octets []byte, good bool) {
	e := (*gatewayEar)(s)
	e.g.Watch.ImageFrame(true, good)
	if good {
		e.g.Watch.ImageData(true, octets)
	}
	e.g.net.Frame(dataTypes[e.tuned.mode], octets, good)
}

// Framing implements modem.FrameSink.
func (s *fastSink) Framing(modem.HDLCEvent) {}

// Status implements modem.FrameSink.
func (s *fastSink) Status(st modem.Status) { (*gatewayEar)(s).fastStatus(st) }

// gatewayOctets gathers the bits of TCF and images.
type gatewayOctets struct {
	e      *gatewayEar
	packer octetPacker
}

func (o *gatewayOctets) start(e *gatewayEar) { o.e = e; o.packer.start() }

// PutBit implements modem.BitSink.
func (o *gatewayOctets) PutBit(bit int) {
	if o.packer.put(bit) {
		o.flush()
	}
}

func (o *gatewayOctets) flush() {
	if octets := o.packer.take(); len(octets) > 0 && !(o.e.failed && o.e.g.plan.check) {
		if !o.e.g.plan.check {
			o.e.g.Watch.ImageOctets(true, octets)
		}
		o.e.g.net.Octets(dataTypes[o.e.tuned.mode], octets)
	}
}

// Status implements modem.BitSink.
func (o *gatewayOctets) Status(s modem.Status) {
	if s == modem.CarrierDown {
		o.packer.pad()
		o.flush()
	}
	o.e.fastStatus(s)
}
