package modem

import "math"

// levelWatch follows the level of a burst and says when it has stopped. It looks at
// blocks of 2 ms: four of them a sixteenth of what they should be, or ten a quarter, are
// no accident of the data.
type levelWatch struct {
	sum     int64
	samples int
	past    [levelBlocks]int64 // sums of squares of the latest blocks
	at      int
	usual   int64 // mean of such a sum, times 64
	quiet   int   // blocks since the signal was there
}

const (
	levelSamples = SampleRate / 500
	levelBlocks  = 8
)

// add takes a sample and reports whether a block is complete.
func (l *levelWatch) add(x int32) bool {
	l.sum += int64(x * x)
	if l.samples++; l.samples < levelSamples {
		return false
	}
	l.past[l.at&(levelBlocks-1)] = l.sum
	l.at++
	l.sum, l.samples = 0, 0
	if l.gone() {
		l.quiet++
	} else {
		l.quiet = 0
	}
	return true
}

// begin says what level the burst has.
func (l *levelWatch) begin(meanSquare uint64) { l.usual = int64(meanSquare) * levelSamples * 64 }

// follow takes the latest block as one with signal.
func (l *levelWatch) follow() {
	l.usual += l.past[(l.at-1)&(levelBlocks-1)] - l.usual>>6
}

// latest returns the sum of the latest n blocks.
func (l *levelWatch) latest(n int) (sum int64) {
	for i := range n {
		sum += l.past[(l.at-1-i)&(levelBlocks-1)]
	}
	return sum
}

// gone reports whether the signal has stopped.
func (l *levelWatch) gone() bool {
	usual := l.usual >> 6
	return l.latest(2) < 2*usual/16 || l.latest(5) < 5*usual/4
}

// away returns how many blocks ago it stopped, 0 while it is there.
func (l *levelWatch) away() int { return l.quiet }

// dBm0 returns the level of the burst.
func (l *levelWatch) dBm0() float64 {
	const zero = 32767.0 * 32767 / 2 // mean square of 3.14 dBm0
	return 10*math.Log10(float64(l.usual)/(64*levelSamples)/zero) + 3.14
}
