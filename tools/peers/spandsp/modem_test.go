package spandsp

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func randomBits(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(r.IntN(2))
	}
	return string(b)
}

func TestModemsHearWhatTheySaid(t *testing.T) {
	bits := []string{randomBits(1500, 1), randomBits(1500, 2), randomBits(1500, 3)}
	for _, modem := range Modems {
		t.Run(modem, func(t *testing.T) {
			samples, err := Transmit(modem, "long,short,long", -20, bits...)
			must(t, err)
			l, err := StartReceiver(t.Context(), modem, "long,short,long")
			must(t, err)
			defer l.Close()
			for range 2 { // each recording is heard by itself
				lines, err := l.Hear(samples)
				must(t, err)
				if len(lines) != len(bits) {
					t.Fatalf("%d bursts, want %d", len(lines), len(bits))
				}
				for i, line := range lines {
					// V.21 has no training: the carrier's first bits are seen too.
					if at := strings.Index(line, bits[i]); at < 0 || at > 8 || modem != "v21" && at != 0 {
						t.Errorf("burst %d: its bits are at %d", i+1, at)
					}
				}
			}
		})
	}
}

func TestSilenceHasNoBurst(t *testing.T) {
	l, err := StartReceiver(t.Context(), "v17-14400", "long")
	must(t, err)
	defer l.Close()
	if lines, err := l.Hear(make([]int16, 8000)); err != nil || len(lines) != 0 {
		t.Errorf("got %q, %v", lines, err)
	}
}

// tone is a second of silence, then a tone of -13 dBm0 for so many seconds.
func tone(hz, seconds float64) []int16 {
	s := make([]int16, 8000+int(8000*seconds), 8000+int(8000*seconds)+8000)
	for i := 8000; i < len(s); i++ {
		s[i] = int16(5100 * math.Sin(2*math.Pi*hz*float64(i)/8000))
	}
	return append(s, make([]int16, 8000)...)
}

// ansam is tone(2100, 4) with the amplitude modulation and the reversals of ITU-T V.8.
func ansam() []int16 {
	s := tone(2100, 4)
	for i := 8000; i < len(s)-8000; i++ {
		second := float64(i-8000) / 8000
		sign := 1 - 2*float64(int(second/0.45)%2)
		s[i] = int16(float64(s[i]) * sign * (1 + 0.2*math.Sin(2*math.Pi*15*second)))
	}
	return s
}

func TestTonesAreDetected(t *testing.T) {
	flags, err := Transmit("v21", "long", -13, strings.Repeat("01111110", 37))
	must(t, err)
	tests := []struct {
		want    string
		latest  float64 // seconds from the recording's beginning
		samples []int16
	}{
		{"cng", 1.5, tone(1100, 0.5)},
		{"ced", 2, tone(2100, 3)},
		{"ansam", 3, ansam()},
		{"preamble", 0.5, flags},
	}
	l, err := StartDetector(t.Context())
	must(t, err)
	defer l.Close()
	for _, tt := range tests {
		lines, err := l.Hear(tt.samples)
		must(t, err)
		heard := slices.ContainsFunc(lines, func(line string) bool {
			at, what, _ := strings.Cut(line, " ")
			seconds, err := strconv.ParseFloat(at, 64)
			return err == nil && what == tt.want && seconds <= tt.latest
		})
		if !heard {
			t.Errorf("%s: got %q, want it by %.1f s", tt.want, lines, tt.latest)
		}
	}
}

func TestBenchMeasures(t *testing.T) {
	if s, err := Bench("v21"); err != nil || s.TxNS <= 0 || s.RxNS <= 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}
