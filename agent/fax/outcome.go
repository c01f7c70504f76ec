package fax

import (
	"time"

	"tipring/t38/t30"
)

// outcome ends the call here and says how it went.
func (c *call) outcome() Outcome {
	if c.way != nil {
		c.leaveWay()
	}
	_ = c.session.Close() // a BYE of RTCP that does not go is missed by nobody
	if m := c.engine.cfg.Measured; m != nil && c.sip != nil {
		m(c.sip.Info().ID, c.session.Stats())
	}
	closePairs(c.beside)
	o := &c.report.out
	o.LocalID, o.Peer, o.Started, o.Ended = c.terminal.Ident, c.dest, c.started, time.Now()
	if c.sip != nil {
		i := c.sip.Info()
		o.SIPCallID, o.Server, o.Peer = i.SIPCallID, i.Server.String(), i.Peer
	}
	o.Answered, o.Begun, o.Heard = !c.upAt.IsZero(), c.report.begun, c.ear.Sound()
	o.OK = o.Answered && o.T30 == t30.OK && len(o.Pages) > 0
	if !o.OK {
		c.failed(o)
	}
	o.Judge(c.calling)
	c.rememberRefusal(o.Ended)
	c.logEnd(o)
	return *o
}

// failed says why there was no fax.
func (c *call) failed(o *Outcome) {
	o.Cause = c.endReason.Cause
	o.Code, o.NoAnswer = c.endReason.Code, c.report.noAnswer || c.endReason.Code == 408 && !o.Answered
	if c.report.noAnswer {
		o.Code = 408
	}
	o.Voice = o.Answered && !o.Begun && (o.Heard == Speech || o.Heard == Nothing && c.ear.Spoke())
	switch {
	case c.cancelled:
		o.T30 = t30.Stopped
	case o.T30 == t30.OK && o.Answered: // no terminal got anywhere
		o.T30 = t30.LineLost
	}
	// Who keeps silent for T1, but for our own CNG that comes back, has no fax machine.
	o.Voice = o.Voice || o.Answered && !o.Begun && o.T30 == t30.NoAnswer && o.Transport == "audio" && c.ear.Echo()
	switch {
	case c.reason != "":
		o.Reason = c.reason
	case !o.Answered:
		o.Reason = c.endReason.Text
	case o.T30 == t30.LineLost && c.endReason.Text != "":
		o.Reason = c.endReason.Text
	default:
		o.Reason = o.T30.String()
	}
}

func (c *call) logEnd(o *Outcome) {
	attrs := []any{
		"call", o.SIPCallID, "peer", o.Peer, "ok", o.OK, "transport", o.Transport, "pages", o.Confirmed(),
		"rate", o.Rate, "ecm", o.ECM, "remote_id", o.RemoteID, "error_code", o.ErrorCode,
	}
	if o.Reason != "" {
		attrs = append(attrs, "reason", o.Reason)
	}
	if c.missed > 0 {
		attrs = append(attrs, "not_worked_ms", c.missed.Milliseconds())
	}
	if o.PacketsLost > 0 {
		attrs = append(attrs, "packets_lost", o.PacketsLost, "packets_healed", o.PacketsHealed)
	}
	for _, p := range o.Pages {
		if p.What != "" {
			c.log.Info("fax page", "call", o.SIPCallID, "page", p.N, "result", p.Result, "rate", p.Rate, "what", p.What)
		}
	}
	c.log.Info("fax over", attrs...)
}

// tellProgress tells where the call stands, if that is new.
func (c *call) tellProgress() {
	if c.progress == nil {
		return
	}
	if c.callID == "" && c.sip != nil {
		c.callID = c.sip.Info().SIPCallID
	}
	p := Progress{State: "dialling", Pages: c.report.pages, SIPCallID: c.callID}
	if !c.upAt.IsZero() || !c.calling {
		r := &c.report
		p.State, p.Page, p.Rate, p.ECM = "receiving", 0, r.rate, r.out.ECM
		if c.calling {
			p.State = "sending"
		}
		if r.begun {
			p.Page = r.next()
		}
		if p.Pages > 0 {
			p.Page = min(p.Page, p.Pages)
		}
		p.Transport, p.RemoteID, p.Rows = r.out.Transport, r.out.RemoteID, r.rows
		if c.way != nil && r.begun {
			p.RemoteID = c.way.t30().Result().Peer.Ident
		}
	}
	if p != c.told {
		c.told = p
		c.progress(p)
	}
}
