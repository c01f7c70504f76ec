package t38

const octetsAtATime = 64

// An octetPacker makes octets of bits, the first one the least significant.
type octetPacker struct {
	octets [octetsAtATime]byte
	taken  [octetsAtATime]byte
	bits   int
}

func (p *octetPacker) start() { p.bits = 0; p.octets[0] = 0 }

// put takes a bit, and reports that no more fits.
func (p *octetPacker) put(bit int) (full bool) {
	at := p.bits / 8
	if p.bits%8 == 0 {
		p.octets[at] = 0
	}
	p.octets[at] |= byte(bit) << (p.bits % 8)
	p.bits++
	return p.bits == 8*octetsAtATime
}

// pad makes the last bits an octet of their own: zeros behind them are fill to any reader.
func (p *octetPacker) pad() { p.bits = (p.bits + 7) / 8 * 8 }

// take returns the whole octets, valid until the next call.
func (p *octetPacker) take() []byte {
	n := p.bits / 8
	copy(p.taken[:], p.octets[:n])
	if p.bits %= 8; p.bits > 0 {
		p.octets[0] = p.octets[n]
	}
	return p.taken[:n]
}
