package spandsp

import (
	"math"
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp"
	"tipring/internal/dsp/talker"
)

const allKeys = "1234567890*#ABCD"

// heardDTMF is what our detector hears.
func heardDTMF(pcm []int16) (keys string) {
	var d dsp.DTMFDetector
	for _, e := range d.Feed(nil, pcm) {
		if e.Down {
			keys += string(e.Key)
		}
	}
	return keys
}

// saidDTMF is digits as our generator sends them, with noise at that level.
func saidDTMF(digits string, low, high float64, on, off int, noise float64) []int16 {
	g := dsp.NewDTMFGenerator(low, high)
	for i := range len(digits) {
		g.Press(digits[i], on*8, off*8)
	}
	pcm := make([]int16, 1600+len(digits)*(on+off)*8)
	g.Read(pcm[800:])
	r, sigma := rand.New(rand.NewPCG(1, 2)), math.Sqrt(float64(dsp.MeanSquare(noise)))
	for i := range pcm {
		pcm[i] = int16(max(-32768, min(float64(pcm[i])+r.NormFloat64()*sigma, 32767)))
	}
	return pcm
}

// Either hears the other's digits, and they agree on digits within the limits of ITU-T Q.24.
func TestDTMFOfEitherIsHeardByTheOther(t *testing.T) {
	for _, timing := range [][2]int{{50, 50}, {70, 55}, {100, 100}} {
		pcm, err := SendDTMF(allKeys, timing[0], timing[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := heardDTMF(append(pcm, make([]int16, 800)...)); got != allKeys {
			t.Errorf("%d ms on, %d off: spandsp's are heard as %q", timing[0], timing[1], got)
		}
	}
	for _, tt := range []struct {
		name             string
		low, high, noise float64
		on, off          int
	}{
		{"as sent", dsp.DTMFLowDBm0, dsp.DTMFHighDBm0, -70, 100, 100},
		{"fast", dsp.DTMFLowDBm0, dsp.DTMFHighDBm0, -70, 50, 50},
		{"loud", -3, -3, -70, 70, 70},
		{"faint", -25, -25, -60, 70, 70},
		{"high stronger by 3 dB", -14, -11, -60, 70, 70},
		{"low stronger by 6 dB", -8, -14, -60, 70, 70},
		{"20 dB over noise", -12, -12, -32, 70, 70},
	} {
		pcm := saidDTMF(allKeys, tt.low, tt.high, tt.on, tt.off, tt.noise)
		theirs, err := HearDTMF(pcm)
		if err != nil {
			t.Fatal(err)
		}
		if ours := heardDTMF(pcm); theirs != allKeys || ours != allKeys {
			t.Errorf("%s: spandsp hears %q, we %q", tt.name, theirs, ours)
		}
	}
}

// In half an hour of voices we hear no more digits than spandsp.
func TestDTMFInSpeechBesideSpandsp(t *testing.T) {
	ours, theirs := 0, 0
	for seed, pitch := range []float64{95, 130, 180, 230, 290, 350} {
		pcm := talker.Speech(uint64(seed+1), talker.Config{PitchHz: pitch, LevelDBm0: -14, NoiseDBm0: -50}, 300)
		digits, err := HearDTMF(pcm)
		if err != nil {
			t.Fatal(err)
		}
		theirs += len(digits)
		ours += len(heardDTMF(pcm))
	}
	t.Logf("digits in half an hour of voices: %d, spandsp %d", ours, theirs)
	if ours > theirs {
		t.Errorf("%d digits heard in speech, spandsp hears %d", ours, theirs)
	}
}
