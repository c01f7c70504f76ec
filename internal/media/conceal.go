package media

const (
	concealSpan = 160 // samples that are repeated: 20 ms
	concealFade = 480 // samples until a gap is silent: 60 ms
)

// A concealer fills gaps in speech: it repeats the last 20 ms and fades them out.
type concealer struct {
	last [concealSpan]int16 // the last samples played, a ring
	at   int                // where the oldest of them is
	gone int                // samples of the gap filled so far
}

// played takes what was played.
func (c *concealer) played(pcm []int16) {
	if len(pcm) > concealSpan {
		pcm = pcm[len(pcm)-concealSpan:]
	}
	for _, s := range pcm {
		c.last[c.at] = s
		if c.at++; c.at == concealSpan {
			c.at = 0
		}
	}
	c.gone = 0
}

// fill writes the next samples of a gap.
func (c *concealer) fill(out []int16) {
	from := (c.at + c.gone) % concealSpan
	for i := range out {
		if c.gone >= concealFade {
			clear(out[i:])
			return
		}
		out[i] = int16(int32(c.last[from]) * int32(concealFade-c.gone) / concealFade)
		c.gone++
		if from++; from == concealSpan {
			from = 0
		}
	}
}

// forget silences what follows until something is played.
func (c *concealer) forget() { c.gone = concealFade }
