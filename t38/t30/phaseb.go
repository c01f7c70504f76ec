package t30

// The times of phase A, in samples.
const (
	answerPause = 2 * SampleRate // 1.8 s to 2.5 s before CED
	lengthCED   = 3 * SampleRate // 2.6 s to 4 s
	lengthCNG   = SampleRate / 2 // 0.5 s ± 15 %
	pauseCNG    = 3 * SampleRate // 3 s ± 15 %
)

func (t *Terminal) beginPhaseA() {
	t.start(timerCall)
	if !t.cfg.Calling {
		t.start(timerT1)
		t.setState(Answering)
		t.out.add(Transmission{Kind: Silence, Samples: answerPause})
		t.out.add(Transmission{Kind: CED, Samples: lengthCED})
		return
	}
	if t.cfg.Timers.T0 > 0 {
		t.start(timerT0)
	} else {
		t.start(timerT1)
	}
	t.setState(Calling)
	t.listen = Listening{Tones: true, V21: true}
	t.out.add(Transmission{Kind: CNG, Samples: lengthCNG})
}

// tone acts on CED, which ends CNG. CNG tells a called terminal nothing it needs.
func (t *Terminal) tone(tone Tone) {
	if tone != ToneCED || t.state != Calling || !t.listen.Tones {
		return
	}
	t.heard.anything = true
	t.out.clear()
	t.timers.stop(timerTone)
	t.heardFirst()
	t.setState(AwaitDIS)
	t.listen = listenV21
}

// heardFirst ends T0 where it runs, and begins T1.
func (t *Terminal) heardFirst() {
	if t.timers.running(timerT0) {
		t.timers.stop(timerT0)
		t.start(timerT1)
	}
}

// listenV21 is what most responses and commands are awaited with.
var listenV21 = Listening{V21: true}

// offer sends DIS, which is repeated each T4 until T1.
func (t *Terminal) offer() {
	if !t.timers.running(timerT1) {
		t.start(timerT1)
	}
	t.admitted = false
	t.training.fresh = 0
	t.say(Offering, listenV21, timerT4, t.withIdent(CSI, Frame{FCF: DIS, Info: t.cfg.capabilities().Bits()})...)
}

// withIdent puts the identification before a frame.
func (t *Terminal) withIdent(fcf FCF, f Frame) []Frame {
	if t.cfg.Ident == "" {
		return []Frame{f}
	}
	return []Frame{{FCF: fcf, Info: encodeIdent(t.cfg.Ident, "+")}, f}
}

// poll sends DTC (clause 5.3.6.1.2).
func (t *Terminal) poll() {
	var frames []Frame
	if t.cfg.Password != "" {
		frames = append(frames, Frame{FCF: PWD, Info: encodeIdent(t.cfg.Password, "*#")})
	}
	if t.cfg.Selective != "" {
		frames = append(frames, Frame{FCF: SEP, Info: encodeIdent(t.cfg.Selective, "*#")})
	}
	dtc := Frame{FCF: DTC, Info: t.cfg.capabilities().Bits()}
	t.say(Polling, listenV21, timerT4, append(frames, t.withIdent(CIG, dtc)...)...)
}

// phaseBAgain begins phase B anew after EOM, as the side that receives. T1 counts from here.
func (t *Terminal) phaseBAgain() {
	if t.cfg.Calling {
		t.poll()
		return
	}
	t.timers.stop(timerT1)
	t.offer()
}

// phaseB takes the frames of identification, and those that tell that one was not heard.
func (t *Terminal) phaseB(f Frame) {
	waiting := t.state == Calling || t.state == AwaitDIS
	switch {
	case f.FCF == DIS && t.cfg.Calling && waiting:
		t.identified(f)
	case f.FCF == DIS && t.cfg.Calling && t.isAsking(): // DCS or DTC was not heard
		t.repeat()
	case f.FCF == DTC && !t.cfg.Calling && (t.state == Offering || t.state == AwaitDIS):
		t.polled(f)
	case f.FCF == DTC && !t.cfg.Calling && t.state == Commanding:
		t.repeat()
	case t.state == Commanding:
		t.trained(f)
	case t.state == Offering || t.state == Polling:
		t.commanded(f)
	}
}

// identified acts on a DIS.
func (t *Terminal) identified(f Frame) {
	caps, ok := ParseCapabilities(f.Info)
	if !ok {
		t.heard.damaged = true
		return
	}
	t.timers.stop(timerT0, timerT1, timerTone)
	t.peer.Capabilities, t.gotDIS = caps, true
	sends := t.cfg.Source != nil && !t.sender.done
	switch {
	case sends && !caps.Receives:
		t.disconnect(CannotReceive)
	case sends:
		t.prepare()
	case t.cfg.Sink != nil && caps.HasDocument && !t.admit():
		t.disconnect(Refused)
	case t.cfg.Sink != nil && caps.HasDocument && t.unwanted():
		t.disconnect(SecretUnwanted)
	case t.cfg.Sink != nil && caps.HasDocument:
		t.poll()
	case t.sender.done:
		t.disconnect(OK)
	default:
		t.disconnect(NothingToPoll)
	}
}

// polled acts on a DTC: the document here is wanted.
func (t *Terminal) polled(f Frame) {
	caps, ok := ParseCapabilities(f.Info)
	if !ok {
		t.heard.damaged = true
		return
	}
	t.timers.stop(timerT1)
	t.peer.Capabilities, t.peer.Polls = caps, true
	switch {
	case t.cfg.Source == nil || t.sender.done:
		t.disconnect(NothingHere)
	case t.cfg.NeedsSecret != "" && t.peer.Password != t.cfg.NeedsSecret:
		t.disconnect(SecretRefused)
	case !t.admit():
		t.disconnect(Refused)
	default:
		t.prepare()
	}
}

// admit asks the application once in each phase B.
func (t *Terminal) admit() bool {
	if !t.admitted {
		t.admitted = t.cfg.Admit == nil || t.cfg.Admit(t.peer)
	}
	return t.admitted
}

// unwanted tells whether something is to be sent that the other side does not take.
func (t *Terminal) unwanted() bool {
	caps, sends := t.peer.Capabilities, t.cfg.Source != nil && !t.sender.done
	if t.cfg.Password != "" && !caps.Password {
		return true
	}
	if sends {
		return t.cfg.Subaddress != "" && !caps.Subaddress
	}
	return t.cfg.Selective != "" && !caps.Selective
}
