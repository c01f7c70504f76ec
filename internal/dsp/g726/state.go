package g726

import "math/bits"

// A state is what encoder and decoder keep of a stream (table 11 of the Recommendation gives
// the initial values).
type state struct {
	locked   int // YL, the slow step, 6 bits more than YU
	unlocked int // YU, the fast step
	short    int // DMS, short mean of F(I)
	long     int // DML, long mean of F(I)
	speed    int // AP: 256 and more lets the fast step rule

	poles  [2]int   // A1, A2, of the reconstructed signal
	zeros  [6]int   // B1 to B6, of the differences
	differ [6]float // DQ1 to DQ6
	signal [2]float // SR1, SR2
	signs  [2]bool  // PK1, PK2: the partial signal was below zero
	tone   bool     // TD: a tone, or a modem
}

// A float is a floating-point number of the predictor: sign, 4 bits of exponent, 6 bits of
// mantissa (FLOATA, FLOATB).
type float struct {
	negative bool
	exponent int
	mantissa int
}

func float11(v int) float {
	magnitude := max(v, -v)
	if magnitude == 0 {
		return float{mantissa: 32}
	}
	exponent := bits.Len(uint(magnitude))
	return float{v < 0, exponent, magnitude << 6 >> exponent}
}

// times multiplies a coefficient by it (FMULT).
func (x float) times(coefficient int) int {
	coefficient >>= 2
	magnitude := max(coefficient, -coefficient) & 0x1fff
	exponent, mantissa := bits.Len(uint(magnitude)), 32
	if magnitude != 0 {
		mantissa = magnitude << 6 >> exponent
	}
	shift := x.exponent + exponent - 19
	product := (x.mantissa*mantissa + 48) >> 4
	if shift >= 0 {
		product = product << shift & 0x7fff
	} else {
		product >>= -shift
	}
	if (coefficient < 0) != x.negative {
		return -product
	}
	return product
}

func initial() state {
	s := state{locked: 34816, unlocked: 544}
	for i := range s.differ {
		s.differ[i] = float11(0)
	}
	s.signal = [2]float{float11(0), float11(0)}
	return s
}

// A guess is what is known of a sample before its code.
type guess struct {
	signal int // SE, the estimate
	zeros  int // SEZ, the part of it that the differences make
	step   int // Y
}

// guess predicts the next sample (ACCUM) and its step (LIMA, MIX).
func (s *state) guess() guess {
	sum := 0
	for i, d := range s.differ {
		sum += d.times(s.zeros[i])
	}
	g := guess{zeros: sum >> 1}
	for i, r := range s.signal {
		sum += r.times(s.poles[i])
	}
	g.signal = sum >> 1
	g.step = s.step()
	return g
}

func (s *state) step() int {
	if s.speed >= 256 {
		return s.unlocked
	}
	slow := s.locked >> 6
	product := (s.unlocked - slow) * (s.speed >> 2)
	if product < 0 {
		product += 0x3f // toward zero
	}
	return slow + product>>6
}

// take adapts the state to a code, and returns the sample that it makes (ADDB): 14 bits.
func (s *state) take(code byte, g guess) int {
	difference := restore(code, g.step)
	sample := g.signal + difference
	partial := difference + g.zeros

	jump := s.jumps(max(difference, -difference))
	s.adaptStep(code, g.step)
	if jump {
		s.poles, s.zeros = [2]int{}, [6]int{}
	} else {
		s.adaptPoles(partial)
		s.adaptZeros(difference)
	}
	s.tone = !jump && s.poles[1] < -11776
	s.adaptSpeed(code, g.step, jump)

	copy(s.differ[1:], s.differ[:5])
	s.differ[0] = float11(difference)
	s.differ[0].negative = code >= 4 // zero, too, has a sign here
	s.signal[0], s.signal[1] = float11(sample), s.signal[0]
	s.signs[0], s.signs[1] = partial < 0, s.signs[0]
	return sample
}

// jumps reports a partial band signal, as a modem's, that has changed its nature: what was
// learned of it is of no use (TRANS).
func (s *state) jumps(magnitude int) bool {
	whole, fraction := s.locked>>15, s.locked>>10&31
	threshold := 31 << 10
	if whole <= 9 {
		threshold = (32 + fraction) << whole
	}
	return s.tone && magnitude > (threshold+threshold>>1)>>1
}

// adaptStep lets both steps follow (FILTD, LIMB, FILTE).
func (s *state) adaptStep(code byte, step int) {
	s.unlocked = max(544, min(step+(weights[half(code)]-step)>>5, 5120))
	s.locked += s.unlocked + -s.locked>>6
}

// adaptPoles moves both poles and keeps them where the filter is stable (UPA1, UPA2, LIMC,
// LIMD).
func (s *state) adaptPoles(partial int) {
	now, same1 := partial < 0, (partial < 0) == s.signs[0]
	second := s.poles[1] - s.poles[1]>>7
	if partial != 0 {
		lean := -s.poles[0]
		if !same1 {
			lean = s.poles[0]
		}
		switch {
		case lean < -8191:
			second -= 0x100
		case lean > 8191:
			second += 0xff
		default:
			second += lean >> 5
		}
		if now == s.signs[1] {
			second += 0x80
		} else {
			second -= 0x80
		}
	}
	s.poles[1] = max(-12288, min(second, 12288))

	first := s.poles[0] - s.poles[0]>>8
	if partial != 0 {
		if same1 {
			first += 192
		} else {
			first -= 192
		}
	}
	most := 15360 - s.poles[1]
	s.poles[0] = max(-most, min(first, most))
}

// adaptZeros moves the zeros by the signs of the differences (UPB).
func (s *state) adaptZeros(difference int) {
	for i := range s.zeros {
		s.zeros[i] -= s.zeros[i] >> 8
		if difference == 0 {
			continue
		}
		if (difference < 0) == s.differ[i].negative {
			s.zeros[i] += 128
		} else {
			s.zeros[i] -= 128
		}
	}
}

// adaptSpeed mixes the steps by how steady the signal is (FILTA, FILTB, SUBTC, FILTC, TRIGA).
func (s *state) adaptSpeed(code byte, step int, jump bool) {
	f := speeds[half(code)]
	s.short += (f - s.short) >> 5
	s.long += (f<<2 - s.long) >> 7
	apart := s.short<<2 - s.long
	switch {
	case jump:
		s.speed = 256
	case step < 1536 || s.tone || max(apart, -apart) >= s.long>>3:
		s.speed += (0x200 - s.speed) >> 4
	default:
		s.speed += -s.speed >> 4
	}
}
