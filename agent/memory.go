package agent

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// Registering many lines at once makes garbage and deep stacks that an idle device does
// not need, and so does somebody who looks at its page: a second after the last change or visit
// they are given back to the system, but not more often than once a minute; and so are the pages
// of the program itself, unless a call is up, which needs its own at once.
const (
	settleAfter = time.Second
	settleGap   = time.Minute
)

// gcPercent trades a little processor time for a small heap: a device's memory is scarcer.
const gcPercent = 50

// changed asks for memory to be given back soon.
func (a *Agent) changed() {
	select {
	case a.unsettled <- struct{}{}:
	default:
	}
}

// settle gives memory back after bursts until ctx is done.
func (a *Agent) settle(ctx context.Context) {
	timer := time.NewTimer(settleGap)
	timer.Stop()
	defer timer.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.unsettled:
			timer.Reset(max(settleAfter, time.Until(last.Add(settleGap))))
		case <-timer.C:
			last = time.Now()
			for range 3 { // each collection halves a stack at most
				runtime.GC()
			}
			debug.FreeOSMemory()
			if a.calls.count() == 0 {
				letGo()
			}
		}
	}
}
