package call

import "tipring/internal/dsp"

// heardBefore is how much of the machine's sound is kept for a gateway, in samples: a preamble
// and the frames behind it.
const heardBefore = 3 * dsp.SampleRate

// A pastSound is what the machine said last, in sound. A gateway hears it from the preamble on,
// faster than the line until it has caught up: so a DIS in which the call became T.38 reaches
// the far end whole, and the machine needs no repetition.
type pastSound struct {
	pcm   []int16 // a ring
	from  int     // where what is kept begins
	n     int     // how much of it there is
	since int     // samples since the preamble began; 0: none was heard
}

// keep keeps what the machine says.
func (p *pastSound) keep(in []int16) {
	if p.pcm == nil {
		p.pcm = make([]int16, heardBefore)
	}
	p.put(in)
	if p.since > 0 {
		p.since += len(in)
	}
}

// preamble notes that the machine's V.21 began so many samples ago.
func (p *pastSound) preamble(ago int64) { p.since = int(ago) }

// fromPreamble leaves what was said since the last preamble; nothing if that is too long ago.
func (p *pastSound) fromPreamble() {
	if p.since > p.n {
		p.since = 0
	}
	if p.since == 0 {
		p.forget()
		return
	}
	p.from = (p.from + p.n - p.since) % len(p.pcm)
	p.n, p.since = p.since, 0
}

func (p *pastSound) forget() { p.n, p.since = 0, 0 }

// put adds samples; the oldest make room.
func (p *pastSound) put(in []int16) {
	in = in[max(0, len(in)-len(p.pcm)):]
	if over := p.n + len(in) - len(p.pcm); over > 0 {
		p.from = (p.from + over) % len(p.pcm)
		p.n -= over
	}
	at := (p.from + p.n) % len(p.pcm)
	copied := copy(p.pcm[at:], in)
	copy(p.pcm, in[copied:])
	p.n += len(in)
}

// take takes the oldest samples out.
func (p *pastSound) take(out []int16) {
	copied := copy(out, p.pcm[p.from:])
	copy(out[copied:], p.pcm)
	p.from = (p.from + len(out)) % len(p.pcm)
	p.n -= len(out)
}
