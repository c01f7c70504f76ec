package dsp

// highpass lets DTMF through and takes dial tone out: at least 30 dB below 480 Hz, half
// a decibel of ripple above 680 Hz (Chebyshev, sixth order, three sections).
type highpass [3]struct{ x1, x2, y1, y2 int32 }

const (
	highpassBits = 14 // of the coefficients
	highpassMore = 6  // bits of precision inside, below those of the samples
)

// The gain and the two feedback coefficients of each section; its zeros are at 0 Hz.
var highpassSections = [3]struct{ gain, a1, a2 int64 }{
	{6653, -7119, 3111}, {12431, -21785, 11553}, {14729, -27355, 15176},
}

func (h *highpass) apply(pcm []int16) {
	for i, s := range pcm {
		x := int32(s) << highpassMore
		for k := range h {
			q, c := &h[k], &highpassSections[k]
			y := int32((c.gain*int64(x-2*q.x1+q.x2) - c.a1*int64(q.y1) - c.a2*int64(q.y2)) >> highpassBits)
			q.x2, q.x1, q.y2, q.y1 = q.x1, x, q.y1, y
			x = y
		}
		pcm[i] = saturate(x >> highpassMore)
	}
}
