package dsp

import (
	"math"
	"math/rand"
	"strings"
	"testing"
)

const ms = SampleRate / 1000

// burst is one digit as a bad telephone might send it.
type burst struct {
	key           byte
	low, high     float64 // dBm0
	lowPct        float64 // off the frequency
	highPct       float64
	lowHz, highHz float64 // off the frequency
	samples       int
}

func digit(key byte, samples int) burst {
	return burst{key: key, low: DTMFLowDBm0, high: DTMFHighDBm0, samples: samples}
}

func (b burst) pcm() []int16 {
	at, ok := dtmfPosition(b.key)
	if !ok {
		panic("no such key")
	}
	return play(Steady(
		Partial{dtmfLow[at>>2]*(1+b.lowPct/100) + b.lowHz, b.low},
		Partial{dtmfHigh[at&3]*(1+b.highPct/100) + b.highHz, b.high},
	), b.samples)
}

func silence(samples int) []int16 { return make([]int16, samples) }

func join(parts ...[]int16) (all []int16) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// hear returns the digits a detector finds, fed in frames of 20 ms.
func hear(d *DTMFDetector, pcm []int16) (keys string, events []DTMFEvent) {
	for len(pcm) > 0 {
		n := min(160, len(pcm))
		events = d.Feed(events, pcm[:n])
		pcm = pcm[n:]
	}
	for _, e := range events {
		if e.Down {
			keys += string(e.Key)
		}
	}
	return keys, events
}

// everyKeyAndOffset tries a burst for each key at eight positions within the detector's step.
func everyKeyAndOffset(t *testing.T, name string, want bool, b burst, noise func([]int16)) {
	t.Helper()
	for _, key := range []byte(dtmfKeys) {
		for offset := 0; offset < stepSamples; offset += 5 {
			b.key = key
			pcm := join(silence(800+offset), b.pcm(), silence(800))
			if noise != nil {
				noise(pcm)
			}
			got, _ := hear(new(DTMFDetector), pcm)
			if want && got != string(key) || !want && got != "" {
				t.Errorf("%s: key %c, %d samples into a step: heard %q", name, key, offset, got)
				return
			}
		}
	}
}

func TestDTMFAcceptsAndRefusesByQ24(t *testing.T) {
	for _, tt := range []struct {
		name   string
		want   bool
		change func(*burst)
	}{
		{"usual", true, func(b *burst) {}},
		{"40 ms", true, func(b *burst) { b.samples = 40 * ms }},
		{"23 ms", false, func(b *burst) { b.samples = 23 * ms }},
		{"10 ms", false, func(b *burst) { b.samples = 10 * ms }},
		{"10 s", true, func(b *burst) { b.samples = 10000 * ms }},
		{"high stronger by 4 dB", true, func(b *burst) { b.low, b.high, b.samples = -14, -10, 40*ms }},
		{"low stronger by 8 dB", true, func(b *burst) { b.low, b.high, b.samples = -8, -16, 40*ms }},
		{"high stronger by 8 dB", false, func(b *burst) { b.low, b.high = -18, -10 }},
		{"low stronger by 12 dB", false, func(b *burst) { b.low, b.high = -6, -18 }},
		{"0 dBm0", true, func(b *burst) { b.low, b.high = 0, 0 }},
		{"-25 dBm0", true, func(b *burst) { b.low, b.high, b.samples = -25, -25, 40*ms }},
		{"-32 dBm0", true, func(b *burst) { b.low, b.high = -32, -32 }},
		{"-45 dBm0", false, func(b *burst) { b.low, b.high = -45, -45 }},
		{"low only", false, func(b *burst) { b.high = -60 }},
		{"high only", false, func(b *burst) { b.low = -60 }},
		{"both 1.5 % + 2 Hz high", true, func(b *burst) { b.lowPct, b.highPct, b.lowHz, b.highHz = 1.5, 1.5, 2, 2 }},
		{"both 1.5 % + 2 Hz low", true, func(b *burst) { b.lowPct, b.highPct, b.lowHz, b.highHz = -1.5, -1.5, -2, -2 }},
		{"1.5 % apart, 40 ms, low stronger by 8 dB", true, func(b *burst) {
			b.lowPct, b.highPct, b.samples, b.low, b.high = 1.5, -1.5, 40*ms, -8, -16
		}},
		{"1.5 % apart, 40 ms, high stronger by 4 dB", true, func(b *burst) {
			b.lowPct, b.highPct, b.samples, b.low, b.high = -1.5, 1.5, 40*ms, -12, -8
		}},
		{"low 3.5 % high", false, func(b *burst) { b.lowPct = 3.5 }},
		{"low 3.5 % low", false, func(b *burst) { b.lowPct = -3.5 }},
		{"high 3.5 % high", false, func(b *burst) { b.highPct = 3.5 }},
		{"high 3.5 % low", false, func(b *burst) { b.highPct = -3.5 }},
		{"both 3.5 % high", false, func(b *burst) { b.lowPct, b.highPct = 3.5, 3.5 }},
		{"high 5 % low", false, func(b *burst) { b.highPct = -5 }},
		{"low 5 % high", false, func(b *burst) { b.lowPct = 5 }},
	} {
		b := digit('1', 100*ms)
		tt.change(&b)
		everyKeyAndOffset(t, tt.name, tt.want, b, nil)
	}
}

