package fxs

// hook tells off-hook, on-hook, flash and dial pulses apart by how long the loop opens.
// Its clock is the port's sample count: change is called when the loop changes, expire
// after every frame.
type hook struct {
	flashMin, flashMax int64 // samples of open loop that make a flash

	off    bool  // off-hook, as the port knows it
	open   bool  // although off-hook: not yet decided why
	since  int64 // when the loop last opened or closed, but for bounces
	pulses int   // of the digit being dialled
}

const (
	bounce     = 15 * samplesPerMS  // an opening this short is a bad contact
	pulsePause = 200 * samplesPerMS // a loop closed this long ends a digit of dial pulses
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

// change takes a change of the loop.
func (h *hook) change(l Loop, now int64) hookSignal {
	if digit, ok := l.Pulses(); ok {
		if !h.off {
			return noSignal
		}
		return digitDone + hookSignal(digit)
	}
	switch l {
	case LoopFlash:
		if h.off && !h.open {
			return flashed
		}
	case LoopOpen:
		if h.off && !h.open {
			h.open, h.since = true, now
		}
	case LoopClosed:
		if !h.off {
			h.off, h.since, h.pulses = true, now, 0
			return wentOff
		}
		if h.open {
			return h.closed(now)
		}
	}
	return noSignal
}

// closed decides about an opening that was too short to be a hang-up.
func (h *hook) closed(now int64) hookSignal {
	h.open = false
	switch length := now - h.since; {
	case length < bounce:
		return noSignal
	case length < h.flashMin:
		h.pulses++
		h.since = now
		return pulsed
	}
	h.pulses = 0
	return flashed
}

// expire tells what the time alone decides: a hang-up, or the end of a digit.
func (h *hook) expire(now int64) hookSignal {
	switch {
	case h.open && now-h.since > h.flashMax:
		h.off, h.open, h.pulses = false, false, 0
		return wentOn
	case !h.open && h.pulses > 0 && now-h.since >= pulsePause:
		n := h.pulses
		h.pulses = 0
		if n <= 10 {
			return digitDone + hookSignal(n%10) // ten pulses are a nought
		}
	}
	return noSignal
}
