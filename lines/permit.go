package lines

import "time"

// permit asks the owner of the device whether a call to a number may go out at the line's
// expense, by whatever way: dialled, transferred or sent on.
func (l *Line) permit(now time.Time, to string) error {
	return l.permitted(Request{Line: l.cfg.N, To: to, Running: l.outgoing(), At: now})
}

func (l *Line) permitted(r Request) error {
	if l.dev.Permit == nil {
		return nil
	}
	err := l.dev.Permit(r)
	if err != nil {
		l.log.Warn("call not permitted", "to", r.To, "cause", err)
	}
	return err
}

// permitSentOn is asked of a call that was permitted, and that the far end sends on by a 3xx.
func (c *Call) permitSentOn(now time.Time, to string) error {
	if c.dial.Emergency {
		return nil
	}
	return c.l.permitted(Request{Line: c.l.cfg.N, To: to, SentOn: true, At: now})
}

// A Request is a call that is about to go out.
type Request struct {
	Line    int
	To      string // as in Dial
	Running int    // calls that the line has out, besides this one
	SentOn  bool   // by a 3xx, and was counted when it began: only the number is another
	At      time.Time
}

// outgoing counts the calls that went out and are not over.
func (l *Line) outgoing() (n int) {
	for c := range l.calls {
		if !c.info.Incoming && !c.over && c.permitted {
			n++
		}
	}
	return n
}

// permit is asked of a call that begins. An emergency is permitted, and remembered for whoever
// calls back.
func (c *Call) permit(now time.Time) error {
	if c.dial.Emergency {
		c.l.dev.Emergencies.called(c.l.cfg.N, c.dial.Port, now)
	} else if err := c.l.permit(now, c.dial.To); err != nil {
		return err
	}
	c.permitted = true
	return nil
}
