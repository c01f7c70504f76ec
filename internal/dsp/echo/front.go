package echo

// front is the filter that makes the output. Its taps stand in the order of the samples
// they are multiplied with: the one of the longest delay first.
type front struct {
	far      window
	taps     []int16 // tapBits behind the binary point
	from, to int     // outside of these they are 0
}

// spread is how many taps are looked at together for whether they matter.
const spread = 16

func (f *front) reset() {
	f.far.clear()
	f.forget()
}

func (f *front) forget() {
	clear(f.taps)
	f.from, f.to = 0, 0
}

// cancel sets errs to the near samples, sample i of the block on, without their echo.
func (f *front) cancel(errs, near []int16, i int) {
	if f.from == f.to {
		copy(errs, near)
		return
	}
	var echo [strip]int32
	convolve(&echo, f.taps[f.from:f.to], f.far.strip(i)[f.from:f.to+strip])
	for k, v := range near {
		errs[k] = saturate(int32(v) - (echo[k]+1<<(tapBits-1))>>tapBits)
	}
}

// become takes over taps, without as many at both ends as together have no more than the
// energy to spare. An echo path is mostly silence, before a hybrid and behind it; this
// halves the work.
func (f *front) become(taps []int16, spare uint64) {
	copy(f.taps, taps)
	f.from, f.to = 0, len(taps)
	for f.from < f.to {
		first, last := energy(taps[f.from:f.from+spread]), energy(taps[f.to-spread:f.to])
		if min(first, last) > spare {
			break
		}
		spare -= min(first, last)
		if first < last {
			f.from += spread
		} else {
			f.to -= spread
		}
	}
	clear(f.taps[:f.from])
	clear(f.taps[f.to:])
}
