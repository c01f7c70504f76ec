package call

import (
	"time"

	"tipring/lines/fxs"
)

// An ask is what the number is for that the telephone dials next. The zero value is a call.
type ask struct {
	step Step // NextNumber, NextTransfer or NextConference
	code string
}

// setCodes tells the port which star codes there are now.
func (p *Port) setCodes() {
	if p.cfg.Features == nil || p.mode != "" {
		return
	}
	p.fx.SetCodes(p.cfg.Features.Codes(p.cfg.Number))
}

// coded does what a star code asks for.
func (p *Port) coded(code string) {
	next := p.cfg.Features.Code(p.cfg.Number, code)
	p.asks = ask{}
	switch step := next.Step; {
	case step == NextDone:
		p.fx.Confirm()
	case step == NextNumber, (step == NextTransfer || step == NextConference) && p.held != nil:
		p.asks = ask{step, code}
		p.fx.Recall()
	case step == NextDial:
		p.fx.Recall()
	case step == NextCall && next.Call != "":
		p.fx.Place()
		p.callDialled(fxs.Event{Kind: fxs.Dialled, Number: next.Call})
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
		p.callDialled(e)
		if p.now != nil {
			p.now.joins = true
		}
	case a.step == NextNumber && p.cfg.Features.Number(p.cfg.Number, a.code, e.Number):
		p.fx.Confirm()
	default:
		p.fx.Park(fxs.Reorder)
	}
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
		p.cfg.Features.Made(p.cfg.Number, number, time.Now())
	}
}
