package echo

import "math/bits"

// background is the noise behind the near party: how loud it is, and its spectrum; and
// the comfort noise that is like it (G.168 clause 3.4 and test 9).
type background struct {
	least, before uint64           // power of the quietest block in this stretch and in the one before
	blocks        int              // of this stretch
	r             [order + 1]int64 // correlations of a block, smoothed, with heardBits
	heard         int64            // blocks in r, noiseMemory at most
	stale         bool             // r has changed since like was made

	like   predictor
	made   uint64       // level when like and gain were made
	gain   int32        // of the excitation
	past   [order]int32 // outputs, the last one first, with noiseMore bits
	random uint32
}

const (
	noiseStretch = 96 // blocks: speech has gaps in a second
	noiseMemory  = 16 // blocks over which the spectrum is smoothed
	noiseFloor   = 6  // spectrum that lies 18 dB below the noise's power is not looked for
	noiseMore    = 4  // bits of precision below those of samples
	heardBits    = 8
	unknown      = 1 << 40
)

func (b *background) reset() { *b = background{random: 1, least: unknown, before: unknown} }

// floor returns the power of a quiet block.
func (b *background) floor() uint64 { return min(b.least, b.before) }

// listen takes what was left of a block, its power, and whether the far party has been
// silent, so that there can be no echo in it.
func (b *background) listen(left []int16, power uint64, alone bool) {
	b.least = min(b.least, power)
	if b.blocks++; b.blocks == noiseStretch {
		b.before, b.least, b.blocks = b.least, power, 0
	}
	if !alone || power > 4*b.floor() {
		return
	}
	b.heard = min(b.heard+1, noiseMemory)
	for i, r := range correlations(left) {
		b.r[i] += (r<<heardBits - b.r[i]) / b.heard
	}
	b.stale = true
}

// level returns the mean power of a block.
func (b *background) level() uint64 {
	if b.heard == 0 { // only under the far party
		if b.before == unknown {
			return 0
		}
		return b.floor() + b.floor()>>2 // the mean lies above the least
	}
	return min(max(uint64(b.r[0])>>heardBits, b.floor()), 4*b.floor())
}

// outdated tells whether the noise is no longer like the background.
func (b *background) outdated() bool {
	level := b.level()
	return level > b.made<<1 || level < b.made>>1
}

// prepare makes ready for next.
func (b *background) prepare() {
	b.made = b.level()
	if b.stale {
		b.like.solve(b.r, noiseFloor)
		b.stale = false
	}
	left := uint64(1 << leftBits)
	if b.heard > 0 {
		left = b.like.left
	}
	// What is equally likely from -g to g has a third of the power of g.
	power := 3 * b.level() / block * left >> leftBits << (2 * noiseMore)
	b.gain = int32(min(root(power), 1<<15))
}

// next returns a sample of noise.
func (b *background) next() int32 {
	b.random ^= b.random << 13
	b.random ^= b.random >> 17
	b.random ^= b.random << 5
	v := int32(int16(b.random)) * b.gain >> 15
	var sum int32
	for k, a := range b.like.a {
		sum += a * b.past[k]
	}
	v = max(-1<<15, min(v-sum>>predictorBits, 1<<15))
	copy(b.past[1:], b.past[:order-1])
	b.past[0] = v
	return (v + 1<<(noiseMore-1)) >> noiseMore
}

// root returns the square root, rounded down.
func root(v uint64) uint64 {
	if v == 0 {
		return 0
	}
	for r := uint64(1) << ((bits.Len64(v) + 1) / 2); ; {
		next := (r + v/r) / 2
		if next >= r {
			return r
		}
		r = next
	}
}
