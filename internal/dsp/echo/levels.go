package echo

// levels are the powers of the blocks of the far signal that an echo can still come from.
type levels struct {
	blocks []uint64
	at     int
	active int // blocks until far counts as silent
}

// quiet is the power of a block of -48 dBm0: the echo of less is not worth adapting to.
const quiet = block * 64 * 64

func (l *levels) reset() {
	clear(l.blocks)
	l.at, l.active = 0, 0
}

func (l *levels) add(power uint64) {
	l.blocks[l.at] = power
	if l.at++; l.at == len(l.blocks) {
		l.at = 0
	}
	if power > quiet {
		l.active = len(l.blocks)
	} else if l.active > 0 {
		l.active--
	}
}

// silent tells whether no echo is to be expected.
func (l *levels) silent() bool { return l.active == 0 }

func (l *levels) loudest() (most uint64) {
	for _, p := range l.blocks {
		most = max(most, p)
	}
	return most
}

// steady tells whether far has been neither silent nor of very different level, so that
// the power in the tail says what echo there is, wherever in the tail that comes from.
func (l *levels) steady() bool {
	least := l.blocks[0]
	for _, p := range l.blocks[1:] {
		least = min(least, p)
	}
	return least > quiet && least > l.loudest()>>4
}
