package echo

import (
	"math"
	"testing"
)

// coloured is noise as behind a telephone: more of it at low frequencies.
func coloured(seconds, dBm0 float64) []float64 {
	x := whiteNoise(seconds, 0, 21)
	var last float64
	for i, v := range x {
		last = 0.85*last + v
		x[i] = last
	}
	return scale(x, math.Sqrt(fullPower*math.Pow(10, dBm0/10)))
}

// tilt returns by how many dB a signal is stronger below than above 1 kHz or so.
func tilt(x []float64) float64 {
	low, high := make([]float64, len(x)), make([]float64, len(x))
	for i := 1; i < len(x); i++ {
		low[i], high[i] = x[i]+x[i-1], x[i]-x[i-1]
	}
	return dBm0(low) - dBm0(high)
}

// G.168 test 9: the background is heard as loud, within 3 dB, and of the same colour,
// whether the far party talks or not; no 20 ms of it drop out.
func TestBackgroundIsNotChopped(t *testing.T) {
	for _, level := range []float64{-60, -50, -40} {
		for _, s := range []int{0, 3, 4} {
			x := quantized(join(silence(3), sources[s].signal(6), silence(1)))
			noise := coloured(10, level)
			h := hold(x, echoPaths[1].of(x), true, noise)
			alone, during := h.out[8000:3*8000], h.out[5*8000:9*8000]
			t.Logf("%-18s background %.0f dBm0: alone %.1f, under the far party %.1f; tilt %.1f and %.1f dB",
				sources[s].name, level, dBm0(alone), dBm0(during), tilt(alone), tilt(during))
			if d := dBm0(during) - dBm0(alone); math.Abs(d) > 3 {
				t.Errorf("%s: background of %.0f dBm0 is %.1f dB louder under the far party", sources[s].name, level, d)
			}
			if d := tilt(during) - tilt(alone); math.Abs(d) > 4 {
				t.Errorf("%s: background of %.0f dBm0 tilts by %.1f dB more under the far party", sources[s].name, level, d)
			}
			gaps := 0
			for i := 0; i < len(during); i += 160 {
				if dBm0(during[i:i+160]) < level-8 {
					gaps++
				}
			}
			if gaps > 0 {
				t.Errorf("%s: background of %.0f dBm0 has %d gaps", sources[s].name, level, gaps)
			}
		}
	}
}

// The background changes while the far party talks now and then: the comfort noise follows.
func TestBackgroundChanges(t *testing.T) {
	var x []float64
	for i := range 8 {
		x = append(x, join(css(1, -16, uint64(i)), silence(1))...)
	}
	x = quantized(x)
	noise := join(coloured(8, -60), coloured(8, -42))
	h := hold(x, echoPaths[2].of(x), true, noise)
	if got := h.heard(6, 7); math.Abs(got+60) > 2 {
		t.Errorf("%.1f dBm0 under the far party, background is -60", got)
	}
	if got := h.heard(14, 15); math.Abs(got+42) > 2 {
		t.Errorf("%.1f dBm0 under the far party, background is -42", got)
	}
}

// Silence stays silence, and a near party alone passes as he is, but for direct current.
func TestFarSilent(t *testing.T) {
	x := silence(3)
	if h := hold(x, x, true); power(h.out) != 0 {
		t.Errorf("silence became %.1f dBm0", h.heard(0, 3))
	}
	talk := quantized(speech(3, -16, 5, 140))
	h := hold(x, x, true, talk)
	for i, v := range h.out {
		if math.Abs(v-h.others[i]) > 1 {
			t.Fatalf("sample %d of the near party is %.0f, was %.0f", i, v, h.others[i])
		}
	}
}
