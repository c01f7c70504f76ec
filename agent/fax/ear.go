package fax

import "tipring/internal/dsp"

// A Sound is what is heard of a far end that has not begun T.30.
type Sound uint8

// Sounds.
const (
	Nothing     Sound = iota // or not enough to tell
	Speech                   // or music: sound with pauses that is no tone
	FaxTone                  // CNG, CED, ANSam or the preamble of V.21
	Ringback                 // a tone with long pauses
	BusyTone                 // a tone with pauses as long as itself
	FastBusy                 // the same, twice as fast: congestion
	SpecialTone              // three rising tones before an announcement (ITU-T E.180 clause 7)
)

func (s Sound) String() string {
	return [...]string{"nothing", "speech", "a fax tone", "ringback", "busy tone", "fast busy tone", "special information tone"}[s]
}

// The ear works in blocks of 20 ms, which tell tones apart that differ by 50 Hz. A tone is where
// most of a block's power is at its frequencies.
const (
	earBlock   = dsp.SampleRate / 50
	earWeakest = -40.0 // dBm0: what is weaker is silence
	earShare   = 6     // tenths of a block's power

	// Call progress tones of any country, in blocks (ITU-T E.180 supplement 2).
	shortest     = 7  // of a tone or a pause, 0.14 s
	longestFast  = 15 // 0.3 s
	longestBusy  = 35 // 0.7 s
	longestRing  = 150
	ringingPause = 75 // 1.5 s
	ringingTone  = 18 // 0.36 s: the half of a double ring
	fastCycles   = 6
	busyCycles   = 4
	ringCycles   = 2

	specialTone = 10 // blocks of each of the three tones
	specialGap  = 3  // between two of them

	spokenBlocks = 75 // 1.5 s
	spokenPauses = 2
	spokenAtAll  = 15
)

// progressHz are the tones of call progress of most countries, 400 to 480 and 620 Hz, at distances
// that leave none out; specialHz those of the special information tone, in three groups.
var (
	progressHz = [...]float64{400, 450, 480, 620}
	specialHz  = [...]float64{914, 950, 985, 1371, 1400, 1429, 1777, 1800}
	specialOf  = [...]int{0, 0, 0, 1, 1, 1, 2, 2}
)

const cngHz = 1100 // T.30 clause 4.2

// An Ear tells by the sound of a call what has answered. It allocates nothing once it has heard
// something.
type Ear struct {
	detector dsp.FaxDetector
	events   []dsp.FaxEvent
	meter    dsp.Meter
	progress [len(progressHz)]dsp.Goertzel
	special  [len(specialHz)]dsp.Goertzel
	cng      dsp.Goertzel
	metered  int
	weakest  uint64

	on, tonal, off int // blocks of the sound, of a tone in it, and of the pause behind it
	kind           Sound
	cycles         int // of that kind in a row

	step, stepped, gap int // of the special information tone
	spoken, pauses     int
	speaking           int // blocks of the sound that goes on, if it is no tone

	caller             bool
	fax, preamble, sit bool
	echo               bool // CNG, heard by a caller
}

// NewEar makes an ear.
func NewEar() *Ear {
	e := &Ear{weakest: dsp.MeanSquare(earWeakest), cng: dsp.NewGoertzel(cngHz, earBlock)}
	for i, hz := range progressHz {
		e.progress[i] = dsp.NewGoertzel(hz, earBlock)
	}
	for i, hz := range specialHz {
		e.special[i] = dsp.NewGoertzel(hz, earBlock)
	}
	return e
}

// NewCallersEar makes the ear of a side that says CNG. To it CNG is an echo of its own: neither a
// fax machine that answers nor speech.
func NewCallersEar() *Ear {
	e := NewEar()
	e.caller = true
	return e
}

// Hear takes what the far end says.
func (e *Ear) Hear(in []int16) {
	e.events = e.detector.Feed(e.events[:0], in)
	for _, v := range e.events {
		if e.caller && v.Tone == dsp.CNG {
			e.echo = true
			continue
		}
		e.fax = e.fax || v.Tone != dsp.Reversal
		e.preamble = e.preamble || v.Tone == dsp.Preamble
	}
	for len(in) > 0 {
		n := min(earBlock-e.metered, len(in))
		e.feed(in[:n])
		if e.metered += n; e.metered == earBlock {
			e.block()
			e.meter.Reset()
			e.metered = 0
		}
		in = in[n:]
	}
}

