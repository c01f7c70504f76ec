package media

const (
	mostPeriods  = 3 // that are repeated in turns
	historySize  = mostPeriods*pitchMost + pitchMost/4
	concealStep  = 80  // samples, 10 ms: after it, and after another, one more period is repeated
	concealFade  = 480 // until a gap is silent: 60 ms
	longestMerge = 80  // over which what came takes the place of what was made up
)

// A concealer fills gaps in speech as ITU-T G.711 Appendix I describes: it repeats the last
// pitch period, after 10 ms the last two, after 20 ms the last three, each end faded into the
// beginning; it is quieter by a fifth of the first with every 10 ms from the second on; and
// what comes behind a gap takes over gradually. It differs in that it delays nothing: the
// Recommendation fades into the repetition before the gap, within 3.75 ms that it holds back;
// this one takes the step between the two out of the gap's first quarter of a period. What has
// no pitch is repeated in periods of 15 ms, for a hiss that comes again every 5 ms is a buzz.
// As the voice goes, comfort noise comes.
type concealer struct {
	history [historySize]int16 // what was heard last, the newest at the end
	past    [historySize]int16 // the same before the gap
	period  int                // samples
	periods int                // that are repeated
	at      int                // the next sample of them
	oldAt   int                // where it would be in one period less
	leading int                // samples for which that one is still heard
	step    int32              // from what the repetition continues to the sound's end
	gone    int                // samples of the gap made up so far; concealFade: silent

	heard  bool // something was played
	silent bool // the gap was no loss but silence: what comes needs no leading over to

	merging, merged int // samples over which the sound comes back; of them so far
	noise           noise
}

// played takes what is being played; behind a gap it leads over to it, in place.
func (c *concealer) played(pcm []int16) {
	c.heard = true
	if c.silent {
		c.silent, c.gone = false, 0
	}
	if c.gone > 0 && c.merging == 0 {
		c.merging, c.merged = longestMerge, 0
		if c.gone < concealFade {
			// A quarter of a period, and 4 ms for each 10 ms that the gap was longer than 10 ms.
			c.merging = min(c.period/4+max(c.gone-concealStep, 0)*4/10, longestMerge)
		}
	}
	for i := 0; i < len(pcm) && c.merging > 0; i++ {
		pcm[i] = fade(c.next(), pcm[i], int32(c.merged), int32(c.merging))
		if c.merged++; c.merged == c.merging {
			c.merging, c.gone = 0, 0
		}
	}
	c.noise.listen(pcm)
	c.remember(pcm)
}

func (c *concealer) remember(pcm []int16) {
	if n := len(pcm); n < historySize {
		copy(c.history[:], c.history[n:])
		copy(c.history[historySize-n:], pcm)
	} else {
		copy(c.history[:], pcm[n-historySize:])
	}
}

// fill writes the next samples of a gap.
func (c *concealer) fill(out []int16) {
	c.merging = 0
	if c.gone == 0 {
		c.begin()
	}
	for i := range out {
		out[i] = c.next()
	}
	c.remember(out)
}

// begin finds what is to be repeated.
func (c *concealer) begin() {
	c.past = c.history
	c.periods, c.at, c.leading, c.step = 1, 0, 0, 0
	var voiced bool
	if c.period, voiced = pitch(&c.past); !voiced {
		c.period = pitchMost
	}
	c.step = int32(c.past[historySize-1]) - int32(c.past[historySize-1-c.period])
	c.noise.prepare()
}

// next makes up one sample.
func (c *concealer) next() int16 {
	if c.gone >= concealFade {
		return c.noise.next(concealFade)
	}
	if c.gone == concealStep || c.gone == 2*concealStep {
		c.lengthen()
	}
	v := int32(c.repeated(c.periods, c.at))
	c.at = c.after(c.periods, c.at)
	quarter := c.period / 4
	if c.gone < quarter {
		v += c.step * int32(quarter-c.gone) / int32(quarter)
	}
	if c.leading > 0 {
		old := c.repeated(c.periods-1, c.oldAt)
		c.oldAt = c.after(c.periods-1, c.oldAt)
		v = int32(fade(old, int16(v), int32(quarter-c.leading), int32(quarter)))
		c.leading--
	}
	if c.gone > concealStep {
		v = v * int32(concealFade-c.gone) / (concealFade - concealStep)
	}
	c.gone++
	return clip(v + int32(c.noise.next(c.gone)))
}

// lengthen repeats one period more from now on, at the same place within a period.
func (c *concealer) lengthen() {
	if c.periods == mostPeriods || c.louder(c.periods) {
		return
	}
	c.periods++
	c.oldAt, c.leading = c.at, c.period/4
	c.at %= c.period
}

// louder reports that the period before the last n ones is louder than the last by more than
// 3 dB: it belongs to another sound.
func (c *concealer) louder(n int) bool {
	var last, before int64
	for i := historySize - c.period; i < historySize; i++ {
		v, w := int64(c.past[i]), int64(c.past[i-n*c.period])
		last += v * v
		before += w * w
	}
	return before > 2*last
}

// repeated is sample at of the last n periods, whose end is faded into what came before them.
func (c *concealer) repeated(n, at int) int16 {
	size, quarter := n*c.period, c.period/4
	v := c.past[historySize-size+at]
	if i := at - size + quarter; i >= 0 {
		v = fade(v, c.past[historySize-2*size+at], int32(i), int32(quarter))
	}
	return v
}

func (c *concealer) after(n, at int) int {
	if at++; at == n*c.period {
		return 0
	}
	return at
}

// forget silences what follows until something is played, but for comfort noise.
func (c *concealer) forget() {
	if c.gone < concealFade {
		c.noise.prepare()
	}
	c.gone, c.merging, c.silent = concealFade, 0, true
}

// clear forgets the past, too.
func (c *concealer) clear() {
	c.history, c.heard = [historySize]int16{}, false
	c.forget()
}

func clip(v int32) int16 { return int16(max(-32768, min(v, 32767))) }
