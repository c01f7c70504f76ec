package t30

import "errors"

// Command is what a DCS says of the page to come (T.30 table 2).
type Command struct {
	Modulation Modulation // bits 11 to 14
	Form       Form       // bits 15, 17 to 20, 41 to 44
	Coding     Coding     // bits 16 and 31
	MinScan    int        // bits 21 to 23: ms a row
	ECM        bool       // bit 27
	Frame64    bool       // bit 28
	Subaddress bool       // bit 49: SUB came with it
	Secret     bool       // bit 50: SID came with it
}

// The ways a DCS can be wrong in itself.
var (
	errDCSShort  = errors.New("t30: DCS shorter than three octets")
	errDCSRate   = errors.New("t30: DCS with an invalid data signalling rate")
	errDCSCoding = errors.New("t30: DCS with T.6 coding and no error correction")

	// ErrMode is a mode that a Terminal does not have, JBIG or colour for example. The command
	// is valid all the same: a gateway passes it on.
	ErrMode = errors.New("t30: DCS with a mode that is not for pages in black and white")
)

// rateCodes has the codes of bits 11 to 14 in a DCS and CTC.
var rateCodes = [...]int{V27ter2400: 0b0000, V27ter4800: 0b0100, V29At7200: 0b1100, V29At9600: 0b1000,
	V17At7200: 0b1101, V17At9600: 0b1001, V17At12000: 0b0101, V17At14400: 0b0001}

// rate reads bits 11 to 14 as a DCS or CTC has them. The codes of V.33 and the reserved ones
// are invalid.
func (b Bits) rate() (Modulation, error) {
	code := b.number(BitRate1, BitRate4)
	for m := V27ter2400; m <= V17At14400; m++ {
		if rateCodes[m] == code {
			return m, nil
		}
	}
	return 0, errDCSRate
}

// ParseRate reads the modulation that the information field of a CTC states (its bits are the
// first 16 of a DCS).
func ParseRate(field []byte) (Modulation, error) {
	if len(field) < 2 {
		return 0, errDCSShort
	}
	return Bits([]byte{field[0], field[1], 0}).rate()
}

// ParseCommand reads the information field of a DCS. With ErrMode the command holds what else
// the DCS says.
func ParseCommand(field []byte) (c Command, err error) {
	b := Bits(field)
	if len(b) < fieldOctets {
		return c, errDCSShort
	}
	if c.Modulation, err = b.rate(); err != nil {
		return Command{}, err
	}
	c.Form = Form{Width: b.width(), Length: b.length(), Inch: b.Has(BitInch)}
	for _, r := range resolutionBits {
		if b.Has(r.bit) {
			c.Form.Resolution = r.resolution
		}
	}
	if c.Form.Resolution == R300 {
		c.Form.Inch = true
	}
	c.ECM, c.Frame64 = b.Has(BitECM), b.Has(BitECM) && b.Has(BitFrame64)
	c.MinScan = scanTimes[b.number(BitScan1, BitScan3)].ms
	c.Subaddress, c.Secret = b.Has(BitSubaddress), b.Has(BitPassword)
	switch {
	case b.other():
		return c, ErrMode
	case b.Has(BitMMR) && !c.ECM:
		return c, errDCSCoding
	case b.Has(BitMMR):
		c.Coding = MMR
	case b.Has(BitMR):
		c.Coding = MR
	}
	return c, nil
}

// other tells whether a DCS is not for pages in black and white, coded by T.4 or T.6.
func (b Bits) other() bool {
	for _, n := range [...]Bit{BitUncompressed, BitT43, BitBFT, BitDTM, BitEDI, BitBTM, BitJPEG, BitColour, BitJBIG, BitJBIGL0, Bit600, Bit1200} {
		if b.Has(n) {
			return true
		}
	}
	return false
}

// Bits is the information field of a DCS with this command.
func (c Command) Bits() Bits {
	b := make(Bits, fieldOctets, 8)
	b.Set(BitReceives)
	b.putNumber(BitRate1, BitRate4, rateCodes[c.Modulation])
	for _, r := range resolutionBits {
		b.put(r.bit, c.Form.Resolution == r.resolution)
	}
	b.put(BitInch, c.Form.Inch)
	b.putPaper(c.Form.Width, c.Form.Length)
	b.put(BitMR, c.Coding == MR)
	b.put(BitMMR, c.Coding == MMR)
	b.put(BitECM, c.ECM)
	b.put(BitFrame64, c.Frame64)
	for code, scan := range scanTimes {
		if scan.ms == c.MinScan && !scan.half {
			b.putNumber(BitScan1, BitScan3, code)
		}
	}
	b.put(BitSubaddress, c.Subaddress)
	b.put(BitPassword, c.Secret)
	return b
}

// Format is the page's format under this command.
func (c Command) Format() Format {
	f := Format{Form: c.Form, Coding: c.Coding, ECM: c.ECM, MinScan: c.MinScan, BitRate: c.Modulation.BitRate()}
	if c.ECM {
		f.MinScan = 0
	}
	return f
}