func (e *Ear) feed(in []int16) {
	e.meter.Add(in)
	for i := range e.progress {
		e.progress[i].Feed(in)
	}
	for i := range e.special {
		e.special[i].Feed(in)
	}
	e.cng.Feed(in)
}

// block judges 20 ms.
func (e *Ear) block() {
	power := e.meter.MeanSquare()
	if power < e.weakest {
		e.silence()
		e.specialTone(-1)
		return
	}
	if e.off > 0 {
		e.cycle()
		e.on, e.tonal, e.off, e.speaking = 0, 0, 0, 0
	}
	e.on++
	var sum uint64
	for i := range e.progress {
		sum += e.progress[i].MeanSquare()
	}
	group, cng := e.specialGroup(power), e.cng.MeanSquare()
	e.specialTone(group)
	switch {
	case sum*10 >= power*earShare:
		e.tonal++
	case e.caller && cng*10 >= power*earShare:
	case group < 0:
		e.speaking++
	}
}

func (e *Ear) specialGroup(power uint64) int {
	var sums [3]uint64
	for i := range e.special {
		sums[specialOf[i]] += e.special[i].MeanSquare()
	}
	for g, sum := range sums {
		if sum*10 >= power*earShare {
			return g
		}
	}
	return -1
}

// silence counts a block without sound. A pause that is too long for busy tone ends the count
// of its cycles.
func (e *Ear) silence() {
	if e.off == 0 {
		e.spoken += e.speaking
		if e.speaking > 0 {
			e.pauses++
		}
	}
	if e.off++; e.off == ringingPause {
		e.cycle()
	}
}

// cycle judges a tone and its pause.
func (e *Ear) cycle() {
	if e.off > ringingPause { // judged already
		return
	}
	kind := e.cycleKind()
	switch {
	case kind == Nothing && e.isTone() && e.off < ringingTone: // the middle of a double ring
	case kind == e.kind:
		e.cycles++
	default:
		e.kind, e.cycles = kind, 1
	}
}

func (e *Ear) isTone() bool { return e.on >= shortest && e.tonal*4 >= e.on*3 }

func (e *Ear) cycleKind() Sound {
	switch long := max(e.on, e.off); {
	case !e.isTone() || e.off < shortest:
		return Nothing
	case e.off >= ringingPause:
		if e.on >= ringingTone && e.on <= longestRing {
			return Ringback
		}
		return Nothing
	case 3*min(e.on, e.off) < 2*long: // not alike
		return Nothing
	case long <= longestFast:
		return FastBusy
	case long <= longestBusy:
		return BusyTone
	}
	return Nothing
}

// specialTone follows the three tones. group is that of a block's tone, -1: none.
func (e *Ear) specialTone(group int) {
	switch {
	case group == e.step:
		e.stepped, e.gap = e.stepped+1, 0
		e.sit = e.sit || e.step == 2 && e.stepped >= specialTone
	case group == e.step+1 && e.stepped >= specialTone:
		e.step, e.stepped, e.gap = group, 1, 0
	case e.step > 0 || e.stepped > 0:
		if e.gap++; e.gap > specialGap {
			e.step, e.stepped, e.gap = 0, 0, 0
		}
	}
}

// Sound is what was heard up to now, as far as it is certain. FaxTone remains, and so does speech:
// the busy tone behind it is that of somebody who has hung up.
func (e *Ear) Sound() Sound {
	spoken := e.spoken >= spokenBlocks && e.pauses >= spokenPauses
	switch {
	case e.fax:
		return FaxTone
	case e.sit:
		return SpecialTone
	case spoken:
		return Speech
	case e.kind == BusyTone && e.cycles >= busyCycles, e.kind == FastBusy && e.cycles >= fastCycles,
		e.kind == Ringback && e.cycles >= ringCycles:
		return e.kind
	}
	return Nothing
}

// Spoke tells that something was said, be it one word.
func (e *Ear) Spoke() bool { return !e.fax && e.spoken+e.speaking >= spokenAtAll }

// Echo tells that a caller has heard CNG, and no fax machine.
func (e *Ear) Echo() bool { return e.echo && !e.fax }

// Preamble tells that flags of V.21 were heard.
func (e *Ear) Preamble() bool { return e.preamble }
