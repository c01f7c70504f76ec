package modem

import "math"

// qamReceiver hears V.27ter, V.29 and V.17.
//
// It waits for the two alternating elements that every training begins with, as three
// tones (alternations); from them it takes the level, the clock's phase and about how far
// the carrier is off. The samples, brought to 0 Hz and to two a symbol (sampler), are then
// compared with the beginning of the conditioning sequence, which says where it begins and
// with which phase. From there on every element of the training is known: the equaliser,
// the carrier's phase and, from the signal's band edges, the clock are taught by what was
// sent, not by what was decided. What follows is decided, and what was decided teaches
// them on.
//
// For the short training of V.17 the equaliser of the last training that succeeded is
// taken up again. It works on samples whose level and clock come from the alternations,
// and before the carrier's phase is taken out, so that it fits whatever these are.
//
// When the signal stops, all loops are held for holdSymbols; when it comes back and looks
// right they go on, and bits with them. Otherwise the carrier is down.
type qamReceiver struct {
	scheme *scheme
	coders coders
	coder  coder
	sink   BitSink
	short  bool

	state    hearing
	up       bool // CarrierUp was told, CarrierDown not yet
	failed   bool // TrainingFailed was told since
	tones    alternations
	unheard  unheard
	sampler  sampler
	level    levelWatch
	lock     patternSearch
	eq       equaliser
	memory   equaliser
	trained  bool // memory holds an equaliser of this receiver's modem
	memoryOf int32
	drift    int32 // of the sender's clock, from that training too

	re, im [2 * ringLength]int32 // complex samples, each of them twice
	now    int                   // complex samples since the alternations were found

	next       int // the complex sample on which the next element lies
	count      int // elements since the conditioning began
	pass       int // times the conditioning has been gone through
	carrier    carrierLoop
	errorPower int32    // mean square, 1<<22 for the signal's power
	training   int32    // the error at the end of the known elements
	zeros      int      // bits among those of scrambled 1
	steady     [2]int32 // the error, for quality: lately and before
	bad        int      // elements of data that did not look like any
	skip       int      // elements of the training that are still to be decoded
	recalled   bool     // the training began with the equaliser of an earlier one
	held       int      // symbols since the signal stopped or came back

	trellis trellis
	symbols [trellisDepth]uint8
}

// ringLength is a power of two that holds the conditioning of V.29.
const ringLength = 1024

type hearing uint8

const (
	hearNothing  hearing = iota
	hearPattern          // alternations; the conditioning is to come
	hearTraining         // known elements
	hearFork             // those of the short training are over
	hearData             // elements that are decided, the training's last ones included
	hearHole             // nothing where data should be
)

func (r *qamReceiver) start(m Mode, short bool, sink BitSink) {
	s := schemes[m]
	if r.memoryOf != int32(s.baud+s.carrierHz) {
		r.trained, r.memoryOf = false, s.baud+s.carrierHz
		r.drift = 0
	}
	r.scheme, r.sink = s, sink
	r.short = short && s.short > 0 && r.trained
	r.up = false
	r.level, r.unheard = levelWatch{}, unheard{}
	if s.short > 0 {
		r.trellis.use(s)
	}
	r.listen()
}

// listen waits for the next training.
func (r *qamReceiver) listen() {
	r.state = hearNothing
	r.tones.reset(r.scheme)
}

func (r *qamReceiver) feed(in []int16) {
	for _, x := range in {
		if r.level.add(int32(x)) {
			r.watch()
		}
		if r.state == hearNothing || r.state == hearHole {
			if r.tones.add(int32(x)) && r.search() {
				continue
			}
		}
		if r.state != hearNothing {
			if p, ok := r.sampler.push(x); ok {
				r.take(p)
			}
		}
	}
}

// search looks at the latest block of the search for alternations and reports whether they
// were found. A training in a hole is that of the next burst.
func (r *qamReceiver) search() bool {
	if r.tones.found() {
		if r.state == hearHole {
			r.tell(CarrierDown)
		}
		r.begin()
		return true
	}
	if !r.up && r.unheard.add(&r.tones.past[0]) {
		r.tell(CarrierUp)
		r.tell(TrainingFailed)
		r.tell(CarrierDown)
	}
	return false
}

// begin sets everything up for the training whose alternations were found.
func (r *qamReceiver) begin() {
	tones, _ := r.tones.energies()
	meanSquare := uint64(tones[0]+tones[1]+tones[2]) / (toneSamples * toneBlocks)
	r.sampler.reset(r.scheme)
	r.sampler.begin(meanSquare, r.tones.clock())
	r.sampler.edges.gear, r.sampler.edges.drift = trainingGear, r.drift
	r.level.begin(meanSquare)
	r.now = 0
	r.carrier.turn = int32(int64(r.tones.turn()) * SampleRate / int64(r.scheme.baud))
	r.pass = 0
	_, r.coder = r.coders.begin(r.scheme.mode, false)
	r.lock.begin(r.scheme, r.coder, r.carrier.turn)
	r.state = hearPattern
}

