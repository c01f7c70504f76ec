package modem

// recall takes up the equaliser of an earlier training. It has its own opinion of which
// complex sample an element lies on; the one in which it sees the pattern best is right.
func (r *qamReceiver) recall() {
	const about = 4
	r.eq = r.memory
	var best int64
	var sum [2]int64
	found := r.next
	for at := r.lock.at - about; at <= r.lock.at+about; at++ {
		a, b := r.resemblance(at)
		if like := a*a + b*b; like > best {
			best, found, sum = like, at, [2]int64{a, b}
		}
	}
	r.next = found
	r.errorPower = 0
	r.carrier.begin(angle(sum[0], sum[1]))
	size := int64(root(uint64(best)))
	r.eq.scale(point{int32(min(r.lock.seen()<<14/max(size, 1), 1<<16)), 0})
}

// resemblance returns the sum of the equalised elements times the pattern's, if that
// begins with a given complex sample.
func (r *qamReceiver) resemblance(first int) (re, im int64) {
	r.next = first
	for _, p := range r.lock.pattern[:seenLength] {
		z := r.eq.output(r.samples())
		re += (int64(z.re)*int64(p.re) + int64(z.im)*int64(p.im)) >> 12
		im += (int64(z.im)*int64(p.re) - int64(z.re)*int64(p.im)) >> 12
		r.next += 2
	}
	return re, im
}

// seenLength is how much of the pattern recall looks at: what is past in every place.
const seenLength = patternLength - 4

// seen returns the resemblance of a pattern to itself.
func (s *patternSearch) seen() (sum int64) {
	for _, p := range s.pattern[:seenLength] {
		sum += p.energy() << 5 >> 12
	}
	return sum
}

// forkLength is how many elements tell a long training from a short one.
const forkLength = 16

// choose looks at what follows the elements that both trainings of V.17 begin with: more
// known ones, or data. It reports whether it has seen enough.
func (r *qamReceiver) choose() bool {
	if r.next+precursor+2*forkLength >= r.now {
		return false
	}
	next, phase := r.next, r.carrier.phase
	expected := r.coders.v17
	var off int64
	for range forkLength {
		z, w := r.equalised(), expected.training()
		off += (point{z.re>>5 - w.re, z.im>>5 - w.im}).energy()
		r.next += 2
		r.carrier.coast()
	}
	r.next, r.carrier.phase = next, phase
	r.state = hearTraining
	r.recalled = false
	if off > forkLength*unit*unit/2 {
		r.decideFrom()
	}
	return true
}

// nearest returns the element nearest to a place, as if it were the only one.
func (r *qamReceiver) nearest(z point) point {
	var p point
	switch c := r.coder.(type) {
	case *v27terCoder:
		p, _ = c.decide(z)
	case *v29Coder:
		p, _ = c.decide(z)
	case *v17Coder:
		p = r.trellis.nearestOf(z)
	}
	return p
}
