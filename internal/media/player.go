package media

// A player makes the samples of a port out of the packets of a stream: jitter buffer,
// decoders, concealment, and the cuts that shorten the delay.
type player struct {
	jitterBuffer
	conceal concealer
	data    bool // what is played is a modem's: nothing is made up

	pcm     [maxPayload + spliceLongest]int16 // the packet that is being played
	at, end int                               // what of it is left
	comfort bool                              // it is comfort noise
	wide    bool                              // its codec is G.722

	hushed    bool   // an event came last: a gap is no loss
	quiet     bool   // comfort noise was played last: nor is it here
	concealed uint32 // samples made up
}

// comfortFormat is the format of a packet of comfort noise in the buffer.
const comfortFormat = 255

// add takes a packet of audio in.
func (p *player) add(ts uint32, format uint8, payload []byte) putResult {
	p.hushed = false
	return p.put(ts, format, payload)
}

// hush says that the gap to come is silence.
func (p *player) hush() { p.hushed = true }

// silence begins anew with another stream, and with nothing of what was heard before.
func (p *player) silence() {
	p.restart()
	p.conceal.clear()
}

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
		n := min(len(out), p.end-p.at)
		switch {
		case p.comfort:
			p.gap(out[:n])
		default:
			copy(out[:n], p.pcm[p.at:p.end])
			if !p.data {
				p.conceal.played(out[:n])
			}
		}
		p.at += n
		out = out[n:]
	}
	p.ahead = int32(p.end - p.at)
}

func (p *player) decode(next piece, decoders []Codec, scratch []byte) {
	if p.comfort = next.format == comfortFormat; p.comfort {
		p.quiet = true
		p.conceal.noise.tell(scratch[:next.size])
		p.at, p.end = next.skip, next.size
		return
	}
	p.quiet = false
	_, p.wide = decoders[next.format].(*g722)
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
	if p.data {
		clear(out)
		return
	}
	if p.quiet || p.hushed || !p.running || !p.conceal.heard {
		p.conceal.forget()
	}
	before := p.conceal.gone
	p.conceal.fill(out)
	p.concealed += uint32(p.conceal.gone - before)
}
