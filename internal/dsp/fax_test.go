package dsp_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"tipring/internal/dsp"
	"tipring/internal/dsp/line"
)

const ms = dsp.SampleRate / 1000

// detect returns what a detector finds in a recording, fed in frames of 20 ms.
func detect(pcm []int16) (events []dsp.FaxEvent) {
	var d dsp.FaxDetector
	for len(pcm) > 0 {
		n := min(160, len(pcm))
		events = d.Feed(events, pcm[:n])
		pcm = pcm[n:]
	}
	return events
}

// told returns the tones that were recognised, without reversals and ends.
func told(events []dsp.FaxEvent) string {
	var names []string
	for _, e := range events {
		if !e.Ended && e.Tone != dsp.Reversal {
			names = append(names, e.Tone.String())
		}
	}
	return strings.Join(names, " ")
}

func count(events []dsp.FaxEvent, tone dsp.FaxTone) (n int) {
	for _, e := range events {
		if e.Tone == tone && !e.Ended {
			n++
		}
	}
	return n
}

func played(s *dsp.Signal, samples int) []int16 {
	var t dsp.Tone
	t.Start(s)
	out := make([]int16, samples)
	t.Read(out)
	return out
}

func tone(hz float64, samples int) []int16 {
	return played(dsp.Steady(dsp.Partial{Hz: hz, DBm0: -14}), samples)
}

func ansam(samples int) []int16 {
	out := make([]int16, samples)
	dsp.NewANSam(-14).Read(out)
	return out
}

func ans(samples int) []int16 {
	out := make([]int16, samples)
	dsp.NewANS(-14).Read(out)
	return out
}

// keyed is bits at 300 bit/s, a 1 lower than a 0 by 200 Hz, over and over.
func keyed(middleHz float64, bits string, samples int) []int16 {
	out := make([]int16, samples)
	turns := 0.0
	peak := float64(dsp.Peak(-14))
	for i := range out {
		out[i] = int16(math.Round(peak * math.Sin(2*math.Pi*turns)))
		hz := middleHz + 100
		if bits[i*300/dsp.SampleRate%len(bits)] == '1' {
			hz = middleHz - 100
		}
		turns += hz / dsp.SampleRate
	}
	return out
}

func preamble(samples int) []int16 { return keyed(1750, "01111110", samples) }

// Each tone is told once, in time, over every line that telephony allows; from any
// sample on.
func TestFaxTonesAreHeard(t *testing.T) {
	sounds := []struct {
		want   dsp.FaxTone
		pcm    []int16
		within int // samples
		hzOff  float64
	}{
		{dsp.CNG, tone(1100, 425*ms), 425 * ms, 38},
		{dsp.CED, tone(2100, 1200*ms), 600 * ms, 15},
		{dsp.ANSam, ansam(1200 * ms), 600 * ms, 8},
		{dsp.Preamble, preamble(850 * ms), 150 * ms, 20},
	}
	lines := []struct {
		name  string
		model line.Model
	}{
		{"nothing", line.Model{}},
		{"0 dBm0", line.Model{GainDB: 14}},
		{"-43 dBm0", line.Model{GainDB: -29}},
		{"-43 dBm0 in µ-law", line.Model{GainDB: -29, Law: line.ULaw}},
		{"10 dB SNR", line.Model{Noise: line.Noise{When: line.Always, DBm0: -24}}},
		{"10 dB SNR at 0 dBm0", line.Model{GainDB: 14, Noise: line.Noise{When: line.Always, DBm0: -10}}},
		{"10 dB SNR at -43 dBm0", line.Model{GainDB: -29, Noise: line.Noise{When: line.Always, DBm0: -53}}},
		{"the band and A-law", line.Model{Band: true, Law: line.ALaw}},
		{"an echo of -15 dB after 20 ms", line.Model{EchoMS: 20, EchoDB: -15}},
		{"phase jitter of 10 degrees", line.Model{JitterHz: 60, JitterDeg: 10}},
	}
	const lead = 1000
	for _, s := range sounds {
		for _, l := range lines {
			for _, hz := range []float64{-s.hzOff, 0, s.hzOff} {
				for seed := range uint64(3) {
					m := l.model
					m.OffsetHz, m.Seed = hz, seed
					start := lead + int(seed)*37
					pcm := slices.Concat(make([]int16, start), s.pcm, make([]int16, 2000))
					events := detect(line.New(m).Run(pcm))
					name := fmt.Sprintf("%v over %s, %+v Hz, seed %d", s.want, l.name, hz, seed)
					if got := told(events); got != s.want.String() {
						t.Errorf("%s: heard %q", name, got)
						continue
					}
					if late := int(events[0].At) - start; late > s.within+130 { // what the line's filters take
						t.Errorf("%s: heard after %d ms", name, late/ms)
					}
					if began := int(events[0].Began) - start; s.want != dsp.Preamble && (began < -100 || began > 400) {
						t.Errorf("%s: began %d samples off", name, began)
					}
				}
			}
		}
	}
}

