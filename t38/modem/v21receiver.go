package modem

import (
	"math"

	"tipring/internal/dsp"
)

// v21Receiver hears V.21 channel 2.
type v21Receiver struct {
	sink BitSink

	mixAt     int // in v21Mix
	sum       v21Point
	sumEnergy int64
	clock     uint32 // position within the slot
	clockStep uint32
	drift     int32 // of the sender's clock, as a part of clockStep

	slots     [v21History]v21Point
	energies  [v21History]int64
	filled    int    // slots since the start; the last v21History are there
	turn      uint32 // by which the newest slot was turned back, for the offset of the frequency
	turnStep  int32
	search    v21Search
	up        bool
	next      int            // slot where the bit after the next to be decided begins
	bits      [3][2]v21Point // three bits as if each were a 0 or a 1: the next to be decided is in the middle
	withheld  uint32         // weak bits: the end, or a hole
	weak      int
	level     int64 // power of a bit, mean of strong ones
	inBand    int64 // the same of all bits
	total     int64 // energy of a bit, mean of all
	wasActive bool  // a burst was heard
}

// Units of power: that of a bit's sum, and of its energy as the sum of squares. A sine of
// peak A sums up to A/2 a sample in 26 2/3 samples.
const (
	v21Gain       = 1 << (v21SampleBits - v21SampleDrop)
	v21BitPower   = v21Gain * v21Gain * 3200 / 9 // of a bit, over its mean square
	v21PowerRatio = v21Gain * v21Gain * 40 / 3   // of a bit, over its energy
)

const (
	v21OffDBm0     = -48.5
	v21Weak        = 8                  // times weaker than the mean: no bit
	v21Hole        = 12                 // weak bits, 40 ms, are a hole; one more is the end
	v21LostPct     = 18                 // of the energy in the tones, mean of v21Mean bits: it is noise
	v21Mean        = 16                 // bits
	v21ClockGain   = 1000               // units of clockStep; one is an error of 2^-15 of a bit's power
	v21DriftGain   = 16                 // the same, for good
	v21OffsetGain  = 80                 // units of 2^-32 turns a slot; one is an error of 2^-15 radians in two bits
	v21OffsetWhole = 16 * v21OffsetGain // the same, at once
	v21MaxOffset   = 120_000_000        // 67 Hz
	v21MaxDrift    = v21SlotStep / 1000 * 3
)

var v21OffPower = int64(dsp.MeanSquare(v21OffDBm0)) * v21BitPower

func (r *v21Receiver) start(sink BitSink) {
	*r = v21Receiver{sink: sink, clockStep: v21SlotStep}
}

func (r *v21Receiver) feed(in []int16) {
	for _, s := range in {
		x := int32(s)
		m := &v21Mix[r.mixAt]
		r.mixAt = (r.mixAt + 1) % v21MixPeriod
		r.sum.re += x * m.re
		r.sum.im += x * m.im
		r.sumEnergy += int64(x * x)
		was := r.clock
		if r.clock += r.clockStep; r.clock < was {
			r.slot()
		}
	}
}

// slot ends a slot, and what ends with it.
func (r *v21Receiver) slot() {
	p := v21Point{r.sum.re >> v21SampleDrop, r.sum.im >> v21SampleDrop}
	if r.up {
		r.turn += uint32(r.turnStep)
		p = p.turned(v21Unit(-r.turn))
	}
	r.slots[r.filled&v21HistoryMask] = p
	r.energies[r.filled&v21HistoryMask] = r.sumEnergy
	r.sum, r.sumEnergy = v21Point{}, 0
	r.filled++
	if !r.up && r.filled%v21Slots == 0 {
		r.look()
	}
	for r.up && r.filled > r.next+v21Slots { // one slot more: whether the bits are late
		r.decide()
	}
}

// bit sums up the slots of a bit that begins at a slot, as if it were b.
func (r *v21Receiver) bit(at, b int) v21Point {
	re, im := int64(0), int64(0)
	for i := range v21Slots {
		p, q := r.slots[(at+i)&v21HistoryMask], v21Back[b&1][i]
		a, b, c, s := int64(p.re), int64(p.im), int64(q.re), int64(q.im)
		re += a*c - b*s
		im += a*s + b*c
	}
	return v21Point{int32(re >> v21TurnBits), int32(im >> v21TurnBits)}
}

func (r *v21Receiver) energy(at int) (sum int64) {
	for i := range v21Slots {
		sum += r.energies[(at+i)&v21HistoryMask]
	}
	return sum
}

