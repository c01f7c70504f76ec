package call

import (
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
)

// A menu is the side of a conversation with the device itself: there is no far end.
type menu struct {
	p       *Port
	service Service
}

// openMenu connects the telephone with the device, and reports that it has something to say.
func (p *Port) openMenu() bool {
	if p.dev.Menu == nil {
		return false
	}
	s := p.dev.Menu(p.cfg.Number)
	if s == nil {
		return false
	}
	c := p.converse(up)
	c.fax = &menu{p, s}
	p.now = c
	p.fx.Place()
	p.fx.Talk()
	return true
}

// leaveMenu is a flash in it: back to the call that is held, or to a dial tone.
func (p *Port) leaveMenu() {
	p.leaveNow()
	if p.held != nil {
		p.takeBack()
		return
	}
	p.setCodes()
	p.fx.Dial()
}

// Exchange implements sound.
func (m *menu) Exchange(_, out []int16) {
	if m.service.Read(out) {
		return
	}
	m.p.now = nil
	m.p.hungUp(fxs.Reorder)
}

// left implements faxSide: the telephone has hung up.
func (m *menu) left() { m.service.Close() }

func (*menu) lifted()                  {}
func (*menu) answered() bool           { return true }
func (*menu) agreed(*offer.Audio) bool { return true }
func (*menu) image(*offer.Image)       {}
func (*menu) switchRefused(int)        {}
func (*menu) flash() bool              { return true }
func (*menu) key(bool) bool            { return true }
func (*menu) ended(lines.Reason) bool  { return true }
