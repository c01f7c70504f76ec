package sim

import (
	"math"
	"slices"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// A recogniser tells which of a country's tones sounds. It cuts what it hears into runs
// of silence and of one set of frequencies, and drops each tone whose cadence does not
// fit the last runs; what is left alone is what sounds. So a tone with frequencies of
// its own is known in a fifth of a second, and one that shares them as soon as its
// cadence says so. Where several are left, it is the one that explains most of what was
// heard.
type recogniser struct {
	tones  []candidate
	chords [][]float64 // sets of frequencies, sorted; a candidate names them by index + 1
	meters []dsp.Goertzel
	hertz  []float64 // of each meter

	block   []int16 // being filled, of chordBlock
	gate    dsp.Meter
	runs    []run                 // the last ones, oldest first; the last is still going on
	alike   map[fxs.Tone]fxs.Tone // to the one that is named instead
	present fxs.Tone
	known   bool
}

// run is a stretch of one sound.
type run struct {
	chord  int // index + 1; 0 silence; unknownChord
	length int
}

// candidate is a tone as a cycle of runs.
type candidate struct {
	tone   fxs.Tone
	runs   []run
	repeat int
}

const (
	gateBlock    = 80  // samples in which sound and silence are told apart
	chordBlock   = 320 // samples in which frequencies are, when they differ by
	resolution   = float64(dsp.SampleRate) / chordBlock
	unknownChord = -1
	keptRuns     = 8
	enoughRuns   = 7                           // to decide between tones that still fit
	slack        = 60 * dsp.SampleRate / 1000  // by which a run may be off its length
	surely       = 170 * dsp.SampleRate / 1000 // of sound, before anything is said
	decided      = 300 * dsp.SampleRate / 1000 // of sound, when that will not tell any more either
	gateDBm0     = -45
)

var gatePower = dsp.MeanSquare(gateDBm0)

func newRecogniser(c *fxs.Country) *recogniser {
	r := &recogniser{block: make([]int16, 0, chordBlock), runs: make([]run, 1, keptRuns+1), alike: make(map[fxs.Tone]fxs.Tone)}
	if c == nil {
		return r
	}
	for t, signal := range c.Tones {
		r.add(fxs.Tone(t), signal)
	}
	return r
}

func (r *recogniser) add(t fxs.Tone, s *dsp.Signal) {
	segments, repeat := s.Segments()
	c := candidate{tone: t, repeat: repeat}
	for _, seg := range segments {
		c.runs = append(c.runs, run{chord: r.chord(seg.Partials), length: seg.Samples})
	}
	for _, other := range r.tones {
		if slices.Equal(other.runs, c.runs) && other.repeat == c.repeat {
			r.alike[t] = other.tone // nobody can tell them apart
			return
		}
	}
	r.tones = append(r.tones, c)
}

// chord returns the number of a set of frequencies.
func (r *recogniser) chord(partials []dsp.Partial) int {
	if len(partials) == 0 {
		return 0
	}
	var hertz []float64
	for i, p := range partials {
		if i > 0 && math.Abs(p.Hz-partials[0].Hz) < resolution {
			continue // a swing too slow to be seen as frequencies of its own
		}
		hertz = append(hertz, p.Hz)
		if !slices.Contains(r.hertz, p.Hz) {
			r.hertz = append(r.hertz, p.Hz)
			r.meters = append(r.meters, dsp.NewGoertzel(p.Hz, chordBlock))
		}
	}
	slices.Sort(hertz)
	for i, h := range r.chords {
		if slices.Equal(h, hertz) {
			return i + 1
		}
	}
	r.chords = append(r.chords, hertz)
	return len(r.chords)
}

// tone returns what sounds, if it is one of the country's.
func (r *recogniser) tone() (fxs.Tone, bool) { return r.present, r.known }

// hears tells whether a tone sounds, or one like it.
func (r *recogniser) hears(t fxs.Tone) bool {
	if other, ok := r.alike[t]; ok {
		t = other
	}
	return r.known && r.present == t
}

func (r *recogniser) hear(pcm []int16) {
	for len(pcm) > 0 {
		at := len(r.block) % gateBlock
		n := min(len(pcm), gateBlock-at)
		r.gate.Add(pcm[:n])
		r.block = append(r.block, pcm[:n]...)
		pcm = pcm[n:]
		if at+n == gateBlock {
			r.step()
		}
	}
}

// step takes 10 ms in.
func (r *recogniser) step() {
	loud := r.gate.MeanSquare() >= gatePower
	r.gate.Reset()
	now := &r.runs[len(r.runs)-1]
	switch {
	case !loud:
		r.block = r.block[:0]
		r.enter(0, gateBlock)
	case now.chord == 0: // a sound begins; what it is, comes out when its block is full
		r.block = append(r.block[:0], r.block[len(r.block)-gateBlock:]...)
		r.enter(unknownChord, gateBlock)
	case len(r.block) == chordBlock:
		chord := r.identify()
		r.block = r.block[:0]
		if now.chord == unknownChord && now.length <= chordBlock {
			now.chord = chord // it was the beginning of this
		}
		r.enter(chord, gateBlock)
	default:
		now.length += gateBlock
	}
	r.judge()
}

// enter goes on with a run, or begins one.
func (r *recogniser) enter(chord, length int) {
	if now := &r.runs[len(r.runs)-1]; now.chord == chord {
		now.length = min(now.length+length, 1<<30)
		return
	}
	r.runs = append(r.runs, run{chord, length})
	if len(r.runs) > keptRuns {
		r.runs = append(r.runs[:0], r.runs[1:]...)
	}
}

// identify returns the chord that makes up the full block.
func (r *recogniser) identify() int {
	var all dsp.Meter
	all.Add(r.block)
	power := make([]float64, len(r.meters))
	for i := range r.meters {
		r.meters[i].Feed(r.block)
		power[i] = float64(r.meters[i].MeanSquare()) / float64(all.MeanSquare())
	}
	best, most := unknownChord, 0.45
	for i, hertz := range r.chords {
		sum, least := 0.0, 1.0
		for _, hz := range hertz {
			p := power[slices.Index(r.hertz, hz)]
			sum += p
			least = min(least, p)
		}
		if sum > most && least > 0.05 {
			best, most = i+1, sum
		}
	}
	return best
}

// judge says what the runs can only be.
func (r *recogniser) judge() {
	now := r.runs[len(r.runs)-1]
	if now.chord == unknownChord && now.length < chordBlock || now.chord > 0 && now.length < surely {
		return // too early to say
	}
	was := r.known
	r.known = false
	if now.chord <= 0 && (now.chord < 0 || len(r.runs) < 2 || r.runs[len(r.runs)-2].chord <= 0) {
		return // neither a sound nor the pause after one
	}
	fits, ties, most, best := 0, 0, 0, fxs.Tone(0)
	for i := range r.tones {
		n := r.tones[i].fits(r.runs)
		if n > 0 {
			fits++
		}
		switch {
		case n > most:
			ties = 1
		case n == most:
			ties++
		}
		if n > most || n == most && was && r.tones[i].tone == r.present {
			most, best = n, r.tones[i].tone
		}
	}
	// What was known goes on, although each of its sounds could also begin another tone.
	goesOn := was && most > 0 && best == r.present
	if r.known = fits == 1 || goesOn || most >= enoughRuns && (ties == 1 || now.length > decided); r.known {
		r.present = best
	}
}

// fits returns how many of the last runs the tone explains; 0 if it does not fit.
func (c *candidate) fits(runs []run) int {
	fromStart := false
	for i := len(runs) - 2; i >= 0; i-- {
		if !c.has(runs[i]) { // from here on it is another matter
			fromStart = runs[i].chord == 0
			runs = runs[i+1:]
			break
		}
	}
	if len(runs) == 1 && runs[0].chord == 0 {
		return 0
	}
	lead := 0 // a pause in front
	if runs[0].chord == 0 {
		lead = 1
	}
	for start := range c.runs {
		if fromStart && start > 0 {
			break
		}
		// What sounds for ever after a beginning of another kind is known by that beginning.
		if first := start + lead; first > 0 && first < len(c.runs) && c.runs[first].length == 0 {
			continue
		}
		if c.fitsFrom(start, runs, fromStart) {
			return len(runs) - lead
		}
	}
	return 0
}

// has tells whether a run can be in the tone at all.
func (c *candidate) has(r run) bool {
	return slices.ContainsFunc(c.runs, func(mine run) bool {
		return r.chord == mine.chord && (r.chord > 0 || mine.length == 0 || r.length <= mine.length+slack)
	})
}

// fitsFrom tells whether the runs follow the tone from a segment on. How long the first
// one was says nothing unless it was heard from its start.
func (c *candidate) fitsFrom(at int, runs []run, fromStart bool) bool {
	for i, r := range runs {
		if at == len(c.runs) {
			at = c.repeat
		}
		if at >= len(c.runs) {
			return false
		}
		want, last := c.runs[at], i == len(runs)-1
		at++
		switch {
		case r.chord != want.chord:
			return false
		case i == 0 && !fromStart && !last:
		case want.length == 0:
			return last
		case r.length > want.length+slack:
			return false
		case !last && r.length < want.length-slack:
			return false
		}
	}
	return true
}
