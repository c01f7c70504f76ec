package echo

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
)

// path is the impulse response from what is played to what is recorded.
type path []float64

// g168D2 is the first echo path model of G.168 Annex D, a hybrid measured in the North
// American network.
var g168D2 = path{
	-436, -829, -2797, -4208, -17968, -11215, 46150, 34480, -10427, 9049, -1309, -6320, 390, -8191, -1751, -6051,
	-3796, -4055, -3948, -2557, -3372, -1808, -2259, -1300, -1098, -618, -340, -61, 323, 419, 745, 716,
	946, 880, 1014, 976, 1033, 1091, 1053, 1042, 794, 831, 899, 716, 390, 313, 304, 304,
	73, -119, -109, -176, -359, -407, -512, -580, -704, -618, -685, -791, -772, -820, -839, -724,
}

// hybrid makes an echo path as Annex D shows them: the band of a channel, dispersed by the
// all-pass of cables and filters, with the reflection of a far end of the two wires and
// the slow fall that a balance of another time constant leaves.
func hybrid(seed uint64, ms float64) path {
	rnd := rand.New(rand.NewPCG(seed, 8))
	const n = 1024
	h := make(path, int(ms*8))
	spectrum := make([]complex128, n)
	sections := 1 + rnd.IntN(3)
	var poles []float64
	for range sections {
		poles = append(poles, 0.2+0.5*rnd.Float64())
	}
	reflects, gain := (0.6+rnd.Float64())*ms/3*8, 0.3*(rnd.Float64()*2-1)
	tau := 0.8 + 0.12*rnd.Float64()
	mix := 0.2 + 0.5*rnd.Float64()
	for k := range n/2 + 1 {
		w := 2 * math.Pi * float64(k) / n
		hz := float64(k) * 8000 / n
		z := cmplx.Exp(complex(0, -w))
		v := complex(1/math.Sqrt(1+math.Pow(220/math.Max(hz, 1), 6))/math.Sqrt(1+math.Pow(hz/3500, 20)), 0)
		for _, p := range poles {
			v *= (z - complex(p, 0)) / (1 - complex(p, 0)*z)
		}
		v *= 1 + complex(gain, 0)*cmplx.Exp(complex(0, -w*reflects)) - complex(mix*(1-tau), 0)/(1-complex(tau, 0)*z)
		v *= cmplx.Exp(complex(0, -w*8))
		spectrum[k] = v
	}
	for i := range h {
		for k, v := range spectrum[:n/2+1] {
			h[i] += real(v * cmplx.Exp(complex(0, 2*math.Pi*float64(k*i)/n)))
		}
		if left := len(h) - i; left < 16 {
			h[i] *= float64(left) / 16
		}
	}
	return h
}

// returning scales a path to a return loss, measured with noise of a flat spectrum in the
// band (G.168 clause 3.12), and delays it.
func (h path) returning(lossDB, delayMS float64) path {
	sum, bins := 0.0, 0
	for hz := 300.0; hz < 3400; hz += 20 {
		var v complex128
		for i, t := range h {
			v += complex(t, 0) * cmplx.Exp(complex(0, -2*math.Pi*hz/8000*float64(i)))
		}
		sum += real(v)*real(v) + imag(v)*imag(v)
		bins++
	}
	g := math.Pow(10, -lossDB/20) / math.Sqrt(sum/float64(bins))
	delay := int(delayMS * 8)
	out := make(path, delay+len(h))
	for i, v := range h {
		out[delay+i] = g * v
	}
	return out
}

// of returns what comes back of a signal.
//
//go:norace
func (h path) of(x []float64) []float64 {
	out := make([]float64, len(x))
	for k, t := range h[:min(len(h), len(x))] {
		if t == 0 {
			continue
		}
		late := out[k:]
		for i, v := range x[:len(late)] {
			late[i] += t * v
		}
	}
	return out
}

// echoPaths are the eight that every test goes through.
var echoPaths = []struct {
	name string
	path
}{
	{"D.2, 8 ms", g168D2.returning(6, 0)},
	{"4 ms", hybrid(1, 4).returning(6, 0)},
	{"6 ms", hybrid(2, 6).returning(6, 1)},
	{"8 ms", hybrid(3, 8).returning(6, 2)},
	{"10 ms", hybrid(4, 10).returning(6, 4)},
	{"12 ms", hybrid(5, 12).returning(6, 8)},
	{"12 ms late", hybrid(6, 12).returning(6, 18)},
	{"4 ms at 28 ms", hybrid(7, 4).returning(6, 28)},
}
