package echo

import (
	"math"
	"testing"
)

// G.168 clause 6.4.2.2, tests 2A and 2B: convergence from nothing, and what is reached.
func TestConvergesOnCompositeSource(t *testing.T) {
	x := toPCM(css(5, -16, 1))
	for _, p := range echoPaths {
		returned := p.of(toFloat(x))
		c := New(32)
		c.SetNLP(false)
		out := toFloat(runAll(c, x, toPCM(returned), 160))
		if got := erleOver(returned, out, 1, 1.5); got < 20 {
			t.Errorf("%s: %.1f dB after 1 s", p.name, got)
		}
		if got := erleOver(returned, out, 3, 5); got < 30 {
			t.Errorf("%s: %.1f dB steady", p.name, got)
		}
	}
}

func erleOver(near, out []float64, from, to float64) float64 {
	a, b := int(from*8000), int(to*8000)
	return 10 * math.Log10(power(near[a:b])/(power(out[a:b])+1e-9))
}

func toFloat(x []int16) []float64 {
	o := make([]float64, len(x))
	for i, v := range x {
		o[i] = float64(v)
	}
	return o
}

func runAll(c *Canceller, far, near []int16, frame int) []int16 {
	out := append([]int16(nil), near...)
	for i := 0; i+frame <= len(far); i += frame {
		c.Process(far[i:i+frame], out[i:i+frame])
	}
	return out
}

func BenchmarkCancel(b *testing.B) {
	far, near := toPCM(speech(10, -16, 1, 110)), toPCM(echoPaths[0].of(speech(10, -16, 1, 110)))
	c := New(32)
	var out [160]int16
	k := 0
	b.ReportAllocs()
	for b.Loop() {
		copy(out[:], near[k:])
		c.Process(far[k:k+160], out[:])
		if k += 160; k+160 > len(far) {
			k = 0
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/160, "ns/sample")
}
