package modem

import "tipring/internal/dsp"

// v21Search looks for a burst in the last bits of sound, wherever bits may begin. White
// noise has a tenth of its energy in the stronger of the two tones, the mean of some bits
// scatters about that, of fewer bits wider: so a few bits have to be purer.
type v21Search struct {
	inBand, total [v21LookBits]int64 // newest first
	seen          int                // bits, v21LookBits at most
}

const (
	v21LookBits  = 24 // 80 ms
	v21ShortBits = 12
	v21LongPct   = 25 // of the energy of v21LookBits in the tones: -2 dB SNR
	v21ShortPct  = 45 // of that of v21ShortBits: 1 dB SNR
	v21OnDBm0    = -46
	v21Parts     = 4 // of those bits, each with a quarter of the mean power
)

var v21OnPower = int64(dsp.MeanSquare(v21OnDBm0)) * v21BitPower

func (s *v21Search) forget() { s.seen = 0 }

// add takes in a bit's power and energy, and tells whether there is a burst.
func (s *v21Search) add(inBand, total int64) bool {
	copy(s.inBand[1:], s.inBand[:])
	copy(s.total[1:], s.total[:])
	s.inBand[0], s.total[0] = inBand, total
	s.seen = min(s.seen+1, v21LookBits)
	return s.found(v21ShortBits, v21ShortPct) || s.found(v21LookBits, v21LongPct)
}

func (s *v21Search) found(bits int, pct int64) bool {
	if s.seen < bits {
		return false
	}
	inBand, total := s.sums(0, bits)
	if inBand < v21OnPower*int64(bits) || inBand < total*v21PowerRatio*pct/100 {
		return false
	}
	n := bits / v21Parts
	for at := 0; at < bits; at += n {
		if part, _ := s.sums(at, n); part*v21Parts*4 < inBand {
			return false
		}
	}
	return true
}

func (s *v21Search) sums(at, bits int) (inBand, total int64) {
	for i := at; i < at+bits; i++ {
		inBand += s.inBand[i]
		total += s.total[i]
	}
	return inBand, total
}

// look ends eight slots while no burst is there.
func (r *v21Receiver) look() {
	at := r.filled - v21Slots
	if r.search.add(r.strength(at), r.energy(at)) {
		r.begin()
	}
}

// begin takes up the burst whose latest bits are in the slots.
func (r *v21Receiver) begin() {
	inBand, total := r.search.sums(0, v21ShortBits)
	r.inBand, r.total = inBand/v21ShortBits, total/v21ShortBits
	r.turnBack(r.align())
	r.turnBack(r.align())
	first := r.first(r.align())
	r.bits[1] = [2]v21Point{r.bit(first-v21Slots, 0), r.bit(first-v21Slots, 1)}
	r.bits[2] = [2]v21Point{r.bit(first, 0), r.bit(first, 1)}
	r.next = first + v21Slots
	r.up, r.wasActive = true, true
	r.sink.Status(CarrierUp)
	r.sink.Status(TrainingSucceeded)
}

// align returns where the last whole bit begins if bits begin where most of the latest
// ones fit best.
func (r *v21Receiver) align() (last int) {
	best := int64(-1)
	for p := range v21Slots {
		at := r.filled - v21Slots - p
		var bits [3][2]v21Point
		sum := int64(0)
		for k := range v21ShortBits {
			begin := at - k*v21Slots
			bits[2], bits[1] = bits[1], bits[0]
			bits[0] = [2]v21Point{r.bit(begin, 0), r.bit(begin, 1)}
			_, power := v21Likeliest(&bits)
			sum += power
		}
		if sum > best {
			last, best = at, sum
		}
	}
	return last
}

// turnBack takes the offset of the frequency out of the slots that are kept, as far as
// the latest bits tell it, so that the first bits are decided as well as those to come.
func (r *v21Receiver) turnBack(last int) {
	across, power := int64(0), int64(0)
	for k := range v21ShortBits - 2 {
		for i := range r.bits {
			at := last - (k+2-i)*v21Slots
			r.bits[i] = [2]v21Point{r.bit(at, 0), r.bit(at, 1)}
		}
		way, _ := v21Likeliest(&r.bits)
		a, p := v21Further(&r.bits, way)
		across, power = across+a, power+p
	}
	more := int32(across<<12/(power>>4+1)) * v21OffsetWhole
	r.turnStep += more
	for k := range min(r.filled, v21History) {
		p := &r.slots[(r.filled-1-k)&v21HistoryMask]
		*p = p.turned(v21Unit(uint32(k) * uint32(more)))
	}
}

// first returns where the first bit of the burst begins, and sets the level. Going back
// from the last bit, each that has more than a quarter of the level, half the amplitude,
// speaks for a beginning before it, each that has less against one.
func (r *v21Receiver) first(last int) int {
	const sure = v21ShortBits / 2
	r.level = 0
	for k := range sure {
		r.level += r.strength(last-k*v21Slots) / sure
	}
	first, sum, best := last, int64(0), int64(0)
	for k := range r.search.seen {
		at := last - k*v21Slots
		sum += min(r.strength(at), r.level) - r.level/4
		if sum > best {
			first, best = at, sum
		}
	}
	return first
}

// strength returns the power of a bit, whichever it is.
func (r *v21Receiver) strength(at int) int64 {
	return max(r.bit(at, 0).power(), r.bit(at, 1).power())
}
