package dsp

import (
	"math"
	"slices"
	"testing"
)

func TestSineIsASine(t *testing.T) {
	worst := 0.0
	for p := uint64(0); p < 1<<32; p += 65521 {
		want := math.Sin(2*math.Pi*float64(p)/(1<<32)) * 32768
		worst = max(worst, math.Abs(float64(Sine(uint32(p)))-want))
	}
	if worst > 2 {
		t.Errorf("off by %.2f steps of 16 bits, want at most 2", worst)
	}
}

func TestZeroDBm0IsBelowFullScaleBy3_14(t *testing.T) {
	var m Meter
	m.Add(play(Steady(Partial{1000, 0}), 8000))
	if got := m.DBm0(); math.Abs(got) > 0.01 {
		t.Errorf("a tone of 0 dBm0 measures %.3f dBm0", got)
	}
	m.Reset()
	full := make([]int16, 8000)
	for i := range full {
		full[i] = int16(math.Round(32767 * math.Sin(float64(i)*math.Pi/4)))
	}
	m.Add(full)
	if got := m.DBm0(); math.Abs(got-3.14) > 0.01 {
		t.Errorf("a full-scale sine measures %.3f dBm0, want 3.14", got)
	}
	if got := Peak(20); got != 32767 {
		t.Errorf("a level beyond full scale peaks at %d", got)
	}
}

func TestToneHasItsFrequenciesAtTheirLevelsAndNoOthers(t *testing.T) {
	s, err := ParseSignal("350@-13 + 440@-20")
	if err != nil {
		t.Fatal(err)
	}
	pcm := play(s, 8000)
	for _, tt := range []struct{ hz, want float64 }{{350, -13}, {440, -20}} {
		g := NewGoertzel(tt.hz, 8000)
		if !g.Feed(pcm) {
			t.Fatal("8000 samples are a block")
		}
		if got := g.DBm0(); math.Abs(got-tt.want) > 0.02 {
			t.Errorf("%v Hz: %.2f dBm0, want %v", tt.hz, got, tt.want)
		}
	}
	for hz := 50.0; hz < 4000; hz += 10 {
		g := NewGoertzel(hz, 8000)
		g.Feed(pcm)
		if got := g.DBm0(); hz != 350 && hz != 440 && got > -85 {
			t.Errorf("%v Hz: %.1f dBm0 where nothing should be", hz, got)
		}
	}
}

func TestModulatedToneSwings(t *testing.T) {
	s, err := ParseSignal("425*25@-10")
	if err != nil {
		t.Fatal(err)
	}
	pcm := play(s, 8000)
	for _, tt := range []struct{ hz, want float64 }{{425, -10}, {400, -16.94}, {450, -16.94}} {
		g := NewGoertzel(tt.hz, 8000)
		g.Feed(pcm)
		if got := g.DBm0(); math.Abs(got-tt.want) > 0.05 {
			t.Errorf("%v Hz: %.2f dBm0, want %v", tt.hz, got, tt.want)
		}
	}
}

