package dsp_test

import (
	"math"
	"slices"
	"testing"

	"tipring/internal/dsp"
	"tipring/internal/dsp/line"
)

func levelAt(pcm []int16, hz float64) float64 {
	g := dsp.NewGoertzel(hz, len(pcm))
	g.Feed(pcm)
	return g.DBm0()
}

func TestCNGSignal(t *testing.T) {
	pcm := played(dsp.CNGSignal(-11), 7000*ms)
	for at, burst := range map[int]bool{0: true, 500: false, 3400: false, 3500: true, 3900: true, 4000: false} {
		if got := levelAt(pcm[at*ms:(at+100)*ms], 1100); burst != (math.Abs(got+11) < 0.05) || burst == math.IsInf(got, -1) {
			t.Errorf("after %d ms: %.2f dBm0", at, got)
		}
	}
}

func TestCEDSignal(t *testing.T) {
	var tone dsp.Tone
	tone.Start(dsp.CEDSignal(-12, 3000*ms))
	out := make([]int16, 4000*ms)
	if n := tone.Read(out); n != 3000*ms {
		t.Errorf("%d ms long, want 3000", n/ms)
	}
	if got := levelAt(out[:3000*ms], 2100); math.Abs(got+12) > 0.05 {
		t.Errorf("%.2f dBm0, want -12", got)
	}
}

// V.8: the envelope varies between 0.8 and 1.2 of its mean 15 times a second, the phase
// is reversed each 450 ms.
func TestANSamGenerator(t *testing.T) {
	out := make([]int16, 3200*ms)
	dsp.NewANSam(-12).WithoutReversals().Read(out)
	for _, tt := range []struct{ hz, want float64 }{{2100, -12}, {2085, -32}, {2115, -32}} {
		if got := levelAt(out, tt.hz); math.Abs(got-tt.want) > 0.1 {
			t.Errorf("%v Hz: %.2f dBm0, want %v", tt.hz, got, tt.want)
		}
	}
	dsp.NewANS(-12).Read(out)
	for i := 450 * ms; i < len(out); i += 450 * ms {
		// 2100 Hz has a whole number of periods in 450 ms.
		for k := range 100 {
			if d := int(out[i+k]) + int(out[i-450*ms+k]); d < -2 || d > 2 {
				t.Fatalf("sample %d is not the opposite of that 450 ms before: %d, %d", i+k, out[i+k], out[i-450*ms+k])
			}
		}
	}
}

func flatten(pcm []int16) []int16 {
	var f dsp.AnswerFlattener
	out := slices.Clone(pcm)
	for rest := out; len(rest) > 0; {
		n := min(160, len(rest))
		f.Apply(rest[:n])
		rest = rest[n:]
	}
	return out
}

// What a gateway lets pass of ANSam is what a plain fax machine would have sent: no
// reversal, no swing, the same level, the same end.
func TestFlattenerMakesANSamPlain(t *testing.T) {
	for _, l := range []line.Model{
		{}, {GainDB: -28}, {GainDB: 11}, {OffsetHz: 7}, {OffsetHz: -12, Law: line.ULaw}, {Noise: line.Noise{When: line.Always, DBm0: -26}}, {Lost: []int{40, 90}},
	} {
		in := line.New(l).Run(slices.Concat(make([]int16, 1003), ansam(3000*ms), make([]int16, 1000)))
		out := flatten(in)
		events := detect(out)
		if told(events) != "ced" || count(events, dsp.Reversal) > 0 {
			t.Errorf("%+v: what passes is %v", l, events)
		}
		steady := out[1500 : 1500+2800*ms]
		if got, want := levelAt(steady[3200:], 2100), -14+l.GainDB; math.Abs(got-want) > 0.5 {
			t.Errorf("%+v: %.2f dBm0, want %.2f", l, got, want)
		}
		for at := 0; at+8*ms <= len(steady); at += ms { // nowhere does the phase jump
			if got, want := levelAt(steady[at:at+8*ms], 2100), -14+l.GainDB; math.Abs(got-want) > 2.2 {
				t.Errorf("%+v: %.2f dBm0 after %d ms, want %.2f", l, got, at/ms, want)
				break
			}
		}
		if l.Noise.When == line.Never {
			var m dsp.Meter
			m.Add(out[len(out)-1000+140+33*ms:])
			if m.MeanSquare() > 4 {
				t.Errorf("%+v: goes on after the tone, with %.1f dBm0", l, m.DBm0())
			}
		}
	}
}

func TestFlattenerLeavesOtherSoundsAlone(t *testing.T) {
	voice := make([]int16, 20000)
	new(talker).read(voice)
	hiss := make([]int16, 20000)
	newHiss(-20).read(hiss)
	for name, pcm := range map[string][]int16{
		"silence": make([]int16, 8000), "CNG": tone(1100, 500*ms), "a preamble": preamble(1000 * ms),
		"2225 Hz": tone(2225, 1000*ms), "2000 Hz": tone(2000, 1000*ms), "voice": voice, "noise": hiss,
	} {
		if !slices.Equal(flatten(pcm), pcm) {
			t.Errorf("%s was changed", name)
		}
	}
}

// The preamble that follows an answer tone after 75 ms passes whole.
func TestFlattenerEndsWithTheTone(t *testing.T) {
	for _, tt := range []struct{ pause, changed int }{{75 * ms, 0}, {20 * ms, 10 * ms}, {0, 10 * ms}} {
		pcm := slices.Concat(tone(2100, 3000*ms), make([]int16, tt.pause), preamble(1000*ms))
		out := flatten(pcm)
		from := 3000*ms + tt.pause + tt.changed
		if !slices.Equal(out[from:], pcm[from:]) {
			t.Errorf("a preamble %d ms after the tone was changed beyond %d ms", tt.pause/ms, tt.changed/ms)
		}
	}
	var f dsp.AnswerFlattener
	f.Apply(tone(2100, 100*ms))
	if !f.On() {
		t.Error("not on after 100 ms of the tone")
	}
	f.Apply(make([]int16, 50*ms))
	if f.On() {
		t.Error("on 50 ms after the tone")
	}
}
