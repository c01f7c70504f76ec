package echo

// whitener flattens the spectrum of the far signal by linear prediction. Far and near
// pass through the same filter, so that the echo path between them stays what it is, but
// the taps then all converge at one rate, for speech nearly as for noise.
type whitener struct {
	a [order]int32 // behind a leading 1, in whiteBits
}

const (
	order     = 6
	whiteBits = 11 // behind the binary point of a coefficient
	whiteMore = 2  // bits of precision that flattened samples have below those of samples
	floorBits = 8  // white noise taken to lie under the signal: 24 dB below it
)

// flatten returns the last sample of x flattened.
func (w *whitener) flatten(x []int16) int32 {
	v := (*[order + 1]int16)(x[len(x)-order-1:])
	sum := int32(v[order]) << whiteBits
	for k, a := range w.a {
		sum += a * int32(v[order-1-k])
	}
	return sum >> (whiteBits - whiteMore)
}

// learn finds the filter for a stretch of signal (Levinson and Durbin's recursion). It
// stops early rather than let coefficients grow beyond what 32 bits can work with.
func (w *whitener) learn(pcm []int16) {
	var r [order + 1]int64
	for lag := range r {
		var sum int64
		late := pcm[lag:]
		for i, v := range pcm[:len(late)] {
			sum += int64(int32(v) * int32(late[i]))
		}
		r[lag] = sum
	}
	down := max(0, bitsOf(uint64(r[0]))-30)
	for i := range r {
		r[i] >>= down
	}
	w.a = [order]int32{}
	r[0] += r[0]>>floorBits + 1
	const fine = 20 // bits behind the binary point here
	var a [order + 1]int64
	left := r[0]
	for i := 1; i <= order; i++ {
		sum := r[i] << fine
		for j := 1; j < i; j++ {
			sum += a[j] * r[i-j]
		}
		k := -sum / left
		next := a
		next[i] = k
		total := abs(k)
		for j := 1; j < i; j++ {
			next[j] = a[j] + k*a[i-j]>>fine
			total += abs(next[j])
		}
		left -= k * k >> fine * left >> fine
		if left <= 0 || total >= 15<<fine {
			return
		}
		a = next
		for j := range w.a {
			w.a[j] = int32(a[j+1] >> (fine - whiteBits))
		}
	}
}

func abs(v int64) int64 { return max(v, -v) }
