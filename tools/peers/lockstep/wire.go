package lockstep

import "fmt"

// wire is one direction of a telephone line: samples on their way.
type wire struct {
	line   Line
	queued []int16
}

// newWire makes a wire with enough silence under way that a line which holds samples
// back, or a clock which is slow by 100 millionths for ten minutes, leaves no hole.
func newWire(l Line) *wire {
	reserve := Tick
	if l != nil {
		reserve = 5 * Tick
	}
	return &wire{l, make([]int16, reserve)}
}

func (w *wire) put(samples []int16) {
	if w.line == nil {
		w.queued = append(w.queued, samples...)
		return
	}
	w.queued = w.line.Append(w.queued, samples)
}

func (w *wire) take(samples []int16) error {
	if len(w.queued) < len(samples) {
		return fmt.Errorf("the line has %d samples left: it loses more than a wire's reserve", len(w.queued))
	}
	copy(samples, w.queued)
	w.queued = append(w.queued[:0], w.queued[len(samples):]...)
	return nil
}
