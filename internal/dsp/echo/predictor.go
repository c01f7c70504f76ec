package echo

import "math/bits"

// predictor holds what of a signal can be foretold from the samples before: its spectrum.
type predictor struct {
	a    [order]int32 // behind a leading 1, with predictorBits behind the binary point
	left uint64       // how much of the power cannot be foretold, 1<<leftBits being all
}

const (
	order         = 10
	predictorBits = 11
	leftBits      = 16
)

// correlations returns the products of the signal with itself, late by 0 to order samples.
func correlations(pcm []int16) (r [order + 1]int64) {
	for lag := range r {
		late := pcm[lag:]
		var sum int64
		for i, v := range pcm[:len(late)] {
			sum += int64(int32(v) * int32(late[i]))
		}
		r[lag] = sum
	}
	return r
}

// solve finds the predictor for a signal (Levinson and Durbin's recursion), with white
// noise under it whose power is the signal's shifted right by floor. It stops early rather
// than let coefficients grow beyond what 32 bits can work with.
func (p *predictor) solve(r [order + 1]int64, floor int) {
	const fine = 20 // bits behind the binary point here
	*p = predictor{left: 1 << leftBits}
	r[0] += r[0]>>floor + 1
	down := max(0, bits.Len64(uint64(r[0]))-30)
	for i := range r {
		r[i] >>= down
	}
	var a [order + 1]int64
	left := max(r[0], 1)
	for i := 1; i <= order; i++ {
		sum := r[i] << fine
		for j := 1; j < i; j++ {
			sum += a[j] * r[i-j]
		}
		k := -sum / left
		next, total := a, abs(k)
		next[i] = k
		for j := 1; j < i; j++ {
			next[j] = a[j] + k*a[i-j]>>fine
			total += abs(next[j])
		}
		left -= (k * k >> fine) * left >> fine
		if left <= 0 || total >= 15<<fine {
			return
		}
		a = next
		p.left = uint64(left) << leftBits / uint64(max(r[0], 1))
		for j := range p.a {
			p.a[j] = int32(a[j+1] >> (fine - predictorBits))
		}
	}
}

// flatten returns the last sample of x less what the ones before it foretell, with
// flatMore more bits.
func (p *predictor) flatten(x []int16) int32 {
	v := (*[order + 1]int16)(x[len(x)-order-1:])
	sum := int32(v[order]) << predictorBits
	for k, a := range p.a {
		sum += a * int32(v[order-1-k])
	}
	return sum >> (predictorBits - flatMore)
}

func abs(v int64) int64 { return max(v, -v) }
