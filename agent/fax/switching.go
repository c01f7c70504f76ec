package fax

import (
	"time"

	"tipring/internal/offer"
)

const (
	// mediaLimit is how long T.38 may be agreed without a packet of the far end's. A caller whose
	// CNG is over has nothing to say before it has heard DIS, which takes calledLimit. provingLimit
	// is that of packets from another address than the far end said: they take time to be known
	// as its own.
	mediaLimit   = 5 * time.Second
	calledLimit  = 10 * time.Second
	provingLimit = 15 * time.Second
	// callerWait is the time that the called side has to switch by itself.
	callerWait = time.Second
)

// switching is what a call does about T.38 by itself.
type switching struct {
	asked   bool // it was for this side to offer T.38, or it was agreed
	refused bool // what was offered came to nothing
	back    bool // sound was asked for, since no packet came
	worked  bool // packets of T.38 have come
}

// switchAsDue asks for T.38, or for sound again.
func (c *call) switchAsDue(now time.Time) {
	switch w := c.way.(type) {
	case *packets:
		c.judgePackets(now, w)
	case *sound:
		if c.asked || !c.wantsT38(now) {
			return
		}
		c.asked = true
		if !c.engine.cfg.Memory.Refuses(c.dest, now) {
			c.sip.Switch(offer.Fax)
		}
	}
}

// wantsT38 tells whether it is for this side to offer T.38 now (t38_reinvite).
func (c *call) wantsT38(now time.Time) bool {
	if !c.settings.T38 || c.sip == nil || c.closing {
		return false
	}
	switch r := c.settings.Reinvite; {
	case r == "never":
		return false
	case r == "detector":
		return c.settings.Preamble && (c.ear.Preamble() || c.report.begun)
	case !c.calling: // callee, and caller: the calling side too
		return true
	case r == "caller": // the CNG that this side sends is the one that counts
		return c.settings.CNG && now.Sub(c.upAt) >= callerWait
	}
	return false
}

// judgePackets goes back to sound where T.38 is agreed and nothing comes.
func (c *call) judgePackets(now time.Time, w *packets) {
	limit, stats := mediaLimit, w.link.Stats()
	if !c.calling {
		limit = calledLimit
	}
	if stats.Foreign > 0 {
		limit = provingLimit
	}
	switch {
	case stats.Received > 0 && !c.worked:
		c.worked = true
		c.engine.cfg.Memory.Worked(c.dest)
	case stats.Received == 0 && !c.back && now.Sub(w.since) >= limit && !w.done():
		c.log.Warn("no packet of T.38 comes, sound is asked for", "peer", c.dest)
		c.back, c.refused = true, true
		c.sip.Switch(offer.Sound)
	}
}

// switchRefused: the call goes on as it was. That T.38 is refused is taken note of; that of the
// moment, or that the call is about to end, is not.
func (c *call) switchRefused(code int) {
	c.log.Info("switch refused", "peer", c.dest, "code", code)
	switch code {
	case 481, 500, 503, 487:
		return
	}
	c.refused = c.refused || c.image == nil
}

// rememberRefusal keeps for the next calls that a fax machine is there without T.38. Somebody who
// speaks, and refuses it, says nothing about the faxes of his number.
func (c *call) rememberRefusal(now time.Time) {
	if c.refused && !c.worked && c.report.begun {
		c.engine.cfg.Memory.Refused(c.dest, now)
	}
}

func (c *call) besidePort() uint16 {
	if c.mappedUDPTL.IsValid() {
		return c.mappedUDPTL.Port()
	}
	return c.beside.RTP.Local().Port()
}
