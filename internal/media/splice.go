package media

const (
	spliceFade     = 32 // samples over which one stretch turns into the other: 4 ms
	spliceShortest = 24 // samples: 3 ms
	spliceLongest  = 80 // 10 ms, a period of the lowest voice
)

// splice shortens speech by up to most samples and returns the rest: it fades from the
// beginning of pcm into the place further on that is most like it, as far on as a period of
// the voice. Too short a stretch comes back as it was.
func splice(pcm []int16, most int) []int16 {
	lag := period(pcm, most)
	rest := pcm[lag:]
	for i := range int32(min(lag, spliceFade)) {
		// rest lies over the samples it is made of: each is read before it is written.
		rest[i] = fade(pcm[i], rest[i], i, int32(min(lag, spliceFade)))
	}
	return rest
}

// stretch makes the n samples at the beginning of pcm longer by up to most, by playing a
// period of the voice twice, and returns how many there are then.
func stretch(pcm []int16, n, most int) int {
	lag := period(pcm[:n], min(most, len(pcm)-n))
	if lag == 0 {
		return n
	}
	copy(pcm[lag:], pcm[:n])
	// pcm[lag:] is the beginning once more. What should follow the first period stands lag further on.
	for i := range int32(spliceFade) {
		pcm[lag+int(i)] = fade(pcm[2*lag+int(i)], pcm[lag+int(i)], i, spliceFade)
	}
	return n + lag
}

// fade is between from and to, i of n parts on.
func fade(from, to int16, i, n int32) int16 {
	return int16((int32(from)*(n-i) + int32(to)*i) / n)
}

// period finds how far on pcm is most like its beginning, up to most samples; 0 when it is
// too short to tell.
func period(pcm []int16, most int) int {
	longest := min(most, spliceLongest, len(pcm)-spliceFade)
	if longest < spliceShortest {
		return 0
	}
	best, least := 0, int32(1<<31-1)
	for lag := longest; lag >= spliceShortest; lag-- {
		var difference int32
		for i, s := range pcm[:spliceFade] {
			d := int32(s) - int32(pcm[lag+i])
			difference += max(d, -d)
		}
		if difference < least {
			best, least = lag, difference
		}
	}
	return best
}
