package modem

// sampler turns samples of the line into two complex samples a symbol at the places where
// they belong: the carrier becomes 0 Hz, the pulse's other half is put on, and the time of
// the next one follows the sender's clock.
type sampler struct {
	taps    receivePulse
	gain    int32 // from the line to units of point, 1<<12 is 4
	carrier oscillator

	re, im [2 * mixedLength]int32 // samples on 0 Hz, four times unit, each of them twice
	at     int

	due    int32 // until the next complex sample is due, in 2^-24 of a sample
	period int32 // between two
	edges  bandEdges
}

// mixedLength is a power of two that holds the longest pulse.
const mixedLength = 64

const sampleTime = 1 << 24

func (s *sampler) reset(c *scheme) {
	*s = sampler{taps: c.taps, gain: 1 << 12, carrier: oscillator{step: turnsPerSample(c.carrierHz)}}
	s.period = int32((SampleRate*sampleTime + int64(c.baud)) / int64(2*c.baud))
}

// begin sets the level, the mean square of the line's samples, and the clock, in 2^-32 of
// a symbol that the next sample is past an element.
func (s *sampler) begin(meanSquare uint64, clock uint32) {
	// The root mean square of complex samples is that of the line times the root of two.
	s.gain = int32(uint64(4*unit) << 16 / max(1, root(2*meanSquare<<8)))
	symbol := 2 * s.period
	delay := int32(s.taps.taps-1) * (sampleTime / 2)
	past := int32((uint64(clock)*uint64(symbol))>>32) - delay%symbol
	for past < 0 {
		past += symbol
	}
	s.due = symbol - past + sampleTime
}

// push takes a sample and reports whether a complex one is due with it.
func (s *sampler) push(x int16) (point, bool) {
	v := int32(min(max(int64(x)*int64(s.gain)>>12, -65535), 65535))
	re, im := v*cosine(s.carrier.phase)>>13, -v*sine(s.carrier.phase)>>13
	s.carrier.phase += s.carrier.step
	at := s.at & (mixedLength - 1)
	s.re[at], s.re[at+mixedLength] = re, re
	s.im[at], s.im[at+mixedLength] = im, im
	s.at = at + 1
	s.due -= sampleTime
	if s.due > 0 {
		return point{}, false
	}
	p := s.filtered(-s.due)
	s.due += s.period
	return p, true
}

// filtered returns the complex sample that lies that long before the newest of the line.
func (s *sampler) filtered(ago int32) point {
	n := s.taps.taps
	row := int(min(ago>>(24-s.taps.bits), 1<<s.taps.bits-1))
	taps := s.taps.table[row*n:][:n]
	from := (s.at - n) & (mixedLength - 1)
	re, im := s.re[from:][:n], s.im[from:][:n]
	var a, b int32
	for i, t := range taps {
		a += int32(t) * re[i]
		b += int32(t) * im[i]
	}
	return point{(a + 1<<15) >> 16, (b + 1<<15) >> 16}
}

// bandEdges finds out whether the samples are early or late: the components at half the
// symbol rate above and below the carrier are in phase at the elements (Godard). The
// phase of the carrier does not matter, nor what the elements are.
type bandEdges struct {
	upper, lower point // resonators
	power        int64
	lateness     int32 // mean of late
	drift        int32 // by which a period is longer, in 2^-32 of a sample
	gear         uint8 // how slow the clock is
}

const edgeBits = 6 // the resonators forget 2^-6 a sample

func (e *bandEdges) add(p point) {
	u, l := e.upper, e.lower
	u.re, u.im = u.re-u.re>>edgeBits, u.im-u.im>>edgeBits
	l.re, l.im = l.re-l.re>>edgeBits, l.im-l.im>>edgeBits
	e.upper = point{p.re - u.im, p.im + u.re}
	e.lower = point{p.re + l.im, p.im - l.re}
}

// late returns the sine of the angle between the edges, 1<<14 for 1: positive if the
// sample of the element came late.
func (e *bandEdges) late() int32 {
	u, l := e.upper, e.lower
	im := int64(u.im)*int64(l.re) - int64(u.re)*int64(l.im)
	p := (u.energy() + l.energy()) / 2
	e.power += (p - e.power) >> 5
	if e.power <= 0 {
		return 0
	}
	return int32(min(max(im<<14/(e.power+p>>3), -1<<14), 1<<14))
}

// steer moves the clock by what the edges say at an element. When they say for long that
// it is far off, the signal has jumped, as it does where a packet is dropped: then it goes
// fast, and what the clocks differ by is left alone.
func (s *sampler) steer() {
	e := &s.edges
	late := e.late()
	e.lateness += (late - e.lateness) >> 4
	if e.jumped() {
		s.due -= late * (1 << 7) >> jumpGear
	} else {
		e.drift -= late * 1024 >> (2 * e.gear)
		s.due -= late * (1 << 7) >> e.gear
	}
	s.due += e.drift >> 8
}

const jumpGear = 4

// jumped reports whether the clock is far off.
func (e *bandEdges) jumped() bool { return e.lateness > 1<<14/3 || e.lateness < -1<<14/3 }

// coast lets the clock go on as it has been going.
func (s *sampler) coast() { s.due += s.edges.drift >> 8 }
