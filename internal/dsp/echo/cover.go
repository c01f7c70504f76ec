package echo

// cover is the nonlinear processor (G.168 clause 3.18). While there is echo and the near
// party is silent, it puts noise like the background in place of what the filter has left.
type cover struct {
	off  bool
	talk int   // samples until the near party counts as silent
	open int32 // how much passes: 1<<openBits is all

	came    uint64 // power of a sample of the near signal, over some 4 ms
	left    uint64 // and of what the filter has left of it
	gain    uint64 // the rest of an echo against the loudest block in the tail: power, in gainBits
	far     uint64 // power of that block
	perhaps uint64 // more than this is the near party, if the filter has not weakened it
	surely  uint64 // more than this is
	needed  bool   // the rest of the echo would be heard
}

const (
	openBits = 15
	opens    = 1 << openBits / 16 // a sample: 2 ms
	closes   = 1 << openBits / 64 // 8 ms
	talkHang = 150 * rate
)

func (c *cover) reset() {
	*c = cover{off: c.off, open: 1 << openBits, gain: 1 << gainBits / 4}
}

// pass takes what came from the line, what the filter has left of that, and what was
// played; and lets the rest out, or covers it.
func (c *cover) pass(out, came, left, far []int16, b *background) {
	if p := energy(far) * block / uint64(len(far)); p > c.far {
		c.hear(p, b)
	}
	smooth(&c.came, energy(came)/uint64(len(came)), 2)
	smooth(&c.left, energy(left)/uint64(len(left)), 2)
	if c.left > c.surely || c.left > c.perhaps && c.left > c.came>>3 {
		c.talk = talkHang
	}
	step := int32(opens)
	if c.talk > 0 {
		c.talk -= len(left)
	} else if c.needed && !c.off {
		step = -closes
	}
	if step > 0 && c.open == 1<<openBits {
		copy(out, left)
		return
	}
	for i, e := range left {
		c.open = max(0, min(c.open+step, 1<<openBits))
		v := int32(e)*c.open>>openBits + b.next()*(1<<openBits-c.open)>>openBits
		out[i] = saturate(v)
	}
}

// look takes what a block has shown: the power of what was left of it, that of the loudest
// block in the tail, and whether the level has been about the same all that time.
func (c *cover) look(left, far uint64, steady bool, b *background) {
	noise := b.level()
	if steady {
		measured := min(left-min(left, noise), 1<<38) << gainBits / max(far, 1)
		switch {
		case measured < c.gain:
			c.gain -= (c.gain - measured) >> 2
		case measured < 16*c.gain:
			c.gain += c.gain >> 5
		default: // rather the near party
			c.gain += c.gain >> 8
		}
		c.gain = min(max(c.gain, 1<<gainBits>>14), 1<<gainBits/4)
	}
	c.hear(far, b)
}

// hear finds what to expect of far samples as loud as those of a block of that power.
func (c *cover) hear(far uint64, b *background) {
	c.far = far
	noise, residue := b.level(), far>>8*c.gain>>(gainBits-8)
	c.perhaps = (min(12*residue, max(far/2, residue)) + 4*noise) / block
	c.surely = (min(48*residue, max(far/2, residue)) + 4*noise) / block
	needed := far > quiet && residue > noise>>3
	if needed && (!c.needed || b.outdated()) {
		b.prepare()
	}
	c.needed = needed
}
