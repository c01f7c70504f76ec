package line

import (
	"math"
	"slices"
	"testing"

	"tipring/internal/dsp"
)

func tone(hz, dBm0 float64, samples int) []int16 {
	var t dsp.Tone
	t.Start(dsp.Steady(dsp.Partial{Hz: hz, DBm0: dBm0}))
	out := make([]int16, samples)
	t.Read(out)
	return out
}

// level measures one frequency over the last second of a recording.
func level(pcm []int16, hz float64) float64 {
	g := dsp.NewGoertzel(hz, 8000)
	g.Feed(pcm[len(pcm)-8000:])
	return g.DBm0()
}

func TestPerfectLineChangesNothing(t *testing.T) {
	in := tone(1000, 3, 1000)
	if got := New(Model{}).Run(in); !slices.Equal(got, in) {
		t.Error("samples changed")
	}
}

func TestGainIsExact(t *testing.T) {
	for _, dB := range []float64{-33, -3, 6} {
		got := level(New(Model{GainDB: dB}).Run(tone(1000, -10, 8000)), 1000)
		if math.Abs(got-(-10+dB)) > 0.02 {
			t.Errorf("gain %v dB: %.3f dBm0 of -10", dB, got)
		}
	}
}

// The mask of ITU-T G.712 between two-wire ports, relative to 1020 Hz.
func TestBandKeepsToG712(t *testing.T) {
	for _, tt := range []struct{ hz, least, most float64 }{
		{50, -99, -24}, {60, -99, -20}, {300, -2, 0.6}, {400, -1.5, 0.6}, {600, -0.7, 0.6}, {1020, -0.02, 0.02},
		{2000, -0.7, 0.6}, {2400, -1.1, 0.6}, {3000, -3, 0.6}, {3400, -3, 0.6}, {3600, -99, -3}, {3900, -99, -20},
	} {
		got := level(New(Model{Band: true}).Run(tone(tt.hz, 0, 16000)), tt.hz)
		if got < tt.least && tt.least > -99 || got > tt.most {
			t.Errorf("%v Hz: %.2f dB, want %v to %v", tt.hz, got, tt.least, tt.most)
		}
	}
}

func TestSlopeIsStraight(t *testing.T) {
	for _, slope := range []float64{-30, -12, 6, 30} {
		for _, hz := range []float64{300, 600, 1100, 1850, 2600, 3400} {
			want := slope * (hz - 1850) / 3100
			got := level(New(Model{SlopeDB: slope}).Run(tone(hz, -15, 16000)), hz) + 15
			if math.Abs(got-want) > 0.4 {
				t.Errorf("slope %v dB: %.2f dB at %v Hz, want %.2f", slope, got, hz, want)
			}
		}
	}
}

func TestEchoComesLateAndWeaker(t *testing.T) {
	in := make([]int16, 100)
	in[10] = 10000
	got := New(Model{EchoMS: 3, EchoDB: -20}).Run(in)
	in[10+24] = 1000
	if !slices.Equal(got, in) {
		t.Errorf("an impulse gave %v", got)
	}
}

func TestOffsetMovesEveryFrequency(t *testing.T) {
	for _, offset := range []float64{-30, -7, 7, 60} {
		for _, hz := range []float64{300, 1700, 3400} {
			out := New(Model{OffsetHz: offset}).Run(tone(hz, -10, 16000))
			if got := level(out, hz+offset); math.Abs(got+10) > 0.05 {
				t.Errorf("%v Hz moved by %v Hz: %.2f dBm0 there, want -10", hz, offset, got)
			}
			if got := level(out, hz-offset); got > -65 {
				t.Errorf("%v Hz moved by %v Hz: image of %.2f dBm0", hz, offset, got)
			}
		}
	}
}

// A small swing of b radians has sidebands of b/2.
func TestJitterSwingsThePhase(t *testing.T) {
	out := New(Model{JitterHz: 60, JitterDeg: 5}).Run(tone(1800, -10, 16000))
	want := -10 + 20*math.Log10(5*math.Pi/180/2)
	for _, hz := range []float64{1740, 1860} {
		if got := level(out, hz); math.Abs(got-want) > 0.1 {
			t.Errorf("sideband at %v Hz: %.2f dBm0, want %.2f", hz, got, want)
		}
	}
}

func TestSkewMovesTheClockAndNothingElse(t *testing.T) {
	for _, ppm := range []float64{-1500, -200, 200, 1500} {
		for _, hz := range []float64{400, 1800, 3400} {
			in := tone(hz, -10, 24000)
			out := New(Model{SkewPPM: ppm}).Run(in)
			if want := float64(len(in)) / (1 + ppm/1e6); math.Abs(float64(len(out))-want) > 26 {
				t.Errorf("%v ppm: %d samples of %d, want %.0f", ppm, len(out), len(in), want)
			}
			if got := residue(out[len(out)-8000:], hz*(1+ppm/1e6)); got > -75 {
				t.Errorf("%v ppm, %v Hz: what is not the tone is %.1f dB of it", ppm, hz, got)
			}
		}
	}
}

