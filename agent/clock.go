package agent

import (
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"tipring/internal/timezone"
)

// A clock knows a time that cannot be over yet, because something happened then: the
// program was built, a generation was written, a server was believed. A device without a
// battery starts in 1970, and would find that no certificate is valid yet; one may say
// that it is not, but never that it does not matter.
type clock struct{ floor atomic.Int64 } // ns since 1970

// built is the age of the sources in seconds since 1970, which tools/setup/build.sh has the
// linker set.
var built string

// newClock makes a clock that does not go behind the build of this program.
func newClock() *clock {
	c := new(clock)
	info, _ := debug.ReadBuildInfo()
	c.NotBefore(buildTime(built, info))
	return c
}

// buildTime is the linker's word, or else that of the go command, which has none where
// there is no repository, or -buildvcs=false; zero when both are silent.
func buildTime(built string, info *debug.BuildInfo) (at time.Time) {
	if s, err := strconv.ParseInt(built, 10, 64); err == nil {
		return time.Unix(s, 0)
	}
	if info == nil {
		return at
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, _ = time.Parse(time.RFC3339, s.Value)
		}
	}
	return at
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

// Wall is the time that a clock on the wall of a zone shows; zero while the system's is not set.
func (c *clock) Wall(zone string) time.Time {
	now := time.Now()
	where, ok := timezone.Find(zone)
	if !ok || now.UnixNano() < c.floor.Load() {
		return time.Time{}
	}
	return now.In(where)
}
