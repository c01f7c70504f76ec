package call

import (
	"strings"
	"time"

	"tipring/lines"
	"tipring/lines/fxs"
)

// A room is what a port can do with one more call that comes in.
type room int32

const (
	roomToRing room = iota // nothing goes on
	roomToWait             // a tone tells of it
	noRoom
)

// roomNow is the room that there is.
func (p *Port) roomNow() room {
	switch c := p.now; {
	case c == nil && p.held == nil && p.waiting == nil && !p.fx.OffHook():
		return roomToRing
	case c == nil || p.held != nil || p.waiting != nil:
		return noRoom
	case p.cfg.CallWaiting && p.mode == "" && !p.virtual && c.mayBeDisturbed():
		return roomToWait
	}
	return noRoom
}

// mayBeDisturbed reports that a tone may tell of another call in this one.
func (c *conversation) mayBeDisturbed() bool {
	return c.stage == up && c.fax == nil && c.before == nil && !c.data && !c.emergency && !c.undisturbed
}

// wait tells the telephone of a call that waits.
func (p *Port) wait(c *conversation) {
	p.waiting = c
	p.fx.Wait(c.incoming().Caller)
}

// takeWaiting answers the call that waits; the one before it is held.
func (p *Port) takeWaiting() {
	c := p.waiting
	p.waiting = nil
	p.fx.StopWaiting()
	pair := c.group.win(c)
	if pair == nil { // the caller has given up in this moment
		c.over(nil)
		if p.now == nil && p.fx.State() == fxs.Talking {
			p.hungUp(fxs.Reorder)
		}
		return
	}
	if p.now != nil {
		p.putAside()
		p.swaps = true
	}
	p.now = c
	p.fx.Talk()
	c.take(pair)
}

// refuseWaiting turns the call away that waits.
func (p *Port) refuseWaiting() {
	c := p.waiting
	p.waiting = nil
	p.fx.StopWaiting()
	c.over(errHungUp)
	c.group.leave(p, 486)
}

// ringWaiting rings a telephone, which was hung up, for the call that waited.
func (p *Port) ringWaiting() {
	c := p.waiting
	p.waiting = nil
	if !p.fx.RingFor(c.incoming()) {
		c.leave()
		return
	}
	p.now = c
}

// callerOf is who calls, as a telephone shows it.
func callerOf(i lines.Info, at time.Time) fxs.Caller {
	if i.Anonymous {
		return fxs.Caller{Private: true, At: at}
	}
	c := fxs.Caller{Number: i.Peer, Name: i.Name, At: at}
	if strings.Trim(c.Number, "+*#0123456789") != "" { // no telephone can show it
		if c.Name == "" {
			c.Name = c.Number
		}
		c.Number = ""
	}
	c.Unavailable = c.Number == ""
	return c
}
