// Package talker makes speech-like sound for tests and benchmarks: what concealment, echo
// cancellers and digit detectors are to be proved on when no recorded voice may be.
//
// It is a source and filter model: a glottal pulse train with a pitch contour that falls
// through a phrase, jitter and shimmer, or noise, through four moving formants. Vowels,
// nasals, fricatives and stops follow each other as syllables, syllables make words, words
// phrases, with pauses between, over a room's noise. The same seed gives the same sound. It
// computes in floating point and is no part of the product.
package talker

import (
	"math"
	"math/rand/v2"
)

const rate = 8000

// A Talker speaks for as long as it is read.
type Talker struct {
	r     *rand.Rand
	pitch float64 // Hz, the voice's mean
	level float64 // peak amplitude of a loud vowel
	noise float64 // of the room, r.m.s.

	plan []sound // what of the phrase is left
	now  sound
	at   int // samples of now that are over

	phrase  float64 // how far the phrase has come, 0 to 1
	step    float64 // of phrase for a sample
	phase   float64 // of the pitch period
	period  float64 // samples, of this pitch period
	shimmer float64
	loud    float64 // smoothed
	voicing float64
	hiss    float64
	glottal float64
	before  float64
	room    float64
	gain    float64 // that makes all sounds alike, and as it is by now
	gained  float64

	f [4]formant
}

// A formant is a resonance on its way to another place.
type formant struct{ hz, target, y1, y2 float64 }

// A sound is one phone: how long, how loud, what excites it and where its formants go.
type sound struct {
	samples      int
	loud         float64
	voiced, hiss float64 // parts of each
	f            [4]float64
	glide        float64 // of the formants in a sample
}

// Config is how a voice is. The zero value is a man's at a usual level in a quiet room.
type Config struct {
	PitchHz   float64 // 0: 115
	LevelDBm0 float64 // of speech without its pauses; 0: -20
	NoiseDBm0 float64 // of the room; 0: -62
}

// New makes the voice that seed stands for.
func New(seed uint64, c Config) *Talker {
	or := func(v, otherwise float64) float64 {
		if v == 0 {
			return otherwise
		}
		return v
	}
	t := &Talker{
		r: rand.New(rand.NewPCG(seed, 0x7a11)), pitch: or(c.PitchHz, 115),
		level: amplitude(or(c.LevelDBm0, -20)), noise: amplitude(or(c.NoiseDBm0, -62)), shimmer: 1,
	}
	t.period = rate / t.pitch
	for i, hz := range [4]float64{500, 1500, 2500, 3500} {
		t.f[i].hz = hz
	}
	return t
}

// amplitude is the r.m.s. of a level, where 0 dBm0 is 3.14 dB below a full-scale sine.
func amplitude(dBm0 float64) float64 {
	return 32767 / math.Sqrt2 * math.Pow(10, (dBm0-3.14)/20)
}

// Read fills pcm with the next samples.
func (t *Talker) Read(pcm []int16) {
	for i := range pcm {
		pcm[i] = int16(max(-32768, min(math.Round(t.next()), 32767)))
	}
}

// Speech is so many seconds of a voice.
func Speech(seed uint64, c Config, seconds int) []int16 {
	pcm := make([]int16, seconds*rate)
	New(seed, c).Read(pcm)
	return pcm
}

func (t *Talker) next() float64 {
	for t.at >= t.now.samples {
		if len(t.plan) == 0 {
			t.speak()
		}
		t.now, t.plan, t.at = t.plan[0], t.plan[1:], 0
		for i := range t.f {
			t.f[i].target = t.now.f[i]
		}
	}
	t.at++
	t.phrase += t.step
	t.loud += (t.now.loud - t.loud) * 0.012
	t.voicing += (t.now.voiced - t.voicing) * 0.02
	t.hiss += (t.now.hiss - t.hiss) * 0.02
	x := t.voicing*t.pulse() + (t.hiss*0.35+t.voicing*0.012)*t.r.NormFloat64()
	if t.at%gainEvery == 1 {
		t.gain = t.even()
	}
	t.gained += (t.gain - t.gained) * 0.02
	y := t.shape(x) * t.loud * t.gained * levelling
	y = 4.5 * t.level * math.Tanh(y/4.5)                 // a vowel's attack is no shout
	t.room += (t.r.NormFloat64()*t.noise - t.room) * 0.5 // a gentle fall towards high frequencies
	return y + 1.7*t.room
}

// levelling brings the mean of what is spoken to the level asked for.
const levelling = 1.9

const gainEvery = 40 // samples between two looks at what the formants amplify

// pulse is the glottis: a period that opens slowly and closes fast (Rosenberg), as its
// derivative, which the lips make of it.
func (t *Talker) pulse() float64 {
	t.phase++
	if t.phase >= t.period {
		t.phase -= t.period
		// The pitch falls through a phrase and swings with the stress of its words.
		hz := t.pitch * (1.2 - 0.4*t.phrase + 0.09*math.Sin(9*t.phrase*math.Pi))
		t.period = rate / hz * (1 + 0.007*t.r.NormFloat64())
		t.shimmer = 1 + 0.04*t.r.NormFloat64()
	}
	at := t.phase / t.period
	flow := 0.0
	switch {
	case at < 0.4:
		flow = 0.5 * (1 - math.Cos(math.Pi*at/0.4))
	case at < 0.56:
		flow = math.Cos(math.Pi / 2 * (at - 0.4) / 0.16)
	}
	d := (flow - t.glottal) * t.shimmer
	t.glottal = flow
	return d * t.period / 14 // as strong for a high voice as for a low one
}

