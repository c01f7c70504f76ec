package call

// A conference is mixed here: the telephone hears both far ends, and each of them the telephone
// and the other. Their sound is in linear samples in between, so that each keeps its codec.

// join makes a conference of the handset's call and the one that is held.
func (p *Port) join() {
	p.keyUp()
	p.joined, p.swaps = true, false
	p.held.hold(false)
	p.held.aside.Store(true) // who of a conference is sent elsewhere cannot be said
	p.now.aside.Store(true)
	p.conference.late = p.conference.late[:0]
}

// split goes on with one of a conference alone; the other is held.
func (p *Port) split() {
	p.joined = false
	p.now.aside.Store(false)
	p.held.hold(true)
}

// A mixer has the sounds of a conference.
type mixer struct {
	late   []int16 // what the second far end said last: the first hears it a frame later
	toward []int16
}

// mix is a frame of a conference. toNow and toHeld are what the telephone says, as each of them
// is to hear it; out is what the telephone hears.
func (p *Port) mix(toNow, toHeld, out []int16) {
	m := &p.conference
	n := len(out)
	m.toward, m.late = ofLength(m.toward, n), ofLength(m.late, n)
	add(m.toward, toNow, m.late)
	p.now.session.Exchange(m.toward, out)
	add(m.toward, toHeld, out)
	p.held.session.Exchange(m.toward, m.late)
	add(out, out, m.late)
}

// ofLength is b with n samples; those that it did not have are silent.
func ofLength(b []int16, n int) []int16 {
	if had := len(b); n > had {
		b = append(b, make([]int16, n-had)...)
	}
	return b[:n]
}

// add is the sum of two sounds, which does not wrap around.
func add(sum, a, b []int16) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] = int16(min(max(int32(a[i])+int32(b[i]), -1<<15), 1<<15-1))
	}
}
