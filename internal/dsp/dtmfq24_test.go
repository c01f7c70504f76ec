package dsp

import (
	"math/rand"
	"testing"
)

// rate is how many of the sixteen keys at eight places in a step are heard, in tries turns.
func rate(tries int, b burst, noise func([]int16)) (heard, of int) {
	for range tries {
		for _, key := range []byte(dtmfKeys) {
			for offset := 0; offset < stepSamples; offset += 5 {
				b.key = key
				pcm := join(silence(800+offset), b.pcm(), silence(800))
				if noise != nil {
					noise(pcm)
				}
				got, _ := hear(new(DTMFDetector), pcm)
				of++
				if got == string(key) {
					heard++
				}
			}
		}
	}
	return heard, of
}

// What ITU-T Q.24 Annex A asks of receivers, and between its limits where this one decides.
func TestDTMFOverItsRange(t *testing.T) {
	r := rand.New(rand.NewSource(24))
	with := func(noiseDBm0 float64) func([]int16) { return func(pcm []int16) { addNoise(r, pcm, noiseDBm0) } }
	for _, tt := range []struct {
		name   string
		b      burst
		noise  func([]int16)
		atMost float64 // share that may be missed
		none   bool    // nothing may be heard
	}{
		{name: "0 dBm0 a tone", b: burst{samples: 40 * ms}},
		{name: "-3 dBm0 a tone", b: burst{low: -3, high: -3, samples: 40 * ms}},
		{name: "-25 dBm0 a tone", b: burst{low: -25, high: -25, samples: 40 * ms}},
		{name: "-30 dBm0 a tone", b: burst{low: -30, high: -30, samples: 40 * ms}},
		{name: "-40 dBm0 a tone", b: burst{low: -40, high: -40, samples: 100 * ms}, none: true},
		{name: "high stronger by 4 dB", b: burst{low: -14, high: -10, samples: 40 * ms}},
		{name: "low stronger by 8 dB", b: burst{low: -10, high: -18, samples: 40 * ms}},
		{name: "20 dB over noise", b: burst{low: -15, high: -15, samples: 40 * ms}, noise: with(-35)},
		{name: "15 dB over noise", b: burst{low: -15, high: -15, samples: 40 * ms}, noise: with(-30), atMost: 0.001},
		{name: "15 dB over noise, 1.5 % low", b: burst{low: -15, high: -15, lowPct: -1.5, highPct: -1.5, samples: 40 * ms}, noise: with(-30), atMost: 0.005},
		{name: "15 dB over noise, low stronger by 6 dB", b: burst{low: -9, high: -15, samples: 40 * ms}, noise: with(-30), atMost: 0.005},
		{name: "22 ms", b: burst{low: -10, high: -10, samples: 22 * ms}, none: true},
		{name: "3.5 % off, 15 dB over noise", b: burst{low: -15, high: -15, lowPct: 3.5, highPct: 3.5, samples: 60 * ms}, noise: with(-30), none: true},
	} {
		heard, of := rate(8, tt.b, tt.noise)
		if tt.none && heard > 0 || !tt.none && float64(of-heard) > tt.atMost*float64(of) {
			t.Errorf("%s: %d of %d heard", tt.name, heard, of)
		}
	}
}

// Sixteen keys at 40 ms and as long a pause, ten thousand of them in noise: 12.5 a second, Q.24's
// fastest. One in ten thousand may be missed.
func TestDTMFTenThousandKeys(t *testing.T) {
	r := rand.New(rand.NewSource(25))
	var d DTMFDetector
	var keys, got []byte
	g := NewDTMFGenerator(-13, -10)
	frame := make([]int16, 80*ms)
	var events []DTMFEvent
	n := 10000
	if testing.Short() {
		n = 2000
	}
	for range n {
		key := dtmfKeys[r.Intn(16)]
		keys = append(keys, key)
		g.Press(key, 40*ms, 40*ms)
		clear(frame)
		g.Read(frame)
		addNoise(r, frame, -30)
		for _, e := range d.Feed(events[:0], frame) {
			if e.Down {
				got = append(got, e.Key)
			}
		}
	}
	wrong := 0
	for i, j := 0, 0; i < len(keys); i++ {
		if j < len(got) && got[j] == keys[i] {
			j++
		} else {
			wrong++
		}
	}
	if wrong > n/10000+1 || len(got) > n {
		t.Errorf("%d of %d keys missed, %d heard", wrong, n, len(got))
	}
}