// CNG is heard within its first burst, a preamble within 150 ms, 100 of 100 at 10 dB SNR.
func TestFaxTonesAreHeardEachTime(t *testing.T) {
	for seed := range uint64(100) {
		start := 1000 + int(seed*13%160)
		l := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: -24}, Seed: seed})
		events := detect(l.Run(slices.Concat(make([]int16, start), tone(1100, 500*ms), make([]int16, 800))))
		if told(events) != "cng" || int(events[0].At) > start+500*ms {
			t.Errorf("CNG %d: %v", seed, events)
		}
		l = line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: -24}, Seed: seed})
		events = detect(l.Run(slices.Concat(make([]int16, start), preamble(1000*ms))))
		if told(events) != "preamble" || int(events[0].At) > start+150*ms {
			t.Errorf("preamble %d: %v", seed, events)
		}
	}
}

func TestOtherSoundsAreNotFaxTones(t *testing.T) {
	sum := func(hz ...float64) []int16 {
		s := dsp.Segment{}
		for _, f := range hz {
			s.Partials = append(s.Partials, dsp.Partial{Hz: f, DBm0: -16})
		}
		return played(dsp.NewSignal(0, s), 2000*ms)
	}
	random := "0110100111010001010011101011000010111001001101010001111001010110100011"
	for _, tt := range []struct {
		name string
		pcm  []int16
	}{
		{"1000 Hz", sum(1000)}, {"1020 Hz", sum(1020)}, {"1180 Hz", sum(1180)}, {"1200 Hz", sum(1200)},
		{"2000 Hz", sum(2000)}, {"2040 Hz", sum(2040)}, {"2160 Hz", sum(2160)}, {"2225 Hz, the answer tone of Bell modems", sum(2225)},
		{"2280 Hz, a line signal", sum(2280)}, {"2600 Hz", sum(2600)},
		{"1300 Hz, the calling tone of V.25", sum(1300)}, {"1650 Hz", sum(1650)}, {"1750 Hz", sum(1750)}, {"1850 Hz", sum(1850)},
		{"the information tone", slices.Concat(tone(950, 330*ms), tone(1400, 330*ms), tone(1800, 330*ms))},
		{"dial tone", sum(350, 440)}, {"ringback", sum(440, 480)}, {"busy", sum(480, 620)}, {"DTMF 2", sum(697, 1336)},
		{"MF", sum(1100, 900)}, {"another MF", sum(1100, 1300)}, {"two of 2100 Hz and 2300 Hz", sum(2100, 2300)},
		{"200 ms of 1100 Hz", tone(1100, 200*ms)}, {"300 ms of 2100 Hz", tone(2100, 300*ms)}, {"90 ms of flags", preamble(90 * ms)},
		{"flags in V.21 channel 1", keyed(1080, "01111110", 2000*ms)},
		{"flags upside down", keyed(1750, "10000001", 2000*ms)},
		{"reversals in V.21 channel 2", keyed(1750, "01", 2000*ms)},
		{"data in V.21 channel 2", keyed(1750, random, 4000*ms)},
		{"CNG at -52 dBm0", line.New(line.Model{GainDB: -38}).Run(tone(1100, 500*ms))},
		{"CED at -52 dBm0", line.New(line.Model{GainDB: -38}).Run(tone(2100, 2600*ms))},
		{"a preamble at -52 dBm0", line.New(line.Model{GainDB: -38}).Run(preamble(1000 * ms))},
		{"a whistle that rises", sweep(800, 2400, 3000*ms)},
		{"a whistle that rises slowly", sweep(1000, 1200, 1500*ms)},
		{"a warble about 2100 Hz", warble(2100, 6000, 2000*ms)}, {"a loud one", warble(2100, 32000, 2000*ms)},
		{"a warble about 1100 Hz", warble(1100, 6000, 2000*ms)}, {"a loud one", warble(1100, 32000, 2000*ms)},
	} {
		if got := told(detect(slices.Concat(make([]int16, 1000), tt.pcm, make([]int16, 1000)))); got != "" {
			t.Errorf("%s: heard %q", tt.name, got)
		}
	}
}

