package echo

// direct takes the direct current out of a signal, and what lies below 20 Hz: a line card's
// offset would be learnt as if it were echo. Both directions pass one, so the echo path
// between them stays what it is.
type direct struct {
	mean int32 // with directBits
}

const (
	directBits = 8
	directSlow = 6 // the corner is 8000 Hz / (2 pi 2^6)
)

// block sets out to in without its direct current; they may be the same.
func (d *direct) block(out, in []int16) {
	mean := d.mean
	for i, v := range in[:len(out)] {
		x := int32(v)
		out[i] = saturate(x - (mean+1<<(directBits-1))>>directBits)
		mean += (x<<directBits - mean) >> directSlow
	}
	d.mean = mean
}
