package echo

import (
	"math"
	"testing"
)

const frame = 160 // samples a test gives at a time, where it does not say

// call is a stretch of telephone call and what became of it.
type call struct {
	echo   []float64 // came back from the line
	others []float64 // came from the line besides: the near party, the background
	out    []float64
	c      *Canceller
}

// hold runs a call: what is played, how it returns, what else the line sends. Without
// covering, the nonlinear processor is off, and the rest of the echo can be measured apart
// from the others even while they are loud.
func hold(far, echo []float64, covering bool, others ...[]float64) call {
	c := New(32)
	c.SetNLP(covering)
	return resume(c, far, echo, others...)
}

func resume(c *Canceller, far, echo []float64, others ...[]float64) call {
	h := call{echo: echo, others: add(append([][]float64{make([]float64, len(far))}, others...)...), c: c}
	played, heard := toPCM(far), toPCM(add(echo, h.others))
	for i := 0; i < len(played); i += frame {
		end := min(i+frame, len(played))
		c.Process(played[i:end], heard[i:end])
	}
	h.out, h.others = toFloat(heard), alternating(h.others)
	return h
}

// alternating is a signal without its direct current, which the canceller takes out.
//
//go:norace
func alternating(x []float64) []float64 {
	out, mean := make([]float64, len(x)), 0.0
	for i, v := range x {
		out[i] = v - mean
		mean += (v - mean) / (1 << directSlow)
	}
	return out
}

// loss returns the echo return loss enhancement between two moments, in seconds, of the
// linear filter: the others do not count.
func (h call) loss(from, to float64) float64 {
	a, b := int(from*8000), int(to*8000)
	rest := make([]float64, b-a)
	for i := range rest {
		rest[i] = h.out[a+i] - h.others[a+i]
	}
	return 10 * math.Log10(power(h.echo[a:b])/(power(rest)+1e-3))
}

// heard returns the level of what goes to the far party.
func (h call) heard(from, to float64) float64 { return dBm0(h.out[int(from*8000):int(to*8000)]) }

func dBm0(x []float64) float64 { return 10 * math.Log10((power(x)+1e-3)/fullPower) }

func toFloat(x []int16) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func quantized(x []float64) []float64 { return toFloat(toPCM(x)) }

func silence(seconds float64) []float64 { return make([]float64, int(seconds*8000)) }

func join(parts ...[]float64) (out []float64) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// BenchmarkCancel is a call in which the far party talks without a pause: 20 ms an
// operation, a tail of 32 ms.
func BenchmarkCancel(b *testing.B) {
	benchmark(b, speech(10, -16, 1, 110))
}

// BenchmarkIdle is a call in which the far party is silent.
func BenchmarkIdle(b *testing.B) {
	benchmark(b, whiteNoise(10, -65, 1))
}

func benchmark(b *testing.B, x []float64) {
	far, near := toPCM(x), toPCM(add(echoPaths[0].of(x), whiteNoise(10, -60, 2)))
	c := New(32)
	var out [frame]int16
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		copy(out[:], near[at:])
		c.Process(far[at:at+frame], out[:])
		if at += frame; at+frame > len(far) {
			at = 0
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/frame, "ns/sample")
}
