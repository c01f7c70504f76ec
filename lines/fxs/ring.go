package fxs

// ringer makes the cadence of a bell. Steps follow one another by the cadence alone, so
// that frames, whatever their length, add no drift.
type ringer struct {
	cadence Cadence
	rings   bool
	step    int
	next    int64 // when the step ends
}

// start rings from the beginning of a cadence.
func (r *ringer) start(c Cadence, now int64) {
	r.cadence = c
	r.resume(0, now)
}

// resume rings from a step of the cadence on.
func (r *ringer) resume(step int, now int64) {
	r.rings, r.step, r.next = len(r.cadence) > 0, 0, now
	if r.rings {
		r.step = step % len(r.cadence)
		r.next += int64(r.cadence[r.step])
	}
}

func (r *ringer) stop() { *r = ringer{} }

// on tells whether there is ringing voltage at a moment.
func (r *ringer) on(now int64) bool {
	if !r.rings {
		return false
	}
	for now >= r.next {
		r.step = (r.step + 1) % len(r.cadence)
		r.next += int64(max(r.cadence[r.step], 1))
	}
	return r.step%2 == 0
}

// gap is the step with the longest pause, in which data have room.
func (c Cadence) gap() (longest int) {
	for i := 1; i < len(c); i += 2 {
		if longest == 0 || c[i] > c[longest] {
			longest = i
		}
	}
	return longest
}
