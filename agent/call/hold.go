package call

import (
	"fmt"
	"strings"

	"tipring/internal/dsp"
	"tipring/lines"
	"tipring/lines/fxs"
)

// recallTime is how long a telephone that was hung up rings for the call that it left on hold.
const recallTime = 60 * dsp.SampleRate

// hold holds the far end of a call, or takes it back.
func (c *conversation) hold(on bool) {
	c.aside.Store(on)
	if c.held != on {
		c.held = on
		c.call.Hold(on)
	}
}

// putAside holds the call of the handset.
func (p *Port) putAside() {
	p.keyUp()
	p.digits.Stop()
	p.now.hold(true)
	p.held, p.now = p.now, nil
}

// holdAndDial holds the call of the handset and gives a dial tone for another.
func (p *Port) holdAndDial() {
	p.putAside()
	p.swaps = false
	p.setCodes()
	p.fx.Recall()
}

// takeBack goes on with the call that is held.
func (p *Port) takeBack() {
	p.now, p.held = p.held, nil
	p.swaps = false
	p.fx.Talk()
	p.now.hold(false)
}

// swap changes between two calls.
func (p *Port) swap() {
	h := p.held
	p.putAside()
	p.now = h
	h.hold(false)
}

// ringBack rings the telephone, which was hung up, for a call that it has left on hold.
func (p *Port) ringBack(c *conversation) {
	if !p.fx.RingFor(c.incoming()) {
		c.leave()
		return
	}
	c.stage = recalled
	p.now, p.recallBy = c, p.fx.Now()+recallTime
}

// comeFromHold goes on with a call that the telephone has rung for.
func (p *Port) comeFromHold(c *conversation) {
	c.stage = up
	c.hold(false)
}

// incoming is what a telephone shows of the far end when it rings.
func (c *conversation) incoming() fxs.Incoming {
	i := c.call.Info()
	in := fxs.Incoming{Caller: callerOf(i, c.p.dev.Clock()), Alert: i.Alert}
	for _, rule := range c.p.cfg.RingByNumber {
		number, ring, _ := strings.Cut(rule, "=")
		if start, more := strings.CutSuffix(number, "*"); in.Caller.Number == number || more && strings.HasPrefix(in.Caller.Number, start) {
			in.Alert = ring
			break
		}
	}
	return in
}

// tick does what is due at the port.
func (p *Port) tick() {
	if c := p.now; c != nil && c.stage == recalled && p.fx.Now() >= p.recallBy {
		p.log.Info("held call given up, the telephone was not lifted", "call", c.id)
		p.fx.StopRing()
		p.leaveNow()
	}
	p.now.listen()
	p.held.listen()
	if p.commands && p.fx.Now() >= p.commandBy {
		p.endCommand()
	}
}

// listen gives up a call in which sound is expected and none comes: whoever was there is gone, or
// the way to him.
func (c *conversation) listen() {
	if c == nil || c.p.cfg.RTPTimeoutS == 0 || c.fax != nil || c.session == nil || c.deaf {
		return
	}
	now := c.p.fx.Now()
	if c.stage != up || c.held || !c.params.Sends || !c.params.Receives {
		c.expects = now
	}
	if min(now-c.expects, c.session.Quiet()) >= int64(c.p.cfg.RTPTimeoutS)*dsp.SampleRate {
		c.deaf = true
		c.call.GiveUp(fmt.Sprintf("no sound has come for %d s", c.p.cfg.RTPTimeoutS))
	}
}

// lost is the end of the handset's call that the telephone has not left.
func (p *Port) lost(c *conversation, r lines.Reason) {
	p.now = nil
	p.digits.Stop()
	p.endCommand()
	switch {
	case p.placeElsewhere(c, r):
	case c.stage == ringing, c.stage == recalled:
		p.fx.StopRing()
	case c.before != nil:
		p.comeBack(c.before)
	case p.joined:
		p.joined = false
		p.now, p.held = p.held, nil
		p.now.aside.Store(false)
	case c.stage == up && p.held == nil && !p.virtual: // a call that waits rings behind the hang-up
		p.fx.Disconnect(fxs.Reorder)
	case r.Busy():
		p.hungUp(fxs.Busy)
	default:
		p.hungUp(fxs.Reorder)
	}
}
