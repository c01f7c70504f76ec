package modem

import "tipring/internal/dsp"

// The modem of T.30's control frames: ITU-T V.21, channel 2, 300 bit/s (T.30 clause
// 5.3.1). A 1 is 1650 Hz, a 0 is 1850 Hz, the phase goes on across the change; nothing
// is scrambled and nothing trains, the flags before the frames are all there is.
//
// The receiver turns the signal down by 1750 Hz, so that a 1 and a 0 are a phase that
// turns by a third of a turn a bit, one way or the other, and sums it over slots of an
// eighth of a bit. It decides a bit by comparing three of them, that one between its
// neighbours, with each of the eight ways the phase can have gone: the phase where
// they begin does not matter, but that it goes on does, and tells what one bit alone
// would not. That is good for some 4 dB against a pair of tone filters.
//
// The winner of each comparison also says whether the bits came earlier or later than
// was thought, which steers the clock of the slots, and whether the phase turned too
// fast, which takes a shift of all frequencies out.
//
// A carrier is there when much of all sound is one of the two tones, bit for bit, and
// strong enough; so neither noise, however loud, nor another modem starts the receiver.
// How much is asked for depends on how long it has been going on: see v21Search. By then
// the first bits have passed, but their slots are kept: the bits are decided from the
// first one, with the alignment that fits all of them best.
const (
	v21Rate   = 300
	v21MarkHz = 1650 // binary 1
	v21ZeroHz = 1850 // binary 0

	v21Slots       = 8 // of a bit
	v21SampleBits  = 12
	v21SampleDrop  = 10 // bits of the product of sample and carrier that are dropped
	v21TurnBits    = 14
	v21PerTurn     = 3 * v21Slots // slots of one turn: 2400 a second and 100 Hz to each side
	v21MixPeriod   = 32           // samples: 1750 is 7/32 of 8000
	v21MixStep     = 7
	v21SlotStep    = (1 << 32) * (v21Rate * v21Slots) / SampleRate // of a slot, in a sample
	v21History     = 256                                           // slots that are kept
	v21HistoryMask = v21History - 1
)

// v21Point is a sum of signal with its phase.
type v21Point struct{ re, im int32 }

func (p v21Point) plus(q v21Point) v21Point { return v21Point{p.re + q.re, p.im + q.im} }

func (p v21Point) power() int64 { return int64(p.re)*int64(p.re) + int64(p.im)*int64(p.im) }

// turned returns p turned by the angle of a unit vector.
func (p v21Point) turned(by v21Point) v21Point {
	a, b, c, s := int64(p.re), int64(p.im), int64(by.re), int64(by.im)
	return v21Point{int32((a*c - b*s) >> v21TurnBits), int32((a*s + b*c) >> v21TurnBits)}
}

// v21Unit returns the unit vector of a phase, a fraction of a turn in 32 bits.
func v21Unit(phase uint32) v21Point {
	return v21Point{dsp.Sine(phase+1<<30) >> (15 - v21TurnBits), dsp.Sine(phase) >> (15 - v21TurnBits)}
}

var (
	// v21Mix is 1750 Hz, backwards.
	v21Mix = func() (t [v21MixPeriod]v21Point) {
		for i := range t {
			p := uint32(i) * v21MixStep * (1 << 32 / v21MixPeriod)
			t[i] = v21Point{dsp.Sine(p+1<<30) >> (15 - v21SampleBits), -dsp.Sine(p) >> (15 - v21SampleBits)}
		}
		return t
	}()
	// v21Back takes the turning of a 0 and of a 1 out of the slots of a bit.
	v21Back = func() (t [2][v21Slots]v21Point) {
		for i := range v21Slots {
			p := uint32(uint64(i) << 32 / v21PerTurn)
			t[0][i], t[1][i] = v21Unit(-p), v21Unit(p)
		}
		return t
	}()
	// v21BitBack takes out what a bit turned the phase of those that follow.
	v21BitBack = [2]v21Point{v21Unit(1431655765 * 2), v21Unit(1431655765)} // of 2^32 a third, forwards for a 1
)
