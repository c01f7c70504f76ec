package fax

import (
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp"
)

// play makes seconds of a signal.
func play(t testing.TB, signal string, seconds float64) []int16 {
	t.Helper()
	s, err := dsp.ParseSignal(signal)
	if err != nil {
		t.Fatal(err)
	}
	var tone dsp.Tone
	tone.Start(s)
	out := make([]int16, int(seconds*dsp.SampleRate))
	tone.Read(out)
	return out
}

// talk makes something like speech: syllables of changing pitch and strength, with pauses.
func talk(seconds float64, seed uint64) []int16 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	n := int(seconds * dsp.SampleRate)
	out := make([]int16, 0, 2*n)
	for len(out) < n {
		pitch, formant := 100+rnd.Float64()*120, 500+rnd.Float64()*2000
		syllable := make([]int16, dsp.SampleRate*(100+rnd.IntN(200))/1000)
		var a, b dsp.Tone
		a.Start(dsp.Steady(dsp.Partial{Hz: pitch, DBm0: -22}, dsp.Partial{Hz: 3 * pitch, DBm0: -20}))
		b.Start(dsp.Steady(dsp.Partial{Hz: formant, DBm0: -20}))
		second := make([]int16, len(syllable))
		a.Read(syllable)
		b.Read(second)
		for i := range syllable {
			syllable[i] += second[i]
		}
		out = append(out, syllable...)
		out = append(out, make([]int16, dsp.SampleRate*(40+rnd.IntN(200))/1000)...)
	}
	return out[:n]
}

func join(parts ...[]int16) (all []int16) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func hear(in []int16) *Ear {
	e := NewEar()
	for len(in) > 0 {
		n := min(160, len(in))
		e.Hear(in[:n])
		in = in[n:]
	}
	return e
}

func TestEar(t *testing.T) {
	quiet := func(s float64) []int16 { return make([]int16, int(s*dsp.SampleRate)) }
	for _, tt := range []struct {
		name string
		in   []int16
		want Sound
	}{
		{"nothing", quiet(20), Nothing},
		{"a weak hum", play(t, "50@-42", 20), Nothing},
		{"a steady noise", play(t, "350+1234", 20), Nothing},
		{"dial tone", play(t, "350@-13+440@-13", 20), Nothing},

		{"busy tone of North America", play(t, "480@-24+620@-24/500,0/500", 5), BusyTone},
		{"of Germany", play(t, "425@-10/480,0/480", 5), BusyTone},
		{"of Britain", play(t, "400@-10/375,0/375", 5), BusyTone},
		{"of Japan", play(t, "400@-10/500,0/500", 5), BusyTone},
		{"of Australia", play(t, "425@-10/375,0/375", 5), BusyTone},
		{"of Israel", play(t, "400@-10/500,0/500", 5), BusyTone},
		{"not after two of its tones", play(t, "425/480,0/480", 2.2), Nothing},
		{"fast busy of North America", play(t, "480@-24+620@-24/250,0/250", 5), FastBusy},
		{"congestion of Germany", play(t, "425@-10/240,0/240", 5), FastBusy},
		{"ringback of North America", play(t, "440@-19+480@-19/2000,0/4000", 20), Ringback},
		{"of most of Europe", play(t, "425@-10/1000,0/4000", 20), Ringback},
		{"of Britain", play(t, "400@-19+450@-19/400,0/200,400@-19+450@-19/400,0/2000", 20), Ringback},
		{"special information tone", join(quiet(1), play(t, "!950/330,!1400/330,!1800/330", 1.2)), SpecialTone},
		{"that of North America", play(t, "!914@-24/380,!1371@-24/276,!1777@-24/380", 1.2), SpecialTone},
		{"falling tones", play(t, "!1800/330,!1400/330,!950/330", 1.2), Nothing},

		{"speech", talk(8, 1), Speech},
		{"one word", join(talk(0.5, 2), quiet(10)), Nothing},
		{"somebody who hangs up", join(talk(8, 3), play(t, "425/480,0/480", 10)), Speech},

		{"CED", join(quiet(1), play(t, "2100@-12", 3)), FaxTone},
		{"CNG", play(t, "1100@-12/500,0/3000", 4), FaxTone},
		{"a fax machine behind an announcement", join(talk(8, 4), quiet(1), play(t, "2100@-12", 3)), FaxTone},
		{"ringback, then a fax machine", join(play(t, "425@-10/1000,0/4000", 11), play(t, "2100@-12", 3)), FaxTone},
	} {
		if got := hear(tt.in).Sound(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A line sends back what a caller says. That is no fax machine, nor keeps it from hearing who speaks
// there, or a machine.
func TestCallersEar(t *testing.T) {
	quiet := make([]int16, 3*dsp.SampleRate)
	for _, tt := range []struct {
		name string
		in   []int16
		want Sound
		echo bool
	}{
		{"its own CNG", play(t, "1100@-12/500,0/3000", 35), Nothing, true},
		{"a weak echo of it", play(t, "1100@-35/500,0/3000", 35), Nothing, true},
		{"speech beside it", join(play(t, "1100@-12/500,0/3000", 7), talk(8, 1)), Speech, true},
		{"a fax machine behind it", join(play(t, "1100@-12/500,0/3000", 7), play(t, "2100@-12", 3)), FaxTone, false},
		{"a fax machine", play(t, "2100@-12", 3), FaxTone, false},
		{"nothing", quiet, Nothing, false},
	} {
		e := NewCallersEar()
		for in := tt.in; len(in) > 0; in = in[min(160, len(in)):] {
			e.Hear(in[:min(160, len(in))])
		}
		if e.Sound() != tt.want || e.Echo() != tt.echo || tt.want == Nothing && e.Spoke() {
			t.Errorf("%s: %v, echo %v, spoke %v, want %v", tt.name, e.Sound(), e.Echo(), e.Spoke(), tt.want)
		}
	}
}

// Whatever is said, no tone of a network is heard in it.
func TestSpeechIsNoTone(t *testing.T) {
	for seed := range uint64(20) {
		e := hear(talk(20, seed))
		if got := e.Sound(); got != Speech || !e.Spoke() {
			t.Errorf("seed %d: %v", seed, got)
		}
	}
	if hear(play(t, "425/480,0/480", 10)).Spoke() || hear(play(t, "425/1000,0/4000", 20)).Spoke() {
		t.Error("a tone spoke")
	}
	if !hear(join(talk(0.6, 2), make([]int16, 8000))).Spoke() {
		t.Error("a word was not heard")
	}
}

func BenchmarkEar(b *testing.B) {
	in := talk(1, 1)
	e := hear(in)
	b.ReportAllocs()
	for n := range b.N {
		e.Hear(in[n%50*160:][:160])
	}
}
