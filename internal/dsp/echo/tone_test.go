package echo

import "testing"

// G.168 tests 6 and 7: a tone, however long, teaches the filter nothing wrong. After it
// speech is cancelled as before, and its own echo stays weak. Nor does a tone do harm that
// comes before anything else.
func TestTones(t *testing.T) {
	for _, tt := range []struct {
		name string
		hz   []float64
	}{
		{"dial tone", []float64{350, 440}},
		{"dial tone, Europe", []float64{425}},
		{"ringback", []float64{440, 480}},
		{"DTMF 1", []float64{697, 1209}},
		{"DTMF D", []float64{941, 1633}},
		{"answer tone", []float64{2100}},
		{"300 Hz", []float64{300}},
		{"3400 Hz", []float64{3400}},
	} {
		for _, n := range []int{0, 5, 7} {
			p := echoPaths[n]
			x := quantized(join(css(2, -16, 1), tone(3, -13, tt.hz...), silence(0.5), css(1, -16, 3)))
			h := hold(x, p.of(x), false, whiteNoise(6.5, -60, 9))
			before, during, after := h.loss(1, 2), h.loss(2.2, 5), h.loss(5.5, 5.75)
			x = quantized(join(tone(2, -13, tt.hz...), css(1.5, -16, 3)))
			h = hold(x, p.of(x), false, whiteNoise(3.5, -60, 9))
			first, then := h.loss(0.5, 2), h.loss(2.5, 3)
			t.Logf("%-18s %-14s %5.1f dB before, %5.1f during, %5.1f after; %5.1f if first, %5.1f then",
				tt.name, p.name, before, during, after, first, then)
			if after < before-3 {
				t.Errorf("%s, %s: %.1f dB before it, %.1f after", tt.name, p.name, before, after)
			}
			if during < 15 {
				t.Errorf("%s, %s: its own echo is weakened by %.1f dB only", tt.name, p.name, during)
			}
			if first < -1 || then < 25 {
				t.Errorf("%s, %s: %.1f dB while it comes first, %.1f with speech half a second later", tt.name, p.name, first, then)
			}
		}
	}
}

// The near party talks, or dials, while the far end plays a tone: what was learnt before
// must survive that, too.
func TestToneUnderDoubleTalk(t *testing.T) {
	for _, hz := range [][]float64{{350, 440}, {1000}, {2100}} {
		for _, near := range [][]float64{speech(3, -16, 6, 175), tone(3, -12, 770, 1336)} {
			x := quantized(join(css(2, -16, 1), tone(3, -16, hz...), css(1, -16, 3)))
			h := hold(x, echoPaths[4].of(x), false, whiteNoise(6, -65, 9), join(silence(2), near))
			if before, after := h.loss(1, 2), h.loss(5, 5.25); after < before-6 {
				t.Errorf("%v Hz: %.1f dB before, %.1f after", hz, before, after)
			}
		}
	}
}
