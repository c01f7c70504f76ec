package fxs

// A Driver is one FXS port's way to its hardware. Drivers live in lines/fxs/<name>.
//
// What a port talks to is a Card, and a card may come and go while the driver stays: a
// line card's program is restarted, its cable pulled. So a driver hands cards over, and
// whatever belongs to one connection ends with it.
type Driver interface {
	// Cards delivers each line card that becomes available, one at a time: the next one
	// comes after Close of the last. The channel is closed when the driver is.
	Cards() <-chan Card
	// Close ends the driver, and the card if there is one, and waits for both.
	Close() error
}

// A Card is the hardware of one port for as long as it is connected. Its methods, apart
// from Wake, are for the one goroutine that owns the port.
type Card interface {
	// Read waits for what the card says next: either a frame of 80 to 1600 samples from
	// the telephone, which stays valid until the next Read, or a change of the loop at
	// the sample boundary reached so far. After Wake it may return neither.
	Read() (pcm []int16, loop Loop, err error)
	// Write answers the last frame with as many samples.
	Write(pcm []int16) error

	Ring(on bool) error          // ringing voltage
	Reverse(reversed bool) error // polarity of tip and ring
	Lamp(on bool) error          // message waiting
	Power(on bool) error         // loop current

	// Wake makes a Read that waits return soon; any goroutine may call it. What
	// the port then tells the card does not wait for samples.
	Wake()
	// Close ends the connection. Read then returns an error.
	Close() error
}

// Loop is what a card can report about the loop of tip and ring.
type Loop uint8

const (
	LoopSame   Loop = iota // nothing changed
	LoopOpen               // on-hook, or the beginning of a flash or of a dial pulse
	LoopClosed             // off-hook
	LoopFlash              // a flash that the chip recognised by itself
	loopPulse              // and the digit added: one that the chip counted in dial pulses
)

// LoopPulses returns the report of a digit, 0 to 9, that the chip counted in dial pulses.
func LoopPulses(digit byte) Loop { return loopPulse + Loop(digit) }

// Pulses returns the digit of a LoopPulses report.
func (l Loop) Pulses() (digit byte, ok bool) {
	if l < loopPulse || l > loopPulse+9 {
		return 0, false
	}
	return byte(l - loopPulse), true
}

// String returns the report in words, for logs and tests.
func (l Loop) String() string {
	switch l {
	case LoopSame:
		return "unchanged"
	case LoopOpen:
		return "open"
	case LoopClosed:
		return "closed"
	case LoopFlash:
		return "flash"
	}
	if d, ok := l.Pulses(); ok {
		return "pulses " + string('0'+rune(d))
	}
	return "unknown"
}