func TestDTMFInNoise(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	// 15 dB below the weaker frequency, all over the band.
	noise := func(pcm []int16) { addNoise(r, pcm, -30) }
	everyKeyAndOffset(t, "40 ms", true, burst{low: -15, high: -15, samples: 40 * ms}, noise)
	everyKeyAndOffset(t, "23 ms", false, burst{low: -15, high: -15, samples: 23 * ms}, noise)
	everyKeyAndOffset(t, "1.5 % off", true, burst{low: -15, high: -15, lowPct: 1.5, highPct: 1.5, samples: 40 * ms}, noise)
	everyKeyAndOffset(t, "3.5 % off", false, burst{low: -15, high: -15, lowPct: 3.5, highPct: -3.5, samples: 100 * ms}, noise)
}

func addNoise(r *rand.Rand, pcm []int16, dBm0 float64) {
	sigma := math.Sqrt(float64(MeanSquare(dBm0)))
	for i := range pcm {
		pcm[i] = saturate(int32(pcm[i]) + int32(r.NormFloat64()*sigma))
	}
}

func TestDTMFTellsDigitsApart(t *testing.T) {
	for _, tt := range []struct {
		name string
		pcm  []int16
		want string
	}{
		{"12.5 digits a second", sequence("0123456789*#ABCD", 40*ms, 40*ms), "0123456789*#ABCD"},
		{"the same digit again", sequence("5555", 40*ms, 40*ms), "5555"},
		{"slow", sequence("112", 500*ms, 500*ms), "112"},
		{"another digit without a pause", join(silence(400), digit('1', 80*ms).pcm(), digit('5', 80*ms).pcm(), silence(400)), "15"},
		{"interrupted for 10 ms", join(silence(400), digit('7', 45*ms).pcm(), silence(10*ms), digit('7', 45*ms).pcm(), silence(400)), "7"},
		{"interrupted for 10 ms before it was certain", join(silence(400), digit('7', 25*ms).pcm(), silence(10*ms), digit('7', 60*ms).pcm(), silence(400)), "7"},
	} {
		for offset := 0; offset < stepSamples; offset += 3 {
			if got, _ := hear(new(DTMFDetector), join(silence(offset), tt.pcm)); got != tt.want {
				t.Errorf("%s, %d samples into a step: heard %q, want %q", tt.name, offset, got, tt.want)
				break
			}
		}
	}
}

func sequence(keys string, on, off int) []int16 {
	g := NewDTMFGenerator(DTMFLowDBm0, DTMFHighDBm0)
	pcm := silence(400)
	for i := range len(keys) {
		g.Press(keys[i], on, off)
	}
	out := make([]int16, len(keys)*(on+off))
	g.Read(out)
	return join(pcm, out, silence(400))
}

func TestDTMFTellsWhenADigitBeganAndEnded(t *testing.T) {
	for _, length := range []int{40 * ms, 63 * ms, 100 * ms, 1000 * ms} {
		for offset := 0; offset < stepSamples; offset += 7 {
			start := int64(800 + offset)
			_, events := hear(new(DTMFDetector), join(silence(int(start)), digit('6', length).pcm(), silence(800)))
			if len(events) != 2 || !events[0].Down || events[1].Down || events[1].Key != '6' {
				t.Fatalf("%d samples: %+v", length, events)
			}
			if d := events[0].At - start; d < -6*ms || d > 6*ms {
				t.Errorf("%d samples: began %d samples off", length, d)
			}
			if d := events[1].At - start - int64(length); d < -6*ms || d > 6*ms {
				t.Errorf("%d samples: ended %d samples off", length, d)
			}
		}
	}
}

