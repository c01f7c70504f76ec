package t30

import "math"

// timer names a deadline of the procedure.
type timer uint8

const (
	timerCall  timer = iota // the whole call
	timerT0                 // clause 5.4.3.1
	timerT1                 // identification
	timerT2                 // loss of command
	timerT3                 // procedure interrupt
	timerT4                 // loss of response
	timerT5                 // receiver not ready
	timerFlags              // flags are heard: a frame must follow
	timerTurn               // the line turns round: what is due is sent
	timerTCF                // the training check must be over
	timerPage               // a page's signal must be over
	timerTone               // cadence of CNG
	timerCount
)

const never = math.MaxInt64

// timers holds the deadlines in samples since Start; 0 is not set.
type timers [timerCount]int64

func (t *timers) set(id timer, at int64) { t[id] = max(at, 1) }
func (t *timers) stop(ids ...timer) {
	for _, id := range ids {
		t[id] = 0
	}
}

// next is the earliest deadline, or never.
func (t *timers) next() (id timer, at int64) {
	at = never
	for i, d := range t {
		if d != 0 && d < at {
			id, at = timer(i), d
		}
	}
	return id, at
}
