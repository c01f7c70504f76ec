package fxs

// ringer makes the cadence of a bell. Steps follow one another by the cadence alone, so
// that frames, whatever their length, add no drift.
type ringer struct {
	cadence Cadence // nil: does not ring
	step    int
	next    int64 // when the step ends
}

func (r *ringer) start(c Cadence, now int64) {
	*r = ringer{cadence: c, next: now}
	if len(c) > 0 {
		r.next += int64(c[0])
	}
}

func (r *ringer) stop() { *r = ringer{} }

// on tells whether there is ringing voltage at a moment.
func (r *ringer) on(now int64) bool {
	if len(r.cadence) == 0 {
		return false
	}
	for now >= r.next {
		r.step = (r.step + 1) % len(r.cadence)
		r.next += int64(max(r.cadence[r.step], 1))
	}
	return r.step%2 == 0
}
