package lab

import (
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
)

// An outbound is a request sent on, until its final response has gone back (RFC 3261
// section 16.7), or a CANCEL or NOTIFY of our own.
type outbound struct {
	in         *inbound // nil: our own
	notice     *notice  // nil: no NOTIFY
	tx         *transaction.Client
	way        way
	heard      int       // highest provisional status
	timerC     time.Time // zero: not an INVITE, or answered
	cancelled  bool      // nobody wants the answer any more
	cancelSent bool      // and the far side was told: not before its provisional response
	final      bool      // has gone back
}

func (c *core) response(now time.Time, m *sipmsg.Message) {
	out := c.outbounds[transaction.Key(m)]
	if out == nil {
		return // RFC 6026 section 8.9: a stray response is dropped
	}
	c.stepOut(now, out, out.tx.Receive(now, m))
}

func (c *core) stepOut(now time.Time, out *outbound, s transaction.Step) {
	if s.Send != nil {
		c.transmit(out.way, s.Send)
	}
	if out.in != nil {
		if s.Response != nil {
			c.back(now, out, s.Response)
		}
		if s.Err != nil {
			c.unanswered(now, out)
		}
	}
	if out.notice != nil {
		c.notified(now, out.notice, s)
	}
	c.wake(earlier(out.tx.Deadline(), out.timerC))
}

// back sends a response back (section 16.7).
func (c *core) back(now time.Time, out *outbound, res *sipmsg.Message) {
	code := res.StatusCode
	if res.IsProvisional() {
		out.heard = max(out.heard, code)
		if out.cancelled {
			c.cancel(now, out)
		}
		if code == 100 {
			return // step 5: MUST NOT be forwarded
		}
		if !out.timerC.IsZero() {
			out.timerC = now.Add(timerC) // step 2
		}
	} else {
		out.timerC = time.Time{}
	}
	up := res.Clone()
	up.Via = up.Via[1:]
	if len(up.Via) == 0 {
		return
	}
	if code == 503 {
		up.StatusCode, up.Reason = 500, "" // step 6: 503 would say that this server is overloaded
		up.Header.Del("Retry-After")
	}
	first := !out.final
	out.final = out.final || !res.IsProvisional()
	if first && out.final {
		if res.IsSuccess() {
			c.answered(out.in)
		} else {
			c.failed(out.in, code)
		}
	}
	c.respond(now, out.in, up)
}

// unanswered ends a request that got no final response: by 408 (section 16.8), or 487
// when it was cancelled.
func (c *core) unanswered(now time.Time, out *outbound) {
	out.timerC = time.Time{}
	if out.final {
		return
	}
	out.final = true
	code := 408
	switch {
	case out.cancelled:
		code = 487
	case out.way.conn != nil && out.way.conn.gone():
		code = 480 // the telephone's connection is gone
	}
	c.failed(out.in, code)
	c.code(now, out.in, code)
}

func (c *core) answered(in *inbound) {
	if in.req.Method == sipmsg.INVITE && in.req.To.Tag() == "" {
		c.tell(Event{Kind: Answered, User: in.req.From.URI.User, Peer: in.req.RequestURI.User, CallID: in.req.CallID})
	}
}

func (c *core) failed(in *inbound, code int) {
	if in.req.Method == sipmsg.INVITE && in.req.To.Tag() == "" {
		c.tell(Event{Kind: Failed, User: in.req.From.URI.User, Peer: in.req.RequestURI.User, Code: code, CallID: in.req.CallID})
	}
}

// cancelled takes a CANCEL (section 16.10): it is answered here, and the INVITE is
// cancelled onward.
func (c *core) cancelled(now time.Time, cancel *inbound) {
	in := c.inbounds[transaction.CancelledKey(cancel.req)]
	if in == nil || in.req.Method != sipmsg.INVITE {
		c.code(now, cancel, 481)
		return
	}
	cancel.tag = in.tag
	c.code(now, cancel, 200)
	if in.out != nil && !in.out.final {
		c.cancel(now, in.out)
	}
}

// cancel gives up an INVITE that was sent on, at once or when it is heard of (section 9.1).
func (c *core) cancel(now time.Time, out *outbound) {
	out.cancelled = true
	if out.heard == 0 || out.cancelSent || out.final {
		return
	}
	out.cancelSent = true
	out.tx.Abandon(now)
	c.sendCancel(now, out)
}

func (c *core) sendCancel(now time.Time, out *outbound) {
	m := transaction.Cancel(out.tx.Request())
	tx, err := transaction.NewClient(m, out.way.conn != nil, c.cfg.Timers, transaction.Unlimited)
	if err != nil {
		c.log.Error("CANCEL not written", "err", err)
		return
	}
	o := &outbound{tx: tx, way: out.way}
	c.outbounds[transaction.Key(m)] = o
	c.stepOut(now, o, tx.Start(now))
}

// expireOut does what is due for an outbound request; timer C is section 16.8.
func (c *core) expireOut(now time.Time, out *outbound) {
	if due(now, out.tx.Deadline()) {
		c.stepOut(now, out, out.tx.Expire(now))
	}
	if due(now, out.timerC) {
		out.timerC = time.Time{}
		c.cancel(now, out)
	}
}
