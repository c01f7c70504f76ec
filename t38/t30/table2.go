package t30

import "strconv"

// Bit is a bit in the information field of DIS, DTC and DCS, numbered from 1 as in T.30
// table 2.
type Bit uint8

// The bits of T.30 table 2. Where DCS gives a bit another meaning than DIS, it is said.
const (
	BitT37             Bit = 1  // store and forward Internet fax
	BitT38             Bit = 3  // real-time Internet fax
	BitMobile          Bit = 4  // third generation mobile network
	BitV8              Bit = 6  // V.8 capabilities; DCS: 0
	BitPrefers64       Bit = 7  // 64 octets in an ECM frame preferred; DCS: 0
	BitHasDocument     Bit = 9  // ready to transmit (polling); DCS: 0
	BitReceives        Bit = 10 // receiver operation; DCS: 1
	BitRate1           Bit = 11 // data signalling rate, bits 11 to 14
	BitRate2           Bit = 12
	BitRate3           Bit = 13
	BitRate4           Bit = 14
	BitFine            Bit = 15 // 8 x 7.7 per mm, 200 x 200 per inch
	BitMR              Bit = 16 // two-dimensional coding
	BitB4Width         Bit = 17 // 255 mm
	BitA3Width         Bit = 18 // 303 mm
	BitB4Length        Bit = 19
	BitUnlimited       Bit = 20 // length
	BitScan1           Bit = 21 // minimum scan line time, bits 21 to 23
	BitScan2           Bit = 22
	BitScan3           Bit = 23
	BitUncompressed    Bit = 26
	BitECM             Bit = 27
	BitFrame64         Bit = 28 // DCS: 64 octets in an ECM frame; DIS: 0
	BitMMR             Bit = 31 // T.6 coding
	BitNotValid        Bit = 33 // field not valid capability
	BitMultiplePolling Bit = 34 // multiple selective polling
	BitPolledSub       Bit = 35 // polled subaddress; DCS: 0
	BitT43             Bit = 36
	BitPlanes          Bit = 37 // plane interleave
	BitG726            Bit = 38
	BitExtendedVoice   Bit = 39
	BitSuperfine       Bit = 41 // 8 x 15.4 per mm, 200 x 400 per inch
	BitR300            Bit = 42 // 300 x 300 per inch
	BitUltrafine       Bit = 43 // 16 x 15.4 per mm, 400 x 400 per inch
	BitInch            Bit = 44 // inch based resolution preferred; DCS: resolution is in inches
	BitMetric          Bit = 45 // metric based resolution preferred; DCS: 0
	BitHalfSuper       Bit = 46 // half the minimum scan line time at 15.4 lines/mm; DCS: 0
	BitSelective       Bit = 47 // takes SEP; DCS: 0
	BitSubaddress      Bit = 49 // takes SUB; DCS: SUB was sent
	BitPassword        Bit = 50 // takes PWD, SID; DCS: SID was sent
	BitDataFile        Bit = 51 // ready to transmit a data file (polling); DCS: 0
	BitBFT             Bit = 53 // binary file transfer
	BitDTM             Bit = 54 // document transfer mode
	BitEDI             Bit = 55
	BitBTM             Bit = 57 // basic transfer mode
	BitMixedDocument   Bit = 59 // ready to transmit a character or mixed mode document
	BitCharacter       Bit = 60
	BitMixed           Bit = 62
	BitProcessable     Bit = 65 // processable mode 26
	BitDigital         Bit = 66 // digital network
	BitDuplex          Bit = 67
	BitJPEG            Bit = 68
	BitColour          Bit = 69
	Bit12PerPel        Bit = 71
	BitNoSubsampling   Bit = 73
	BitIlluminant      Bit = 74
	BitGamut           Bit = 75
	BitLetter          Bit = 76 // 215.9 x 279.4 mm
	BitLegal           Bit = 77 // 215.9 x 355.6 mm
	BitJBIG            Bit = 78 // T.85
	BitJBIGL0          Bit = 79
	BitHKM             Bit = 81 // key management
	BitRSA             Bit = 82
	BitOverride        Bit = 83
	BitHFX40           Bit = 84
	BitCipher2         Bit = 85
	BitCipher3         Bit = 86
	BitHFX40I          Bit = 87
	BitHash2           Bit = 89
	BitHash3           Bit = 90
	BitT44Mode1        Bit = 92
	BitT44Mode2        Bit = 93
	BitT44Mode3        Bit = 94
	BitT44Length       Bit = 95
	BitColour300       Bit = 97 // 300 x 300 or 400 x 400
	Bit100             Bit = 98 // 100 x 100
	BitSimpleBFT       Bit = 99
	BitExtendedBFT     Bit = 100
	BitISP             Bit = 101 // Internet selective polling address
	BitIRA             Bit = 102 // Internet routing address
	Bit600             Bit = 105 // 600 x 600
	Bit1200            Bit = 106 // 1200 x 1200
	Bit300x600         Bit = 107
	Bit400x800         Bit = 108
	Bit600x1200        Bit = 109
)

