package line

import "math"

// The resampler interpolates with a windowed sinc between samples, out of a table of
// sincPhases positions and straight lines between those: its errors are 80 dB down up
// to 3600 Hz.
const (
	sincHalf   = 24 // samples to each side
	sincPhases = 512
)

// resampler is a clock that reads a little too fast or too slow.
type resampler struct {
	table [][2 * sincHalf]float64 // by phase, one more than sincPhases
	past  []float64
	at    float64 // of the next sample to give, in past
	step  float64
}

func newResampler(ppm float64) *resampler {
	r := &resampler{
		table: make([][2 * sincHalf]float64, sincPhases+1),
		past:  make([]float64, sincHalf), // the first sample comes out first
		at:    sincHalf,
		step:  1 + ppm/1e6,
	}
	for p := range r.table {
		for k := range r.table[p] {
			x := float64(k-sincHalf+1) - float64(p)/sincPhases
			r.table[p][k] = sinc(x) * kaiser(x/(sincHalf+1))
		}
	}
	return r
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func (r *resampler) append(out []float64, in []int16) []float64 {
	for _, s := range in {
		r.past = append(r.past, float64(s))
	}
	for int(r.at)+sincHalf < len(r.past) {
		out = append(out, r.interpolate())
		r.at += r.step
	}
	if used := int(r.at) - sincHalf; used > 0 {
		r.past = r.past[:copy(r.past, r.past[used:])]
		r.at -= float64(used)
	}
	return out
}

func (r *resampler) interpolate() float64 {
	whole := int(r.at)
	phase := (r.at - float64(whole)) * sincPhases
	p := int(phase)
	f := phase - float64(p)
	near, far := 0.0, 0.0
	for k, x := range r.past[whole-sincHalf+1 : whole+sincHalf+1] {
		near += x * r.table[p][k]
		far += x * r.table[p+1][k]
	}
	return near + f*(far-near)
}
