package t30

// Capabilities is what a DIS or DTC says its sender can do (T.30 table 2).
type Capabilities struct {
	Receives    bool          // bit 10
	HasDocument bool          // bit 9: can be polled
	Modulations ModulationSet // bits 11 to 14
	Codings     CodingSet     // bits 16 and 31
	ECM         bool          // bit 27
	Prefers64   bool          // bit 7: of octets in an ECM frame
	Resolutions ResolutionSet // bits 15, 41, 42 and 43
	Inch        bool          // bit 44
	Metric      bool          // bit 45
	Width       Width         // bits 17 and 18: the largest
	Length      Length        // bits 19 and 20: the largest
	MinScan     int           // bits 21 to 23: ms a row of standard resolution
	HalfFine    bool          // bits 21 to 23: half of it for a fine row
	HalfSuper   bool          // bit 46: half of a fine row's for one of 15.4 lines/mm
	Subaddress  bool          // bit 49: takes SUB
	Selective   bool          // bit 47: takes SEP
	Password    bool          // bit 50: takes PWD or SID
	V8          bool          // bit 6; never in what this package sends
	JPEG        bool          // bit 68: in shades of grey or colour; never in what this package sends
	JBIG        bool          // bit 78: T.85; never in what this package sends
	T37         bool          // bit 1: Internet fax, store and forward
	T38         bool          // bit 3: Internet fax, real time
}

// The codes of bits 21 to 23 in a DIS, and the times in ms that they stand for.
var scanTimes = [8]struct {
	ms   int
	half bool // for a fine row
}{0: {20, false}, 1: {40, false}, 2: {10, false}, 3: {10, true}, 4: {5, false}, 5: {40, true}, 6: {20, true}, 7: {0, false}}

// ParseCapabilities reads the information field of a DIS or DTC. It is false when that is
// shorter than three octets.
func ParseCapabilities(field []byte) (c Capabilities, ok bool) {
	b := Bits(field)
	if len(b) < fieldOctets {
		return c, false
	}
	scan := scanTimes[b.number(BitScan1, BitScan3)]
	c = Capabilities{
		Receives: b.Has(BitReceives), HasDocument: b.Has(BitHasDocument),
		Modulations: b.modulations(), ECM: b.Has(BitECM), Prefers64: b.Has(BitPrefers64),
		Inch: b.Has(BitInch), Metric: b.Has(BitMetric), Width: b.width(), Length: b.length(),
		MinScan: scan.ms, HalfFine: scan.half, HalfSuper: b.Has(BitHalfSuper),
		Subaddress: b.Has(BitSubaddress), Selective: b.Has(BitSelective), Password: b.Has(BitPassword),
		V8: b.Has(BitV8), JPEG: b.Has(BitJPEG), JBIG: b.Has(BitJBIG), T37: b.Has(BitT37), T38: b.Has(BitT38),
		Codings: Codings(), Resolutions: Resolutions(),
	}
	for _, r := range resolutionBits {
		if b.Has(r.bit) {
			c.Resolutions |= Resolutions(r.resolution)
		}
	}
	if b.Has(BitMR) {
		c.Codings |= Codings(MR)
	}
	if b.Has(BitMMR) && c.ECM { // T.6 has no way to find back after an error
		c.Codings |= Codings(MMR)
	}
	return c, true
}

var resolutionBits = [...]struct {
	resolution Resolution
	bit        Bit
}{{Fine, BitFine}, {Superfine, BitSuperfine}, {R300, BitR300}, {Ultrafine, BitUltrafine}}

// modulations reads bits 11 to 14 as a DIS has them. All zero is the V.27ter fall-back rate
// alone; V.33's code stands for V.27ter and V.29 here.
func (b Bits) modulations() (s ModulationSet) {
	if b.Has(BitRate1) {
		s |= SetV29
	}
	if b.Has(BitRate2) {
		s |= SetV27ter
	}
	if b.number(BitRate1, BitRate4) == 0b1101 {
		s |= SetV17
	}
	if s == 0 {
		return Modulations(V27ter2400)
	}
	return s
}

func (b Bits) width() Width {
	switch {
	case b.Has(BitA3Width): // also with bit 17, which is to be read so
		return A3Width
	case b.Has(BitB4Width):
		return B4Width
	default:
		return A4Width
	}
}

func (b Bits) length() Length {
	switch {
	case b.Has(BitUnlimited):
		return Unlimited
	case b.Has(BitB4Length):
		return B4Length
	default:
		return A4Length
	}
}

// putPaper writes width and length.
func (b *Bits) putPaper(w Width, l Length) {
	b.put(BitB4Width, w == B4Width)
	b.put(BitA3Width, w == A3Width)
	b.put(BitB4Length, l == B4Length)
	b.put(BitUnlimited, l == Unlimited)
}

// Bits is the information field of a DIS or DTC with these capabilities.
func (c Capabilities) Bits() Bits {
	b := make(Bits, fieldOctets, 8)
	b.put(BitT37, c.T37)
	b.put(BitT38, c.T38)
	b.put(BitV8, c.V8)
	b.put(BitPrefers64, c.Prefers64)
	b.put(BitHasDocument, c.HasDocument)
	b.put(BitReceives, c.Receives)
	b.putNumber(BitRate1, BitRate4, c.rateCode())
	for _, r := range resolutionBits {
		b.put(r.bit, c.Resolutions.Has(r.resolution))
	}
	b.put(BitMR, c.Codings.Has(MR))
	b.put(BitMMR, c.Codings.Has(MMR) && c.ECM)
	b.put(BitECM, c.ECM)
	b.putPaper(c.Width, c.Length)
	for code, scan := range scanTimes {
		if scan.ms == c.MinScan && scan.half == c.HalfFine {
			b.putNumber(BitScan1, BitScan3, code)
		}
	}
	b.put(BitInch, c.Inch)
	b.put(BitMetric, c.Metric)
	b.put(BitHalfSuper, c.HalfSuper)
	b.put(BitSelective, c.Selective)
	b.put(BitSubaddress, c.Subaddress)
	b.put(BitPassword, c.Password)
	b.put(BitJPEG, c.JPEG)
	b.put(BitJBIG, c.JBIG)
	return b
}

// rateCode is bits 11 to 14 of a DIS. They tell recommendations, not rates: what is not to be
// used of one is answered with FTT.
func (c Capabilities) rateCode() int {
	switch s := c.Modulations; {
	case s&SetV17 != 0:
		return 0b1101
	case s&SetV29 != 0 && s&SetV27ter == 0:
		return 0b1000
	case s&SetV29 != 0:
		return 0b1100
	case s.Has(V27ter4800):
		return 0b0100
	default:
		return 0
	}
}

// MinScanAt is the minimum scan line time in ms for rows of resolution r.
func (c Capabilities) MinScanAt(r Resolution) int {
	ms := c.MinScan
	if r != Standard && c.HalfFine {
		ms /= 2
	}
	if (r == Superfine || r == Ultrafine) && c.HalfSuper && ms > 5 {
		ms /= 2
	}
	return ms
}
