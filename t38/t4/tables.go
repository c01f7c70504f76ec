package t4

// Both colours' words are found by a look at 13 bits in two steps. No word but the
// long make-up ones exceeds 9 bits of a white run, and those begin with seven zeros; no
// word of a black run exceeds 6 bits but those that begin with four zeros.
const (
	maxWord    = 13 // bits in the longest word
	whiteShort = 9
	whiteLong  = 12
	whiteZeros = 7
	blackShort = 6
	blackLong  = 13
	blackZeros = 4
	modeLength = 7

	eolZeros = 11 // EOL is eleven zeros and a one: T.4 clause 4.1.2
	eolBits  = eolZeros + 1
	eolWord  = 1
)

// An entry of a table tells the word that some bits begin with: its run (or mode) from
// bit 4 up and the length of the word in bits 0 to 3. Zero: they begin with no word.
type entry uint16

func (e entry) run() int   { return int(e >> 4) }
func (e entry) bits() uint { return uint(e & 15) }

var (
	whiteFirst  [1 << whiteShort]entry
	whiteSecond [1 << (whiteLong - whiteZeros)]entry
	blackFirst  [1 << blackShort]entry
	blackSecond [1 << (blackLong - blackZeros)]entry
	modes       [1 << modeLength]entry

	// Words to write, by colour (0 white), of runs below 64, and of make-up runs by their 64ths.
	runCodes    [2][64]code
	makeUpCodes [2][2560/64 + 1]code
	modeCodes   [len(modeWords)]code
)

func init() {
	for colour, words := range [2]struct{ runs, makeUps []string }{
		{whiteWords[:], whiteMakeUpWords[:]}, {blackWords[:], blackMakeUpWords[:]},
	} {
		for run, w := range words.runs {
			runCodes[colour][run] = addRun(colour, run, w)
		}
		for i, w := range words.makeUps {
			makeUpCodes[colour][i+1] = addRun(colour, 64*(i+1), w)
		}
		for i, w := range longMakeUpWords {
			makeUpCodes[colour][i+28] = addRun(colour, 1792+64*i, w)
		}
	}
	for mode, w := range modeWords {
		if w != "" {
			modeCodes[mode] = add(modes[:], modeLength, 0, mode, w)
		}
	}
}

func addRun(colour, run int, word string) code {
	switch {
	case colour == 0 && len(word) > whiteShort:
		return add(whiteSecond[:], whiteLong, whiteZeros, run, word)
	case colour == 0:
		return add(whiteFirst[:], whiteShort, 0, run, word)
	case len(word) > blackShort:
		return add(blackSecond[:], blackLong, blackZeros, run, word)
	}
	return add(blackFirst[:], blackShort, 0, run, word)
}

// add enters a word in a table that is looked up by width bits less the leading zeros
// that are known.
func add(table []entry, width, zeros, value int, word string) code {
	c := code{n: uint8(len(word))}
	for _, bit := range word {
		c.bits = c.bits<<1 | uint16(bit-'0')
	}
	spare := width - len(word)
	first := int(c.bits) << spare
	for i := range 1 << spare {
		table[(first+i)&(1<<(width-zeros)-1)] = entry(value<<4 | len(word))
	}
	return c
}

// lookWhite finds the word of a white run that a window of 64 bits begins with.
func lookWhite(window uint64) entry {
	if e := whiteFirst[window>>(64-whiteShort)]; e != 0 {
		return e
	}
	if window>>(64-whiteZeros) != 0 {
		return 0
	}
	return whiteSecond[window>>(64-whiteLong)&(1<<(whiteLong-whiteZeros)-1)]
}

// lookBlack finds the word of a black run that a window of 64 bits begins with.
func lookBlack(window uint64) entry {
	if e := blackFirst[window>>(64-blackShort)]; e != 0 {
		return e
	}
	if window>>(64-blackZeros) != 0 {
		return 0
	}
	return blackSecond[window>>(64-blackLong)&(1<<(blackLong-blackZeros)-1)]
}
