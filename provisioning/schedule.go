package provisioning

import (
	"math/rand/v2"
	"time"

	"tipring/internal/config"
)

// Times of the schedule.
const (
	jitterPct      = 10 // of an interval, both ways; of a wait after a failure, twice that and longer only
	equalFailure   = 3  // failures with one cause, after which waits grow
	backOffFirst   = 30 * time.Minute
	retryAfterMost = 24 * time.Hour // of what a server may ask for
)

// DefaultRetry are the waits after the first failures in a row; the last one goes on.
var DefaultRetry = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute}

// A Schedule says when to look for settings: after the start, at intervals, and again
// after a failure. It reads no clock: its owner passes the time in and looks at Next.
type Schedule struct {
	BootDelay time.Duration // the first look waits for a part of it
	Interval  time.Duration // between looks; 0: at the start and when asked only
	Retry     []time.Duration

	next    time.Time
	looked  bool   // since the start
	failed  int    // in a row
	equal   int    // of them with the same cause
	cause   string // of the last failure
	jitters func() float64
}

// spread is 2^64 divided by the golden ratio: multiples of it fall evenly, so that
// the devices of one box of addresses, which follow each other, ask one after another.
const spread = 0x9E3779B97F4A7C15

// BootDelay is the part of a whole delay that falls to the device with this address.
func BootDelay(mac config.MAC, whole time.Duration) time.Duration {
	var n uint64
	for _, b := range mac {
		n = n<<8 | uint64(b)
	}
	n *= spread
	return time.Duration(float64(n>>11) / (1 << 53) * float64(whole))
}

// Next is when to look next; zero for never.
func (s *Schedule) Next() time.Time { return s.next }

// Start sets the first look.
func (s *Schedule) Start(now time.Time, mac config.MAC) {
	s.looked = false
	s.next = now.Add(BootDelay(mac, s.BootDelay))
}

// Begun takes note that a look has begun: none is due until it has ended.
func (s *Schedule) Begun() { s.next, s.looked = time.Time{}, true }

// Resume sets the next look after a change of the intervals; the first one stays where it is.
func (s *Schedule) Resume(now time.Time) {
	if s.looked && s.failed == 0 {
		s.Succeeded(now)
	}
}

// Succeeded sets the next look after one that found out how things are.
func (s *Schedule) Succeeded(now time.Time) {
	s.failed, s.equal, s.cause = 0, 0, ""
	if s.next = (time.Time{}); s.Interval > 0 {
		s.next = now.Add(s.jitter(s.Interval))
	}
}

// Failed sets the next look after one that failed: by the list, longer once the same
// cause has come back equalFailure times, and not before the server wants to be asked.
func (s *Schedule) Failed(now time.Time, cause string, retryAfter time.Duration) {
	if cause != s.cause {
		s.equal, s.cause = 0, cause
	}
	retry := s.Retry
	if len(retry) == 0 {
		retry = DefaultRetry
	}
	wait := retry[min(s.failed, len(retry)-1)]
	s.failed++
	s.equal++
	if s.equal > equalFailure {
		wait = max(wait, min(backOffFirst<<min(s.equal-equalFailure-1, 10), s.longest()))
	}
	s.next = now.Add(max(s.later(wait), min(retryAfter, retryAfterMost)))
}

// Failures counts the failures in a row.
func (s *Schedule) Failures() int { return s.failed }

// longest is the longest wait after failures: they are no reason to look more rarely than
// without them.
func (s *Schedule) longest() time.Duration {
	if s.Interval > 0 {
		return s.Interval
	}
	return 24 * time.Hour
}

// jitter is d, or up to jitterPct more or less.
func (s *Schedule) jitter(d time.Duration) time.Duration {
	return d + time.Duration((2*s.chance()-1)*jitterPct/100*float64(d))
}

// later is d or up to twice jitterPct more: after a power cut the devices whose first look
// failed do not come back while others have theirs yet to come.
func (s *Schedule) later(d time.Duration) time.Duration {
	return d + time.Duration(2*s.chance()*jitterPct/100*float64(d))
}

func (s *Schedule) chance() float64 {
	if s.jitters != nil {
		return s.jitters()
	}
	return rand.Float64()
}
