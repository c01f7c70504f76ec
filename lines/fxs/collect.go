package fxs

import "tipring/internal/dsp"

// Dial begins to collect a number, with dial tone: at off-hook by itself, at a flash
// when the owner holds a call.
func (p *Port) Dial() {
	if !p.hook.off {
		return
	}
	p.state, p.deadline, p.warming = Dialling, p.now+noDigitTime, false
	p.keys = p.keys[:0]
	p.dtmf.Reset()
	if p.wanted.lamp {
		p.play(StutterTone)
	} else {
		p.play(DialTone)
	}
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
	if p.state != Dialling || len(p.keys) == maxDialled {
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
	p.deadline = p.now + int64(v.WaitS)*dsp.SampleRate
}

// noMoreKeys takes a number for complete because none came for too long.
func (p *Port) noMoreKeys() {
	switch {
	case p.warming:
		p.dialled(Event{Kind: Dialled, Number: p.hotline})
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
