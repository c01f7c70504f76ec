package media

const (
	pitchLeast = 40  // samples: 5 ms, 200 Hz
	pitchMost  = 120 // 15 ms, 66 Hz
	pitchSpan  = 160 // of the end that is compared with what lies a period before it

	voicedPct = 25 // of the energy at least comes from a period before, where there is a pitch
)

// pitch returns how far back the sound of the last 20 ms is most like itself, 40 to 120
// samples, by its cross-correlation over the root of the energy there, first in every second
// sample and then around the best (G.711 Appendix I). voiced is false where it is like itself
// nowhere.
func pitch(past *[historySize]int16) (period int, voiced bool) {
	const begin = historySize - pitchSpan - pitchMost
	var x [pitchSpan + pitchMost]int32
	peak := int32(0)
	for i := range x {
		x[i] = int32(past[begin+i])
		peak = max(peak, x[i], -x[i])
	}
	shift := 0
	for peak>>shift >= 1<<11 { // so that a sum of 160 products fits
		shift++
	}
	for i := range x {
		x[i] >>= shift
	}
	best := int64(-1)
	for lag := pitchLeast; lag <= pitchMost; lag += 2 {
		if l := likeness(&x, lag, 2); l > best {
			best, period = l, lag
		}
	}
	best, coarse := -1, period
	for lag := max(coarse-1, pitchLeast); lag <= min(coarse+1, pitchMost); lag++ {
		if l := likeness(&x, lag, 1); l > best {
			best, period = l, lag
		}
	}
	energy := int64(0)
	for _, v := range x[pitchMost:] {
		energy += int64(v * v)
	}
	return period, best*100 >= energy*voicedPct && energy > 0
}

// likeness is the square of the cross-correlation of x's end with what lies lag before it
// over the energy there; 0 when they are opposed.
func likeness(x *[pitchSpan + pitchMost]int32, lag, every int) int64 {
	sum, energy := int32(0), int32(1)
	for i := pitchMost; i < len(x); i += every {
		was := x[i-lag]
		sum += x[i] * was
		energy += was * was
	}
	if sum <= 0 {
		return 0
	}
	return int64(sum) * int64(sum) / int64(energy)
}
