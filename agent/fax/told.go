package fax

import (
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
)

// told is a call as its line tells of it. The line's goroutine waits for nobody: what it tells
// is done on the call's goroutine.
type told call

// post hands something to the call's goroutine.
func (t *told) post(do func(c *call)) (taken bool) {
	t.mu.Lock()
	if taken = !t.gone; taken {
		t.events = append(t.events, do)
	}
	t.mu.Unlock()
	select {
	case t.woken <- struct{}{}:
	default:
	}
	return taken
}

// takeEvents does what was posted.
func (c *call) takeEvents() {
	for {
		c.mu.Lock()
		events := c.events
		c.events = nil
		c.mu.Unlock()
		if len(events) == 0 {
			return
		}
		for _, do := range events {
			do(c)
		}
	}
}

// Started implements lines.Handler.
func (t *told) Started(s *lines.Call) {
	if !t.post(func(c *call) { c.begun(s) }) {
		s.Hangup()
	}
}

// Ringing implements lines.Handler.
func (t *told) Ringing(*lines.Call) {}

// Media implements lines.Handler.
func (t *told) Media(_ *lines.Call, a *offer.Audio) { t.post(func(c *call) { c.agreedSound(a) }) }

// Image implements lines.FaxHandler.
func (t *told) Image(_ *lines.Call, i *offer.Image) { t.post(func(c *call) { c.agreedImage(i) }) }

// SwitchRefused implements lines.FaxHandler.
func (t *told) SwitchRefused(_ *lines.Call, code int) {
	t.post(func(c *call) { c.switchRefused(code) })
}

// Answered implements lines.Handler.
func (t *told) Answered(*lines.Call) { t.post((*call).answered) }

// Digit implements lines.Handler.
func (t *told) Digit(*lines.Call, byte) {}

// Referred implements lines.Handler: a fax goes where it was sent.
func (t *told) Referred(*lines.Call, lines.Dial) bool { return false }

// Ended implements lines.Handler.
func (t *told) Ended(_ *lines.Call, r lines.Reason) { t.post(func(c *call) { c.ended(r) }) }

// agreedSound puts what is agreed for sound into force. While T.38 has the socket there is none.
func (c *call) agreedSound(a *offer.Audio) {
	switch {
	case a != nil:
		c.params = soundParams(a)
	case c.image != nil && !c.isBeside():
		return
	default: // refused, or ended: nothing goes there any more
		c.params.Sends, c.params.Receives = false, false
	}
	if c.params.PtimeMS == 0 {
		return
	}
	if err := c.session.Update(c.params); err != nil {
		c.log.Error("media not changed", "err", err)
	}
	c.choose()
}

func soundParams(a *offer.Audio) media.Params {
	p := media.Params{
		Remote: a.Remote, RTCP: a.RTCP,
		Send:      media.Format{PayloadType: a.Send.PayloadType, Codec: a.Send.Codec.String()},
		EventSend: -1, EventReceive: -1,
		PtimeMS: a.PtimeMS, Sends: a.Direction.CanSend(), Receives: a.Direction.CanReceive(),
		SRTP: a.SRTP,
	}
	for _, f := range a.Receive {
		p.Receive = append(p.Receive, media.Format{PayloadType: f.PayloadType, Codec: f.Codec.String()})
	}
	return p
}

// agreedImage goes on by T.38, or after its end in sound, of which agreedSound tells next.
func (c *call) agreedImage(i *offer.Image) {
	c.image = i
	if i != nil {
		c.asked = true // whoever did: once it was agreed it is not asked for anew
		c.choose()
	}
}
