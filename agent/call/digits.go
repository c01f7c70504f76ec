package call

import (
	"strings"

	"tipring/internal/dsp"
)

// How long a digit that comes as a message sounds to the telephone, and the pause after it.
const (
	heardDigit = dsp.SampleRate / 10
	heardPause = dsp.SampleRate / 20
)

// keyDown sends the beginning of a DTMF key to the far end, in the way that dtmf_type
// wants: auto and rfc4733 as an event where the far end takes events. In band it goes by
// itself.
func (p *Port) keyDown(key byte) {
	c := p.now
	switch {
	case p.commands:
		p.command(key)
		return
	case c == nil:
		return
	case c.fax != nil:
		if m, ok := c.fax.(*menu); ok {
			m.service.Key(key)
		}
		if c.fax.key(true) {
			return
		}
	}
	if p.digits.Busy() {
		return // what we play ourselves comes back from the telephone's hybrid
	}
	p.sendKey(c, key)
	if p.joined {
		p.sendKey(p.held, key)
	}
}

// sendKey sends the beginning of a key to one far end.
func (p *Port) sendKey(c *conversation, key byte) {
	if c.session == nil || c.held || c.data || !p.takesKeys(c) {
		return
	}
	if p.cfg.DTMFType == "info" {
		c.call.SendDigit(key)
		return
	}
	if code, ok := eventCode(key); ok && c.session.StartEvent(code) {
		c.key = key
	}
}

// keyUp ends what keyDown began.
func (p *Port) keyUp() {
	c := p.now
	if c == nil || c.fax != nil && c.fax.key(false) {
		return
	}
	c.endKey()
	p.held.endKey()
}

func (c *conversation) endKey() {
	if c == nil || c.key == 0 {
		return
	}
	c.key = 0
	if c.session != nil {
		c.session.StopEvent()
	}
}

// takesKeys reports that keys go to the far end as messages and not in band.
func (p *Port) takesKeys(c *conversation) bool {
	switch p.cfg.DTMFType {
	case "info":
		return c.stage == up
	case "auto", "rfc4733":
		return c.session.CanSendEvents()
	}
	return false
}

// mutesKey reports that this frame of the telephone's sound holds a key that goes as a
// message: in band as well, the far end would hear it twice.
func (p *Port) mutesKey(c *conversation) bool {
	return !c.data && p.fx.SuspectsKey() && !p.digits.Busy() && p.takesKeys(c)
}

// keys in the order of their event codes (RFC 4733 section 3.2).
const eventKeys = "0123456789*#ABCD"

func eventCode(key byte) (uint8, bool) {
	i := strings.IndexByte(eventKeys, key)
	return uint8(i), i >= 0
}

// hear sounds the far end's telephone events to the telephone.
func (p *Port) hear(c *conversation) {
	for {
		e, ok := c.session.NextEvent()
		if !ok {
			return
		}
		if !e.End && int(e.Code) < len(eventKeys) {
			c.play(eventKeys[e.Code])
		}
	}
}

// play plays a digit of the far end's to the telephone.
func (c *conversation) play(digit byte) {
	if (c.p.now == c || c.p.joined && c.p.held == c) && !c.held {
		c.p.digits.Press(digit, heardDigit, heardPause)
	}
}
