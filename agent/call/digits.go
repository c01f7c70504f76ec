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
// wants. In band it goes by itself.
func (p *Port) keyDown(key byte) {
	c := p.now
	if c == nil || !c.answered || c.session == nil {
		return
	}
	switch p.cfg.DTMFType {
	case "info":
		c.call.SendDigit(key)
	case "auto", "rfc4733":
		if code, ok := eventCode(key); ok && c.session.CanSendEvents() && c.session.StartEvent(code) {
			c.key = key
		}
	}
}

// keyUp ends what keyDown began.
func (p *Port) keyUp() {
	if c := p.now; c != nil && c.key != 0 && c.session != nil {
		c.session.StopEvent()
		c.key = 0
	}
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
			p.digits.Press(eventKeys[e.Code], heardDigit, heardPause)
		}
	}
}
