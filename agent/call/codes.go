package call

import "tipring/lines/fxs"

// An ask is what the number is for that the telephone dials next. The zero value is a call.
type ask struct {
	step   Step // NextNumber, NextTransfer or NextConference
	code   string
	answer chan Next // the telephone dials nothing before it hears what a code has come to; nil: it may
}

// setCodes tells the port which star codes there are now.
func (p *Port) setCodes() {
	if p.cfg.Features == nil || p.mode != "" {
		return
	}
	p.fx.SetCodes(p.cfg.Features.Codes(p.cfg.Number, p.held != nil))
}

// coded asks what comes of a star code.
func (p *Port) coded(code string) {
	p.await(code, func() Next { return p.cfg.Features.Code(p.cfg.Number, code) })
}

// await goes on with a star code once work has told how, unless the telephone has done
// something else meanwhile.
func (p *Port) await(code string, work func() Next) {
	answer := make(chan Next, 1)
	p.asks = ask{answer: answer}
	p.aside(func() {
		answer <- work()
		p.post(func() {
			if p.asks.answer == answer && p.now == nil {
				p.goOn(code, <-answer)
			}
		})
	})
}

// goOn does what is next after a star code.
func (p *Port) goOn(code string, next Next) {
	p.asks = ask{}
	switch step := next.Step; {
	case step == NextDone:
		p.fx.Confirm()
	case step == NextNumber, (step == NextTransfer || step == NextConference) && p.held != nil:
		p.asks = ask{step: step, code: code}
		p.fx.Recall()
	case step == NextDial:
		p.fx.Recall()
	case step == NextCall && next.Call != "":
		p.fx.Place()
		p.dial(next.Call, false, nil)
	case step == NextMenu && p.openMenu():
	default:
		p.fx.Park(fxs.Reorder)
	}
}

// answerAsk does with a number what a code before it wanted.
func (p *Port) answerAsk(a ask, e fxs.Event) {
	switch {
	case a.step == NextTransfer:
		p.transferHeld(e.Number)
	case a.step == NextConference && p.held != nil:
		p.dial(e.Number, e.Emergency, nil)
		if p.now != nil {
			p.now.joins = true
		}
	case a.step == NextNumber:
		p.await(a.code, func() Next { return Next{Step: p.taken(a.code, e.Number)} })
	default:
		p.fx.Park(fxs.Reorder)
	}
}

// taken gives a number to the code that has asked for it.
func (p *Port) taken(code, number string) Step {
	if p.cfg.Features.Number(p.cfg.Number, code, number) {
		return NextDone
	}
	return NextRefused
}

// wishes are what the telephone wants of the call that it makes now.
func (p *Port) wishes() Wishes {
	if p.cfg.Features == nil || p.mode != "" {
		return Wishes{}
	}
	return p.cfg.Features.Leaving(p.cfg.Number)
}

// made tells of a call.
func (p *Port) made(number string) {
	if p.cfg.Features != nil && p.mode == "" {
		p.cfg.Features.Made(p.cfg.Number, number)
	}
}
