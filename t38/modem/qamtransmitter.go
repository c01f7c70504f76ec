package modem

import "tipring/internal/dsp"

// A coder makes the elements of a burst in their order: first those of the training up to
// its scrambled ones, then everything that is coded as data.
type coder interface {
	training() point
	encode(bits uint32) point // the first bit in time is the lowest
}

// coders has one of each, so that a burst needs no memory of its own.
type coders struct {
	v27ter v27terCoder
	v29    v29Coder
	v17    v17Coder
}

// begin returns the scheme of a mode and its coder before the first element.
func (c *coders) begin(m Mode, short bool) (*scheme, coder) {
	s := schemes[m]
	switch m {
	case V27ter2400, V27ter4800:
		c.v27ter.reset(s)
		return s, &c.v27ter
	case V29At7200, V29At9600:
		c.v29.reset(s)
		return s, &c.v29
	}
	c.v17.reset(s, short)
	return s, &c.v17
}

var schemes = [...]*scheme{
	V27ter2400: &v27ter2400,
	V27ter4800: &v27ter4800,
	V29At7200:  &v29At7200,
	V29At9600:  &v29At9600,
	V17At7200:  &v17At7200,
	V17At9600:  &v17At9600,
	V17At12000: &v17At12000,
	V17At14400: &v17At14400,
}

// Talker echo protection (V.27ter table 3 segments 1 and 2).
const (
	tepSamples    = SampleRate * 190 / 1000
	tepGapSamples = SampleRate * 22 / 1000
)

// segment is a part of a burst.
type segment uint8

const (
	segmentQuiet segment = iota // before the training
	segmentTraining
	segmentOnes
	segmentData
	segmentFlush
	segmentTail // the pulse of the last element
	segmentOver
)

// qamTransmitter makes a burst of any of the modems but V.21: elements, each a pulse, on
// a carrier.
type qamTransmitter struct {
	coders
	scheme *scheme
	coder  coder
	source BitSource
	gain   int32 // from the units of point to samples, 1<<13 is 1

	segment segment
	left    int // elements of the segment still to come
	tep     int // samples of carrier still to come
	gap     int // samples of silence after it

	re, im [2 * pastElements]int32 // elements, the newest first, each of them twice
	newest int
	place  int32 // of the next sample between two elements, in rows of the pulse's table

	phase, step uint32 // of the carrier
	end         bool
}

func (t *qamTransmitter) start(m Mode, short, tep bool, dBm0 float64, src BitSource) {
	s, c := t.begin(m, short)
	t.scheme, t.coder, t.source = s, c, src
	t.gain = int32(dsp.Peak(min(dBm0, 0)) * (1 << 13) / unit)
	clear(t.re[:])
	clear(t.im[:])
	t.place, t.phase, t.step = 0, 0, turnsPerSample(s.carrierHz)
	t.end = false
	t.tep, t.gap = 0, 0
	if tep {
		t.tep, t.gap = tepSamples, tepGapSamples
	}
	t.enter(segmentQuiet, s.quiet)
}

// turnsPerSample returns a frequency in 2^-32 of a turn a sample.
func turnsPerSample(hz int32) uint32 { return uint32((int64(hz)<<32 + SampleRate/2) / SampleRate) }

func (t *qamTransmitter) enter(s segment, elements int) { t.segment, t.left = s, elements }

func (t *qamTransmitter) read(out []int16) int {
	n := t.protect(out)
	for ; n < len(out) && t.segment != segmentOver; n++ {
		out[n] = t.sample()
	}
	return n
}

// protect writes what comes before the training with talker echo protection.
func (t *qamTransmitter) protect(out []int16) (n int) {
	for ; n < len(out) && t.tep > 0; n++ {
		out[n] = t.carrier(point{unit, 0})
		t.tep--
	}
	for ; n < len(out) && t.gap > 0; n++ {
		out[n] = 0
		t.gap--
	}
	return n
}

func (t *qamTransmitter) sample() int16 {
	pulse := &t.scheme.pulse
	if t.place -= pulse.step; t.place < 0 {
		t.place += pulse.phases
		t.push(t.element())
	}
	taps := pulse.table[int(pulse.phases-1-t.place)*pulse.taps:][:pulse.taps]
	re, im := t.re[t.newest:][:len(taps)], t.im[t.newest:][:len(taps)]
	var a, b int32
	for i, p := range taps {
		a += re[i] * int32(p)
		b += im[i] * int32(p)
	}
	return t.carrier(point{a >> 14, b >> 14})
}

// pastElements is a power of two that holds the longest pulse.
const pastElements = 16

func (t *qamTransmitter) push(p point) {
	t.newest = (t.newest - 1) & (pastElements - 1)
	t.re[t.newest], t.re[t.newest+pastElements] = p.re, p.re
	t.im[t.newest], t.im[t.newest+pastElements] = p.im, p.im
}

// carrier puts a point on the carrier.
func (t *qamTransmitter) carrier(z point) int16 {
	v := z.re*cosine(t.phase) - z.im*sine(t.phase)
	t.phase += t.step
	v = int32((int64(v)>>14*int64(t.gain) + 1<<12) >> 13)
	return int16(min(max(v, -32768), 32767))
}

// element returns the next element of the burst, the origin for silence.
func (t *qamTransmitter) element() point {
	for t.left == 0 && t.segment != segmentData {
		t.next()
		if t.segment == segmentOver {
			return point{}
		}
	}
	t.left--
	switch t.segment {
	case segmentTraining:
		return t.coder.training()
	case segmentOnes, segmentFlush:
		return t.coder.encode(^uint32(0))
	case segmentData:
		return t.coder.encode(t.data())
	}
	return point{}
}

func (t *qamTransmitter) next() {
	s := t.scheme
	switch t.segment {
	case segmentQuiet:
		n := s.alternations + s.conditioning + s.bridge
		if t.short() {
			n = s.alternations + s.short
		}
		t.enter(segmentTraining, n)
	case segmentTraining:
		t.enter(segmentOnes, s.ones)
	case segmentOnes:
		t.enter(segmentData, 0)
	case segmentData:
		t.enter(segmentFlush, s.flush)
	case segmentFlush:
		t.enter(segmentTail, s.pulse.taps)
	case segmentTail:
		t.enter(segmentOver, 0)
	}
}

func (t *qamTransmitter) short() bool { return t.coder == coder(&t.v17) && t.v17.short }

// data takes the bits of an element from the source. What is left of the one in which the
// source ends is 1.
func (t *qamTransmitter) data() (bits uint32) {
	for i := range t.scheme.bits {
		b := uint32(1)
		if !t.end {
			if v := t.source.NextBit(); v == End {
				t.end = true
			} else {
				b = uint32(v & 1)
			}
		}
		bits |= b << i
	}
	if t.end {
		t.next()
	}
	return bits
}
