package t38

import "tipring/t38/t30"

// Policy is what a gateway lets two machines agree on.
type Policy struct {
	// MaxBitRate is kept by the images in either direction, in bit/s: 2400, 4800, 7200, 9600,
	// 12000 or 14400; 0: 14400. What is between two of them is taken as the lower one, what is
	// below as 2400. A DIS can say 2400, 4800, 9600 and 14400 only (T.30 table 2, bits 11 to
	// 14). A training for a higher rate than this is therefore spoilt on its way through the
	// gateway, until its sender steps down by itself: 7200 and 12000 cost a call one training.
	MaxBitRate int
	NoECM      bool // no error correction
	KeepNSF    bool // leave non-standard facilities alone, which the gateway cannot carry

	// Ident is what the machine on the line says of itself to the far end, in the place of its
	// own CSI, TSI and CIG (T.30 clause 5.3.6.2); empty: its own. A machine that says none still
	// says none.
	Ident string
}

// Rates of T.30 table 2 in a DIS, from bit 11 as the lowest.
const (
	disV27ter2400 = 0b0000
	disV27ter     = 0b0010
	disV29        = 0b0011 // and V.27ter
	disV17        = 0b1011 // and both
	disV33        = 0b0111 // and both: of old editions
)

// edit changes a frame on its way through a gateway, in place and without changing its
// length: what the packets cannot carry or the policy does not allow is taken out of what
// the machines offer. It reports whether it did. A frame may be edited while it comes: what
// becomes of an octet depends on it and on the first three only, and stays the same when it
// is edited again.
func (p *Policy) edit(frame []byte) bool {
	f, ok := t30.ParseFrame(frame)
	if !ok {
		return false
	}
	switch f.FCF {
	case t30.NSF, t30.NSC, t30.NSS:
		return !p.KeepNSF && mask(f.Info)
	case t30.DIS, t30.DTC:
		return p.editOffer(f.Info)
	case t30.DCS:
		return clearBits(f.Info, t30.BitT37, t30.BitT38, t30.BitV8)
	}
	return false
}

// identify changes what the machine on the line says of itself, as edit does.
func (p *Policy) identify(frame []byte) {
	if p.Ident == "" {
		return
	}
	f, ok := t30.ParseFrame(frame)
	if !ok {
		return
	}
	switch f.FCF {
	case t30.CSI, t30.TSI, t30.CIG:
		copy(f.Info, t30.IdentField(p.Ident))
	}
}

// tooFast tells that images must not be sent at so many bit/s.
func (p *Policy) tooFast(bitRate int) bool {
	return p.MaxBitRate != 0 && bitRate > max(p.MaxBitRate, 2400)
}

// mask makes them the facilities of no country.
func mask(info []byte) bool {
	for i := range info {
		info[i] = 0xff
	}
	return len(info) > 0
}

func (p *Policy) editOffer(info []byte) bool {
	changed := clearBits(info, t30.BitT37, t30.BitT38, t30.BitV8)
	if p.NoECM {
		changed = clearBits(info, t30.BitECM, t30.BitMMR) || changed
	}
	return p.editRates(info) || changed
}

// editRates leaves the best modems that the policy allows.
func (p *Policy) editRates(info []byte) bool {
	const at, shift = int(t30.BitRate1-1) / 8, int(t30.BitRate1-1) % 8
	if len(info) <= at {
		return false
	}
	offered := info[at] >> shift & 0xf
	allowed := offered
	if offered == disV33 { // which packets cannot carry
		allowed = disV29
	}
	switch limit := p.MaxBitRate; {
	case limit == 0:
	case limit < 4800:
		allowed = disV27ter2400
	case limit < 7200:
		allowed = offered & disV27ter
	case limit < 12000 && offered == disV17:
		allowed = disV29
	}
	info[at] = info[at]&^(0xf<<shift) | allowed<<shift
	return allowed != offered
}

// editable is how many octets of a frame tell what it is.
const editable = 3

// clearBits takes bits out, and reports whether one was set.
func clearBits(info []byte, bits ...t30.Bit) (changed bool) {
	for _, b := range bits {
		at, m := int(b-1)/8, byte(1)<<((b-1)%8)
		if at < len(info) && info[at]&m != 0 {
			info[at] &^= m
			changed = true
		}
	}
	return changed
}