// shape passes the excitation through the formants, one after the other.
func (t *Talker) shape(x float64) float64 {
	for i := range t.f {
		f := &t.f[i]
		f.hz += (f.target - f.hz) * t.now.glide
		b, c := f.poles(i, t.hiss)
		y := x*resonance + b*f.y1 + c*f.y2
		f.y2, f.y1 = f.y1, y
		x = y
	}
	// The fifth formant and all above it would lift what lies below them.
	y := x - 0.35*t.before
	t.before = x
	return y
}

// resonance keeps a formant's peak near 1 wherever it is, so that nothing rings on loudly when
// it has moved.
const resonance = 0.1

// poles are the coefficients of formant i where it is now. In a hiss it is wide.
func (f *formant) poles(i int, hiss float64) (b, c float64) {
	radius := [4]float64{0.97671, 0.96527, 0.95023, 0.92447}[i] - 0.15*hiss // 60, 90, 130 and 200 Hz wide
	return 2 * radius * math.Cos(2*math.Pi*f.hz/rate), -radius * radius
}

// Formants of vowels (a man's), of nasals, and where the noise of fricatives is.
var (
	vowels = [...][4]float64{
		{270, 2290, 3010, 3500}, {390, 1990, 2550, 3400}, {530, 1840, 2480, 3400}, {660, 1720, 2410, 3400}, {730, 1090, 2440, 3400},
		{570, 840, 2410, 3300}, {440, 1020, 2240, 3300}, {300, 870, 2240, 3300}, {640, 1190, 2390, 3400}, {490, 1350, 1690, 3300},
	}
	nasals     = [...][4]float64{{250, 1100, 2200, 3300}, {250, 1400, 2300, 3300}}
	fricatives = [...][4]float64{{2400, 2900, 3500, 3800}, {1800, 2300, 2900, 3600}, {900, 1700, 2600, 3500}, {500, 1500, 2500, 3400}}
)

// speak plans a phrase and the pause behind it.
func (t *Talker) speak() {
	words := 3 + t.r.IntN(6)
	for range words {
		for range 1 + t.r.IntN(3) {
			t.syllable()
		}
		if t.r.IntN(4) == 0 {
			t.add(sound{samples: 400 + t.r.IntN(1600)})
		}
	}
	total := 0
	for _, s := range t.plan {
		total += s.samples
	}
	t.phrase, t.step = 0, 1/float64(total)
	t.add(sound{samples: 2400 + t.r.IntN(7200)})
}

func (t *Talker) syllable() {
	switch t.r.IntN(6) {
	case 0, 1: // fricative, at times a voiced one
		f := fricatives[t.r.IntN(len(fricatives))]
		t.add(sound{samples: 640 + t.r.IntN(640), loud: 0.12 + 0.2*t.r.Float64(), voiced: float64(t.r.IntN(4)/3) * 0.4, hiss: 1, f: f, glide: 0.01})
	case 2, 3: // stop
		t.add(sound{samples: 320 + t.r.IntN(320)})
		t.add(sound{samples: 80 + t.r.IntN(160), loud: 0.3 + 0.3*t.r.Float64(), hiss: 0.8, f: fricatives[t.r.IntN(len(fricatives))], glide: 0.05})
	case 4: // nasal
		t.add(sound{samples: 480 + t.r.IntN(480), loud: 0.5, voiced: 1, f: nasals[t.r.IntN(len(nasals))], glide: 0.01})
	}
	loud := 0.55 + 0.6*t.r.Float64()
	f := vowels[t.r.IntN(len(vowels))]
	long := 640 + t.r.IntN(1120)
	t.add(sound{samples: long, loud: loud, voiced: 1, f: f, glide: 0.004})
	if t.r.IntN(3) == 0 { // a diphthong
		t.add(sound{samples: long / 2, loud: 0.8 * loud, voiced: 1, f: vowels[t.r.IntN(len(vowels))], glide: 0.003})
	}
}

func (t *Talker) add(s sound) {
	if s.glide == 0 {
		s.f, s.glide = [4]float64{500, 1500, 2500, 3500}, 0.001
	}
	t.plan = append(t.plan, s)
}

// even makes sounds of the same loudness equally strong, whatever their formants amplify: the
// inverse of the power behind them, of a flat spectrum and of one that falls as a voice's.
func (t *Talker) even() float64 {
	hiss, voice := t.hiss*t.hiss*0.12, t.voicing*t.voicing*0.3
	if all := hiss + voice; all < 0.05 { // what is all but silent is not lifted
		voice += 0.05 - all
	}
	var b, c [4]float64
	for i := range t.f {
		b[i], c[i] = t.f[i].poles(i, t.hiss)
	}
	power := 0.0
	for _, l := range spectrumLines {
		source := hiss + voice*l.slope
		for i := range t.f {
			source *= resonance * resonance / (1 + b[i]*b[i] + c[i]*c[i] - 2*b[i]*(1-c[i])*l.cos - 2*c[i]*l.cos2)
		}
		power += source * 200 / rate
	}
	return 1 / math.Sqrt(power)
}

// spectrumLines are what even sums over, every 100 Hz: the fall of a voice's spectrum there, and
// cosines of the frequency.
var spectrumLines = func() (l [rate/200 - 1]struct{ slope, cos, cos2 float64 }) {
	for i := range l {
		hz := float64(i+1) * 100
		w := 2 * math.Pi * hz / rate
		l[i].slope, l[i].cos, l[i].cos2 = math.Pow(400/max(hz, 120), 2), math.Cos(w), math.Cos(2*w)
	}
	return l
}()