var bitNames = map[Bit]string{
	BitT37: "T.37", BitT38: "T.38", BitMobile: "3G", BitV8: "V.8", BitPrefers64: "prefers 64",
	BitHasDocument: "has document", BitReceives: "receives", BitUncompressed: "uncompressed",
	BitFine: "fine", BitMR: "MR", BitB4Width: "B4 width", BitA3Width: "A3 width", BitB4Length: "B4 length",
	BitUnlimited: "unlimited length", BitECM: "ECM", BitFrame64: "64-octet frames", BitMMR: "MMR",
	BitNotValid: "FNV", BitMultiplePolling: "multiple selective polling", BitPolledSub: "PSA",
	BitT43: "T.43", BitPlanes: "plane interleave", BitG726: "G.726", BitExtendedVoice: "extended voice",
	BitSuperfine: "superfine", BitR300: "300", BitUltrafine: "ultrafine", BitInch: "inch",
	BitMetric: "metric", BitHalfSuper: "half scan time", BitSelective: "SEP", BitSubaddress: "SUB",
	BitPassword: "PWD", BitDataFile: "has data file", BitBFT: "BFT", BitDTM: "DTM", BitEDI: "EDI",
	BitBTM: "BTM", BitMixedDocument: "has mixed document", BitCharacter: "character", BitMixed: "mixed",
	BitProcessable: "processable", BitDigital: "digital", BitDuplex: "duplex", BitJPEG: "JPEG",
	BitColour: "colour", Bit12PerPel: "12 bits", BitNoSubsampling: "no subsampling",
	BitIlluminant: "illuminant", BitGamut: "gamut", BitLetter: "letter", BitLegal: "legal",
	BitJBIG: "JBIG", BitJBIGL0: "JBIG L0", BitHKM: "HKM", BitRSA: "RSA", BitOverride: "override",
	BitHFX40: "HFX40", BitCipher2: "cipher 2", BitCipher3: "cipher 3", BitHFX40I: "HFX40-I",
	BitHash2: "hash 2", BitHash3: "hash 3", BitT44Mode1: "T.44 1", BitT44Mode2: "T.44 2",
	BitT44Mode3: "T.44 3", BitT44Length: "T.44 length", BitColour300: "colour 300", Bit100: "100",
	BitSimpleBFT: "simple BFT", BitExtendedBFT: "extended BFT", BitISP: "ISP", BitIRA: "IRA",
	Bit600: "600", Bit1200: "1200", Bit300x600: "300x600", Bit400x800: "400x800", Bit600x1200: "600x1200",
}

func (n Bit) String() string {
	if s, ok := bitNames[n]; ok {
		return s
	}
	return "bit " + strconv.Itoa(int(n))
}

// Bits is the information field of a DIS, DTC or DCS.
type Bits []byte

// fieldOctets is the length every DIS has at least: bits 1 to 24.
const fieldOctets = 3

// Has tells whether bit n is 1. Bits behind the end of the field, or behind an octet whose
// extend bit is 0, are 0.
func (b Bits) Has(n Bit) bool {
	i := int(n-1) / 8
	return n > 0 && i < b.extent() && b[i]>>((n-1)%8)&1 != 0
}

// extent is how many octets of the field count: from bit 24 on each eighth bit tells whether
// another octet follows.
func (b Bits) extent() int {
	n := min(fieldOctets, len(b))
	for n >= fieldOctets && n < len(b) && b[n-1]&0x80 != 0 {
		n++
	}
	return n
}

// Set makes bit n 1, and lengthens the field with its extend bits as far as that takes.
func (b *Bits) Set(n Bit) {
	i := int(n-1) / 8
	for len(*b) < max(fieldOctets, i+1) {
		*b = append(*b, 0)
	}
	for k := fieldOctets - 1; k < i; k++ {
		(*b)[k] |= 0x80
	}
	(*b)[i] |= 1 << ((n - 1) % 8)
}

// Clear makes bit n 0. The field keeps its length.
func (b Bits) Clear(n Bit) {
	if i := int(n-1) / 8; n > 0 && i < len(b) {
		b[i] &^= 1 << ((n - 1) % 8)
	}
}

// put sets bit n where on is true.
func (b *Bits) put(n Bit, on bool) {
	if on {
		b.Set(n)
	}
}

// number reads bits as a number, the first as the most significant: as table 2 prints codes.
func (b Bits) number(from, to Bit) (v int) {
	for n := from; n <= to; n++ {
		v <<= 1
		if b.Has(n) {
			v |= 1
		}
	}
	return v
}

// putNumber writes what number reads.
func (b *Bits) putNumber(from, to Bit, v int) {
	for n := to; n >= from; n-- {
		b.put(n, v&1 != 0)
		v >>= 1
	}
}
