package talker

import (
	"math"
	"math/bits"
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

// Tables of the window and of the transform.
var (
	hann = func() (w [window]float64) {
		for i := range w {
			w[i] = 1 - math.Cos(2*math.Pi*(float64(i)+0.5)/window)
		}
		return w
	}()
	turns = func() (w [points / 2]complex128) {
		for i := range w {
			w[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/points)
		}
		return w
	}()
)

// spectrum is the level of each line in dBm0, under a Hann window.
func spectrum(pcm []int16) (level [points / 2]float64) {
	var x [points]complex128
	for i, s := range pcm {
		x[bits.Reverse8(uint8(i))] = complex(float64(s)*hann[i], 0)
	}
	for half := 1; half < points; half *= 2 { // a Fourier transform in place
		for from := 0; from < points; from += 2 * half {
			for k := range half {
				a, b := x[from+k], x[from+k+half]*turns[k*points/2/half]
				x[from+k], x[from+k+half] = a+b, a-b
			}
		}
	}
	for k := lowest; k < highest; k++ {
		re, im := real(x[k])*2/window/32767, imag(x[k])*2/window/32767 // a sine's peak there
		level[k] = max(faintestDBm0, 10*math.Log10(re*re+im*im+1e-18)+3.14)
	}
	return level
}
