package dsp

import "math/bits"

const (
	preambleHz      = 1750 // between the two tones of V.21 channel 2, each 100 Hz away
	preambleSlots   = 4    // of a bit; a step is three of them
	preamblePeriod  = 32   // samples in which 1750 Hz turns by whole turns
	preambleFlags   = 0x7e7e7e7e
	preambleOnes    = 24  // in 32 bits of flags
	preambleWrong   = 1   // bits of 32
	preambleFits    = 2   // slots in a row that bits may begin at
	preamblePct     = 55  // of all energy is in the two tones: 2 dB SNR; white noise has 11
	preambleMean    = 64  // slots that energy and power are a mean of
	preambleForgets = 240 // slots, 200 ms, without a flag end it
	preambleLength  = 32 * preambleSlots * SampleRate / 1200
)

// preambleTone looks for flags, 01111110, at 300 bit/s. It takes bits from each of the
// four slots where they may begin, so that one of the four fits well enough.
type preambleTone struct {
	slots  [preambleSlots]phasor // newest last
	energy [preambleSlots]int64
	count  uint32 // of slots
	wave   int    // where the next step begins in preambleWave

	bits    [preambleSlots]uint32 // newest least significant
	power   int64                 // of the stronger tone in a bit, mean
	all     int64                 // energy of a bit, mean
	fits    int                   // slots in a row whose bits were flags
	told    bool
	without int // slots since the last flags
}

// The power of a bit's sum over its energy.
const preambleGain = SampleRate * (1 << (faxWaveBits - faxDrop)) * (1 << (faxWaveBits - faxDrop)) / 600

var (
	// The ends of the three slots of a step, near 6 2/3 samples each.
	preambleEnds = [3]int{7, 13, faxStep}
	preambleWave = func() (w [preamblePeriod + faxStep]phasor) {
		for i := range w {
			p := uint32(int64(i) * preambleHz << 32 / SampleRate)
			w[i] = phasor{Sine(p+1<<30) >> (15 - faxWaveBits), -Sine(p) >> (15 - faxWaveBits)}
		}
		return w
	}()
)

func (d *FaxDetector) hearPreamble(events []FaxEvent, energy int64) []FaxEvent {
	p := &d.preamble
	wave := preambleWave[p.wave : p.wave+faxStep]
	p.wave = (p.wave + faxStep) % preamblePeriod
	begin := 0
	for _, end := range preambleEnds {
		re, im := int32(0), int32(0)
		if energy > 0 {
			for i, x := range d.step[begin:end] {
				w := &wave[begin:end][i]
				re += int32(x) * w.re
				im += int32(x) * w.im
			}
		}
		begin = end
		if p.slot(phasor{re >> faxDrop, im >> faxDrop}, energy/3) {
			events = append(events, FaxEvent{Tone: Preamble, Began: d.now - preambleLength, At: d.now})
		}
	}
	return events
}

// slot takes in a slot and reports whether a preamble was recognised.
func (p *preambleTone) slot(z phasor, energy int64) bool {
	p.slots = [preambleSlots]phasor{p.slots[1], p.slots[2], p.slots[3], z}
	p.energy = [preambleSlots]int64{p.energy[1], p.energy[2], p.energy[3], energy}
	zero, one := p.tones()
	power, bit := zero, uint32(0)
	if one > zero {
		power, bit = one, 1
	}
	all := p.energy[0] + p.energy[1] + p.energy[2] + p.energy[3]
	p.power += (power - p.power) / preambleMean
	p.all += (all - p.all) / preambleMean
	p.count++
	b := &p.bits[p.count%preambleSlots]
	*b = *b<<1 | bit
	if !flags(*b) || p.power*100 < p.all*(preambleGain*preamblePct) || p.all < faxWeakest*(SampleRate/300) {
		p.fits = 0
		if p.without++; p.without > preambleForgets {
			p.told = false
		}
		return false
	}
	p.without = 0
	if p.fits++; p.fits < preambleFits || p.told {
		return false
	}
	p.told = true
	return true
}

// tones returns the power of either tone in the latest bit. From slot to slot the higher
// one, a 0, turns by 30 degrees, the lower one as much the other way: taken out of both
// are the cosines 1, √3/2, 1/2 and 0, and the sines in the other order.
func (p *preambleTone) tones() (zero, one int64) {
	z := &p.slots
	c := phasor{z[0].re + long(z[1].re) + z[2].re>>1, z[0].im + long(z[1].im) + z[2].im>>1}
	s := phasor{z[3].re + long(z[2].re) + z[1].re>>1, z[3].im + long(z[2].im) + z[1].im>>1}
	return phasor{c.re + s.im, c.im - s.re}.power(), phasor{c.re - s.im, c.im + s.re}.power()
}

// long returns √3/2 of v, within 0.2 %.
func long(v int32) int32 { return v - v>>3 - v>>7 }

// flags tells whether 32 bits are flags, wherever they begin.
func flags(b uint32) bool {
	ones := bits.OnesCount32(b)
	if ones < preambleOnes-preambleWrong || ones > preambleOnes+preambleWrong {
		return false
	}
	for r := range 8 {
		if bits.OnesCount32(b^bits.RotateLeft32(preambleFlags, r)) <= preambleWrong {
			return true
		}
	}
	return false
}
