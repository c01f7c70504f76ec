package modem

// Scramblers make a stream of bits look random by adding to each bit two of those they sent
// before. The same register undoes it on the other side, because it holds what was on the
// line.

// longScrambler is that of V.29 clause 7 and V.17 clause 4: 1 + x^-18 + x^-23. Its value
// has the latest 23 bits on the line, the oldest is bit 0.
type longScrambler uint32

// scramble takes n bits of data, 18 at most, and returns those for the line; the first one
// is the lowest.
func (s *longScrambler) scramble(data uint32, n int) uint32 {
	line := (data ^ s.key()) & (1<<n - 1)
	s.shift(line, n)
	return line
}

// descramble takes n bits from the line, 18 at most, and returns those of data.
func (s *longScrambler) descramble(line uint32, n int) uint32 {
	data := (line ^ s.key()) & (1<<n - 1)
	s.shift(line, n)
	return data
}

// key is what is added to the next bits.
func (s *longScrambler) key() uint32 { return uint32(*s ^ *s>>5) }

func (s *longScrambler) shift(line uint32, n int) {
	*s = longScrambler((uint64(*s) | uint64(line)<<23) >> n & (1<<23 - 1))
}

// guardedScrambler is that of V.27ter clause 2.5 and appendix I: 1 + x^-6 + x^-7, and a
// guard against repeated patterns.
type guardedScrambler struct {
	register uint32 // bits on the line, the newest is bit 0
	repeats  uint8  // bits in a row that were those 8, 9 or 12 places before
}

// guardLimit is how many they may be; the next is inverted.
const guardLimit = 33

// scramble takes a bit of data and returns the one for the line.
func (s *guardedScrambler) scramble(bit uint32) uint32 {
	line := (bit ^ s.key()) & 1
	s.shift(line)
	return line
}

// descramble takes n bits from the line and returns those of data; the first one is the
// lowest.
func (s *guardedScrambler) descramble(line uint32, n int) (data uint32) {
	for i := range n {
		data |= (line>>i ^ s.key()) & 1 << i
		s.shift(line >> i & 1)
	}
	return data
}

func (s *guardedScrambler) key() uint32 {
	k := s.register>>5 ^ s.register>>6
	if s.repeats == guardLimit {
		k ^= 1
	}
	return k
}

func (s *guardedScrambler) shift(line uint32) {
	differs := (s.register>>7 ^ line) & (s.register>>8 ^ line) & (s.register>>11 ^ line) & 1
	if differs != 0 || s.repeats == guardLimit {
		s.repeats = 0
	} else {
		s.repeats++
	}
	s.register = s.register<<1 | line
}