func sweep(from, to float64, samples int) []int16 {
	out := make([]int16, samples)
	turns := 0.0
	for i := range out {
		out[i] = int16(6000 * math.Sin(2*math.Pi*turns))
		turns += (from + (to-from)*float64(i)/float64(samples)) / dsp.SampleRate
	}
	return out
}

// warble is 30 Hz above and below a frequency, 40 ms each.
func warble(hz, peak float64, samples int) []int16 {
	out := make([]int16, samples)
	turns := 0.0
	for i := range out {
		out[i] = int16(peak * math.Sin(2*math.Pi*turns))
		if i/(40*ms)%2 == 0 {
			turns += (hz + 30) / dsp.SampleRate
		} else {
			turns += (hz - 30) / dsp.SampleRate
		}
	}
	return out
}

// What is 2100 Hz is told apart by its swing and its reversals.
func TestAnswerTonesAreToldApart(t *testing.T) {
	plain := make([]int16, 3000*ms)
	dsp.NewANSam(-14).WithoutReversals().Read(plain)
	for _, tt := range []struct {
		name      string
		pcm       []int16
		want      dsp.FaxTone
		reversals int
	}{
		{"CED", tone(2100, 3000*ms), dsp.CED, 0},
		{"ANS with reversals", ans(3000 * ms), dsp.CED, 6},
		{"ANSam", plain, dsp.ANSam, 0},
		{"ANSam with reversals", ansam(3000 * ms), dsp.ANSam, 6},
	} {
		for _, l := range []line.Model{
			{}, {GainDB: -29}, {Noise: line.SNR(10, -14)}, {OffsetHz: 7, Band: true, Law: line.ULaw}, {OffsetHz: -7, Noise: line.SNR(10, -14)},
		} {
			for offset := range 5 {
				l.Seed = uint64(offset)
				events := detect(line.New(l).Run(slices.Concat(make([]int16, 1000+offset), tt.pcm, make([]int16, 1000))))
				if told(events) != tt.want.String() || count(events, dsp.Reversal) != tt.reversals {
					t.Errorf("%s over %+v: %v", tt.name, l, events)
					break
				}
				last := events[len(events)-1]
				if !last.Ended || last.Tone != tt.want || math.Abs(float64(last.At-last.Began)-3000*ms) > 300 {
					t.Errorf("%s over %+v ends with %v", tt.name, l, last)
				}
			}
		}
	}
}

func TestReversalsAreTimed(t *testing.T) {
	var at []int64
	for _, e := range detect(slices.Concat(make([]int16, 1005), ansam(3000*ms))) {
		if e.Tone == dsp.Reversal {
			at = append(at, e.Began)
		}
	}
	for i, a := range at {
		if want := int64(1005 + (i+1)*450*ms); a < want-20 || a > want+20 {
			t.Errorf("reversal %d at %d, want %d", i, a, want)
		}
	}
}

