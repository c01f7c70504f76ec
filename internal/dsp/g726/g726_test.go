package g726

import (
	"math"
	"testing"
)

// A tone comes through 17 dB at least above the noise of three bits, whatever its loudness.
// That the codes are the Recommendation's is seen by the test against spandsp's coder.
func TestToneComesThrough(t *testing.T) {
	for _, peak := range []float64{200, 2000, 20000} {
		e, d := NewEncoder(), NewDecoder()
		signal, noise := 0.0, 0.0
		for i := range 8000 {
			in := int16(peak * math.Sin(2*math.Pi*700*float64(i)/8000))
			out := d.Decode(e.Encode(in))
			if i > 800 { // the steps have found the loudness
				signal += float64(in) * float64(in)
				noise += (float64(out) - float64(in)) * (float64(out) - float64(in))
			}
		}
		if ratio := 10 * math.Log10(signal/noise); ratio < 17 {
			t.Errorf("peak %v: signal is %.1f dB above noise", peak, ratio)
		}
	}
}

func TestSilenceStaysSilent(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	for range 8000 {
		if out := d.Decode(e.Encode(0)); max(out, -out) > 16 {
			t.Fatalf("silence sounds: %d", out)
		}
	}
}

// Any codes make sound of 16 bits, and no other end.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 255})
	f.Add([]byte{3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4})
	f.Fuzz(func(t *testing.T, codes []byte) {
		d := NewDecoder()
		for _, code := range codes {
			d.Decode(code)
		}
		if s := &d.s; s.unlocked < 544 || s.unlocked > 5120 || max(s.poles[1], -s.poles[1]) > 12288 {
			t.Errorf("out of the ranges of the Recommendation: %+v", *s)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	d := NewDecoder()
	for i := range b.N {
		d.Decode(byte(i*5) >> 2)
	}
}
