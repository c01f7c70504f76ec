package dsp

// MaxPartials is how many frequencies can sound together; a howler has four.
const MaxPartials = 4

// Partial is one frequency of a tone.
type Partial struct {
	Hz   float64
	DBm0 float64
}

// Segment is one stretch of a cadence: a sound, or silence when it has no partials.
type Segment struct {
	Partials []Partial // MaxPartials at most
	Samples  int       // how long; 0: for ever
}

// Signal is a tone with its cadence. It does not change, so many lines can play one.
type Signal struct {
	written  []Segment
	segments []segment // the same, ready to play
	repeat   int
}

type segment struct {
	osc     [MaxPartials]oscillator
	sounds  int // oscillators in use
	samples int
}

// NewSignal makes a signal of segments; after the last one it goes on with segment
// repeat, or ends if there is none of that number.
func NewSignal(repeat int, segments ...Segment) *Signal {
	s := &Signal{written: segments, repeat: repeat}
	for _, seg := range segments {
		made := segment{samples: seg.Samples, sounds: min(len(seg.Partials), MaxPartials)}
		for i := range made.sounds {
			made.osc[i] = newOscillator(seg.Partials[i].Hz, seg.Partials[i].DBm0)
		}
		s.segments = append(s.segments, made)
	}
	return s
}

// Segments returns the signal's segments, not to be changed, and the one that follows the last.
func (s *Signal) Segments() (segments []Segment, repeat int) { return s.written, s.repeat }

// Steady returns a signal of these partials without end.
func Steady(partials ...Partial) *Signal { return NewSignal(0, Segment{Partials: partials}) }

// Tone plays a Signal. The zero value plays nothing.
type Tone struct {
	signal *Signal
	at     int     // index of now
	now    segment // as it plays: phases move on, samples count down
}

// Start begins a signal from its first segment; nil stops.
func (t *Tone) Start(s *Signal) {
	t.signal = s
	if s != nil {
		t.enter(0)
	}
}

// Stop ends the signal at once.
func (t *Tone) Stop() { t.signal = nil }

// Signal returns what plays, or nil.
func (t *Tone) Signal() *Signal { return t.signal }

// Sounding tells whether the next sample is of a sound and not of a pause.
func (t *Tone) Sounding() bool { return t.signal != nil && t.now.sounds > 0 }

func (t *Tone) enter(n int) {
	if n == len(t.signal.segments) {
		n = t.signal.repeat
	}
	if n >= len(t.signal.segments) {
		t.signal = nil
		return
	}
	t.at, t.now = n, t.signal.segments[n]
}

// Read fills out with the next samples and returns how many there were: fewer than
// asked for only when the signal has ended.
func (t *Tone) Read(out []int16) int {
	done := 0
	for done < len(out) && t.signal != nil {
		n := len(out) - done
		endless := t.now.samples == 0
		if !endless {
			n = min(n, t.now.samples)
		}
		t.now.read(out[done : done+n])
		done += n
		if endless {
			continue
		}
		if t.now.samples -= n; t.now.samples == 0 {
			t.enter(t.at + 1)
		}
	}
	return done
}

// Skip passes over as many of the next n samples as belong to the same segment, and
// returns how many.
func (t *Tone) Skip(n int) int {
	switch {
	case t.signal == nil:
		return 0
	case t.now.samples == 0:
		return n
	}
	n = min(n, t.now.samples)
	if t.now.samples -= n; t.now.samples == 0 {
		t.enter(t.at + 1)
	}
	return n
}

func (s *segment) read(out []int16) {
	for i := range out {
		sum := int32(0)
		for k := range s.sounds {
			sum += s.osc[k].next()
		}
		out[i] = saturate(sum)
	}
}

func saturate(v int32) int16 { return int16(max(-maxSample-1, min(v, maxSample))) }