// A machine calls: CNG each 3.5 s, told each time with its end.
func TestEachBurstOfCNGIsOne(t *testing.T) {
	events := detect(played(dsp.CNGSignal(-14), 12000*ms))
	if len(events) != 8 {
		t.Fatalf("%v", events)
	}
	for i, e := range events {
		burst := int64(i/2) * 3500 * ms
		want := dsp.FaxEvent{Tone: dsp.CNG, Ended: i%2 == 1, Began: burst, At: burst + 350*ms}
		if want.Ended {
			want.At = burst + 500*ms
		}
		if e != want {
			t.Errorf("event %d: %v, want %v", i, e, want)
		}
	}
}

// A lost packet does not end a tone, nor double it.
func TestFaxTonesBearLostFrames(t *testing.T) {
	for _, s := range []struct {
		want string
		pcm  []int16
	}{
		{"cng", tone(1100, 500*ms)}, {"ced", tone(2100, 3000*ms)}, {"ansam", ansam(3000 * ms)}, {"preamble", preamble(1000 * ms)},
	} {
		for lost := range 20 {
			l := line.New(line.Model{Lost: []int{lost}})
			if got := told(detect(l.Run(slices.Concat(s.pcm, make([]int16, 1000))))); got != s.want {
				t.Errorf("%s without frame %d: heard %q", s.want, lost, got)
			}
		}
	}
}

func TestPreambleOfEachBurstIsOne(t *testing.T) {
	data := keyed(1750, "0110100111010001010011101011000010111001001101010001111001010110100011", 1000*ms)
	burst := slices.Concat(preamble(1000*ms), data, preamble(30*ms), data, make([]int16, 500*ms))
	if got := told(detect(slices.Concat(burst, burst))); got != "preamble preamble" {
		t.Errorf("two bursts: heard %q", got)
	}
}

