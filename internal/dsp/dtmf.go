package dsp

// Keys of a telephone in rows of one low and columns of one high frequency (ITU-T Q.23).
const dtmfKeys = "123A456B789C*0#D"

var (
	dtmfLow  = [4]float64{697, 770, 852, 941}
	dtmfHigh = [4]float64{1209, 1336, 1477, 1633}
)

// Levels that a telephone usually sends, the higher frequency stronger because a line
// weakens it more.
const (
	DTMFLowDBm0  = -9
	DTMFHighDBm0 = -7
)

// dtmfPosition returns a key's place in dtmfKeys.
func dtmfPosition(key byte) (int, bool) {
	if key >= 'a' && key <= 'd' {
		key -= 'a' - 'A'
	}
	for i := range len(dtmfKeys) {
		if dtmfKeys[i] == key {
			return i, true
		}
	}
	return 0, false
}

// IsDTMF tells whether a key is one of 0 to 9, *, # and A to D.
func IsDTMF(key byte) bool {
	_, ok := dtmfPosition(key)
	return ok
}

// maxPresses is how many keys a generator keeps in line.
const maxPresses = 64

// DTMFGenerator presses keys one after the other.
type DTMFGenerator struct {
	low, high [4]oscillator // as each begins
	queue     [maxPresses]press
	queued    int
	now       press // what sounds or pauses; nothing when on and off are 0
	a, b      oscillator
}

type press struct {
	key     byte // place in dtmfKeys
	held    bool // sounds until Release
	on, off int  // samples left
}

// NewDTMFGenerator makes a generator whose two frequencies have these levels.
func NewDTMFGenerator(lowDBm0, highDBm0 float64) *DTMFGenerator {
	g := new(DTMFGenerator)
	for i := range g.low {
		g.low[i] = newOscillator(dtmfLow[i], lowDBm0)
		g.high[i] = newOscillator(dtmfHigh[i], highDBm0)
	}
	return g
}

// Press puts a key in line: on samples of sound, then off samples of silence. With on 0
// it sounds until Release. It reports false for what is no key, and when the line is full.
func (g *DTMFGenerator) Press(key byte, on, off int) bool {
	at, ok := dtmfPosition(key)
	if !ok || g.queued == maxPresses {
		return false
	}
	g.queue[g.queued] = press{key: byte(at), held: on <= 0, on: max(on, 0), off: max(off, 0)}
	g.queued++
	return true
}

// Release lets go of the key that is held.
func (g *DTMFGenerator) Release() { g.now.held = false }

// Stop lets go of every key, at once.
func (g *DTMFGenerator) Stop() { g.queued, g.now = 0, press{} }

// Busy tells whether a key sounds, pauses or waits.
func (g *DTMFGenerator) Busy() bool { return g.now != press{key: g.now.key} || g.queued > 0 }

// Read fills out with the next samples and returns how many there were: fewer than
// asked for when no key is left.
func (g *DTMFGenerator) Read(out []int16) int {
	done := 0
	for done < len(out) && g.Busy() {
		rest := out[done:]
		switch p := &g.now; {
		case p.held:
			done += g.sound(rest)
		case p.on > 0:
			n := g.sound(rest[:min(p.on, len(rest))])
			p.on -= n
			done += n
		case p.off > 0:
			n := min(p.off, len(rest))
			clear(rest[:n])
			p.off -= n
			done += n
		default:
			g.next()
		}
	}
	return done
}

func (g *DTMFGenerator) next() {
	g.now = g.queue[0]
	g.queued--
	copy(g.queue[:g.queued], g.queue[1:])
	g.a, g.b = g.low[g.now.key>>2], g.high[g.now.key&3]
}

func (g *DTMFGenerator) sound(out []int16) int {
	for i := range out {
		out[i] = saturate(g.a.next() + g.b.next())
	}
	return len(out)
}
