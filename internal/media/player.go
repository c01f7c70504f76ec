package media

// A player makes the samples of a port out of the packets of a stream: jitter buffer,
// decoders, concealment, and the cuts that shorten the delay.
type player struct {
	jitterBuffer
	conceal concealer
	data    bool // what is played is a modem's: nothing is made up

	pcm     [maxPayload + spliceLongest]int16 // the packet that is being played
	at, end int                               // what of it is left

	quiet     bool   // the sender said silence, or an event: a gap is no loss
	concealed uint32 // samples made up
}

// add takes a packet of audio in.
func (p *player) add(ts uint32, format uint8, payload []byte) putResult {
	p.quiet = false
	return p.put(ts, format, payload)
}

// hush says that the gap to come is silence.
func (p *player) hush() { p.quiet = true }

// read fills out. decoders are by the packets' format; scratch has room for a payload.
func (p *player) read(out []int16, decoders []Codec, scratch []byte) {
	p.frame = int32(len(out))
	for len(out) > 0 {
		if p.at == p.end {
			next := p.take(len(out), scratch)
			if !next.packet {
				p.gap(out[:next.size])
				out = out[next.size:]
				continue
			}
			p.decode(next, decoders, scratch)
		}
		n := copy(out, p.pcm[p.at:p.end])
		p.conceal.played(out[:n])
		p.at += n
		out = out[n:]
	}
	p.ahead = int32(p.end - p.at)
}

func (p *player) decode(next piece, decoders []Codec, scratch []byte) {
	p.end = decoders[next.format].Decode(p.pcm[:maxPayload], scratch[:next.size])
	p.at = min(next.skip, p.end)
	whole := p.end - p.at
	switch {
	case p.waits() && sounds(p.pcm[p.at:p.end]):
	case p.excess >= adjustLeast:
		p.at = p.end - len(splice(p.pcm[p.at:p.end], int(p.excess)))
	case p.excess <= -adjustLeast:
		p.end = p.at + stretch(p.pcm[p.at:], whole, int(-p.excess))
	}
	if n := whole - (p.end - p.at); n != 0 {
		p.adjusted(n)
	}
}

// sounds reports samples that may belong to a signal: of more than -47 dBm0.
func sounds(pcm []int16) bool {
	for _, v := range pcm {
		if v > 140 || v < -140 {
			return true
		}
	}
	return false
}

// gap fills out where there is nothing to play.
func (p *player) gap(out []int16) {
	if p.quiet || p.data || !p.running {
		p.conceal.forget()
	}
	before := p.conceal.gone
	p.conceal.fill(out)
	p.concealed += uint32(p.conceal.gone - before)
}
