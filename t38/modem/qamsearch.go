package modem

// patternSearch looks for the last alternations and the beginning of the conditioning.
type patternSearch struct {
	pattern [patternLength]point
	power   int64 // of the pattern
	best    int64 // likeness of the likeliest place so far, 1<<10 for perfect
	at      int   // complex sample of that place's first element
	sum     [2]int64
	since   int // complex samples since
	waited  int
	patient int // complex samples to wait for the pattern
}

const (
	patternLead   = 16 // alternations that belong to it
	patternLength = patternLead + 38
	alike         = 350 // likeness that is not chance
)

// begin makes the pattern as it will come, with the carrier's phase turning. The coder is
// left where the pattern begins.
func (s *patternSearch) begin(c *scheme, pattern coder, turn int32) {
	*s = patternSearch{patient: 2 * (c.alternations + 2*patternLength)}
	for range c.alternations - patternLead {
		pattern.training()
	}
	var phase uint32
	for i := range s.pattern {
		p := pattern.training().turned(phase)
		s.pattern[i] = p
		s.power += p.energy()
		phase += uint32(turn)
	}
}

// add looks at the samples of patternLength elements and reports whether the likeliest
// place is behind.
func (s *patternSearch) add(re, im []int32, at int) bool {
	var a, b, power int64
	for i, p := range s.pattern {
		x, y := re[2*i], im[2*i]
		a += int64(x*p.re + y*p.im)
		b += int64(y*p.re - x*p.im)
		power += int64(x*x + y*y)
	}
	s.waited++
	s.since++
	if power == 0 {
		return false
	}
	a, b = a>>10, b>>10
	like := (a*a + b*b) / (power>>10*s.power>>20 + 1)
	if like > max(s.best, alike) {
		s.best, s.at, s.since = like, at, 0
		s.sum = [2]int64{a, b}
	}
	return s.best > 0 && s.since > 2*8
}

// seek looks for the pattern and, when it has been found, begins the training there.
func (r *qamReceiver) seek() {
	const span = 2*patternLength - 1
	if r.now < span {
		return
	}
	from := r.now - span
	at := from & (ringLength - 1)
	if !r.lock.add(r.re[at:][:span], r.im[at:][:span], from) {
		if r.lock.waited > r.lock.patient {
			r.giveUp()
		}
		return
	}
	r.tell(CarrierUp)
	r.unheard.active = false
	r.state = hearTraining
	r.rewind()
	if r.recalled = r.short; r.recalled {
		r.recall()
		return
	}
	r.carrier.begin(angle(r.lock.sum[0], r.lock.sum[1]))
	size := int64(root(uint64(r.lock.sum[0]*r.lock.sum[0] + r.lock.sum[1]*r.lock.sum[1])))
	r.eq.reset(int32(min(r.lock.power>>10<<27/max(size, 1)<<1, 1<<30)))
}

// rewind goes back to the beginning of the pattern.
func (r *qamReceiver) rewind() {
	r.next, r.count = r.lock.at, -patternLead
	_, r.coder = r.coders.begin(r.scheme.mode, false)
	for range r.scheme.alternations - patternLead {
		r.coder.training()
	}
	r.errorPower = unit * unit
}

// endTraining looks whether the known elements are over.
func (r *qamReceiver) endTraining() {
	s := r.scheme
	n := r.count + 1
	if r.recalled && n == s.short {
		r.state = hearFork
		return
	}
	if s.conditioning < 500 && r.pass < 1 && n == s.conditioning {
		// Once more with what has been learned.
		r.pass++
		r.carrier.phase -= uint32(r.carrier.turn) * uint32(n+patternLead)
		r.rewind()
		r.count--
		return
	}
	if n == s.conditioning+s.bridge {
		r.decideFrom()
	}
}

// decideFrom begins with the elements that are not known.
func (r *qamReceiver) decideFrom() {
	r.state = hearData
	r.skip, r.zeros = r.scheme.ones, 0
	r.training = r.errorPower
	r.trellis.reset()
}

func (r *qamReceiver) tell(s Status) {
	switch s {
	case CarrierUp:
		if r.up {
			return
		}
		r.up, r.failed = true, false
	case CarrierDown:
		if !r.up {
			return
		}
		r.up = false
	case TrainingFailed:
		if r.failed {
			return
		}
		r.failed = true
	}
	r.sink.Status(s)
}

// giveUp goes on without a conditioning: the alternations may have been none.
func (r *qamReceiver) giveUp() {
	r.listen()
	r.unheard.resume(r.level.usual * toneSamples / (64 * levelSamples))
}

// fail gives the training up.
func (r *qamReceiver) fail() {
	r.tell(CarrierUp)
	r.tell(TrainingFailed)
	r.listen()
}
