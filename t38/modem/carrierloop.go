package modem

// carrierLoop follows the carrier's phase: what the modems' frequencies differ by, and
// what the line swings. How fast it follows depends on the line. When each error says
// something of the next one, the loop is too slow for what the phase does; when the errors
// are noise, each one followed is noise made; so the gain goes where two errors in a row
// have nothing to do with each other.
type carrierLoop struct {
	phase    uint32
	turn     int32 // of the phase in a symbol, 2^-32 of a turn
	gain     int32 // share of an error that is corrected at once, 1<<10 for all
	settling int   // symbols until turn is known well
	before   int32 // the error before
	alike    int64 // sums since gain was changed last
	power    int64
	symbols  int
}

const (
	carrierGainFirst = 1 << 10 / 8
	carrierGainLeast = 1 << 10 / 14
	carrierGainMost  = 1 << 10 * 2 / 5
	carrierWindow    = 128 // symbols between changes of the gain
	carrierSettling  = 256
	perRadian        = 163 // 2^-32 of a turn in 2^-22 of a radian
)

func (c *carrierLoop) begin(phase uint32) {
	*c = carrierLoop{phase: phase, turn: c.turn, gain: carrierGainFirst, settling: carrierSettling}
}

// coast lets a symbol pass.
func (c *carrierLoop) coast() { c.phase += uint32(c.turn) }

// follow takes by how much a symbol was turned too far, in 2^-22 of a radian.
func (c *carrierLoop) follow(error int32) {
	error = min(max(error, -1<<21), 1<<21)
	drift := int32(perRadian)
	if c.settling > 0 {
		c.settling--
		drift *= 4
	}
	c.turn += error * drift >> 10
	c.phase += uint32(c.turn) + uint32(int64(error)*int64(c.gain*perRadian)>>10)
	c.alike += int64(error) * int64(c.before)
	c.power += int64(error) * int64(error)
	c.before = error
	if c.symbols++; c.symbols == carrierWindow {
		c.adapt()
	}
}

func (c *carrierLoop) adapt() {
	c.gain += int32(int64(c.gain) * (c.alike >> 8) / (c.power>>8*2 + 1))
	c.gain = min(max(c.gain, carrierGainLeast), carrierGainMost)
	c.alike, c.power, c.symbols = 0, 0, 0
}
