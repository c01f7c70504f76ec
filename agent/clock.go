package agent

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A clock knows a time that cannot be over yet, because something happened then: the
// program was built, a generation was written, a server was believed. A device without a
// battery starts in 1970, and would find that no certificate is valid yet; one may say
// that it is not, but never that it does not matter.
type clock struct{ floor atomic.Int64 } // ns since 1970

// newClock makes a clock that does not go behind the build of this program.
func newClock() *clock {
	c := new(clock)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); err == nil && s.Key == "vcs.time" {
				c.NotBefore(at)
			}
		}
	}
	return c
}

// NotBefore tells a time that is over.
func (c *clock) NotBefore(at time.Time) {
	for {
		old := c.floor.Load()
		if at.IsZero() || at.UnixNano() <= old || c.floor.CompareAndSwap(old, at.UnixNano()) {
			return
		}
	}
}

// Now is the system's time, or the floor when that is later.
func (c *clock) Now() time.Time {
	now := time.Now()
	if floor := c.floor.Load(); now.UnixNano() < floor {
		return time.Unix(0, floor)
	}
	return now
}
