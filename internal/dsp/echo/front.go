package echo

// front is the filter that makes the output. Its taps stand in the order of the samples
// they are multiplied with: the one of the longest delay first.
type front struct {
	far  window
	taps []int16 // tapBits behind the binary point
	echo [strip]int32
}

func (f *front) reset() {
	f.far.clear()
	clear(f.taps)
}

// cancel sets errs to the near samples, sample i of the block on, without their echo,
// and returns that echo.
func (f *front) cancel(errs, near []int16, i int) []int32 {
	convolve(&f.echo, f.taps, f.far.strip(i))
	for k, v := range near {
		f.echo[k] = (f.echo[k] + 1<<(tapBits-1)) >> tapBits
		errs[k] = saturate(int32(v) - f.echo[k])
	}
	return f.echo[:]
}
