package modem

import "math"

// A Receiver listens for the bursts of one modem and hands their bits to a BitSink.
type Receiver struct {
	active listener // nil: it listens for nothing
	v21    v21Receiver
	qam    qamReceiver
}

// A listener hears one modem.
type listener interface {
	feed(in []int16)
	levelDBm0() float64 // of the burst, or of the latest one; -Inf before any
	quality() float64   // mean square error against the signal's power, dB; 0 before any
}

// NewReceiver returns a receiver that listens for nothing until Start.
func NewReceiver() *Receiver { return &Receiver{} }

// Start listens for the bursts of a mode, one of Modes, and tells sink of them. With short
// they are expected to have V.17's short training, which needs the memory of an earlier long one of
// V.17 at any rate, kept from Start to Start; the long one is understood as well. For a value
// that is no mode it listens for nothing.
func (r *Receiver) Start(m Mode, short bool, sink BitSink) {
	switch {
	case m == V21:
		r.v21.start(sink)
		r.active = &r.v21
	case m.valid():
		r.qam.start(m, short, sink)
		r.active = &r.qam
	default:
		r.active = nil
	}
}

// Feed takes the samples that came from the line.
func (r *Receiver) Feed(in []int16) {
	if r.active != nil {
		r.active.feed(in)
	}
}

// LevelDBm0 returns the level of the burst that is being received, or of the latest one;
// -Inf before any.
func (r *Receiver) LevelDBm0() float64 {
	if r.active == nil {
		return math.Inf(-1)
	}
	return r.active.levelDBm0()
}

// Quality returns the mean square error of what was received against the signal's power,
// in dB: about the signal-to-noise ratio with the sign changed. 0 before any burst.
func (r *Receiver) Quality() float64 {
	if r.active == nil {
		return 0
	}
	return r.active.quality()
}
