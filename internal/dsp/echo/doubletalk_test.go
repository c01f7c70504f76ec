package echo

import (
	"math"
	"testing"
)

var talkers = []struct {
	name   string
	signal func(seconds, dBm0 float64) []float64
}{
	{"CSS", func(s, l float64) []float64 { return css2(s, l, 11) }},
	{"speech", func(s, l float64) []float64 { return speech(s, l, 12, 180) }},
	{"speech, same pitch", func(s, l float64) []float64 { return speech(s, l, 13, 110) }},
}

// G.168 tests 3A and 3B: while both talk, the loss of the echo stays within 6 dB of what the
// filter would have achieved had it been frozen when the near party began, however loud he
// is; and is there at once afterwards. The first row of each is the frozen one.
func TestDoubleTalk(t *testing.T) {
	const start, end, total = 3, 7, 9
	t.Logf("%-18s %-20s %5s %-14s %6s %6s  dB", "far", "near", "dBm0", "path", "during", "after")
	for _, s := range sources {
		if s.name != "CSS -16" && s.name != "speech, low, -16" && s.name != "speech, high, -16" {
			continue
		}
		x := quantized(s.signal(total))
		for _, p := range []int{4, 7} {
			echo, noise := echoPaths[p].of(x), whiteNoise(total, -70, 9)
			alone := hold(x[:start*8000], echo[:start*8000], false, noise[:start*8000])
			frozen := alone.c.front.loss(x[start*8000:end*8000], echo[start*8000:end*8000])
			t.Logf("%-18s %-20s %5s %-14s %6.1f", s.name, "", "", echoPaths[p].name, frozen)
			for _, near := range talkers {
				for _, level := range []float64{-12, -31} {
					talk := join(silence(start), near.signal(end-start, level))
					h := hold(x, echo, false, noise, talk)
					during, after := h.loss(start, end), h.loss(end, total)
					t.Logf("%-18s %-20s %5.0f %-14s %6.1f %6.1f", s.name, near.name, level, echoPaths[p].name, during, after)
					if during < frozen-6 || after < min(s.after, frozen-6) {
						t.Errorf("%s, %s %.0f dBm0, %s: %.1f dB, then %.1f, want %.1f less 6", s.name, near.name, level, echoPaths[p].name, during, after, frozen)
					}
				}
			}
		}
	}
}

// G.168 test 3C: both talk from the first moment on. The filter converges in the gaps.
func TestDoubleTalkFromTheStart(t *testing.T) {
	for _, s := range sources {
		x := quantized(s.signal(8))
		for _, near := range talkers {
			h := hold(x, echoPaths[3].of(x), false, near.signal(5, -20), whiteNoise(8, -70, 9))
			t.Logf("%-18s %-20s %6.1f %6.1f %6.1f dB, alone %6.1f", s.name, near.name, h.loss(1, 2), h.loss(2, 3), h.loss(3, 5), h.loss(6, 8))
			if got := h.loss(6, 8); got < s.after {
				t.Errorf("%s, %s: %.1f dB 1 s after the near party has stopped", s.name, near.name, got)
			}
		}
	}
}

// The near party passes as loud as he is while both talk, with the nonlinear processor on:
// no syllable of his loses more than 6 dB.
func TestDoubleTalkKeepsTheNearParty(t *testing.T) {
	const start, total = 3, 7
	for _, s := range sources[:6] {
		x := quantized(s.signal(total))
		echo, noise := echoPaths[2].of(x), whiteNoise(total, -65, 9)
		for _, near := range talkers {
			for _, level := range []float64{-10, -20} {
				talk := join(silence(start), near.signal(total-start, level))
				h := hold(x, echo, true, noise, talk)
				lost, syllables := 0, 0
				var worst float64
				for i := start * 8000; i+320 < len(talk); i += 320 { // 40 ms
					if dBm0(talk[i:i+320]) < level-12 {
						continue
					}
					syllables++
					cost := dBm0(h.others[i:i+320]) - dBm0(h.out[i:i+320])
					worst = math.Max(worst, cost)
					if cost > 6 {
						lost++
					}
				}
				t.Logf("%-18s %-20s %4.0f dBm0: %d of %d lost, at most %.1f dB", s.name, near.name, level, lost, syllables, worst)
				if lost*50 > syllables {
					t.Errorf("%s, %s %.0f dBm0: %d of %d stretches of 40 ms lost more than 6 dB", s.name, near.name, level, lost, syllables)
				}
			}
		}
	}
}

// loss returns what the filter as it stands would achieve.
func (f *front) loss(far, echo []float64) float64 {
	h := make(path, len(f.taps))
	for k, tap := range f.taps {
		h[len(h)-1-k] = float64(tap) / (1 << tapBits)
	}
	rest := h.of(far)
	n := len(h) // the tail before the first sample is not known
	for i := range rest {
		rest[i] = echo[i] - rest[i]
	}
	return 10 * math.Log10(power(echo[n:])/power(rest[n:]))
}