// A tone that lasts for minutes is told once, and its end after it.
func TestToneWithoutEnd(t *testing.T) {
	var d dsp.FaxDetector
	var events []dsp.FaxEvent
	for _, full := range [][]int16{played(dsp.Steady(dsp.Partial{Hz: 2100, DBm0: 3}), 8000), played(dsp.Steady(dsp.Partial{Hz: 1100, DBm0: 3}), 8000)} {
		for range 120 {
			events = d.Feed(events, full)
		}
	}
	events = d.Feed(events, make([]int16, 800))
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprint(e.Tone, e.Ended))
	}
	if want := []string{"ced false", "ced true", "cng false", "cng true"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestFaxDetectorHasNoFalseHitInAnHour(t *testing.T) {
	const hour = 3600 * dsp.SampleRate
	for _, tt := range []struct {
		name string
		next func(out []int16)
	}{
		{"noise at -20 dBm0", newHiss(-20).read},
		{"voice", new(talker).read},
	} {
		var d dsp.FaxDetector
		var events []dsp.FaxEvent
		out := make([]int16, 1600)
		for n := 0; n < hour; n += len(out) {
			tt.next(out)
			events = d.Feed(events, out)
		}
		if len(events) > 0 {
			t.Errorf("an hour of %s: %v", tt.name, events)
		}
	}
}

// hiss is noise, near enough to Gaussian: the sum of four numbers.
type hiss struct {
	state uint64
	peak  int32
}

func newHiss(dBm0 float64) *hiss {
	rms := math.Sqrt(float64(dsp.MeanSquare(dBm0)))
	return &hiss{state: 1, peak: int32(rms / 0.577 / 2 * 32768 / 32768)}
}

func (h *hiss) read(out []int16) {
	for i := range out {
		h.state ^= h.state << 13
		h.state ^= h.state >> 7
		h.state ^= h.state << 17
		v := h.state
		sum := int32(int16(v)) + int32(int16(v>>16)) + int32(int16(v>>32)) + int32(int16(v>>48))
		out[i] = int16(sum * (h.peak >> 4) >> 11)
	}
}

// talker is what a voice is to a detector of tones: harmonics of a pitch from 80 to 350 Hz,
// shaped by two formants, in syllables of 80 to 500 ms whose pitch may stand still or
// glide, with pauses, at -25 to -5 dBm0.
type talker struct {
	state  uint32
	left   int
	phase  uint32
	step   uint32
	glide  int32
	wave   [512]int16 // a period
	silent bool
}

func (k *talker) random(n uint32) uint32 {
	k.state = k.state*1664525 + 1013904223
	return k.state >> 8 % n
}

func (k *talker) read(out []int16) {
	for i := range out {
		if k.left == 0 {
			k.syllable()
		}
		k.left--
		out[i] = 0
		if k.silent {
			continue
		}
		out[i] = k.wave[k.phase>>23]
		k.phase += k.step
		k.step += uint32(k.glide)
	}
}

func (k *talker) syllable() {
	k.silent = k.random(4) == 0
	k.left = int(80+k.random(420)) * ms
	pitch := 80 + k.random(270)
	k.step = uint32(uint64(pitch) << 32 / dsp.SampleRate)
	if k.glide = 0; k.random(3) > 0 { // up to a fifth in a syllable
		k.glide = int32(k.random(k.step/5)) / int32(k.left)
		if k.random(2) == 0 {
			k.glide = -k.glide
		}
	}
	first, second := 250+k.random(650), 800+k.random(1700)
	loud := int32(500 + k.random(6000))
	strong := k.random(4) // some voices have few harmonics
	var sum [len(k.wave)]int32
	for n := uint32(1); n*pitch < 3400; n++ {
		near := min(distance(n*pitch, first), distance(n*pitch, second))
		if near > 300 && strong > 1 {
			continue
		}
		a := loud * 100 / int32(100+near*strong)
		for i := range sum {
			sum[i] += dsp.Sine(uint32(i)<<23*n) * a >> 15
		}
	}
	for i, v := range sum {
		k.wave[i] = int16(max(-32768, min(v, 32767)))
	}
}

func distance(a, b uint32) uint32 { return max(a, b) - min(a, b) }

func TestFaxDetectorTakesAnyBlocks(t *testing.T) {
	pcm := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: -24}}).Run(slices.Concat(
		tone(1100, 500*ms), make([]int16, 300), ansam(3000*ms), make([]int16, 600), preamble(1000*ms)))
	want := detect(pcm)
	if told(want) != "cng ansam preamble" {
		t.Fatalf("heard %v", want)
	}
	for _, size := range []int{1, 7, 20, 333} {
		var d dsp.FaxDetector
		var got []dsp.FaxEvent
		for rest := pcm; len(rest) > 0; {
			n := min(size, len(rest))
			got = d.Feed(got, rest[:n])
			rest = rest[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("blocks of %d: %v, want %v", size, got, want)
		}
	}
	var d dsp.FaxDetector
	d.Feed(nil, pcm[:7000])
	d.Reset()
	if d != (dsp.FaxDetector{}) {
		t.Error("Reset left something")
	}
}

func TestFaxToneNames(t *testing.T) {
	for tone, want := range []string{"no fax tone", "cng", "ced", "ansam", "reversal", "preamble"} {
		if got := dsp.FaxTone(tone).String(); got != want {
			t.Errorf("tone %d is %q, want %q", tone, got, want)
		}
	}
}

func TestFaxDetectorAllocatesNothing(t *testing.T) {
	var d dsp.FaxDetector
	var f dsp.AnswerFlattener
	g := dsp.NewANSam(-14)
	events := make([]dsp.FaxEvent, 0, 16)
	block := make([]int16, 160)
	if n := testing.AllocsPerRun(300, func() { g.Read(block); events = d.Feed(events[:0], block); f.Apply(block) }); n != 0 {
		t.Errorf("%v allocations a block", n)
	}
}

func BenchmarkFaxDetector(b *testing.B) {
	for _, tt := range []struct {
		name string
		pcm  []int16
	}{{"silence", make([]int16, 160)}, {"preamble", preamble(8000)}, {"ansam", ansam(8000)}} {
		b.Run(tt.name, func(b *testing.B) {
			var d dsp.FaxDetector
			events := make([]dsp.FaxEvent, 0, 64)
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				if at+160 > len(tt.pcm) {
					at = 0
				}
				events = d.Feed(events[:0], tt.pcm[at:at+160])
				at += 160
			}
		})
	}
}
