package fxs

// hook tells off-hook, on-hook, flash and dial pulses apart by how long the loop opens.
// Its clock is the port's sample count: change is called when the loop changes, expire
// after every frame.
type hook struct {
	flashMin, flashMax int64 // samples of open loop that make a flash

	closed  bool  // the loop, as the card last said
	changed int64 // when it said so
	blind   int64 // until when the loop says nothing, because it has no current

	off    bool  // off-hook, as the port knows it
	open   bool  // although off-hook: not yet decided why
	since  int64 // when the loop last opened or closed, but for bounces
	pulses int   // of the digit being dialled
}

// A rotary dial makes 10 pulses a second, a fast one 20, and opens the loop for a third to two
// thirds of each (ETSI ES 201 729 and EIA/TIA-470): an opening or a closing lasts 16 ms at least.
const (
	bounce     = 10 * samplesPerMS  // what lasts less is a bad contact
	pulsePause = 200 * samplesPerMS // a loop closed this long ends a digit of dial pulses
	powerUp    = 100 * samplesPerMS // that a loop takes to carry current again
)

// hookSignal is what the hook makes of it.
type hookSignal uint8

const (
	noSignal hookSignal = iota
	wentOff
	wentOn
	flashed
	pulsed     // one pulse of a digit
	digitDone  // and the digit added
	digitsDone = digitDone + 9
)

// change takes a change of the loop. What it means, expire tells when it has lasted.
func (h *hook) change(l Loop, now int64) hookSignal {
	digit, isDigit := l.Pulses()
	switch {
	case l == LoopOpen || l == LoopClosed:
		if closed := l == LoopClosed; closed != h.closed {
			h.closed, h.changed = closed, now
		}
	case !h.off || h.open || now < h.blind:
	case isDigit:
		return digitDone + hookSignal(digit)
	case l == LoopFlash:
		return flashed
	}
	return noSignal
}

// lose tells that the loop has no current.
func (h *hook) lose(now int64) { h.blind = now + powerUp }

// lift takes a closed loop for off-hook at once.
func (h *hook) lift(now int64) {
	if h.closed && !h.off {
		h.off, h.since, h.pulses = true, now, 0
	}
}

// putDown is on-hook at once.
func (h *hook) putDown() { h.closed, h.off, h.open, h.pulses = false, false, false, 0 }

// expire tells what has lasted: a lifting, a pulse, a flash, a hang-up, the end of a digit.
func (h *hook) expire(now int64) hookSignal {
	if at := max(h.changed, h.blind); h.closed != (h.off && !h.open) && now-at >= bounce {
		if h.closed {
			return h.close(at)
		}
		h.open, h.since = true, at
	}
	switch {
	case h.open && now-h.since > h.flashMax:
		h.off, h.open, h.pulses = false, false, 0
		return wentOn
	case h.off && !h.open && h.pulses > 0 && now-h.since >= pulsePause:
		n := h.pulses
		h.pulses = 0
		if n <= 10 {
			return digitDone + hookSignal(n%10) // ten pulses are a nought
		}
	}
	return noSignal
}

// close decides what closed the loop at a moment.
func (h *hook) close(at int64) hookSignal {
	length := at - h.since
	h.since = at
	switch {
	case !h.off:
		h.off, h.pulses = true, 0
		return wentOff
	case length < h.flashMin:
		h.open = false
		h.pulses++
		return pulsed
	}
	h.open, h.pulses = false, 0
	return flashed
}
