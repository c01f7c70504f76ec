package echo

import "math/bits"

// back is the filter that adapts: by normalised least mean squares, a strip at a time, on
// flattened signals.
type back struct {
	far   window // flattened
	taps  []int16
	fine  []int32 // the taps with 16 more bits
	white predictor

	energy   uint64 // of the tail
	still    bool   // does not adapt now
	gain     uint64 // what the filter is thought to miss of the echo path: power, in gainBits
	fastest  uint64 // the largest stable rate, in rateBits
	smoothed uint64 // power of the error, lately

	went uint64 // sum of the rates in this block

	near, front, back uint64 // powers in this block: of the near signal flattened, and without echo by either filter
}

const (
	flatMore  = 2 // bits of precision that flattened samples have below those of samples
	flatFloor = 3 // what lies 9 dB below the signal is not raised
	gainBits  = 24
	rateBits  = 15
)

func (b *back) reset() {
	b.far.clear()
	clear(b.taps)
	clear(b.fine)
	*b = back{far: b.far, taps: b.taps, fine: b.fine, gain: 1 << gainBits}
}

// whiten finds how to flatten from here on, and flattens the tail again.
func (b *back) whiten(far []int16) {
	b.white.solve(correlations(far[len(far)-min(len(far), 256):]), flatFloor)
	lanes := b.far.lanes[:b.far.taps]
	var later int32
	for i := len(lanes) - 1; i >= 0; i-- {
		v := b.white.flatten(far[:order+i+1])
		lanes[i] = pack(v, later)
		later = v
	}
	b.energy = b.far.energy(0)
	b.fastest = b.stable()
}

// stable returns the largest rate at which a strip's errors, that all move the taps at
// once, cannot make them overshoot: less, the more these move them in one direction. It
// bounds the eigenvalues of the strip's correlation by the sum of a row.
func (b *back) stable() uint64 {
	x := b.far.lanes[max(0, b.far.taps-128):b.far.taps]
	var r [strip]int64
	for lag := range r {
		for i, l := range x[lag:] {
			r[lag] += int64(int32(l)) * int64(int32(x[i]))
		}
	}
	sum := r[0]
	for lag, v := range r[1:] {
		sum += 2 * abs(v) * int64(strip-1-lag) / strip
	}
	if sum == 0 {
		return 0
	}
	return uint64(r[0]) << rateBits / uint64(sum)
}

// learn takes the near samples and what the front filter left of them, the last n of
// each being those from sample i of the block on.
func (b *back) learn(near, left []int16, i, n int) {
	energy := b.energy
	for k := i; k < i+n; k++ {
		b.energy += square(b.far.sample(k)) - square(b.far.sample(k-b.far.taps))
	}
	if b.still {
		return
	}
	var echo, errs [strip]int32
	window := b.far.strip(i)
	convolve(&echo, b.taps, window)
	var largest int32
	var power uint64
	for k := range n {
		d := b.white.flatten(near[:len(near)-n+k+1])
		e := d - (echo[k]+1<<(tapBits-1))>>tapBits
		errs[k] = e
		largest = max(largest, e, -e)
		power += square(e)
		b.near += square(d)
		b.front += square(b.white.flatten(left[:len(left)-n+k+1]))
	}
	b.back += power
	smooth(&b.smoothed, power/uint64(n), 3)
	scale := bits.Len32(uint32(largest)) - errorBits
	for k, e := range errs {
		errs[k] = e >> (max(scale, 0) & 31) << (max(-scale, 0) & 31)
	}
	energy = max(energy, b.energy)
	rate := b.rate(max(power/uint64(n), b.smoothed), energy)
	b.went += uint64(rate)
	if s := newStep(rate, energy, scale); s.mantissa != 0 {
		correlate(b.fine, b.taps, window, &errs, s)
	}
}

// rate returns how far to go for an error of that power: as much of the way as its
// part that is echo.
func (b *back) rate(power, energy uint64) uint32 {
	mean := energy / uint64(b.far.taps)
	if mean < 16 || power == 0 {
		return 0
	}
	share := min(power, 1<<38) << gainBits / mean
	if share <= b.gain {
		return uint32(b.fastest)
	}
	return uint32(min(b.gain<<rateBits/share, b.fastest))
}

// share returns the power of a block against that of the far signal, in gainBits.
func (b *back) share(power uint64) uint64 {
	return min(power/block, 1<<38) << gainBits / max(b.energy/uint64(b.far.taps), 1)
}

// spare returns the energy of taps that the filter can do without: a quarter of what it
// misses of the echo path anyway. It has none to spare while it has learnt little, or a
// tone, to which all taps contribute.
func (b *back) spare() uint64 {
	if b.gain > 1<<gainBits>>5 || b.fastest < 1<<rateBits/3 {
		return 0
	}
	return b.gain << (2 * tapBits) >> gainBits >> 2
}

// begin prepares for another block.
func (b *back) begin(still bool) {
	b.still = still
	b.near, b.front, b.back, b.went = 0, 0, 0, 0
}

// become takes over another filter's taps.
func (b *back) become(taps []int16) {
	copy(b.taps, taps)
	for i, t := range taps {
		b.fine[i] = int32(t) << 16
	}
}

// overflows tells whether a tap comes near to what it can hold.
func (b *back) overflows() bool {
	for _, t := range b.taps {
		if t > 5<<tapBits/2 || t < -5<<tapBits/2 {
			return true
		}
	}
	return false
}
