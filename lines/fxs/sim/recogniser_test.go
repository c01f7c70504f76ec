package sim

import (
	"testing"

	"tipring/etc"
	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

const second = dsp.SampleRate

func country(t testing.TB, code string) *fxs.Country {
	t.Helper()
	c, err := fxs.LoadCountry(etc.Tones, code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every tone of every country is known for what it is, or for one that sounds alike,
// before its cadence has gone round two and a half times; and never for another.
func TestEveryToneIsRecognised(t *testing.T) {
	for _, code := range fxs.Countries(etc.Tones) {
		c := country(t, code)
		for want, signal := range c.Tones {
			segments, _ := signal.Segments()
			cycle := 0
			for _, s := range segments {
				cycle += s.Samples
			}
			limit := max(5*cycle/2, 3*second)
			r := newRecogniser(c)
			r.hear(make([]int16, second))
			var tone dsp.Tone
			tone.Start(signal)
			pcm := make([]int16, 160)
			found := false
			for at := 0; at < limit && !found; at += len(pcm) {
				tone.Read(pcm)
				r.hear(pcm)
				got, ok := r.tone()
				if !ok {
					continue
				}
				found = true
				if !alike(c.Tones[got], signal) {
					t.Errorf("%s: %v taken for %v after %d ms", code, fxs.Tone(want), got, at/8)
				}
			}
			if !found {
				t.Errorf("%s: %v not recognised in %d ms", code, fxs.Tone(want), limit/8)
			}
		}
	}
}

// alike tells whether two tones have the same sounds and cadence, whatever their levels.
func alike(a, b *dsp.Signal) bool {
	segmentsA, repeatA := a.Segments()
	segmentsB, repeatB := b.Segments()
	for i, k, n := 0, 0, 0; n < 8; n++ {
		x, y := segmentsA[i], segmentsB[k]
		if x.Samples != y.Samples || len(x.Partials) != len(y.Partials) {
			return false
		}
		for p := range x.Partials {
			if x.Partials[p].Hz != y.Partials[p].Hz {
				return false
			}
		}
		if i++; i == len(segmentsA) {
			i = repeatA
		}
		if k++; k == len(segmentsB) {
			k = repeatB
		}
	}
	return true
}

func TestToneAfterToneIsRecognised(t *testing.T) {
	for _, code := range []string{"us", "gb", "de", "fr", "au"} {
		c := country(t, code)
		r := newRecogniser(c)
		for _, want := range []fxs.Tone{fxs.DialTone, fxs.Reorder, fxs.Howler, fxs.Ringback, fxs.Busy, fxs.DialTone} {
			var tone dsp.Tone
			tone.Start(c.Tones[want])
			pcm := make([]int16, 9*second)
			tone.Read(pcm)
			r.hear(pcm)
			if got, ok := r.tone(); !ok || !alike(c.Tones[got], c.Tones[want]) {
				t.Errorf("%s: %v is taken for %v (%v), %v", code, want, got, ok, r.runs)
			}
		}
		r.hear(make([]int16, 12*second))
		if got, ok := r.tone(); ok {
			t.Errorf("%s: hears %v in silence", code, got)
		}
	}
}

func TestKeysAndNoiseAreNoTone(t *testing.T) {
	for _, code := range fxs.Countries(etc.Tones) {
		r := newRecogniser(country(t, code))
		g := dsp.NewDTMFGenerator(-9, -7)
		pcm := make([]int16, 160)
		for i := range 500 {
			if i%10 == 0 {
				g.Press("0123456789*#"[i/10%12], 800, 800)
			}
			g.Read(pcm)
			r.hear(pcm)
			if got, ok := r.tone(); ok {
				t.Fatalf("%s: keys are taken for %v", code, got)
			}
		}
		seed := uint32(1)
		for range 500 {
			for i := range pcm {
				seed = seed*1664525 + 1013904223
				pcm[i] = int16(seed>>16) / 4
			}
			r.hear(pcm)
			if got, ok := r.tone(); ok {
				t.Fatalf("%s: noise is taken for %v", code, got)
			}
		}
	}
}
