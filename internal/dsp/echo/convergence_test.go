package echo

import "testing"

// sources are what the far party says: as loud as 0 dBm0, as quiet as -30 (G.168 clause 6.4).
var sources = []struct {
	name   string
	signal func(seconds float64) []float64
	after  float64 // dB of loss 1 s after the start, at least
	steady float64 // and at last
	heard  float64 // dBm0 with the nonlinear processor, at most; the background is -65
}{
	{"CSS -16", func(s float64) []float64 { return css(s, -16, 1) }, 30, 40, -60},
	{"CSS 0", func(s float64) []float64 { return css(s, 0, 1) }, 30, 40, -60},
	{"CSS -30", func(s float64) []float64 { return css(s, -30, 1) }, 30, 36, -60},
	{"noise -10", func(s float64) []float64 { return whiteNoise(s, -10, 1) }, 35, 40, -60},
	{"speech, low, -16", func(s float64) []float64 { return speech(s, -16, 1, 110) }, 20, 35, -60},
	{"speech, high, -16", func(s float64) []float64 { return speech(s, -16, 2, 210) }, 20, 30, -50},
	{"speech, low, -26", func(s float64) []float64 { return speech(s, -26, 3, 120) }, 20, 35, -60},
}

// G.168 tests 1 to 2C: convergence and steady state, on every echo path, with 6 dB of return
// loss, from nothing, by the linear filter alone. With -v the figures are printed.
func TestConverges(t *testing.T) {
	t.Logf("%-18s %-14s %6s %6s %6s %6s %6s  dB", "far", "path", "0.5-1", "1-1.5", "1.5-2", "2-3", "3-5 s")
	for _, s := range sources {
		x := quantized(s.signal(5))
		for _, p := range echoPaths {
			h := hold(x, p.of(x), false, whiteNoise(5, -70, 9))
			t.Logf("%-18s %-14s %6.1f %6.1f %6.1f %6.1f %6.1f", s.name, p.name,
				h.loss(0.5, 1), h.loss(1, 1.5), h.loss(1.5, 2), h.loss(2, 3), h.loss(3, 5))
			if got := h.loss(1, 1.5); got < s.after {
				t.Errorf("%s, %s: %.1f dB after 1 s, want %.0f", s.name, p.name, got, s.after)
			}
			if got := h.loss(3, 5); got < s.steady {
				t.Errorf("%s, %s: %.1f dB steady, want %.0f", s.name, p.name, got, s.steady)
			}
		}
	}
}

// Voices of any pitch, steady: from the eighth second on.
func TestConvergesOnAnyVoice(t *testing.T) {
	for _, pitch := range []float64{90, 160, 260, 320} {
		x := quantized(speech(12, -16, uint64(pitch), pitch))
		for _, p := range []int{0, 3, 7} {
			h := hold(x, echoPaths[p].of(x), false, whiteNoise(12, -70, 9))
			t.Logf("%3.0f Hz %-14s %6.1f dB", pitch, echoPaths[p].name, h.loss(8, 12))
			if got := h.loss(8, 12); got < 36 {
				t.Errorf("%.0f Hz, %s: %.1f dB", pitch, echoPaths[p].name, got)
			}
		}
	}
}

// What TestConverges does with the nonlinear processor: hardly anything is left above the background, from
// the first syllable on.
func TestConvergesCovered(t *testing.T) {
	t.Logf("%-18s %-14s %6s %6s %6s  dBm0", "far", "path", "0-0.5", "0.5-1", "1-5 s")
	for _, s := range sources {
		x := quantized(join(silence(1), s.signal(5)))
		for _, p := range echoPaths {
			h := hold(x, p.of(x), true, whiteNoise(6, -65, 9))
			t.Logf("%-18s %-14s %6.1f %6.1f %6.1f", s.name, p.name, h.heard(1, 1.5), h.heard(1.5, 2), h.heard(2, 6))
			if got := h.heard(2, 6); got > s.heard {
				t.Errorf("%s, %s: %.1f dBm0 heard after 1 s, want %.0f", s.name, p.name, got, s.heard)
			}
		}
	}
}

