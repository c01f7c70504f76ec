package t30

import "math"

// timer names a deadline of the procedure.
type timer uint8

const (
	timerCall  timer = iota // the whole call
	timerT0                 // no answer
	timerT1                 // identification
	timerT2                 // loss of command
	timerT3                 // procedure interrupt
	timerT4                 // loss of response
	timerT5                 // receiver not ready
	timerFlags              // flags are heard: a frame must follow
	timerTurn               // the other side's signal must have ended
	timerTCF                // the training check must have ended
	timerPage               // a page's signal must have ended
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

func (t *timers) running(id timer) bool { return t[id] != 0 }

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

// start sets a timer to its length from now. Some have none: their owner sets them.
func (t *Terminal) start(id timer) {
	c := &t.cfg.Timers
	lengths := [timerCount]int64{
		timerCall: c.Call, timerT0: c.T0, timerT1: c.T1, timerT2: c.T2,
		timerT3: c.T3, timerT4: c.T4, timerT5: c.T5, timerPage: c.Page,
	}
	if lengths[id] > 0 {
		t.timers.set(id, t.now+lengths[id])
	}
}

// expired acts on a deadline that has come.
func (t *Terminal) expired(id timer) {
	switch id {
	case timerCall:
		t.disconnect(CallTooLong)
	case timerT0, timerT1:
		t.unidentified()
	case timerT2, timerT3:
		t.noCommand()
	case timerT4:
		t.noResponse()
	case timerT5:
		t.disconnect(NotReady)
	case timerFlags:
		t.carrierV21(CarrierDown)
	case timerTurn:
		t.release()
	case timerTCF:
		t.judgeTraining()
	case timerPage:
		t.disconnect(PageTooLong)
	case timerTone:
		t.out.add(Transmission{Kind: CNG, Samples: lengthCNG})
	}
}
