package fxs

import "tipring/internal/dsp"

// Dial begins to collect a number, with dial tone: at off-hook by itself, at a flash
// when the owner holds a call.
func (p *Port) Dial() {
	if !p.hook.off {
		return
	}
	t := DialTone
	if p.messages == waiting && !p.settings.NoStutter {
		t = StutterTone
	}
	p.collect(t, false)
}

// Recall begins to collect a number while a call waits for it, with the country's tone for that.
// A Flash is then reported and changes nothing.
func (p *Port) Recall() { p.collect(RecallTone, true) }

// Confirm tells that something was done, by a tone; a number can be dialled then.
func (p *Port) Confirm() { p.collect(Confirmation, p.recalled) }

//go:noinline
func (p *Port) collect(t Tone, recalled bool) {
	if !p.hook.off {
		return
	}
	if !p.coded {
		p.ahead = p.ahead[:0]
		if p.dtmf.Key() == 0 { // one that sounds still is none of the number to come
			p.dtmf.Reset()
		}
	}
	p.state, p.deadline, p.warming = Dialling, p.now+p.patience(0), false
	p.coded, p.recalled = false, recalled
	p.keys = p.keys[:0]
	p.procedure.stop()
	p.unpowered, p.locked, p.connected = false, false, p.connected && recalled
	p.play(t)
	p.settle()
}

func (p *Port) startHotline() {
	switch {
	case p.hotline == "":
	case p.warm == 0:
		p.dialled(Event{Kind: Dialled, Number: p.hotline})
	default:
		p.warming, p.deadline = true, p.now+p.warm
	}
}

// listens tells whether keys are of interest.
func (p *Port) listens() bool {
	return p.hook.off && (p.state == Dialling || p.state == Calling || p.state == Talking)
}

// listen looks for DTMF in what the telephone says.
func (p *Port) listen(in []int16) {
	p.dtmf.DialTone = p.state == Dialling
	p.heard = p.dtmf.Feed(p.heard[:0], in)
	for _, e := range p.heard {
		if e.Down && (p.procedure.acknowledged(e.Key) || p.playsKey(e.Key)) {
			p.swallowed = e.Key
			continue
		}
		if !e.Down && e.Key == p.swallowed {
			p.swallowed = 0
			continue
		}
		if !e.Down {
			p.emit(Event{Kind: KeyUp, Key: e.Key})
			continue
		}
		p.emit(Event{Kind: KeyDown, Key: e.Key})
		p.pressed(e.Key)
	}
}

// pressed takes a key into the number that is being dialled.
func (p *Port) pressed(key byte) {
	switch {
	case p.state != Dialling || len(p.keys) == MaxDialled:
		return
	case p.coded:
		p.ahead = append(p.ahead, key)
		return
	case p.tookCode(key):
		return
	}
	v := p.plan.Look(string(p.keys) + string(key))
	switch {
	case v.Outcome != NoMatch:
	case key == '#' && len(p.keys) > 0: // no rule has a # here, so it ends the number
		p.finish(p.plan.Final(string(p.keys)))
		return
	case key >= 'A': // most telephones do not have these, and no rule wants them
		return
	}
	p.keys = append(p.keys, key)
	p.warming = false
	p.silence()
	if v.Outcome != Incomplete && v.Outcome != Complete {
		p.finish(v)
		return
	}
	if v.Tone {
		p.play(SecondDial)
	}
	p.deadline = p.now + int64(v.WaitS)*dsp.SampleRate
}

// noMoreKeys takes a number for complete because none came for too long.
func (p *Port) noMoreKeys() {
	switch {
	case p.coded: // the owner does not care
		p.finish(Verdict{Outcome: NoMatch})
	case p.warming:
		p.dialled(Event{Kind: Dialled, Number: p.hotline})
	case p.isCode():
		p.emitCode()
	case len(p.keys) > 0:
		p.finish(p.plan.Final(string(p.keys)))
	default:
		p.finish(Verdict{Outcome: NoMatch})
	}
}

func (p *Port) finish(v Verdict) {
	keys := string(p.keys)
	if v.Outcome == SendNow {
		p.dialled(Event{Kind: Dialled, Number: v.Number, Keys: keys, Emergency: v.Emergency})
		return
	}
	p.emit(Event{Kind: NotDialled, Keys: keys, Outcome: v.Outcome})
	p.Park(Reorder)
}

func (p *Port) dialled(e Event) {
	p.state, p.deadline, p.warming = Calling, never, false
	p.silence()
	p.emit(e)
}
