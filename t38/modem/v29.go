package modem

// The modem of ITU-T V.29: 9600 bit/s in 2400 symbols of four bits a second, 7200 bit/s
// in symbols of three; the carrier is 1700 Hz (clause 2). Three bits say by how much the
// phase differs from that of the symbol before, the one before them, at 9600, chooses one
// of two amplitudes (clause 3.1, tables 1 and 2): 3 or 5 on the axes, the root of 2 or
// three times that between them. Data is scrambled by 1 + x^-18 + x^-23 (clause 7).
//
// Clause 8, table 4, is the training: 48 symbols of silence, 128 of two elements in turn
// (segment 2: A is 180 degrees, amplitude 3; B is 315 degrees, with the greater of its
// amplitudes at 9600 and the lesser at 7200), 384 of two others as a pseudo-random
// sequence of 1 + x^-6 + x^-7 says (segment 3: C is 0 degrees, amplitude 3; D is 135
// degrees, as B), 48 of scrambled 1 (segment 4).
//
// The receiver is the common one of qamReceiver. 384 symbols are few for its equaliser:
// it keeps them and goes through them more than once.

var v29At9600 = scheme{
	mode: V29At9600, baud: 2400, carrierHz: 1700, bits: 4,
	quiet: 48, alternations: 128, conditioning: 384, ones: 48, flush: 24,
	pulse: send2400, taps: receive2400,
}

var v29At7200 = scheme{
	mode: V29At7200, baud: 2400, carrierHz: 1700, bits: 3,
	quiet: 48, alternations: 128, conditioning: 384, ones: 48, flush: 24,
	pulse: send2400, taps: receive2400,
}

// v29Points has the elements by phase in eighths of a turn, those with the greater
// amplitude in the second eight. The mean power is that of all of them, or at 7200 of the
// first eight.
var v29Points9600 = [16]point{
	{1672, 0}, {557, 557}, {0, 1672}, {-557, 557}, {-1672, 0}, {-557, -557}, {0, -1672}, {557, -557},
	{2787, 0}, {1672, 1672}, {0, 2787}, {-1672, 1672}, {-2787, 0}, {-1672, -1672}, {0, -2787}, {1672, -1672},
}

var v29Points7200 = [8]point{
	{2620, 0}, {873, 873}, {0, 2620}, {-873, 873}, {-2620, 0}, {-873, -873}, {0, -2620}, {873, -873},
}

// v29Coder makes and reads the elements of V.29.
type v29Coder struct {
	scheme *scheme
	points []point
	longScrambler
	phase  uint8 // of the latest element, in eighths
	random uint8 // the register of segment 3
	trains int
}

func (c *v29Coder) reset(s *scheme) {
	*c = v29Coder{scheme: s, points: v29Points7200[:], random: 0b0101010}
	if s.mode == V29At9600 {
		c.points = v29Points9600[:]
	}
}

// training: A, B, C and D are the elements of phase 4, 7, 0 and 3.
func (c *v29Coder) training() point {
	second := c.trains&1 != 0
	base := uint8(4)
	if c.trains >= c.scheme.alternations {
		base, second = 0, c.random>>6 != 0
		c.random = c.random<<1&127 | (c.random>>6^c.random>>5)&1
	}
	c.trains++
	if !second {
		c.phase = base
		return c.points[base]
	}
	c.phase = base + 3
	return c.points[c.phase|uint8(len(c.points))&16>>1]
}

func (c *v29Coder) encode(bits uint32) point {
	line := c.scramble(bits, c.scheme.bits)
	var greater uint32
	if c.scheme.bits == 4 {
		greater, line = line&1<<3, line>>1
	}
	c.phase = (c.phase + turnOfBits[line&1<<2|line&2|line>>2]) & 7
	return c.points[uint32(c.phase)|greater]
}

func (c *v29Coder) decide(z point) (point, uint32) {
	best, element := int32(1<<31-1), 0
	for i, p := range c.points {
		if d := (point{z.re - p.re, z.im - p.im}).power(); d < best {
			best, element = d, i
		}
	}
	return c.points[element], uint32(element)
}

func (c *v29Coder) decode(element uint32) uint32 {
	line := uint32(bitsOfTurn[(uint8(element)-c.phase)&7])
	c.phase = uint8(element) & 7
	if c.scheme.bits == 4 {
		line = line<<1 | element>>3
	}
	return c.descramble(line, c.scheme.bits)
}
