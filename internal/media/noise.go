package media

import "tipring/internal/dsp"

const (
	noiseOrder = 12 // coefficients that are heard; a sender may tell more
	noiseBits  = 4  // of a sample, beyond the point
	noiseBlock = 160

	// overload is the power of a square wave as loud as G.711 can code, 0 dBov, which is what
	// levels of comfort noise are told against (RFC 3389 section 3.1).
	overload = 32124 * 32124
	decibel  = 52057 // 10^-0.1, of 65536

	// floorRise is how much of itself the background may rise in a block: 1.7 dB in a second.
	floorRise = 128
	// A far end without speech is no background but what it sends: a tone, music.
	loudestFloorDBm0 = -45
)

// noise is comfort noise: what the sender told of its background (RFC 3389), or else white
// noise, a little coloured, as loud as the background was that was heard between words.
type noise struct {
	seed    uint32
	told    bool // what follows is the sender's word
	order   int
	k       [noiseOrder]int32 // reflection coefficients, of 32768
	b       [noiseOrder]int64 // backward errors of the lattice
	loud    int64             // peak of the excitation, with noiseBits
	power   uint64            // told
	heard   bool              // floor is known
	floor   uint64            // power of the background
	slope   int32             // its first reflection coefficient, of 32768
	sum     int64             // of this block: energy
	next1   int64             // and the products of neighbours
	last    int32
	samples int
}

var loudestFloor = dsp.MeanSquare(loudestFloorDBm0)

// tell takes the payload of a packet of comfort noise.
func (n *noise) tell(payload []byte) {
	if len(payload) == 0 {
		n.told = false
		return
	}
	n.told, n.power = true, overload
	for range payload[0] & 0x7f {
		n.power = n.power * decibel >> 16
	}
	n.order = min(len(payload)-1, noiseOrder)
	for i, v := range payload[1 : 1+n.order] {
		// RFC 3389 section 3.2: 127 stands for 0, and 255 does not occur.
		n.k[i] = 258 * (int32(min(v, 253)) - 127)
	}
	n.excite(n.power)
}

// listen follows the background: the quietest of what is played, which may rise slowly.
func (n *noise) listen(pcm []int16) {
	n.told = false
	for len(pcm) > 0 {
		part := pcm[:min(len(pcm), noiseBlock-n.samples)]
		pcm = pcm[len(part):]
		sum, next, last := n.sum, n.next1, n.last
		for _, s := range part {
			v := int32(s)
			sum += int64(v * v)
			next += int64(v * last)
			last = v
		}
		n.sum, n.next1, n.last = sum, next, last
		if n.samples += len(part); n.samples == noiseBlock {
			n.block()
		}
	}
}

func (n *noise) block() {
	power := uint64(n.sum) / noiseBlock
	if !n.heard || power <= n.floor {
		n.floor, n.heard = power, true
	} else {
		n.floor += n.floor/floorRise + 1
	}
	n.floor = min(n.floor, loudestFloor)
	if power < 2*n.floor && n.sum > 0 {
		n.slope += (int32(-n.next1*32768/n.sum) - n.slope) / 8
	}
	n.sum, n.next1, n.samples = 0, 0, 0
}

// prepare makes ready what next makes, when a gap begins.
func (n *noise) prepare() {
	if n.told {
		return
	}
	n.order, n.k[0] = 1, max(-30000, min(n.slope, 30000))
	n.excite(n.floor)
}

// excite sets how loud the excitation is for the filter to bring out that power: less by
// 1 - k² for each coefficient.
func (n *noise) excite(power uint64) {
	power <<= 2 * noiseBits
	for _, k := range n.k[:n.order] {
		power = power * uint64((1<<30-k*k)>>14) >> 16
	}
	n.loud = int64(squareRoot(3 * power)) // a third of the square of the peak is the power of what is uniform
}

// next is a sample of it, the part of concealFade that gone is of it.
func (n *noise) next(gone int) int16 {
	if n.loud == 0 {
		return 0
	}
	n.seed = n.seed*1664525 + 1013904223
	f := int64(int16(n.seed>>16)) * n.loud >> 15
	for i := n.order - 1; i >= 0; i-- { // an all-pole lattice
		k := int64(n.k[i])
		f -= k * n.b[i] >> 15
		if i+1 < n.order {
			n.b[i+1] = n.b[i] + k*f>>15
		}
	}
	if n.order > 0 {
		n.b[0] = f
	}
	return clip(int32(f >> noiseBits * int64(gone) / concealFade))
}

func squareRoot(v uint64) uint64 {
	root := uint64(0)
	for bit := uint64(1) << 31; bit > 0; bit >>= 1 {
		if next := root | bit; next*next <= v {
			root = next
		}
	}
	return root
}