// The clock's loop: fast enough for a training, slow enough for data.
const (
	trainingGear = 5
	dataGear     = 6
)

// take takes a complex sample.
func (r *qamReceiver) take(p point) {
	at := r.now & (ringLength - 1)
	r.re[at], r.re[at+ringLength] = p.re, p.re
	r.im[at], r.im[at+ringLength] = p.im, p.im
	r.now++
	if r.state == hearHole {
		if r.now&1 != 0 {
			r.sampler.coast()
		}
	} else if r.sampler.edges.add(p); r.now&1 != 0 {
		r.sampler.steer()
	}
	if r.state == hearPattern {
		r.seek()
		return
	}
	for r.next+precursor < r.now && r.state != hearNothing {
		if r.state == hearFork && !r.choose() {
			return
		}
		r.element()
	}
}

// samples returns those that the equaliser makes the next element of.
func (r *qamReceiver) samples() (re, im []int32) {
	from := (r.next + precursor + 1 - equaliserTaps) & (ringLength - 1)
	return r.re[from:][:equaliserTaps], r.im[from:][:equaliserTaps]
}

// equalised returns the next element times 32, turned to where it belongs.
func (r *qamReceiver) equalised() point {
	re, im := r.samples()
	return r.eq.output(re, im).turned(-r.carrier.phase).limited(12000 << 5)
}

// element hears the next element.
func (r *qamReceiver) element() {
	z := r.equalised()
	switch r.state {
	case hearTraining:
		r.learn(z, r.coder.training(), r.trainingStep())
		r.next += 2
		r.endTraining()
	case hearData:
		d := r.decide(point{z.re >> 5, z.im >> 5})
		r.learn(z, d, r.dataStep())
		r.next += 2
		r.rescue()
		r.remember()
	default:
		r.carrier.coast()
		r.next += 2
		r.hold(z)
	}
	r.count++
}

func (p point) limited(most int32) point {
	return point{min(max(p.re, -most), most), min(max(p.im, -most), most)}
}

// learn compares the element with what it should have been and moves the carrier's phase
// and the equaliser, the latter by 2^-step of the error.
func (r *qamReceiver) learn(z, want point, step uint8) {
	off := point{want.re<<5 - z.re, want.im<<5 - z.im}
	r.errorPower += (point{off.re >> 5, off.im >> 5}.limited(4*unit).power() - r.errorPower) >> 5
	if r.state == hearData && r.sampler.edges.jumped() {
		step = 31
	}
	bend := point{off.re >> (step - 1), off.im >> (step - 1)}.turned(r.carrier.phase)
	re, im := r.samples()
	r.eq.learn(re, im, bend)
	r.carrier.follow(int32((int64(z.im)*int64(want.re) - int64(z.re)*int64(want.im)) >> 5))
}

// trainingStep: large at first, when much is wrong, then smaller, when it is noise.
func (r *qamReceiver) trainingStep() uint8 {
	switch {
	case r.pass > 0:
		return 8
	case r.count < 200:
		return 6
	case r.count < 500:
		return 7
	case r.count < 1000:
		return 8
	}
	return 9
}

func (r *qamReceiver) dataStep() uint8 {
	if r.count < 1500 {
		return 9
	}
	return 10
}

// rescue looks for another way when the elements have made no sense for a while, as they
// do after the signal has jumped: the equaliser as it was after the training, and the
// carrier an eighth of a turn off.
func (r *qamReceiver) rescue() {
	if r.errorPower < worstError(r.scheme.mode) {
		r.bad = 0
		return
	}
	if r.bad++; r.bad == badElements && r.skip == 0 {
		r.eq = r.memory
		r.carrier.phase += 1 << 29
		r.bad = 0
	}
}

const badElements = 96

func (r *qamReceiver) levelDBm0() float64 { return r.level.dBm0() }

// remember keeps what the burst has taught, now and then: the error, for quality, so late
// that what follows the end of a burst before it is noticed does not count, and the clock.
func (r *qamReceiver) remember() {
	if r.count&127 != 0 {
		return
	}
	r.steady[1], r.steady[0] = r.steady[0], r.errorPower
	if r.skip == 0 && r.bad == 0 {
		r.drift = r.sampler.edges.drift
	}
}

func (r *qamReceiver) quality() float64 {
	if r.steady[1] == 0 {
		return 0
	}
	return 10 * math.Log10(float64(r.steady[1])/(1<<22))
}
