// Package deadline compares the times at which state machines want to be called again. The
// zero time stands for never.
package deadline

import "time"

// Due reports that a deadline has come.
func Due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// Earlier is the earlier of two deadlines.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