func TestDTMFUnderDialTone(t *testing.T) {
	for _, dial := range []string{"350@-13+440@-13", "425@-10", "400+450@-16", "440@-10"} {
		s, err := ParseSignal(strings.ReplaceAll(dial, "@-1", "@-2")) // what a poor hybrid sends back
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []byte(dtmfKeys) {
			pcm := join(silence(1600), burst{key: key, low: -22, high: -20, samples: 50 * ms}.pcm(), silence(1600))
			back := play(s, len(pcm))
			for i := range pcm {
				pcm[i] += back[i]
			}
			d := DTMFDetector{DialTone: true}
			if got, _ := hear(&d, pcm); got != string(key) {
				t.Errorf("key %c under %s: heard %q", key, dial, got)
			}
		}
	}
}

// Voices: a buzz of gliding pitch through three moving resonances, with breath, hisses
// and pauses; five minutes of it hold some two thousand syllables.
func TestDTMFIsNotFooledBySpeech(t *testing.T) {
	minutes := 5
	if testing.Short() {
		minutes = 1
	}
	var d DTMFDetector
	v := newVoice(7)
	frame := make([]int16, 160)
	var events []DTMFEvent
	for range minutes * 60 * 50 {
		v.read(frame)
		events = d.Feed(events, frame)
	}
	if n := len(events) / 2; n > 0 {
		t.Errorf("%d digits heard in %d minutes of voices: %v", n, minutes, events[:min(8, len(events))])
	}
}

func TestDTMFIsNotFooledByNoiseAndMusic(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	var d DTMFDetector
	pcm := make([]int16, 60*SampleRate)
	addNoise(r, pcm, -15)
	if got, _ := hear(&d, pcm); got != "" {
		t.Errorf("heard %q in noise", got)
	}
	fooled := 0
	for range 2000 {
		chord := make([]int16, 1600)
		for range 3 {
			for i, s := range play(note(r), len(chord)) {
				chord[i] += s
			}
		}
		if got, _ := hear(&d, chord); got != "" {
			fooled++
		}
	}
	if fooled > 4 { // some chords are near to two of the frequencies and little else
		t.Errorf("heard a digit in %d of 2000 chords", fooled)
	}
	call, _ := ParseSignal("480@-13+620@-13/500,0/500")
	if got, _ := hear(&d, play(call, 10*SampleRate)); got != "" {
		t.Errorf("heard %q in a busy tone", got)
	}
}

// note is one of the tempered scale with two harmonics.
func note(r *rand.Rand) *Signal {
	hz, level := 220*math.Pow(2, float64(r.Intn(28))/12), -15-8*r.Float64()
	return Steady(Partial{hz, level}, Partial{2 * hz, level - 6}, Partial{3 * hz, level - 10})
}

// voice is a source and filter model of speech.
type voice struct {
	r            *rand.Rand
	pitch, glide float64
	phase        float64
	left         int
	voiced       bool
	loud         float64
	formants     [3]struct{ f, target, y1, y2 float64 }
}

func newVoice(seed int64) *voice {
	return &voice{r: rand.New(rand.NewSource(seed)), pitch: 120, glide: 1}
}

func (v *voice) read(out []int16) {
	for i := range out {
		if v.left == 0 {
			v.syllable()
		}
		v.left--
		v.pitch *= v.glide
		v.phase += v.pitch / SampleRate
		x := v.r.NormFloat64() * 0.05
		if v.voiced {
			x *= 0.4
			if v.phase >= 1 {
				x++
			}
		}
		v.phase -= math.Floor(v.phase)
		sum := 0.0
		for k := range v.formants {
			f := &v.formants[k]
			f.f += (f.target - f.f) * 0.002
			rad := math.Exp(-math.Pi * (50 + 30*float64(k)) / SampleRate)
			y := x + 2*rad*math.Cos(2*math.Pi*f.f/SampleRate)*f.y1 - rad*rad*f.y2
			f.y2, f.y1 = f.y1, y
			sum += y / float64(k+1)
		}
		out[i] = saturate(int32(sum * v.loud))
	}
}

