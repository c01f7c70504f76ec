package t30

// maxLowest is how often the lowest rate may fail to train.
const maxLowest = 3

// training is the modulation in force and the way it was found.
type training struct {
	ladder []Modulation // common to both sides, the fastest first
	rung   int
	lowest int  // failures at the last rung
	long   bool // the next page signal begins with the long training of V.17

	fresh   int // trainings received since a page
	check   check
	refuse  bool // the rate received is not to be used: FTT however well it trains
	refusal Code // what the call ends with instead of CFR or FTT; OK: it goes on
}

// choose finds the ladder and keeps the rate that was in force before: a return to phase B is
// no sign of a bad line.
func (r *training) choose(set ModulationSet, limit int) bool {
	before := 0
	if r.rung < len(r.ladder) {
		before = r.ladder[r.rung].BitRate()
	}
	r.ladder, r.rung, r.lowest = ladder(set, limit), 0, 0
	for before > 0 && r.rung < len(r.ladder)-1 && r.ladder[r.rung].BitRate() > before {
		r.rung++
	}
	return len(r.ladder) > 0
}

func (r *training) modulation() Modulation { return r.ladder[r.rung] }

// lower takes the next lower rate; false when there is none.
func (r *training) lower() bool {
	if r.rung >= len(r.ladder)-1 {
		return false
	}
	r.rung++
	return true
}

// prepare makes the command for the next page and trains for it.
func (t *Terminal) prepare() {
	form, ok := t.cfg.Source.Page(t.sender.page)
	switch {
	case !ok:
		t.disconnect(NoPages)
	case t.unwanted():
		t.disconnect(SecretUnwanted)
	case !t.training.choose(t.cfg.Modulations&t.peer.Capabilities.Modulations, t.cfg.MaxBitRate):
		t.disconnect(Incompatible)
	default:
		t.sender.form = form
		t.train()
	}
}

// train sends DCS and TCF (clause 5.3.6.1.3).
func (t *Terminal) train() {
	t.composeTraining()
	t.transmit()
}

// composeTraining makes ready DCS and TCF. The training of TCF is always the long one.
func (t *Terminal) composeTraining() {
	t.cmd = t.cfg.choose(t.sender.form, t.peer.Capabilities, t.training.modulation())
	t.training.long = true
	var frames []Frame
	if t.cmd.Secret {
		frames = append(frames, Frame{FCF: SID, Info: encodeIdent(t.cfg.Password, "*#")})
	}
	if t.cmd.Subaddress {
		frames = append(frames, Frame{FCF: SUB, Info: encodeIdent(t.cfg.Subaddress, "*#")})
	}
	dcs := Frame{FCF: DCS, Info: t.cmd.Bits()}
	t.compose(Commanding, listenV21, timerT4, append(frames, t.withIdent(TSI, dcs)...)...)
	t.said.tcf = true
}

// trained acts on the response to DCS and TCF.
func (t *Terminal) trained(f Frame) {
	switch f.FCF {
	case CFR:
		t.training.long, t.training.lowest = false, 0
		t.result.BitRate, t.result.ECM = t.cmd.Modulation.BitRate(), t.cmd.ECM
		t.sendPage()
	case FTT:
		t.result.Failures++
		t.failedToTrain()
	default:
		t.said.wrong = true
	}
}

func (t *Terminal) failedToTrain() {
	if !t.training.lower() {
		if t.training.lowest++; t.training.lowest >= maxLowest {
			t.disconnect(TrainingFailed)
			return
		}
	}
	t.train()
}

// lowerLastTry makes the third DCS without an answer one for a lower rate: there are machines
// that say nothing when they fail to train.
func (t *Terminal) lowerLastTry() {
	if t.training.lower() {
		tries := t.said.tries
		t.composeTraining()
		t.said.tries = tries
	}
}