// residue takes the best sine of a frequency out of a recording and returns the power of
// the rest over that of the sine, in dB.
func residue(pcm []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / dsp.SampleRate
	var cc, cs, ss, xc, xs, xx float64
	for i, s := range pcm {
		sin, cos := math.Sincos(w * float64(i))
		x := float64(s)
		cc, cs, ss = cc+cos*cos, cs+cos*sin, ss+sin*sin
		xc, xs, xx = xc+x*cos, xs+x*sin, xx+x*x
	}
	d := cc*ss - cs*cs
	a, b := (xc*ss-xs*cs)/d, (xs*cc-xc*cs)/d
	fitted := a*xc + b*xs
	return 10 * math.Log10((xx-fitted)/fitted)
}

func TestNoiseHasItsLevelAndIsWhite(t *testing.T) {
	out := New(Model{Noise: Noise{Always, -20}, Seed: 1}).Run(make([]int16, 80000))
	var m dsp.Meter
	m.Add(out)
	if got := m.DBm0(); math.Abs(got+20) > 0.1 {
		t.Errorf("%.2f dBm0, want -20", got)
	}
	for hz := 100.0; hz < 4000; hz += 200 { // a tenth of a second at a time tells 10 Hz: 26 dB below
		g, sum := dsp.NewGoertzel(hz, 800), 0.0
		for at := 0; at < len(out); at += 800 {
			g.Feed(out[at : at+800])
			sum += float64(g.MeanSquare())
		}
		got := 10 * math.Log10(sum/100/float64(dsp.MeanSquare(0)))
		if math.Abs(got+46) > 1.5 {
			t.Errorf("%v Hz: %.2f dBm0 in 10 Hz, want -46", hz, got)
		}
	}
}

func TestNoiseInBurstsLeavesSilence(t *testing.T) {
	in := slices.Concat(make([]int16, 2000), tone(1800, -14, 8000), make([]int16, 160), tone(1800, -14, 8000), make([]int16, 2000))
	out := New(Model{OffsetHz: 1e-9, Noise: SNR(20, -14), Seed: 5}).Run(in)
	for i, s := range out {
		burst := i >= 2000+hilbertHalf && i < len(out)-2000+hilbertHalf+burstGap
		if !burst && s != 0 && i < 2000 {
			t.Fatalf("sample %d: noise of %d before the burst", i, s)
		}
		if !burst && s != 0 && i > len(out)-1500 {
			t.Fatalf("sample %d: noise of %d after the burst", i, s)
		}
	}
	if got := LevelDBm0(out[10160+hilbertHalf : 10160+135]); math.IsInf(got, -1) {
		t.Error("no noise in a pause of 20 ms within a burst")
	}
	if got := residue(out[3000:9000], 1800); math.Abs(got+20) > 0.4 {
		t.Errorf("noise is %.2f dB of the signal, want -20", got)
	}
}

func TestCompanding(t *testing.T) {
	in := []int16{0, 5, -300, 12345, -32768}
	for law, pass := range map[Law]func(int16) int16{
		ULaw: func(s int16) int16 { return dsp.ULawDecode(dsp.ULawEncode(s)) },
		ALaw: func(s int16) int16 { return dsp.ALawDecode(dsp.ALawEncode(s)) },
	} {
		for i, got := range New(Model{Law: law}).Run(in) {
			if got != pass(in[i]) {
				t.Errorf("law %v: %d became %d", law, in[i], got)
			}
		}
	}
}

func TestLostFramesAreSilence(t *testing.T) {
	in := slices.Repeat([]int16{1}, 100*frameSamples)
	out := New(Model{Lost: []int{0, 3, 4}}).Run(in)
	for f := range 100 {
		want := int16(1)
		if f == 0 || f == 3 || f == 4 {
			want = 0
		}
		for i, got := range out[f*frameSamples : (f+1)*frameSamples] {
			if got != want {
				t.Fatalf("frame %d sample %d: %d, want %d", f, i, got, want)
			}
		}
	}
	lost := 0
	for f, s := range New(Model{LossPct: 10, Seed: 2}).Run(slices.Repeat([]int16{1}, 1000*frameSamples)) {
		if f%frameSamples == 0 && s == 0 {
			lost++
		}
	}
	if lost < 70 || lost > 130 {
		t.Errorf("%d of 1000 frames lost at 10 %%", lost)
	}
}

func TestBlocksDoNotMatter(t *testing.T) {
	m := Model{
		SkewPPM: 137, GainDB: -5, Band: true, SlopeDB: 6, EchoMS: 2, EchoDB: -15, OffsetHz: 7, JitterHz: 60, JitterDeg: 5,
		Noise: SNR(20, -19), Law: ALaw, Lost: []int{7}, LossPct: 5, Seed: 9,
	}
	in := slices.Concat(make([]int16, 500), tone(1800, -14, 8000), make([]int16, 500))
	want := New(m).Run(in)
	for _, size := range []int{1, 7, 160, 1000} {
		l := New(m)
		var got []int16
		for rest := in; len(rest) > 0; {
			n := min(size, len(rest))
			got = l.Append(got, rest[:n])
			rest = rest[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("blocks of %d samples give another result than one block", size)
		}
	}
}

func BenchmarkAll(b *testing.B) {
	l := New(Model{
		SkewPPM: 137, GainDB: -5, Band: true, SlopeDB: 6, EchoMS: 2, EchoDB: -15, OffsetHz: 7, JitterHz: 60, JitterDeg: 5,
		Noise: SNR(20, -19), Law: ULaw, LossPct: 5,
	})
	in := tone(1800, -14, 160)
	var out []int16
	for b.Loop() {
		out = l.Append(out[:0], in)
	}
}