func (v *voice) syllable() {
	v.left = 400 + v.r.Intn(2400)
	v.voiced = v.r.Float64() < 0.8
	v.loud = 500 * math.Pow(10, v.r.Float64()) * float64(min(1, v.r.Intn(6)))
	v.pitch = 80 + 320*v.r.Float64()
	v.glide = math.Pow(2, (v.r.Float64()-0.5)/2400) // up to a fifth, down or up, in a syllable of 0.3 s
	ranges := [3][2]float64{{250, 950}, {800, 2300}, {1700, 3200}}
	for k := range v.formants {
		v.formants[k].target = ranges[k][0] + (ranges[k][1]-ranges[k][0])*v.r.Float64()
	}
}

func TestDTMFSumsCannotOverflow(t *testing.T) {
	for i, ref := range references {
		re, im := int64(0), int64(0)
		for _, w := range ref.wave {
			re += int64(max(w.re, -w.re))
			im += int64(max(w.im, -w.im))
		}
		if worst := 32768 * max(re, im); worst > math.MaxInt32 {
			t.Errorf("frequency %d: a step can sum to %d", i, worst)
		}
	}
}

func TestDTMFLoudestSquareWave(t *testing.T) {
	pcm := make([]int16, 8000)
	for i := range pcm {
		pcm[i] = 32767
		if i/4%2 == 1 {
			pcm[i] = -32768
		}
	}
	if got, _ := hear(new(DTMFDetector), pcm); got != "" {
		t.Errorf("heard %q", got)
	}
}

func TestDTMFGenerator(t *testing.T) {
	g := NewDTMFGenerator(-9, -7)
	if g.Busy() || g.Read(make([]int16, 10)) != 0 {
		t.Error("a new generator has something to say")
	}
	if g.Press('x', 800, 800) || !g.Press('d', 800, 400) || !g.Press('#', 0, 0) {
		t.Error("takes x, or not d and #")
	}
	out := make([]int16, 4000)
	if n := g.Read(out); n != 4000 {
		t.Errorf("a held key gave %d of 4000 samples", n)
	}
	got, events := hear(new(DTMFDetector), out)
	if got != "D#" {
		t.Errorf("heard %q", got)
	}
	if last := events[len(events)-1]; !last.Down {
		t.Errorf("a held key ended: %+v", last)
	}
	for _, s := range out[800:1200] {
		if s != 0 {
			t.Fatal("sound in the pause")
		}
	}
	low := NewGoertzel(697, 800)
	low.Feed(play(Steady(Partial{697, -9}, Partial{1209, -7}), 800))
	if math.Abs(low.DBm0()+9) > 0.1 {
		t.Errorf("low frequency at %.2f dBm0, want -9", low.DBm0())
	}
	g.Release()
	if g.Busy() {
		t.Error("busy after the last key was let go")
	}
	for i := range maxPresses + 1 {
		if ok := g.Press('1', 400, 400); ok != (i < maxPresses) {
			t.Errorf("key %d: taken: %v", i+1, ok)
		}
	}
	g.Stop()
	if g.Busy() {
		t.Error("busy after Stop")
	}
}

func TestDTMFAllocatesNothing(t *testing.T) {
	g := NewDTMFGenerator(-9, -7)
	var d DTMFDetector
	frame, events := make([]int16, 160), make([]DTMFEvent, 0, 8)
	if n := testing.AllocsPerRun(200, func() {
		g.Press('5', 400, 400)
		g.Read(frame)
		events = d.Feed(events[:0], frame)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkDTMFDetector(b *testing.B) {
	speech := make([]int16, 8000)
	newVoice(1).read(speech)
	for _, tt := range []struct {
		name string
		d    DTMFDetector
		in   []int16
	}{
		{"speech", DTMFDetector{}, speech},
		{"digits", DTMFDetector{}, sequence("12345", 50*ms, 50*ms)},
		{"dialtone", DTMFDetector{DialTone: true}, play(Steady(Partial{350, -30}, Partial{440, -30}), 8000)},
		{"silence", DTMFDetector{}, silence(8000)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			var events []DTMFEvent
			for i := 0; b.Loop(); i++ {
				at := i % 20 * 160
				events = tt.d.Feed(events[:0], tt.in[at:at+160])
			}
		})
	}
}
