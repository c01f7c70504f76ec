package provisioning

import "time"

// How long a generation is given. A line registers within TrialTime of a configuration
// that is right and servers that are up; the generation before it, whose lines are known
// to have been registered once, gets BackTime to show that they still can.
const (
	TrialTime = 120 * time.Second
	BackTime  = 60 * time.Second
)

// A generation that is unproven is judged again when a server refuses it: at the first
// refusal, and when that judgement ends nowhere, not before againFirst, twice as long each
// time, so that lines which nobody serves do not change their configuration for ever.
const (
	againFirst = 10 * time.Minute
	againMost  = 6 * time.Hour
)

// A Phase is how far the judgement of a generation is.
type Phase uint8

// The phases of a Trial.
const (
	Settled   Phase = iota // nothing is being judged
	OnTrial                // the generation runs; no line has registered yet
	GoneBack               // the one before it runs, to show whose fault it is
	NotProven              // nobody registers: the generation runs until a server answers
)

// A Step is what a Trial asks its owner to do.
type Step uint8

// The steps.
const (
	Nothing Step = iota
	Keep         // the generation is good
	GoBack       // run the one before it
	Condemn      // the one before it registers: this one is bad; the one before it stays
	Return       // neither registers, so it is no fault of the generation: run it again
)

// A Trial tells a configuration that is wrong from servers that are down. The new
// generation runs; when no line has registered after TrialTime, the generation before it
// runs for BackTime. Registers that one, the new one is bad. Does it not, there is an
// outage, and the new one comes back, unproven, and is judged when a server answers.
//
// It reads no clock: its owner passes the time in and calls Expire at Deadline.
type Trial struct {
	phase    Phase
	n, back  int // the generation that is judged, and the one before it; 0: none
	deadline time.Time
	rounds   int       // judgements that ended nowhere
	again    time.Time // not before it is an unproven generation judged again
}

// Begin puts generation n on trial; back is the one to go back to, 0 for the
// configuration without any.
func (t *Trial) Begin(now time.Time, n, back int) {
	*t = Trial{phase: OnTrial, n: n, back: back, deadline: now.Add(TrialTime)}
}

// ResumeBack goes on, after a restart, where the generation before n was running.
func (t *Trial) ResumeBack(now time.Time, n, back int) {
	*t = Trial{phase: GoneBack, n: n, back: back, deadline: now.Add(BackTime)}
}

// ResumeUnproven goes on, after a restart, with generation n unproven.
func (t *Trial) ResumeUnproven(n, back int) {
	*t = Trial{phase: NotProven, n: n, back: back}
}

// Stay takes note that the one before cannot be run: the generation runs on, unproven, and
// is judged when a server answers.
func (t *Trial) Stay(now time.Time) {
	t.phase, t.deadline = NotProven, time.Time{}
	t.again = now.Add(min(againFirst<<min(t.rounds, 10), againMost))
	t.rounds++
}

// End ends the trial: somebody decided otherwise.
func (t *Trial) End() { t.phase, t.deadline = Settled, time.Time{} }

// Phase tells how far the judgement is.
func (t *Trial) Phase() Phase { return t.phase }

// Generation is the one that is judged, or was last; 0: none yet.
func (t *Trial) Generation() int { return t.n }

// Back is the generation to go back to.
func (t *Trial) Back() int { return t.back }

// Deadline is when Expire is due; zero for never.
func (t *Trial) Deadline() time.Time { return t.deadline }

// Registered takes note that a line is registered under the generation that runs.
func (t *Trial) Registered() Step {
	switch t.phase {
	case OnTrial, NotProven:
		t.End()
		return Keep
	case GoneBack:
		t.End()
		return Condemn
	}
	return Nothing
}

// Refused takes note that a server answered a REGISTER, and refused it.
func (t *Trial) Refused(now time.Time) Step {
	if t.phase == NotProven && !now.Before(t.again) {
		t.phase, t.deadline = OnTrial, now.Add(TrialTime)
	}
	return Nothing
}

// Postpone moves the deadline of a trial that cannot be judged yet: what the generation
// changed waits for a call to end.
func (t *Trial) Postpone(now time.Time) {
	switch t.phase {
	case OnTrial:
		t.deadline = now.Add(TrialTime)
	case GoneBack:
		t.deadline = now.Add(BackTime)
	}
}

// Expire says what the end of the wait means.
func (t *Trial) Expire(now time.Time) Step {
	if t.deadline.IsZero() || now.Before(t.deadline) {
		return Nothing
	}
	switch t.phase {
	case OnTrial:
		t.phase, t.deadline = GoneBack, now.Add(BackTime)
		return GoBack
	case GoneBack:
		t.phase, t.deadline = NotProven, time.Time{}
		if t.rounds > 0 {
			t.again = now.Add(min(againFirst<<min(t.rounds-1, 10), againMost))
		}
		t.rounds++
		return Return
	}
	return Nothing
}
