package dsp

// steadyTone follows one frequency from step to step and sums up how much of all sound it
// is and how fast its phase turns.
type steadyTone struct {
	now, last, before phasor // the latest three steps
	good              bool   // the tone is most of the latest step

	steps  int // since the tone began
	missed int // of the latest, in a row
	heard  int // good ones
	energy int64
	power  int64 // of good steps, in units of 2^faxPowerDrop
	pairs  int64 // of good steps that follow a good one
	along  int64 // how far they point where those before them did
	across int64
}

const (
	faxPowerDrop  = 12
	faxBridged    = 12  // steps, 30 ms: a lost packet does not end a tone
	faxGoodPct    = 50  // of a step's energy
	faxPurePct    = 85  // of all energy since the tone began: 8 dB SNR
	faxSteadyPct  = 95  // of the pairs' power is in their sum: the frequency stays the same
	faxLongestRun = 400 // steps of sums; a tone that is not pure by then begins anew
	// The tangent in percent of how far from half a turn a reversal may be: 60 degrees,
	// of which being 25 Hz off takes 45.
	faxReversalOff = 173
)

// add takes in a step, whose phase by itself turns back by quarters of a turn, and
// reports whether a tone has ended.
func (t *steadyTone) add(z phasor, energy, quarters int64) (ended bool) {
	power, followed := z.power(), t.good
	t.now, t.last, t.before = z, t.now, t.last
	t.good = energy >= faxWeakest*faxStep && power*100 >= energy*(faxGain*faxGoodPct)
	if !t.good && t.steps == 0 {
		return false
	}
	t.steps++
	t.energy += energy
	if !t.good {
		t.missed++
		return t.missed > faxBridged
	}
	t.missed = 0
	t.heard++
	t.power += power >> faxPowerDrop
	if followed {
		along, across := t.now.against(t.last)
		t.pairs += power >> faxPowerDrop
		t.along -= across * quarters >> faxPowerDrop
		t.across += along * quarters >> faxPowerDrop
	}
	return false
}

// forget makes an end of the tone.
func (t *steadyTone) forget() { *t = steadyTone{now: t.now, last: t.last} }

// renew takes the tone for one that has just begun.
func (t *steadyTone) renew() {
	*t = steadyTone{now: t.now, last: t.last, good: t.good, steps: 1, missed: t.missed}
}

// reversed tells whether the phase of the latest step is the opposite of that two steps
// before: the one between may be of both. In two steps it turns by half a turn by itself.
func (t *steadyTone) reversed() bool {
	if !t.good || 4*t.before.power() < t.now.power() {
		return false
	}
	along, across := t.now.against(t.before)
	return along > 0 && max(across, -across)*100 <= along*faxReversalOff
}

// pure tells whether a run is a tone and little else, of a frequency that is off by less
// than what turns the phase by an angle of that tangent in a step, in thousandths.
func (t *steadyTone) pure(tangent int64) bool {
	if t.power<<faxPowerDrop/faxGain*100 < t.energy*faxPurePct {
		return false
	}
	const drop = 12 // so that squares fit
	along, across, pairs := t.along>>drop, t.across>>drop, t.pairs>>drop
	if along <= 0 || max(across, -across)*1000 > along*tangent {
		return false
	}
	steady := pairs * faxSteadyPct / 100
	return along*along+across*across >= steady*steady
}
