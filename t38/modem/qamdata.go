package modem

import mathbits "math/bits"

// decide takes an element, hands its bits on, or those of earlier ones, and returns what
// it was.
func (r *qamReceiver) decide(z point) point {
	var p point
	var element uint32
	switch c := r.coder.(type) {
	case *v27terCoder:
		p, element = c.decide(z)
		r.put(c.decode(element))
	case *v29Coder:
		p, element = c.decide(z)
		r.put(c.decode(element))
	case *v17Coder:
		p = r.trellis.add(z)
		r.putDecided(false)
	}
	return p
}

// putDecided hands on what the trellis has decided.
func (r *qamReceiver) putDecided(flush bool) {
	n := r.trellis.decided(&r.symbols, flush)
	for _, line := range r.symbols[:n] {
		r.put(r.coders.v17.descramble(uint32(line), r.scheme.bits))
		if r.state == hearNothing {
			return
		}
	}
}

// put hands the bits of an element on, the lowest first; those of the training end it.
func (r *qamReceiver) put(bits uint32) {
	if r.skip > 0 {
		r.zeros += r.scheme.bits - mathbits.OnesCount32(bits)
		if r.skip--; r.skip == 0 {
			r.judge()
		}
		return
	}
	for i := range r.scheme.bits {
		r.sink.PutBit(int(bits >> i & 1))
	}
}

// judge says how the training went: by how well the known elements were met, and whether
// the 1s after them were heard as such, if there were enough of them to tell.
func (r *qamReceiver) judge() {
	ones := r.scheme.ones * r.scheme.bits
	if r.training > worstError(r.scheme.mode) || ones > 100 && r.zeros > ones*9/20 {
		r.fail()
		return
	}
	r.memory, r.drift, r.trained = r.eq, r.sampler.edges.drift, true
	r.steady = [2]int32{max(r.training, 1), max(r.training, 1)}
	r.sampler.edges.gear = dataGear
	r.tell(TrainingSucceeded)
}

// worstError is the mean square error beyond which data would be mostly wrong: somewhat
// less than an element alone in noise has.
func worstError(m Mode) int32 {
	switch m {
	case V27ter2400:
		return 1 << 22 * 20 / 100
	case V27ter4800, V17At7200:
		return 1 << 22 * 12 / 100
	case V29At7200, V17At9600:
		return 1 << 22 * 8 / 100
	case V29At9600, V17At12000:
		return 1 << 22 * 6 / 100
	}
	return 1 << 22 * 4 / 100
}

// holdBlocks is how long a signal may be away: 130 ms.
const holdBlocks = 65

// watch looks at the level at the end of each of its blocks.
func (r *qamReceiver) watch() {
	if !r.up {
		return
	}
	switch r.state {
	case hearData:
		if r.level.gone() {
			r.putDecided(true)
			if r.state == hearData {
				r.state, r.held = hearHole, 0
				r.tones.reset(r.scheme)
			}
		} else {
			r.level.follow()
		}
	case hearHole, hearNothing, hearPattern:
		if r.level.away() > holdBlocks {
			r.tell(CarrierDown)
			r.listen()
		}
	case hearTraining:
		if r.level.away() > holdBlocks {
			r.fail()
		}
	}
}

// hold waits for the signal to come back and look right: what T.30 sends next, V.21 or
// the carrier of talker echo protection, has a narrow spectrum.
func (r *qamReceiver) hold(z point) {
	if r.level.away() > 0 {
		r.held = 0
		return
	}
	if r.held++; r.held == 1 {
		r.tones.reset(r.scheme)
	}
	p := r.nearest(point{z.re >> 5, z.im >> 5})
	r.errorPower += (point{z.re>>5 - p.re, z.im>>5 - p.im}.power() - r.errorPower) >> 3
	if r.held > equaliserTaps/2 && r.errorPower < worstError(r.scheme.mode) && r.tones.blocks >= toneBlocks && r.tones.broad() {
		r.state = hearData
		r.trellis.reset()
		r.markHole()
	}
}

// lostZeros stand for the data of a hole: more than any code of ITU-T T.4 has in a row, so that
// what is before them and what is behind are not read as one.
const lostZeros = 24

func (r *qamReceiver) markHole() {
	if r.skip > 0 {
		return
	}
	for range lostZeros {
		r.sink.PutBit(0)
	}
}
