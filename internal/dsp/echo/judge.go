package echo

// judge decides, block by block, which of the two filters is the better one. Powers are
// of flattened signals and smoothed over some 40 ms, if nothing else is said.
type judge struct {
	near, front, back uint64 // of the near signal, and of what each filter leaves of it
	came, left        uint64 // near and front, not flattened
	echo, residue     uint64 // the same over 160 ms, and only while far is steady
	gain              uint64 // as back.gain, for the front filter

	doubt             bool // the front filter leaves far more than it did
	better, worse     int  // blocks in a row in which the back filter has clearly been that
	odd, harm         int  // blocks in a row in doubt; in which there was less echo without a filter
	blocks            int  // in the sums that follow
	sumFront, sumBack uint64
	trial, rest       int // blocks that a trial still lasts; until there may be another
}

const (
	doubtFactor = 8  // in power
	doubtFor    = 3  // blocks of doubt, then a trial
	trialFor    = 20 // blocks
	trialRest   = 15 // blocks
	winsAfter   = 2  // blocks in which the back filter is better by 1/8
	winsDoubt   = 8  // blocks in doubt in which it is better by 3/4; more than that counts more
	losesAfter  = 5  // blocks in which it is worse by 1/2
	harmAfter   = 8  // blocks
	sumBlocks   = 12 // over which the back filter may win by 1/64
	leastGain   = 1 << gainBits >> 14
)

func (j *judge) reset() { *j = judge{gain: 1 << gainBits} }

// compare takes what a block has shown of both filters; came and left are the powers of
// its near signal and of what the front filter made of it, far is that of the loudest block in
// the tail.
func (j *judge) compare(f *front, b *back, came, left, far uint64, steady bool) {
	smooth(&j.near, b.near, 2)
	smooth(&j.front, b.front, 2)
	smooth(&j.back, b.back, 2)
	smooth(&j.came, came, 2)
	smooth(&j.left, left, 2)
	if steady {
		j.measure(b)
		smooth(&j.echo, came, 4)
		smooth(&j.residue, left, 4)
	}
	if j.harms() {
		f.forget()
		j.gain = 1 << gainBits
	}
	j.suspect(b, steady)
	switch {
	case b.overflows() || j.loses(b):
		j.restart(f, b)
	case j.wins(b) && min(came, j.came) < far-far>>2: // more is no echo of it
		j.promote(f, b)
	case j.trial == 1 && j.back < j.front-j.front>>2: // not lost yet
	case j.trial > 0 && steady:
		if j.trial--; j.trial == 0 {
			j.restart(f, b)
			j.rest = trialRest
		}
	}
}

// measure follows what the filters miss of the echo path. What is measured has the near
// party in it, so it counts when it falls. As long as it does not, the back filter is
// thought to come slowly nearer all the same, which lets it go slower and settle.
func (j *judge) measure(b *back) {
	track(&j.gain, b.share(j.front))
	track(&b.gain, b.share(j.back))
	b.gain -= b.gain * b.went * strip / uint64(16*b.far.taps) >> rateBits
}

func track(gain *uint64, measured uint64) {
	if measured < *gain {
		*gain -= (*gain - measured) >> 3
	} else {
		*gain += *gain >> 8
	}
	*gain = min(max(*gain, leastGain), 1<<gainBits)
}

// harms tells whether the line would have less echo without the front filter.
func (j *judge) harms() bool {
	if j.left <= j.came+j.came>>1 || j.left < quiet>>4 {
		j.harm = 0
		return false
	}
	j.harm++
	return j.harm%harmAfter == 0
}

// suspect begins a trial when the front filter leaves far more than it did. Either the near
// party talks, or the echo path has changed. The back filter goes at full speed then; only
// if it was the path can it become better.
func (j *judge) suspect(b *back, steady bool) {
	share := b.share(j.front)
	j.doubt = share > doubtFactor*j.gain
	if j.rest > 0 {
		j.rest--
	}
	if !j.doubt || !steady || j.trial > 0 {
		j.odd = 0
		return
	}
	if j.odd++; j.odd >= doubtFor && j.rest == 0 {
		j.trial = trialFor
		b.gain = min(share, 1<<gainBits)
	}
}

// wins tells whether the back filter has proved the better one: clearly for a moment, or
// slightly for longer. In doubt it has to be much better.
func (j *judge) wins(b *back) bool {
	limit, after := j.front-j.front>>3, winsAfter
	if j.trial > 0 || j.doubt {
		limit, after = j.front>>3, winsDoubt
		j.blocks, j.sumFront, j.sumBack = 0, 0, 0
		if j.back < j.front>>3 {
			j.better++
		}
		if j.back < j.front>>4 {
			j.better++
		}
	}
	if j.better++; j.back >= min(limit, j.near) {
		j.better = 0
	}
	j.sumFront += b.front
	j.sumBack += b.back
	if j.blocks++; j.blocks < sumBlocks {
		return j.better >= after
	}
	slightly := j.sumBack < j.sumFront-j.sumFront>>6
	j.blocks, j.sumFront, j.sumBack = 0, 0, 0
	return slightly || j.better >= after
}

// loses tells whether the back filter has gone astray, as after a trial while the near
// party talked; or whether it is of no use although it takes itself for far better than the
// other: it has learnt what was no echo, and would go on too slowly to learn another thing.
func (j *judge) loses(b *back) bool {
	useless := j.back >= j.front && b.gain < j.gain>>3
	if j.worse++; j.trial > 0 || !useless && j.back <= j.front+j.front>>1 {
		j.worse = 0
	}
	return j.worse >= losesAfter
}

func (j *judge) promote(f *front, b *back) {
	f.become(b.taps, b.spare())
	j.gain, j.front = b.gain, j.back
	j.better, j.trial = 0, 0
}

// restart has the back filter go on from the front one.
func (j *judge) restart(f *front, b *back) {
	b.become(f.taps)
	b.gain, j.back = j.gain, j.front
	j.worse, j.trial = 0, 0
}

// smooth moves an average to v by a part of 1<<part.
func smooth(s *uint64, v uint64, part uint) { *s += v>>part - *s>>part }
