package sim

import (
	"bytes"
	"slices"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

// display is what of a telephone shows callers and waiting messages.
type display struct {
	receiver callerid.Receiver
	shown    []callerid.Shown
	ready    bool // it acknowledges the alert in a call
	low      dsp.Goertzel
	high     dsp.Goertzel
	block    []int16
	alert    int // blocks of alert heard in a row
}

// An alert lasts 75 to 110 ms; it is looked for in blocks of 10 ms.
const (
	alertBlock  = 80
	alertBlocks = 6
	maxShown    = 16
)

func newDisplay() display {
	return display{
		low: dsp.NewGoertzel(2130, alertBlock), high: dsp.NewGoertzel(2750, alertBlock),
		block: make([]int16, 0, alertBlock),
	}
}

// show takes what comes to the ear when there is no call, or an alert came before.
func (h *handset) show(ear []int16) {
	d := &h.display
	d.receiver.Feed(ear, func(m []byte) {
		if s, ok := callerid.Read(bytes.Clone(m)); ok && len(d.shown) < maxShown {
			d.shown = append(d.shown, s)
		}
	})
	for len(ear) > 0 && h.off && d.ready {
		n := min(len(ear), alertBlock-len(d.block))
		d.block = append(d.block, ear[:n]...)
		ear = ear[n:]
		if len(d.block) == alertBlock {
			if d.alerted() {
				h.steps = slices.Insert(h.steps, 0, step{key: 'D'})
			}
			d.block = d.block[:0]
		}
	}
}

// alerted tells that an alert is over.
func (d *display) alerted() bool {
	var all dsp.Meter
	all.Add(d.block)
	d.low.Feed(d.block)
	d.high.Feed(d.block)
	if power := all.MeanSquare(); power > gatePower && d.low.MeanSquare() > power/4 && d.high.MeanSquare() > power/4 {
		d.alert++
		return false
	}
	over := d.alert >= alertBlocks
	d.alert = 0
	return over
}

// SetDisplay says whether the telephone acknowledges the alert in a call, to be shown who waits.
func (t *Telephone) SetDisplay(on bool) { t.with(func(h *handset) { h.display.ready = on }) }

// Shown returns what the telephone was shown by FSK since ClearShown: callers, and whether
// messages wait. What comes as DTMF is among Keys.
func (t *Telephone) Shown() []callerid.Shown {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.set.display.shown)
}

// ClearShown forgets what was shown.
func (t *Telephone) ClearShown() { t.with(func(h *handset) { h.display.shown = nil }) }

// WaitShown waits until the telephone was shown something since ClearShown, and returns the last.
func (t *Telephone) WaitShown(limit time.Duration) (s callerid.Shown, err error) {
	err = t.await("display", limit, func(h *handset) bool {
		n := len(h.display.shown)
		if n > 0 {
			s = h.display.shown[n-1]
		}
		return n > 0
	})
	return s, err
}

// WaitStatus waits until the telephone is in a state that a script asks for: reversed, dead.
func (t *Telephone) WaitStatus(what string, limit time.Duration, so func(Status) bool) error {
	return t.await(what, limit, func(h *handset) bool { return so(h.status()) })
}
