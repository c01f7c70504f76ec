package talker

import (
	"math"
	"math/cmplx"
	"slices"
)

// Of Distance: windows of 20 ms every 10 ms, in a transform of 256.
const (
	window, hop, points = 160, 80, 256

	lowest, highest = 100 * points / rate, 3800 * points / rate
	faintestDBm0    = -90
)

// Distance is the log-spectral distance of two sounds in dB: of each window the root of the
// mean square of the difference of their power spectra in dB, from 100 to 3800 Hz in lines of
// 31 Hz; of all windows the mean. What is fainter than -90 dBm0 in a line counts as that.
func Distance(a, b []int16) float64 {
	sum, n := 0.0, 0
	for i := 0; i+window <= min(len(a), len(b)); i += hop {
		n++
		if slices.Equal(a[i:i+window], b[i:i+window]) {
			continue
		}
		x, y := spectrum(a[i:i+window]), spectrum(b[i:i+window])
		d := 0.0
		for k := lowest; k < highest; k++ {
			d += (x[k] - y[k]) * (x[k] - y[k])
		}
		sum += math.Sqrt(d / (highest - lowest))
	}
	return sum / float64(max(n, 1))
}

// spectrum is the level of each line in dBm0, under a Hann window.
func spectrum(pcm []int16) (level [points / 2]float64) {
	var x [points]complex128
	for i, s := range pcm {
		x[i] = complex(float64(s)*(1-math.Cos(2*math.Pi*(float64(i)+0.5)/window)), 0)
	}
	transform(x[:])
	for k := range level {
		peak := cmplx.Abs(x[k]) * 2 / window / 32767 // of a sine there
		level[k] = max(faintestDBm0, 20*math.Log10(peak+1e-9)+3.14)
	}
	return level
}

// transform is a Fourier transform in place; the length is a power of two.
func transform(x []complex128) {
	n := len(x)
	if n == 1 {
		return
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range n / 2 {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	transform(even)
	transform(odd)
	for k := range n / 2 {
		t := cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) * odd[k]
		x[k], x[k+n/2] = even[k]+t, even[k]-t
	}
}
