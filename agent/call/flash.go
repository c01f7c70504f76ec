package call

import (
	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// What a flash does, by flash_style. With one call both hold it and give a dial tone for
// another, and a flash before that is answered goes back. With two,
//
//   - bellcore: a flash answers a call that waits; joins a call that was dialled behind the
//     first, and in the conference drops it again; changes between calls of which one waited.
//   - etsi: a flash gives a tone, and a digit says what is to be done.
//
// Where the server does all this, a flash in the only call is sent there: rfc4733 as an event where
// the far end takes events, else like info as INFO.
const (
	Bellcore = "bellcore"
	ETSI     = "etsi"
	ByEvent  = "rfc4733"
	ByInfo   = "info"
)

const flashEvent = 16 // RFC 4733 section 3.2

// commandTime is how long a digit is waited for behind a flash.
const commandTime = 6 * dsp.SampleRate

// flash does what the hook asks for that was pressed for a moment.
func (p *Port) flash() {
	p.asks = ask{}
	c := p.now
	switch {
	case p.mode != "":
		p.flashOfFax()
	case p.virtual || c != nil && (c.data || c.emergency || c.before != nil):
		// A modem's hook bounces, who called for help is not sent away, and a call that the far
		// end has sent on is its own.
	case c != nil && c.fax != nil:
		p.leaveMenu()
	case p.commands:
		p.endCommand()
	case p.cfg.FlashStyle == ETSI && c != nil && (p.held != nil || p.waiting != nil):
		p.awaitCommand()
	default:
		p.flashOfCall()
	}
}

// flashOfFax holds the far end of a fax port, or takes it back.
func (p *Port) flashOfFax() {
	c := p.now
	switch {
	case c == nil || c.emergency:
	case c.fax != nil && c.fax.flash():
	case c.stage == up:
		c.held = !c.held
		p.keyUp()
		c.call.Hold(c.held)
	}
}

// flashOfCall is a flash that asks for one thing only.
func (p *Port) flashOfCall() {
	switch c := p.now; {
	case c == nil && p.held != nil:
		p.takeBack()
	case p.waiting != nil && (c == nil || c.stage == up):
		p.takeWaiting()
	case c == nil:
		if p.fx.State() == fxs.Dialling { // perhaps behind a star code, which is forgotten
			p.setCodes()
			p.fx.Dial()
		}
	case p.held != nil && (c.stage == calling || p.joined):
		p.dropNow()
	case c.stage != up:
	case p.held == nil && (p.cfg.FlashStyle == ByEvent || p.cfg.FlashStyle == ByInfo):
		p.sendFlash(c)
	case p.held == nil:
		p.holdAndDial()
	case p.swaps:
		p.swap()
	default:
		p.join()
	}
}

// sendFlash tells the server of a flash.
func (p *Port) sendFlash(c *conversation) {
	p.keyUp()
	if p.cfg.FlashStyle == ByInfo || !c.session.SendEvent(flashEvent, 100) {
		c.call.SendDigit('F')
	}
}

// awaitCommand waits for a digit that says what to do with two calls. Nobody hears it.
func (p *Port) awaitCommand() {
	p.keyUp()
	p.commands, p.commandBy = true, p.fx.Now()+commandTime
	p.fx.Play(fxs.RecallTone)
}

// endCommand goes on as before.
func (p *Port) endCommand() {
	if !p.commands {
		return
	}
	p.commands = false
	p.fx.Silence()
	switch c := p.now; {
	case c != nil && c.ringback:
		p.fx.Play(fxs.Ringback)
	case p.waiting != nil:
		p.fx.Play(fxs.CallWaiting)
	}
}

// command does what a digit behind a flash asks for (ETSI ETS 300 738 lists them).
func (p *Port) command(key byte) {
	p.swallows = true
	p.endCommand()
	both := p.now != nil && p.held != nil && p.now.stage == up
	switch {
	case key == '0' && p.waiting != nil:
		p.refuseWaiting()
	case key == '0' && p.held != nil:
		p.dropHeld()
	case key == '1' && p.waiting != nil && p.now.stage == up:
		p.dropNow()
		p.takeWaiting()
	case key == '1' && p.held != nil:
		p.dropNow()
	case key == '2' && p.waiting != nil && p.now.stage == up:
		p.takeWaiting()
	case key == '2' && p.joined:
		p.split()
	case key == '2' && both:
		p.swap()
	case key == '3' && both && !p.joined:
		p.join()
	case key == '4' && p.held != nil:
		p.transferNow()
	}
}

// onHook is the end of what the telephone says: it was hung up.
func (p *Port) onHook() {
	if p.card.Load() == nil {
		p.virtual = false
		p.drop()
		return
	}
	p.virtual, p.asks, p.commands, p.swallows, p.follows = false, ask{}, false, false, nil
	p.keyUp()
	p.digits.Stop()
	p.fx.StopWaiting()
	c, h := p.now, p.held
	switch joined, swaps := p.joined, p.swaps; {
	case h == nil:
		p.leaveNow()
	case c != nil && c.emergency: // its far end may call back
		p.leaveNow()
		p.dropHeld()
	case joined && p.cfg.ConferenceTransfers:
		p.handOver()
	case joined:
		p.leaveNow()
		p.dropHeld()
	case c != nil && c.before == nil && !swaps && p.cfg.TransferOnHangup && c.maySendTo():
		p.handOver()
	default:
		p.leaveNow()
		p.held = nil
		p.ringBack(h)
	}
	p.joined, p.swaps = false, false
	if p.waiting != nil && p.now == nil {
		p.ringWaiting()
	}
}

// leaveNow ends the conversation of the handset, if it has one.
func (p *Port) leaveNow() {
	c := p.now
	p.now = nil
	p.digits.Stop()
	if c != nil {
		c.leave()
	}
}

// dropNow ends the call of the handset, which goes on with the one that was held.
func (p *Port) dropNow() {
	p.keyUp()
	p.leaveNow()
	p.joined, p.swaps = false, false
	if p.held != nil {
		p.takeBack()
	}
}

// dropHeld ends the call that is held, or of two that are joined the one that was.
func (p *Port) dropHeld() {
	h := p.held
	p.held, p.joined, p.swaps = nil, false, false
	if p.now != nil {
		p.now.aside.Store(false)
	}
	h.leave()
}

// drop ends all that the port does: there is nobody any more who could want it.
func (p *Port) drop() {
	p.asks, p.commands, p.follows = ask{}, false, nil
	p.leaveNow()
	if p.held != nil {
		p.dropHeld()
	}
	if c := p.waiting; c != nil {
		p.waiting = nil
		c.leave()
	}
	for len(p.transfers) > 0 {
		p.transfers[0].drop()
	}
}
