package modem

import (
	"fmt"
	"slices"
	"testing"

	"tipring/internal/dsp/line"
)

// heardOver sends a burst over a line and counts the errors; a burst that was not
// understood has as many as bits.
func heardOver(m Mode, dBm0 float64, sent []byte, model line.Model) int {
	var l burstListener
	l.start(m, false)
	l.hear(line.New(model).Run(append(burst(m, false, false, dBm0, sent), make([]int16, 800)...)))
	return l.errors(sent)
}

// everything is what a legal line may do at once: the clock of each end is off by 100 ppm,
// the carrier by 7 Hz, the band is that of G.712 and the samples travel as µ-law.
var everything = line.Model{SkewPPM: 200, OffsetHz: 7, Band: true, Law: line.ULaw}

// The signal-to-noise ratios, dB in 0 to 4000 Hz, from which on bursts of half a second
// and more are free of errors, on a good line and on everything at once. They are 1 to 3 dB
// below those of spandsp 0.0.6, which are 10, 17, 20, 23, 14, 18, 22 and 25 on a good line.
var errorFree = map[Mode]struct{ good, bad float64 }{
	V27ter2400: {9, 9},
	V27ter4800: {15.5, 15.5},
	V29At7200:  {16, 16},
	V29At9600:  {20.5, 20.5},
	V17At7200:  {12.5, 12.5},
	V17At9600:  {16, 16},
	V17At12000: {18.5, 19},
	V17At14400: {21.5, 22},
}

func TestBitsAreRightInNoise(t *testing.T) {
	for _, m := range qamModes() {
		for _, seed := range []uint64{1, 2, 3} {
			sent := v21Random(10000, seed)
			for _, c := range []struct {
				name  string
				model line.Model
				snr   float64
			}{
				{"good", line.Model{}, errorFree[m].good},
				{"bad", everything, errorFree[m].bad},
			} {
				c.model.Noise, c.model.Seed = line.SNR(c.snr, -14), seed
				if n := heardOver(m, -14, sent, c.model); n != 0 {
					t.Errorf("%v, %s line, %.1f dB, seed %d: %d of %d bits wrong", m, c.name, c.snr, seed, n, len(sent))
				}
			}
		}
	}
}

// One impairment each, at a ratio of 30 dB.
func TestImpairmentsAreSurvived(t *testing.T) {
	fast := map[Mode]line.Model{ // fax.md's mark: at 9600 and at 14400
		V29At9600:  {EchoMS: 3, EchoDB: -14, JitterHz: 60, JitterDeg: 10},
		V17At9600:  {EchoMS: 3, EchoDB: -14, JitterHz: 60, JitterDeg: 10},
		V17At14400: {EchoMS: 3, EchoDB: -20, JitterHz: 60, JitterDeg: 5},
	}
	for _, m := range qamModes() {
		models := map[string]line.Model{
			"carrier 12 Hz low":      {OffsetHz: -12},
			"carrier 12 Hz high":     {OffsetHz: 12},
			"clock 250 ppm slow":     {SkewPPM: -250},
			"clock 250 ppm fast":     {SkewPPM: 250},
			"echo of -14 dB at 3 ms": {EchoMS: 3, EchoDB: -14},
			"echo of -10 dB at 1 ms": {EchoMS: 1, EchoDB: -10},
			"slope of 15 dB":         {SlopeDB: 15},
			"slope of -15 dB":        {SlopeDB: -15},
			"jitter of 5 degrees":    {JitterHz: 60, JitterDeg: 5},
			"µ-law":                  {Law: line.ULaw},
			"A-law":                  {Law: line.ALaw},
		}
		if model, ok := fast[m]; ok {
			models["echo and jitter"] = model
		}
		sent := v21Random(m.BitRate(), 3)
		for name, model := range models {
			model.Noise, model.Seed = line.SNR(30, -14), 4
			if n := heardOver(m, -14, sent, model); n != 0 {
				t.Errorf("%v, %s: %d of %d bits wrong", m, name, n, len(sent))
			}
		}
	}
}

// The clock of a machine that is off by 250 ppm is followed for as long as a page lasts.
func TestClockIsFollowed(t *testing.T) {
	for _, m := range []Mode{V27ter2400, V27ter4800, V17At14400} {
		for _, ppm := range []float64{-250, 250} {
			sent := v21Random(m.BitRate()*10, 3)
			model := line.Model{SkewPPM: ppm, Law: line.ULaw, Noise: line.SNR(30, -14), Seed: 2}
			if n := heardOver(m, -14, sent, model); n != 0 {
				t.Errorf("%v, %v ppm: %d of %d bits wrong", m, ppm, n, len(sent))
			}
		}
	}
}

// From -43 to -3 dBm0 every level is understood, after the long training and the short.
func TestEveryLevelIsHeard(t *testing.T) {
	for _, m := range qamModes() {
		sent := v21Random(1500, 3)
		at0 := burst(m, false, false, -3, sent)
		at0short := burst(m, true, false, -3, sent)
		for dBm0 := -43.0; dBm0 <= -3; dBm0 += 2 {
			var l burstListener
			l.start(m, false)
			l.hear(line.New(line.Model{GainDB: dBm0 + 3}).Run(at0))
			checkBurst(t, &l, sent, fmt.Sprintf("%v at %v dBm0", m, dBm0))
			if schemes[m].short == 0 {
				continue
			}
			l.start(m, true)
			l.hear(line.New(line.Model{GainDB: dBm0 + 3, Law: line.ULaw}).Run(at0short))
			checkBurst(t, &l, sent, fmt.Sprintf("%v at %v dBm0, short training", m, dBm0))
		}
	}
}

// What is below -48 dBm0 is no signal (V.17 clause 3.4, V.29 clause 6, V.27ter clause 3.3).
func TestAWeakSignalIsNone(t *testing.T) {
	for _, m := range qamModes() {
		var l burstListener
		l.start(m, false)
		l.hear(line.New(line.Model{GainDB: -35}).Run(burst(m, false, false, -14, v21Random(1500, 3))))
		if len(l.statuses) != 0 {
			t.Errorf("%v at -49 dBm0: %v, want nothing", m, l.statuses)
		}
	}
}

// Noise on the line before, in and after the burst is no signal, and does not keep one
// from being heard.
func TestNoiseBeforeTheBurst(t *testing.T) {
	for _, m := range qamModes() {
		snr := 20.0
		if m == V17At14400 {
			snr = 22 // what its data needs
		}
		for _, dBm0 := range []float64{-14, -30} {
			sent := v21Random(3000, 3)
			pcm := append(make([]int16, 3*SampleRate), burst(m, false, false, dBm0, sent)...)
			pcm = append(pcm, make([]int16, SampleRate/4)...)
			var l burstListener
			l.start(m, false)
			l.hear(line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: dBm0 - snr}, Seed: 6}).Run(pcm))
			checkBurst(t, &l, sent, fmt.Sprintf("%v at %v dBm0, noise %v dB below", m, dBm0, snr))
		}
	}
}

// Bursts that follow each other by 75 ms, as T.30's do, are told apart, and the second is
// heard without another Start.
func TestBurstsOneAfterTheOther(t *testing.T) {
	for _, m := range qamModes() {
		sent := v21Random(2000, 3)
		one := burst(m, false, true, -14, sent)
		pcm := slices.Concat(one[:len(one)-1600+600], one[1600:])
		var l burstListener
		l.start(m, false)
		l.hear(pcm)
		if want := slices.Concat(onePage, onePage); !slices.Equal(l.statuses, want) {
			t.Errorf("%v: %v, want %v", m, l.statuses, want)
		}
	}
}