func TestCadenceIsExactToTheSampleHoweverItIsRead(t *testing.T) {
	s, err := ParseSignal("!440/10,!0/5,480/20,0/30")
	if err != nil {
		t.Fatal(err)
	}
	const ms = SampleRate / 1000
	want := play(s, 400*ms)
	for at, sound := range want {
		inCycle := (at - 15*ms) % (50 * ms)
		silent := at >= 10*ms && at < 15*ms || at >= 15*ms && inCycle >= 20*ms
		if silent && sound != 0 {
			t.Fatalf("sample %d: %d in a pause", at, sound)
		}
	}
	for _, size := range []int{1, 7, 80, 160, 333} {
		var tone Tone
		tone.Start(s)
		var got []int16
		for len(got) < len(want) {
			out := make([]int16, min(size, len(want)-len(got)))
			if n := tone.Read(out); n != len(out) {
				t.Fatalf("reads of %d: %d samples only", size, n)
			}
			got = append(got, out...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("reads of %d samples give another tone than one read", size)
		}
	}
}

func TestSignalThatEnds(t *testing.T) {
	var tone Tone
	tone.Start(NewSignal(2, Segment{[]Partial{{1000, -10}}, 100}, Segment{nil, 20}))
	if !tone.Sounding() {
		t.Error("begins silent")
	}
	out := make([]int16, 500)
	if n := tone.Read(out); n != 120 {
		t.Errorf("gave %d samples, want 120", n)
	}
	if tone.Signal() != nil || tone.Sounding() {
		t.Error("still plays")
	}
	if n := tone.Read(out); n != 0 {
		t.Errorf("gave %d samples after its end", n)
	}
}

func TestToneSkipsWithinASegment(t *testing.T) {
	var tone Tone
	if n := tone.Skip(5); n != 0 {
		t.Errorf("skipped %d samples of nothing", n)
	}
	tone.Start(NewSignal(0, Segment{nil, 100}, Segment{[]Partial{{1000, -10}}, 50}))
	for _, tt := range []struct {
		n, want  int
		sounding bool
	}{{60, 60, false}, {60, 40, true}, {60, 50, false}} {
		if got := tone.Skip(tt.n); got != tt.want || tone.Sounding() != tt.sounding {
			t.Errorf("Skip(%d): %d, sounding %v; want %d, %v", tt.n, got, tone.Sounding(), tt.want, tt.sounding)
		}
	}
	tone.Start(Steady())
	if got := tone.Skip(99999); got != 99999 {
		t.Errorf("skipped %d samples of a segment without end", got)
	}
}

func TestParseSignalSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", `tone segment "": frequency "": want 20 to 3900 Hz`},
		{"350/x", `tone segment "350/x": length "x": want milliseconds, 1 to 600000`},
		{"350/0", `tone segment "350/0": length "0": want milliseconds, 1 to 600000`},
		{"350@5", `tone segment "350@5": level "5": want -60 to 3 dBm0`},
		{"NaN", `tone segment "NaN": frequency "NaN": want 20 to 3900 Hz`},
		{"350,440/10", `tone segment "350": one without a length must be the last`},
		{"350/10,!440/10", `tone segment "!440/10": a segment that is played once stands before all others`},
		{"1+2+3", `tone segment "1+2+3": frequency "1": want 20 to 3900 Hz`},
		{"100+200+300+400+500", `tone segment "100+200+300+400+500": 5 frequencies: want 4 at most`},
		{"425*500", `tone segment "425*500": modulation "500": want 1 to 200 Hz`},
	} {
		_, err := ParseSignal(tt.text)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func FuzzParseSignal(f *testing.F) {
	for _, s := range []string{"350@-13+440@-13", "!350+440/100,!0/100,350+440", "425*25/500,0/500", "0", "1e9/1", "@,/,!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSignal(text)
		if err != nil {
			return
		}
		var tone Tone
		tone.Start(s)
		out := make([]int16, 1600)
		for range 20 { // ends, or goes on for ever; hangs never
			tone.Read(out)
		}
	})
}

func TestGoertzelMeasuresBlockByBlock(t *testing.T) {
	pcm := append(play(Steady(Partial{1400, -6}), 205), play(Steady(Partial{700, -6}), 205)...)
	g := NewGoertzel(1400, 205)
	if g.Feed(pcm[:204]) {
		t.Error("complete one sample early")
	}
	if !g.Feed(pcm[204:205]) || math.Abs(g.DBm0()+6) > 0.3 {
		t.Errorf("first block: %.2f dBm0, want -6", g.DBm0())
	}
	if !g.Feed(pcm[205:]) || g.DBm0() > -35 {
		t.Errorf("second block: %.2f dBm0 of a frequency that is not there", g.DBm0())
	}
	if got, want := g.DBm0(), powerDBm0(float64(g.MeanSquare())); got != want {
		t.Errorf("%v dBm0 by one method, %v by the other", got, want)
	}
}

func TestMeanSquareIsTheInverseOfDBm0(t *testing.T) {
	for _, dBm0 := range []float64{-60, -33, -6, 0, 3.14} {
		if got := powerDBm0(float64(MeanSquare(dBm0))); math.Abs(got-dBm0) > 0.01 {
			t.Errorf("MeanSquare(%v) is of %.3f dBm0", dBm0, got)
		}
	}
}

func TestSoundMakingAndMeasuringAllocateNothing(t *testing.T) {
	var tone Tone
	s, _ := ParseSignal("440+480/20,0/20")
	tone.Start(s)
	g := NewGoertzel(440, 160)
	var m Meter
	out := make([]int16, 160)
	if n := testing.AllocsPerRun(100, func() { tone.Read(out); g.Feed(out); m.Add(out) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func play(s *Signal, n int) []int16 {
	var t Tone
	t.Start(s)
	out := make([]int16, n)
	t.Read(out)
	return out
}

func BenchmarkToneOfTwo(b *testing.B) {
	var tone Tone
	s, _ := ParseSignal("440+480/2000,0/4000")
	tone.Start(s)
	out := make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		tone.Read(out)
	}
}

func BenchmarkGoertzel(b *testing.B) {
	g := NewGoertzel(440, 160)
	in := play(Steady(Partial{440, -10}), 160)
	b.ReportAllocs()
	for b.Loop() {
		g.Feed(in)
	}
}
