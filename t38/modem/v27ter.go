package modem

// The modem of ITU-T V.27ter: 4800 bit/s in 1600 symbols of eight phases a second, 2400
// bit/s in 1200 symbols of four; the carrier is 1800 Hz (clause 2.1). Three bits, or two,
// say by how much the phase differs from that of the symbol before (clause 2.3, tables 1
// and 2), so that nobody needs to know where phase 0 is. The spectrum is a raised cosine
// of 50 % (clause 2.2), half of it made here and half in the receiver. Data is scrambled
// by 1 + x^-6 + x^-7 with a guard against repeated patterns (clause 2.5, appendix I).
//
// T.4 asks for the long training of clause 2.5.1 table 3: 50 symbols whose phase turns by
// half a turn each time (segment 3), 1074 whose phase turns by half a turn or stays, as
// every third bit of the scrambler's pseudo-random sequence says (segment 4), 8 of
// scrambled 1 (segment 5). Segments 1 and 2, carrier and silence for the sake of echo
// suppressors, are Transmitter.TEP.
//
// The receiver is the common one of qamReceiver. What is its own here is how an element
// becomes bits: by the difference of two phases.

var v27ter4800 = scheme{
	mode: V27ter4800, baud: 1600, carrierHz: 1800, bits: 3,
	alternations: 50, conditioning: 1074, ones: 8, flush: 16,
	pulse: send1600, taps: receive1600,
}

var v27ter2400 = scheme{
	mode: V27ter2400, baud: 1200, carrierHz: 1800, bits: 2,
	alternations: 50, conditioning: 1074, ones: 8, flush: 12,
	pulse: send1200, taps: receive1200,
}

// eighths are the eight phases, an eighth of a turn apart, at the mean amplitude.
var eighths = [8]point{{2048, 0}, {1448, 1448}, {0, 2048}, {-1448, 1448}, {-2048, 0}, {-1448, -1448}, {0, -2048}, {1448, -1448}}

// turnOfBits is the change of phase, in eighths of a turn, for three bits, the first one
// in time the highest (V.27ter table 1, V.29 table 1).
var turnOfBits = [8]uint8{0b001: 0, 0b000: 1, 0b010: 2, 0b011: 3, 0b111: 4, 0b110: 5, 0b100: 6, 0b101: 7}

// bitsOfTurn is its inverse, the first bit in time the lowest.
var bitsOfTurn = [8]uint8{0: 0b100, 1: 0b000, 2: 0b010, 3: 0b110, 4: 0b111, 5: 0b011, 6: 0b001, 7: 0b101}

// V.27ter table 2, the same for two bits; an odd turn does not occur.
var (
	turnOfTwoBits = [4]uint8{0b00: 0, 0b01: 2, 0b11: 4, 0b10: 6}
	twoBitsOfTurn = [8]uint8{0: 0b00, 2: 0b10, 4: 0b11, 6: 0b01}
)

// v27terCoder makes and reads the elements of V.27ter.
type v27terCoder struct {
	scheme *scheme
	guardedScrambler
	phase  uint8 // of the latest element, in eighths
	trains int   // elements of training made
}

func (c *v27terCoder) reset(s *scheme) {
	*c = v27terCoder{scheme: s, guardedScrambler: guardedScrambler{register: 0x3C}}
}

func (c *v27terCoder) training() point {
	if c.trains < c.scheme.alternations {
		c.phase ^= 4
	} else {
		if c.scramble(1) != 0 {
			c.phase ^= 4
		}
		c.scramble(1)
		c.scramble(1)
	}
	c.trains++
	return eighths[c.phase]
}

func (c *v27terCoder) encode(bits uint32) point {
	var v uint32
	for i := range c.scheme.bits {
		v = v<<1 | c.scramble(bits>>i&1)
	}
	turn := turnOfBits[v&7]
	if c.scheme.bits == 2 {
		turn = turnOfTwoBits[v&3]
	}
	c.phase = (c.phase + turn) & 7
	return eighths[c.phase]
}

func (c *v27terCoder) decide(z point) (point, uint32) {
	n := nearestEighth(z)
	if c.scheme.bits == 2 {
		n = nearestQuarter(z)
	}
	return eighths[n], uint32(n)
}

func (c *v27terCoder) decode(element uint32) uint32 {
	turn := (uint8(element) - c.phase) & 7
	c.phase = uint8(element)
	line := uint32(bitsOfTurn[turn])
	if c.scheme.bits == 2 {
		line = uint32(twoBitsOfTurn[turn&6])
	}
	return c.descramble(line, c.scheme.bits)
}

// nearestQuarter returns the nearest of four phases, in eighths of a turn.
func nearestQuarter(z point) uint8 {
	switch a, b := z.re+z.im, z.re-z.im; {
	case a >= 0 && b > 0:
		return 0
	case a > 0:
		return 2
	case b < 0:
		return 4
	}
	return 6
}

// nearestEighth turns z by a sixteenth of a turn and looks in which eighth it lies.
func nearestEighth(z point) uint8 {
	const cos, sin = 15137, 6270 // of 22.5 degrees, in 1<<14
	x, y := z.re*cos-z.im*sin, z.re*sin+z.im*cos
	var n uint8
	if y < 0 {
		x, y, n = -x, -y, 4
	}
	if x < 0 {
		x, y, n = y, -x, n+2
	}
	if y > x {
		n++
	}
	return n
}
