package modem

// alternations finds the beginning of a training: two elements in turn are three tones,
// the carrier and one half the symbol rate to each side, and nothing else. Loud noise, a
// carrier alone, the tones of V.21, speech have other spectra, so that none of them
// starts a receiver. Tones are summed over blocks of 5 ms, in which the three are
// orthogonal, and looked at four blocks together.
type alternations struct {
	carrier, upper, lower oscillator // of the three tones
	now                   toneBlock  // the block that is being filled
	samples               int
	x1, x2                int32                 // the samples before
	past                  [toneBlocks]toneBlock // the newest first
	blocks                int
}

// An oscillator turns by step each sample, in 2^-32 of a turn.
type oscillator struct{ phase, step uint32 }

// A toneBlock has the sums of 40 samples times each tone, and of their products with
// themselves, the ones before and those before these.
type toneBlock struct {
	tones [3]point
	lags  [3]int64
}

const (
	toneSamples = SampleRate / 200
	toneBlocks  = 4
)

func (a *alternations) reset(s *scheme) {
	*a = alternations{
		carrier: oscillator{step: turnsPerSample(s.carrierHz)},
		upper:   oscillator{step: turnsPerSample(s.carrierHz + s.baud/2)},
		lower:   oscillator{step: turnsPerSample(s.carrierHz - s.baud/2)},
	}
}

// add takes a sample and reports whether a block is complete.
func (a *alternations) add(x int32) bool {
	a.now.lags[0] += int64(x * x)
	a.now.lags[1] += int64(x * a.x1)
	a.now.lags[2] += int64(x * a.x2)
	a.x1, a.x2 = x, a.x1
	a.now.tones[0].mix(x, &a.carrier)
	a.now.tones[1].mix(x, &a.upper)
	a.now.tones[2].mix(x, &a.lower)
	if a.samples++; a.samples < toneSamples {
		return false
	}
	copy(a.past[1:], a.past[:])
	a.past[0] = a.now
	a.now, a.samples = toneBlock{}, 0
	a.blocks++
	return true
}

func (p *point) mix(x int32, o *oscillator) {
	p.re += x * cosine(o.phase) >> 6
	p.im -= x * sine(o.phase) >> 6
	o.phase += o.step
}

// energies returns what the latest blocks have in each tone and in all, in squares of a
// sample times 4*toneSamples.
func (a *alternations) energies() (tones [3]int64, all int64) {
	for i := range a.past {
		for k, p := range a.past[i].tones {
			tones[k] += p.energy() >> 16 * 2 / toneSamples
		}
		all += a.past[i].lags[0]
	}
	return tones, all
}

func (p point) energy() int64 { return int64(p.re)*int64(p.re) + int64(p.im)*int64(p.im) }

// broad reports whether the latest blocks have a modem's spectrum.
func (a *alternations) broad() bool {
	var lags [3]int64
	for i := range a.past {
		for k, v := range a.past[i].lags {
			lags[k] += v
		}
	}
	return broad(lags)
}

// minimum is -46 dBm0 as the energy of the latest blocks: between -43 dBm0, which has to
// be received, and -48 dBm0, which must not be.
const minimum = 6540 * toneSamples * toneBlocks

// found reports whether the latest blocks are alternations: more than half of what there
// is lies in the tones, neither of the outer ones is missing, it has been so from the
// first of the blocks, and from block to block all tones turn alike and not fast.
func (a *alternations) found() bool {
	if a.blocks < toneBlocks {
		return false
	}
	tones, all := a.energies()
	sum := tones[0] + tones[1] + tones[2]
	steady := a.past[toneBlocks-1].lags[0] > all/(2*toneBlocks)
	if !steady || sum < minimum || sum < all/2 || min(tones[1], tones[2]) < sum/128 {
		return false
	}
	re, im := a.turned()
	return re > sum*3/4*3/5 && abs(im) < re
}

// turned returns the sum of each tone times what it was a block before: the blocks' tones
// turn alike, by as much as the carrier is off.
func (a *alternations) turned() (re, im int64) {
	for i := range toneBlocks - 1 {
		for k, p := range a.past[i].tones {
			q := a.past[i+1].tones[k]
			re += (int64(p.re)*int64(q.re) + int64(p.im)*int64(q.im)) >> 16
			im += (int64(p.im)*int64(q.re) - int64(p.re)*int64(q.im)) >> 16
		}
	}
	return re * 2 / toneSamples, im * 2 / toneSamples
}

// turn returns by how much the carrier is off, in 2^-32 of a turn a sample.
func (a *alternations) turn() int32 {
	re, im := a.turned()
	return int32(angle(re, im)) / toneSamples
}

// clock returns how far the next sample is past an element of the alternations, in 2^-32
// of a symbol: there the outer tones are in phase.
func (a *alternations) clock() uint32 {
	u, l := a.past[0].tones[1], a.past[0].tones[2]
	re := int64(u.re)*int64(l.re) + int64(u.im)*int64(l.im)
	im := int64(u.im)*int64(l.re) - int64(u.re)*int64(l.im)
	return angle(re, im) + a.upper.phase - a.lower.phase
}
