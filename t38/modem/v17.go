package modem

// The modem of ITU-T V.17: 14400, 12000, 9600 and 7200 bit/s in 2400 symbols a second on
// a carrier of 1800 Hz, with trellis coding (clause 2). Of the six, five, four or three
// bits of a symbol the first two, Q1 and Q2, are coded differentially to Y1 and Y2 (table
// 1), from which a convolutional code of eight states makes a further bit Y0 (figure 1);
// all together choose one of 128, 64, 32 or 16 elements (figures 2 to 5). Turned by a
// quarter the elements are the same code again, so that the receiver need not know which
// quarter it is in. Data is scrambled by 1 + x^-18 + x^-23 (clause 4).
//
// Clause 5 and tables 2 and 3 are the training, of four elements A, B, C, D at a right
// angle to each other. Segment 1: A and B in turn, 256 symbols. Segment 2: scrambled 1 two
// bits a symbol, 2976 symbols, or 38 in the short training, for which the receiver has to
// remember its equaliser. Segment 3, in the long one only: the 16 bits of the bridge
// signal eight times, scrambled, coded differentially, 64 symbols. Segment 4: scrambled 1
// in the coding of the data, 48 symbols. The end is 32 more of those and silence.
//
// The receiver is the common one of qamReceiver with the trellis decoder of trellis.go
// behind it. The conditioning of a long training begins as that of a short one does, so
// the receiver tells by what follows which of them it hears, whatever it was told.

func v17Scheme(m Mode, bits int) scheme {
	return scheme{
		mode: m, baud: 2400, carrierHz: 1800, bits: bits,
		alternations: 256, conditioning: 2976, bridge: 64, ones: 48, short: 38, flush: 32,
		pulse: send2400, taps: receive2400,
	}
}

var (
	v17At7200  = v17Scheme(V17At7200, 3)
	v17At9600  = v17Scheme(V17At9600, 4)
	v17At12000 = v17Scheme(V17At12000, 5)
	v17At14400 = v17Scheme(V17At14400, 6)
)

// v17Grid is what a step of the grid of the figures is: the mean power of A to D is 40.
const v17Grid = 324

// v17Quarters are C, D, A and B: the first one turned by 0 to 3 quarters.
var v17Quarters = [4]point{{6 * v17Grid, 2 * v17Grid}, {-2 * v17Grid, 6 * v17Grid}, {-6 * v17Grid, -2 * v17Grid}, {2 * v17Grid, -6 * v17Grid}}

// v17QuarterOf is the element of two bits of segment 2, the first one the lower: 00 is C,
// 01 B, 11 A, 10 D.
var v17QuarterOf = [4]uint8{0b00: 0, 0b10: 1, 0b11: 2, 0b01: 3}

// v17BridgeTurn is by how many quarters two bits of segment 3, the first one the lower,
// turn the element.
var v17BridgeTurn = [4]uint8{0b00: 1, 0b10: 0, 0b01: 2, 0b11: 3}

const (
	v17Preset = 0x55d9ba // the scrambler at the beginning of segment 2, table 2
	v17Bridge = 0x8880   // the bridge signal, the lowest bit first
)

// v17Points returns the elements of a scheme by label.
func v17Points(bits int) []gridPoint {
	switch bits {
	case 3:
		return v17Points7200[:]
	case 4:
		return v17Points9600[:]
	case 5:
		return v17Points12000[:]
	}
	return v17Points14400[:]
}

// v17Coder makes the elements of V.17. What it needs to read them is in trellis.
type v17Coder struct {
	scheme *scheme
	points []gridPoint
	short  bool
	longScrambler
	trellis trellisCode
	quarter uint8
	trains  int
}

func (c *v17Coder) reset(s *scheme, short bool) {
	*c = v17Coder{scheme: s, points: v17Points(s.bits), short: short, longScrambler: v17Preset}
	if !short {
		c.trellis.y = 1 // what the end of the bridge leaves
	}
}

func (c *v17Coder) training() point {
	n := c.trains - c.scheme.alternations
	c.trains++
	switch {
	case n < 0:
		return v17Quarters[2+n&1] // A, B
	case n < c.scheme.conditioning:
		c.quarter = v17QuarterOf[c.scramble(0b11, 2)]
	default:
		at := 2 * (n - c.scheme.conditioning)
		c.quarter = (c.quarter + v17BridgeTurn[c.scramble(v17Bridge>>(at&15), 2)]) & 3
	}
	return v17Quarters[c.quarter]
}

func (c *v17Coder) encode(bits uint32) point {
	p := c.points[c.trellis.label(c.scramble(bits, c.scheme.bits))]
	return point{int32(p.x) * v17Grid, int32(p.y) * v17Grid}
}
