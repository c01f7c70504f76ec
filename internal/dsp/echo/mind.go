package echo

// mind decides, block by block, which filter is right, and how fast to adapt.
type mind struct {
	near, err, far uint64 // powers in this block, not flattened
	levels         []uint64
	blocks         int
	active         int // blocks until far counts as silent

	came, left uint64 // powers of the near signal and of its rest, smoothed, for the record

	nearS, frontS, backS uint64 // smoothed, flattened
	nearP, errP          uint64
	frontGain            uint64 // as back.gain, for the front filter
	better, worse, odd   int    // blocks in a row
	trial, rest          int    // blocks that a trial lasts; until another
	useless              int
	fineFront, fineBack  uint64
	fineN                int
}

const (
	quietFar   = block * 64 * 64 // -48 dBm0
	trialFor   = 20
	trialAgain = 15
)

func (m *mind) reset() {
	clear(m.levels)
	*m = mind{levels: m.levels, frontGain: 1 << gainBits}
}

// whitens tells whether the spectrum is to be looked at again.
func (m *mind) whitens() bool { return m.active > 0 && m.blocks&1 == 0 }

func (m *mind) watch(near, errs []int16) {
	for i, v := range near {
		m.near += square(int32(v))
		m.err += square(int32(errs[i]))
	}
}

// steady tells whether far has had about one level for as long as the tail.
func (m *mind) steady() bool {
	low, high := m.levels[0], m.levels[0]
	for _, l := range m.levels[1:] {
		low, high = min(low, l), max(high, l)
	}
	return low > quietFar && low > high>>4
}

func (c *Canceller) decide() {
	m, b := &c.mind, &c.back
	var far uint64
	for _, v := range c.farPCM[c.taps+order:] {
		far += square(int32(v))
	}
	m.levels[m.blocks%len(m.levels)] = far
	m.blocks++
	if far > quietFar {
		m.active = len(m.levels)
	} else if m.active > 0 {
		m.active--
	}
	if !b.still {
		c.compare()
	}
	loudest := m.levels[0]
	for _, l := range m.levels[1:] {
		loudest = max(loudest, l)
	}
	c.noise.listen(c.errPCM[order:], m.err, m.active == 0)
	c.cover.judge(m.err, loudest, m.steady(), &c.noise)
	m.near, m.err = 0, 0
	b.near, b.front, b.back, b.went = 0, 0, 0, 0
	wasStill := b.still
	b.still = m.active == 0
	if wasStill && !b.still {
		b.become(c.front.taps)
		b.gain = m.frontGain
		m.trial = 0
	}
}

func smooth(s *uint64, v uint64) { *s += v>>2 - *s>>2 }

func (c *Canceller) compare() {
	m, b := &c.mind, &c.back
	smooth(&m.nearS, b.near)
	smooth(&m.frontS, b.front)
	smooth(&m.backS, b.back)
	smooth(&m.nearP, m.near)
	smooth(&m.errP, m.err)
	steady := m.steady()
	mean := max(b.energy/uint64(c.taps), 1)
	back := min(m.backS/block, 1<<38) << gainBits / mean
	front := min(m.frontS/block, 1<<38) << gainBits / mean
	if steady {
		track(&b.gain, back)
		b.gain -= b.gain * b.went * strip / uint64(c.taps) / tuneDecay >> rateBits
		track(&m.frontGain, front)
		m.came += m.near>>4 - m.came>>4
		m.left += m.err>>4 - m.left>>4
	}
	if b.overflows() {
		b.become(c.front.taps)
		b.gain = m.frontGain
		m.trial = 0
	}

	// front worse than nothing
	if m.errP > m.nearP+m.nearP>>1 && m.errP > quietFar>>4 {
		m.useless++
	} else {
		m.useless = 0
	}
	if m.useless >= 8 {
		clear(c.front.taps)
		m.frontGain = 1 << gainBits
		m.useless = 0
	}

	// suspicion
	if m.rest > 0 {
		m.rest--
	}
	if m.trial == 0 && steady && front > 8*m.frontGain {
		m.odd++
	} else {
		m.odd = 0
	}
	if m.odd >= 3 && m.rest == 0 {
		m.trial = trialFor
		m.odd = 0
		b.gain = min(front, 1<<gainBits)
	}

	margin := m.frontS - m.frontS>>3
	need := 2
	if m.trial > 0 {
		margin = m.frontS >> 1
		need = 3
	} else if front > 8*m.frontGain {
		margin = m.frontS * 5 / 8
		need = 3
	}
	if m.backS < margin && m.backS < m.nearS {
		m.better++
	} else {
		m.better = 0
	}
	m.fineFront += b.front
	m.fineBack += b.back
	fine := false
	if m.fineN++; m.fineN >= tuneFine {
		fine = m.trial == 0 && front <= 8*m.frontGain && m.fineBack < m.fineFront-m.fineFront>>tuneMargin
		m.fineN, m.fineFront, m.fineBack = 0, 0, 0
	}
	if m.trial > 0 || front > 8*m.frontGain {
		m.fineN, m.fineFront, m.fineBack = 0, 0, 0
	}
	if m.better >= need || fine {
		copy(c.front.taps, b.taps)
		m.frontGain = b.gain
		m.frontS = m.backS
		m.better, m.worse = 0, 0
		if m.trial > 0 {
			m.trial = 0
		}
	}
	if m.trial > 0 {
		if m.trial--; m.trial == 0 {
			b.become(c.front.taps)
			b.gain = m.frontGain
			m.backS = m.frontS
			m.rest = trialAgain
		}
		return
	}
	if m.backS > m.frontS+m.frontS>>1 {
		m.worse++
	} else {
		m.worse = 0
	}
	if m.worse >= 5 {
		b.become(c.front.taps)
		b.gain = m.frontGain
		m.backS = m.frontS
		m.worse = 0
	}
}

// track lets a gain fall at once and rise slowly.
func track(gain *uint64, measured uint64) {
	const least = 1 << gainBits >> 14
	if measured < *gain {
		*gain -= (*gain - measured) >> 1
	} else {
		*gain += *gain >> tuneGrow
	}
	*gain = min(max(*gain, least), 1<<gainBits)
}

var tuneFine, tuneMargin = 12, 6
var tuneDecay, tuneGrow uint64 = 8, 8
