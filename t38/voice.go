package t38

import (
	"tipring/internal/dsp"
	"tipring/t38/modem"
	"tipring/t38/t30"
)

// Frequencies of the tones of phase A (T.30 clauses 4.1 and 4.2).
const (
	cngHz = 1100
	cedHz = 2100
)

// preambleBits are flags for one second, less 8 of the 15 per cent that T.30 clause 5.3.1
// allows, before the frames of V.21: a call has six of them or more. ecmPreambleMS are flags before
// the frames of an ECM block (T.4 annex A clause A.3.1).
const (
	preambleBits   = 276
	ecmPreambleMS  = 200
	millisecondsIn = 1000
)

// A voice says on a line what a t30.Terminal wants to send.
type voice struct {
	t    *t30.Terminal
	dBm0 float64

	now  t30.Transmission
	left int // samples of a pause or a tone
	tone dsp.Tone
	tx   *modem.Transmitter
	hdlc modem.HDLCTransmitter
	bits octetBits
}

func (v *voice) init(t *t30.Terminal, dBm0 float64) {
	v.t, v.dBm0, v.tx = t, dBm0, modem.NewTransmitter(dBm0)
	v.bits.read = t.ReadOctets
}

// say fills out. Transmissions follow each other without a gap; what replaces another ends it.
func (v *voice) say(out []int16) {
	for len(out) > 0 {
		if x := v.t.Sending(); x.Serial != v.now.Serial || x.Kind != v.now.Kind {
			v.begin(x)
		}
		if v.now.Kind == t30.Nothing {
			clear(out)
			return
		}
		n := v.resume(out)
		if n < len(out) {
			v.t.Sent(v.now.Serial)
		}
		out = out[n:]
	}
}

func (v *voice) begin(x t30.Transmission) {
	v.now, v.left = x, x.Samples
	v.tone.Stop()
	switch x.Kind {
	case t30.CNG:
		v.tone.Start(dsp.Steady(dsp.Partial{Hz: cngHz, DBm0: v.dBm0}))
	case t30.CED:
		v.tone.Start(dsp.Steady(dsp.Partial{Hz: cedHz, DBm0: v.dBm0}))
	case t30.V21:
		v.hdlc.Start(preambleBits)
		v.tx.Start(modem.V21, false, &v.hdlc)
	case t30.ECM:
		v.hdlc.Start(x.Modulation.BitRate() * ecmPreambleMS / millisecondsIn)
		v.tx.Start(modes[x.Modulation], x.Short, &v.hdlc)
	case t30.TCF, t30.Image:
		v.bits.start()
		v.tx.Start(modes[x.Modulation], x.Short, &v.bits)
	}
}

// resume writes the next samples of what is being sent, and returns how many: less than
// len(out) at its end.
func (v *voice) resume(out []int16) int {
	switch v.now.Kind {
	case t30.Silence:
		n := v.take(out)
		clear(out[:n])
		return n
	case t30.CNG, t30.CED:
		return v.tone.Read(out[:v.take(out)])
	case t30.V21, t30.ECM:
		v.queueFrames()
	}
	return v.tx.Read(out)
}

// take counts what is left of a pause or a tone down.
func (v *voice) take(out []int16) int {
	n := min(v.left, len(out))
	v.left -= n
	return n
}

// queueFrames keeps the modem in frames: block is shorter than any four of them.
func (v *voice) queueFrames() {
	for v.hdlc.Room() > 0 {
		f := v.t.NextFrame()
		if f == nil {
			v.hdlc.Finish()
			return
		}
		v.hdlc.Queue(f)
	}
}

// octetBits is the bits of octets, the least significant one first.
type octetBits struct {
	read   func([]byte) int // returns fewer than were asked for at the end
	octets [octetsAtATime]byte
	n, at  int // octets read, bits taken
}

func (b *octetBits) start() { b.n, b.at = 0, 0 }

// NextBit implements modem.BitSource.
func (b *octetBits) NextBit() int {
	if b.at == 8*b.n {
		if b.n, b.at = b.read(b.octets[:]), 0; b.n <= 0 {
			b.n = 0
			return modem.End
		}
	}
	bit := b.octets[b.at/8] >> (b.at % 8) & 1
	b.at++
	return int(bit)
}
