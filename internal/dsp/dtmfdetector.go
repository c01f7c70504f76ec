package dsp

import "math"

// The limits of ITU-T Q.24; where it leaves room between what is a digit and what is
// none, in the middle of that room.
const (
	dtmfShortest  = 252 // samples, 31.5 ms: 40 ms is a digit, 23 ms is none
	dtmfOffPct    = 2.0 // of the frequency: 1.5 % + 2 Hz is right, 3.5 % is wrong
	dtmfHighTwist = 355 // percent of the low frequency's power: 4 dB is right, 5.5 dB is not
	dtmfLowTwist  = 891 // percent of the high frequency's power: 8 dB is right, 9.5 dB is not
	dtmfWeakest   = -34 // dBm0 of one frequency
	dtmfPurityPct = 84  // of all energy must be in the two frequencies, in each view
	dtmfMeanPct   = 89  // and in all views of a digit together
	dtmfSwingPct  = 180 // of the least ratio of the two is the greatest in the views of a digit
	dtmfSureViews = 3   // must agree
	dtmfBridged   = 3   // steps: an interruption of 10 ms spoils no more, one of 40 ms does
)

// DTMFEvent is the beginning or the end of a digit.
type DTMFEvent struct {
	Key  byte
	Down bool
	At   int64 // when the tone began or ended, in samples since the detector's first
}

// DTMFDetector hears DTMF digits as ITU-T Q.24 asks. The zero value is ready.
type DTMFDetector struct {
	// DialTone leaves out of account what is below 480 Hz: set it while dial tone is
	// sent, of which a part comes back. It makes speech easier to mistake for a digit.
	DialTone bool

	filter  highpass
	samples [stepSamples]int16
	filled  int
	now     int64 // end of the last step

	tracks [8]track
	energy [stepsInView]int64 // of the last steps, newest first

	candidate, digit run // what may become a digit, and what was reported as one
}

// run is one key through successive views.
type run struct {
	key       byte // 0: none
	low, high int  // its tracks

	views     int   // that agreed
	pure      int64 // energy of the two frequencies in them
	all       int64 // energy of them
	least     int64 // ratio of the higher frequency to the lower, of ratioUnit
	most      int64
	missed    int   // steps since the last that agreed
	last      int64 // end of that view
	energy    int64 // of all steps
	peak      int64 // energy of the strongest view
	lowPower  int64 // of each frequency in its strongest view
	highPower int64
}

// Key returns the digit that sounds now, or 0.
func (d *DTMFDetector) Key() byte { return d.digit.key }

// Suspects tells whether a digit sounds, or what may become one: some 10 ms before it is
// certain.
func (d *DTMFDetector) Suspects() bool { return d.Suspected() != 0 }

// Suspected is the digit that Suspects means, or 0.
func (d *DTMFDetector) Suspected() byte {
	if d.digit.key == 0 && d.candidate.views > 0 {
		return d.candidate.key
	}
	return d.digit.key
}

// Reset forgets everything that was heard.
func (d *DTMFDetector) Reset() { *d = DTMFDetector{DialTone: d.DialTone} }

// Feed takes samples and adds what they began or ended to events.
func (d *DTMFDetector) Feed(events []DTMFEvent, in []int16) []DTMFEvent {
	for len(in) > 0 {
		n := copy(d.samples[d.filled:], in)
		in = in[n:]
		if d.filled += n; d.filled == stepSamples {
			d.filled = 0
			events = d.step(events)
		}
	}
	return events
}

func (d *DTMFDetector) step(events []DTMFEvent) []DTMFEvent {
	if d.DialTone {
		d.filter.apply(d.samples[:])
	}
	copy(d.energy[1:], d.energy[:])
	d.energy[0] = energyOf(&d.samples)
	d.now += stepSamples
	for i := range d.tracks {
		d.tracks[i].add(i, &d.samples, d.energy[0] >= faintestStep)
	}
	events = d.follow(events)
	return d.consider(events)
}

// follow looks whether the digit that was reported still sounds, pure or not.
func (d *DTMFDetector) follow(events []DTMFEvent) []DTMFEvent {
	g := &d.digit
	if g.key == 0 {
		return events
	}
	if 4*d.tracks[g.low].power >= g.lowPower && 4*d.tracks[g.high].power >= g.highPower {
		g.missed, g.last = 0, d.now
		return events
	}
	if g.missed++; g.missed <= dtmfBridged {
		return events
	}
	return d.release(events)
}

func (d *DTMFDetector) release(events []DTMFEvent) []DTMFEvent {
	// A view is half as strong when the tone ended two steps before it.
	events = append(events, DTMFEvent{Key: d.digit.key, At: d.digit.last - 3*stepSamples/2})
	d.digit = run{}
	return events
}

// consider follows what may become a digit, and reports it once it has lasted.
func (d *DTMFDetector) consider(events []DTMFEvent) []DTMFEvent {
	c := &d.candidate
	view := int64(0)
	for _, e := range d.energy {
		view += e
	}
	c.energy += d.energy[0]
	low, high, pure, ok := d.pair(view)
	if !ok {
		if c.missed++; c.missed > dtmfBridged {
			*c = run{}
		}
		return events
	}
	key := dtmfKeys[low<<2|high&3]
	if key == d.digit.key {
		*c = run{}
		return events
	}
	if key != c.key {
		*c = run{key: key, low: low, high: high, energy: view, least: math.MaxInt64}
	}
	c.views++
	c.add(pure, view, d.tracks[high].power*ratioUnit/d.tracks[low].power)
	c.missed, c.last = 0, d.now
	c.peak = max(c.peak, view)
	c.lowPower = max(c.lowPower, d.tracks[low].power)
	c.highPower = max(c.highPower, d.tracks[high].power)
	// The time that its energy lasts at its full power.
	lasted := c.energy / (c.peak/viewSamples + 1)
	if c.views < dtmfSureViews || lasted < dtmfShortest || !c.sure() {
		return events
	}
	if d.digit.key != 0 {
		events = d.release(events)
	}
	d.digit, d.candidate = *c, run{}
	return append(events, DTMFEvent{Key: d.digit.key, Down: true, At: d.now - lasted})
}

const ratioUnit = 1 << 8

// add takes a view that agreed into account.
func (r *run) add(pure, all, ratio int64) {
	r.pure += pure
	r.all += all
	r.least, r.most = min(r.least, ratio), max(r.most, ratio)
}

// sure tells whether the views of a run are as steady and pure as a telephone's: in speech and
// music two frequencies that are right for a moment change, and others sound along.
func (r *run) sure() bool {
	return 100*r.pure >= dtmfMeanPct*r.all && 100*r.most <= dtmfSwingPct*r.least
}

// pair returns the two frequencies that make up the present view, if two do, and their energy.
func (d *DTMFDetector) pair(energy int64) (low, high int, pure int64, ok bool) {
	low, high = strongest(d.tracks[:4]), 4+strongest(d.tracks[4:])
	if d.tracks[low].power < weakestView/4 || d.tracks[high].power < weakestView/4 {
		return low, high, 0, false
	}
	l, h := d.tracks[low].right(low), d.tracks[high].right(high)
	pure = (l + h) / viewGain
	ok = l >= weakestView && h >= weakestView &&
		100*h <= dtmfHighTwist*l && 100*l <= dtmfLowTwist*h &&
		pure*100 >= dtmfPurityPct*energy
	return low, high, pure, ok
}

func strongest(t []track) int {
	best := 0
	for i := range t {
		if t[i].power > t[best].power {
			best = i
		}
	}
	return best
}
