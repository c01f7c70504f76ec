package echo

// front is the filter that makes the output. Its taps stand in the order of the samples
// they are multiplied with: the one of the longest delay first.
type front struct {
	far  window
	taps []int16 // tapBits behind the binary point
}

func (f *front) reset() {
	f.far.clear()
	clear(f.taps)
}

// cancel sets errs to the near samples, sample i of the block on, without their echo.
func (f *front) cancel(errs, near []int16, i int) {
	var echo [strip]int32
	convolve(&echo, f.taps, f.far.strip(i))
	for k, v := range near {
		errs[k] = saturate(int32(v) - (echo[k]+1<<(tapBits-1))>>tapBits)
	}
}
