package lines

import (
	"fmt"
	"net/netip"
	"time"

	"tipring/internal/capture"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// A call's ladder tells what its messages alone do not: which server did not answer, how long
// it was waited for, and where the call went then.

// traceLeg says whose the messages of an INVITE's dialogs are, before the first of them.
func (c *Call) traceLeg(m *sipmsg.Message, to invitation) {
	t := c.l.dev.Trace
	t.Dialog(c.l.cfg.N, c.info.ID, m.CallID)
	t.Server(c.info.ID, to.target.Addr, to.srv.id.String())
}

// traceIncoming says whose the messages of an INVITE of the far end's are, which crossed the
// stack when nobody knew.
func (c *Call) traceIncoming(now time.Time, in *ua.Incoming) {
	l, t := c.l, c.l.dev.Trace
	if t == nil {
		return
	}
	t.Dialog(l.cfg.N, c.info.ID, in.Req.CallID)
	if at := l.servers[l.serverOf(in.From)]; at != nil && at.hasAddr(in.From.Addr()) {
		t.Server(c.info.ID, in.From, at.id.String())
	}
	t.Message(capture.Message{
		At: now, Line: l.cfg.N, Transport: capture.Transport(in.Flow.Target().Proto), Local: in.Flow.Local(), Remote: in.From,
		CallID: in.Req.CallID, Method: in.Req.CSeq.Method, Text: in.Req.AppendReceived(nil),
	})
}

// event puts a sentence on the ladder; at is the address that it is about, or none.
func (c *Call) event(now time.Time, at netip.AddrPort, format string, args ...any) {
	if t := c.l.dev.Trace; t != nil {
		t.Event(now, c.info.ID, at, fmt.Sprintf(format, args...))
	}
}

// traceLoss tells of a request in a dialog that got no response.
func (s *session) traceLoss(now time.Time, t transport.Target, a ua.Answer) {
	if a.Response == nil && a.Err != nil {
		s.c.event(now, t.Addr, "%s: %v", s.l.serverName(t), a.Err)
	}
}

// serverName is what a target is to the line: primary, backup, or its address.
func (l *Line) serverName(t transport.Target) string {
	for _, s := range l.servers {
		if s != nil && s.has(t.Normal()) {
			return s.id.String()
		}
	}
	return t.Addr.String()
}

// whatNext says where a call goes that a server did not take.
func (c *Call) whatNext(g *leg) string {
	switch {
	case len(g.others) > 0:
		return "its next address is asked"
	case c.hasOther(g.srv.id):
		return "the " + g.srv.id.Other().String() + " is asked"
	case len(c.skipped) > 0:
		return "an address that was passed over is asked"
	}
	return "no server is left"
}

// traceEnd tells who ended the call, and why.
func (c *Call) traceEnd(now time.Time, r Reason) {
	c.event(now, netip.AddrPort{}, "call ended by %s: %s", r.By, r.Text)
	c.l.dev.Trace.Ended(c.info.ID)
}

// traceTour tells what became of a REGISTER that no good response came to.
func (t *tour) traceTour(now time.Time, target transport.Target, a ua.Answer, next string) {
	l := t.l
	if cause := a.Unavailable(); cause != nil {
		l.dev.Trace.Registration(now, l.cfg.N, target.Addr, fmt.Sprintf("%s: %v%s", t.s.id, cause, next))
	}
}

// traceWait tells that a call waits for its line.
func (c *Call) traceWait(now time.Time, at registrar.Server) {
	if at == registrar.None {
		c.event(now, netip.AddrPort{}, "the call waits until the line has found a server")
		return
	}
	c.event(now, netip.AddrPort{}, "the call waits until the line is registered at the %s", at)
}