// G.168 test 2 with a changed echo path: from one hybrid to another, to the same one with
// its wires crossed, and to none at all.
func TestReconverges(t *testing.T) {
	t.Logf("%-18s %-28s %6s %6s %6s  dB", "far", "path", "0.5-1", "1-1.5", "2-4 s")
	for _, s := range sources {
		x := quantized(s.signal(8))
		for _, change := range [][2]int{{0, 4}, {7, 2}, {1, 7}, {0, 0}} {
			p, q := echoPaths[change[0]], echoPaths[change[1]]
			echo, then := p.of(x), q.of(x)
			name := p.name + " to " + q.name
			if p.name == q.name {
				name = p.name + ", crossed"
			}
			for i := 4 * 8000; i < len(echo); i++ {
				if echo[i] = then[i]; p.name == q.name {
					echo[i] = -then[i]
				}
			}
			h := hold(x, echo, false, whiteNoise(8, -70, 9))
			t.Logf("%-18s %-28s %6.1f %6.1f %6.1f", s.name, name, h.loss(4.5, 5), h.loss(5, 5.5), h.loss(6, 8))
			if got := h.loss(5, 5.5); got < min(s.after, 12) {
				t.Errorf("%s, %s: %.1f dB 1 s after the change", s.name, name, got)
			}
			if got := h.loss(6, 8); got < s.steady-6 {
				t.Errorf("%s, %s: %.1f dB steady after the change", s.name, name, got)
			}
		}
	}
}

// G.168 test 5: an echo path that opens, as behind a telephone that has four wires, must
// not leave an echo of the canceller's own.
func TestEchoPathOpens(t *testing.T) {
	for _, s := range sources {
		x := quantized(s.signal(8))
		echo := echoPaths[3].of(x)
		clear(echo[4*8000:])
		h := hold(x, echo, false)
		if got := h.heard(4.5, 5); got > -40 {
			t.Errorf("%s: %.1f dBm0 half a second after the line has gone", s.name, got)
		}
		if got := h.heard(5.5, 8); got > -70 {
			t.Errorf("%s: %.1f dBm0 at last", s.name, got)
		}
		h = hold(x, silence(8), false, whiteNoise(8, -50, 2))
		if got := h.heard(0, 8); got > -49.5 {
			t.Errorf("%s: background of -50 dBm0 became %.1f without any echo", s.name, got)
		}
	}
}

// G.168 tests 4 and 7: what was learnt stays through two minutes of silence, and the near
// party's monologue.
func TestKeepsWhatItLearnt(t *testing.T) {
	const pause = 30
	x := quantized(join(css(2, -16, 1), silence(pause), css(1, -16, 2)))
	for _, p := range echoPaths[:2] {
		talk := join(silence(2.5), speech(pause-1, -12, 4, 130))
		h := hold(x, p.of(x), false, talk, whiteNoise(pause+3, -65, 9))
		if before, now := h.loss(1, 2), h.loss(2+pause, 2+pause+0.25); now < before-3 {
			t.Errorf("%s: %.1f dB became %.1f", p.name, before, now)
		}
	}
}

// A tail of any length covers the paths that fit in it.
func TestTails(t *testing.T) {
	x := quantized(css(3, -16, 1))
	for _, tt := range []struct {
		ms   int
		path path
	}{
		{1, hybrid(2, 6).returning(6, 1)}, // 8 ms
		{16, hybrid(3, 8).returning(6, 7)},
		{33, hybrid(4, 10).returning(6, 22)},
		{64, hybrid(5, 12).returning(6, 51)},
		{500, hybrid(5, 12).returning(6, 51)}, // 64 ms
	} {
		c := New(tt.ms)
		c.SetNLP(false)
		h := resume(c, x, tt.path.of(x))
		if got := h.loss(2, 3); got < 30 {
			t.Errorf("tail of %d ms: %.1f dB", tt.ms, got)
		}
	}
}

// A line card whose converter has an offset of its own is as good as one that has none.
func TestDirectCurrent(t *testing.T) {
	for _, s := range sources {
		x := quantized(s.signal(5))
		offset := make([]float64, len(x))
		for i := range offset {
			offset[i] = 300
		}
		h := hold(x, echoPaths[1].of(x), true, offset)
		if got := h.heard(1, 5); got > max(s.heard, -50) {
			t.Errorf("%s: %.1f dBm0 heard", s.name, got)
		}
		c := New(32)
		c.SetNLP(false)
		h = resume(c, x, echoPaths[1].of(x), offset)
		if got := h.loss(3, 5); got < s.steady {
			t.Errorf("%s: %.1f dB", s.name, got)
		}
	}
}
