package modem

// A scrambler makes a stream of bits look random by adding to each bit two of those it
// sent before: x^-first and x^-last. The same register undoes it on the other side.
type scrambler struct {
	register    uint32 // bits on the line, the newest is bit 0
	first, last uint8
	guarded     bool
	repeats     uint8
}

// V.29 clause 7, V.17 clause 4: 1 + x^-18 + x^-23. V.27ter clause 2.5 and appendix I:
// 1 + x^-6 + x^-7 with a guard against repeated patterns.
func newLongScrambler(register uint32) scrambler {
	return scrambler{register: register, first: 18, last: 23}
}

func newGuardedScrambler(register uint32) scrambler {
	return scrambler{register: register, first: 6, last: 7, guarded: true}
}

// scramble takes a bit of data and returns the bit for the line.
func (s *scrambler) scramble(bit uint32) uint32 {
	line := (bit ^ s.key()) & 1
	s.shift(line)
	return line
}

// descramble takes a bit from the line and returns the bit of data.
func (s *scrambler) descramble(line uint32) uint32 {
	bit := (line ^ s.key()) & 1
	s.shift(line)
	return bit
}

// key is what is added to the next bit.
func (s *scrambler) key() uint32 {
	k := s.register>>(s.first-1) ^ s.register>>(s.last-1)
	if s.repeats == guardLimit {
		k ^= 1
	}
	return k
}

// guardLimit is how many bits in a row may repeat those 8, 9 or 12 places before; the
// next is inverted (V.27ter appendix I).
const guardLimit = 33

func (s *scrambler) shift(line uint32) {
	if s.guarded {
		differs := (s.register>>7 ^ line) & (s.register>>8 ^ line) & (s.register>>11 ^ line) & 1
		if differs != 0 || s.repeats == guardLimit {
			s.repeats = 0
		} else {
			s.repeats++
		}
	}
	s.register = s.register<<1 | line
}