// v21Join joins three bits to one sum.
func v21Join(a, b, c v21Point, first, second int) v21Point {
	return a.plus(b.plus(c.turned(v21BitBack[second])).turned(v21BitBack[first]))
}

// v21Likeliest returns the way the phase went through three bits, most significant first,
// and the power of their sum.
func v21Likeliest(bits *[3][2]v21Point) (way int, power int64) {
	power = -1
	for w := range 8 {
		a, b, c := w>>2, w>>1&1, w&1
		if p := v21Join(bits[0][a], bits[1][b], bits[2][c], a, b).power(); p > power {
			way, power = w, p
		}
	}
	return way, power
}

// decide takes the bit that begins at next into the three, and decides the one before.
func (r *v21Receiver) decide() {
	r.bits[0], r.bits[1] = r.bits[1], r.bits[2]
	r.bits[2] = [2]v21Point{r.bit(r.next, 0), r.bit(r.next, 1)}
	way, _ := v21Likeliest(&r.bits)
	bit := way >> 1 & 1
	at := r.next - v21Slots
	r.next += v21Slots

	power := r.bits[1][bit].power()
	r.inBand += (power - r.inBand) / v21Mean
	r.total += (r.energy(at) - r.total) / v21Mean
	if r.inBand < v21OffPower || r.inBand < r.total*v21PowerRatio*v21LostPct/100 {
		r.end()
		return
	}
	if power*v21Weak < r.level {
		r.withhold(bit)
		return
	}
	r.level += (power - r.level) / v21Mean
	r.release()
	r.sink.PutBit(bit)
	r.steerClock(at-v21Slots, way)
	r.steerTurn(way)
}

// withhold keeps a weak bit back until it is known whether the burst goes on.
func (r *v21Receiver) withhold(bit int) {
	r.clockStep = uint32(v21SlotStep + r.drift)
	r.withheld = r.withheld<<1 | uint32(bit)
	if r.weak++; r.weak > v21Hole {
		r.end()
	}
}

func (r *v21Receiver) release() {
	for ; r.weak > 0; r.weak-- {
		r.sink.PutBit(int(r.withheld >> (r.weak - 1) & 1))
	}
}

func (r *v21Receiver) end() {
	r.up, r.weak = false, 0
	r.clockStep, r.drift = v21SlotStep, 0
	r.turn, r.turnStep = 0, 0
	r.search.forget()
	r.sink.Status(CarrierDown)
}

// steerClock sees whether three bits fit better a slot earlier or a slot later.
func (r *v21Receiver) steerClock(at, way int) {
	early, late := r.shifted(at-1, way), r.shifted(at+1, way)
	tooEarly := int32((late - early) << 15 / (late + early + 1)) // the clock is; positive: slow down
	r.drift = v21Limit(r.drift-tooEarly*v21DriftGain, v21MaxDrift)
	r.clockStep = uint32(v21SlotStep + r.drift - tooEarly*v21ClockGain)
}

func (r *v21Receiver) shifted(at, way int) int64 {
	a, b, c := way>>2, way>>1&1, way&1
	return v21Join(r.bit(at, a), r.bit(at+v21Slots, b), r.bit(at+2*v21Slots, c), a, b).power()
}

// steerTurn follows the offset of the frequency.
func (r *v21Receiver) steerTurn(way int) {
	across, power := v21Further(&r.bits, way)
	tooFar := int32(across << 16 / (power + 1))
	r.turnStep = v21Limit(r.turnStep+tooFar*v21OffsetGain, v21MaxOffset)
}

// v21Further tells how much further than it should the phase turned between the first
// and the last of three bits: twice across over power is the sine of the angle.
func v21Further(bits *[3][2]v21Point, way int) (across, power int64) {
	a, b, c := way>>2, way>>1&1, way&1
	first := bits[0][a]
	last := bits[2][c].turned(v21BitBack[b]).turned(v21BitBack[a])
	across = int64(last.im)*int64(first.re) - int64(last.re)*int64(first.im)
	return across, first.power() + last.power()
}

func v21Limit(v, most int32) int32 { return max(-most, min(v, most)) }

func (r *v21Receiver) levelDBm0() float64 {
	if !r.wasActive {
		return math.Inf(-1)
	}
	return 10 * math.Log10(float64(r.level)/float64(v21BitPower*int64(dsp.MeanSquare(0))))
}

func (r *v21Receiver) quality() float64 {
	if !r.wasActive {
		return 0
	}
	wrong := max(float64(r.total)*v21PowerRatio-float64(r.inBand), float64(r.inBand)*1e-6)
	return 10 * math.Log10(wrong/float64(r.inBand))
}
