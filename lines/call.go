package lines

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// A Call is one call of a line, in either direction. Its exported methods may be called
// from any goroutine.
type Call struct {
	l       *Line
	handler Handler
	dial    Dial
	media   Media
	info    Info
	shown   atomic.Pointer[Info]
	ringBy  time.Time // when nobody answers any more; zero: no limit runs

	// Outgoing, before the answer.
	tried   [3]bool // servers that were asked
	legs    []*leg
	skipped []invitation     // to addresses that are known to be dead
	waiting bool             // for the registrar to settle
	from    registrar.Server // the server whose failure is being settled
	lastErr error

	permitted   bool // outgoing, and begun
	elsewhere   bool // incoming, and answered by somebody else
	stranger    bool // incoming, and not from a server of the line
	undialogued int  // responses that made no dialog and should have

	// Incoming, before the answer.
	in      *ua.Incoming
	pending *answering

	s      *session     // once confirmed
	strays []*session   // answers that nobody wanted, until their BYE is through
	image  *offer.Image // that the handler was told of
	over   bool         // Ended was told
}

// callNumbers gives every call of the process an ID.
var callNumbers atomic.Uint64

func (l *Line) newCall(now time.Time) *Call {
	c := &Call{l: l}
	c.info = Info{ID: strconv.FormatUint(callNumbers.Add(1), 10), Line: l.cfg.N, Started: now}
	l.keep(c)
	l.do(now, l.reg.Calls(now, len(l.calls)))
	return c
}

// keep counts a call among those of the line.
func (l *Line) keep(c *Call) {
	if l.calls == nil {
		l.calls = map[*Call]struct{}{}
	}
	l.calls[c] = struct{}{}
}

// Info is the call as it was when it last changed.
func (c *Call) Info() Info { return *c.shown.Load() }

// Line is the number of the call's line.
func (c *Call) Line() int { return c.l.cfg.N }

// show publishes the call's state.
func (c *Call) show() {
	i := c.info
	c.shown.Store(&i)
	c.l.dev.Owner.CallChanged(c)
}

func (c *Call) setState(s State) {
	if c.info.State != s {
		c.l.log.Info("call", "id", c.info.ID, "state", s, "was", c.info.State, "peer", c.info.Peer, "server", c.info.Server)
		c.info.State = s
	}
	c.show()
}

// post runs fn on the line's goroutine, unless the call is over.
func (c *Call) post(fn func(now time.Time)) {
	c.l.ep.Post(func(now time.Time) {
		if !c.over {
			fn(now)
		}
	})
}

// Hangup ends the call, in whatever state it is.
func (c *Call) Hangup() { c.post(c.hangup) }

func (c *Call) hangup(now time.Time) {
	switch {
	case c.over:
	case c.s != nil:
		c.s.bye(now)
		c.finish(now, Reason{Text: "hung up here", Local: true})
	case c.in != nil:
		c.refuse(now, 480, Reason{Code: 480, Text: "refused here", Local: true})
	default:
		c.abandonLegs(now)
		c.finish(now, Reason{Text: "given up here", Local: true})
	}
}

// GiveUp ends a call that is of no more use, for a reason that nobody here wanted.
func (c *Call) GiveUp(why string) {
	c.post(func(now time.Time) {
		if c.s != nil && !c.over {
			c.s.bye(now)
			c.finish(now, Reason{Code: 408, Text: why, By: Timer})
		}
	})
}

// SendDigit sends a digit, or F for a flash, by INFO.
func (c *Call) SendDigit(digit byte) {
	c.post(func(now time.Time) {
		if c.s != nil {
			c.s.sendDigit(now, digit)
		}
	})
}

// Hold holds the far end, or takes it back.
func (c *Call) Hold(on bool) {
	c.post(func(now time.Time) {
		if c.s == nil {
			return
		}
		d := offer.SendRecv
		if on {
			d = offer.SendOnly
		}
		c.s.want(now, d)
	})
}

// finish tells the end of the call. What is still to be said to servers goes on.
func (c *Call) finish(now time.Time, r Reason) {
	if c.over {
		return
	}
	c.over = true
	c.logEnd(now, r)
	c.traceEnd(now, r)
	c.info.Ended, c.info.Reason, c.info.State = now, r.Text, Ended
	c.info.Missed = c.missed(r)
	c.waiting, c.ringBy = false, time.Time{}
	c.show()
	c.reportEnd(now, r)
	if c.s != nil {
		c.s.endTransfer(r)
	}
	if c.handler != nil {
		c.handler.Ended(c, r)
	}
	c.tidy(now)
}

// logEnd writes the shift book: who ended the call, and why.
func (c *Call) logEnd(now time.Time, r Reason) {
	attrs := []any{"id", c.info.ID, "by", r.By, "reason", r.Text, "was", c.info.State, "peer", c.info.Peer, "server", c.info.Server}
	if r.Code != 0 {
		attrs = append(attrs, "code", r.Code)
	}
	if c.undialogued > 0 {
		attrs = append(attrs, "responses_without_dialog", c.undialogued)
	}
	if !c.info.Answered.IsZero() {
		attrs = append(attrs, "talked_s", int(now.Sub(c.info.Answered)/time.Second))
	}
	c.l.log.Info("call ended", attrs...)
}

// tidy forgets the call once it is over and nothing is left to be said.
func (c *Call) tidy(now time.Time) {
	if !c.over || len(c.legs) > 0 || c.s != nil && !c.s.quiet() {
		return
	}
	for _, s := range c.strays {
		if !s.quiet() {
			return
		}
	}
	if _, ok := c.l.calls[c]; !ok {
		return
	}
	delete(c.l.calls, c)
	c.l.do(now, c.l.reg.Calls(now, len(c.l.calls)))
	c.l.stopWhenQuiet()
}

func (c *Call) deadline() time.Time {
	d := c.ringBy
	for _, g := range c.legs {
		d = deadline.Earlier(d, deadline.Earlier(g.patience, g.overtakenBy))
	}
	if c.s != nil {
		d = deadline.Earlier(d, c.s.deadline())
	}
	if c.pending != nil {
		d = deadline.Earlier(d, c.pending.deadline())
	}
	return d
}

func (c *Call) expire(now time.Time) {
	for _, g := range c.legs {
		if deadline.Due(now, g.patience) {
			g.impatient(now)
		}
		if deadline.Due(now, g.overtakenBy) {
			g.takeOvertaken(now)
		}
	}
	if deadline.Due(now, c.ringBy) {
		c.ringBy = time.Time{}
		c.notAnswered(now)
	}
	if c.pending != nil && deadline.Due(now, c.pending.deadline()) {
		c.pending.expire(now)
	}
	if c.s != nil && deadline.Due(now, c.s.deadline()) {
		c.s.expire(now)
	}
}

// notAnswered ends a call that rang long enough, here or there.
func (c *Call) notAnswered(now time.Time) {
	if c.in != nil {
		c.refuse(now, 480, Reason{Code: 480, Text: "nobody answered here", By: Timer})
		return
	}
	c.abandonLegs(now)
	c.finish(now, Reason{Code: 408, Text: "nobody answered", By: Timer})
}

// tellMedia tells what is agreed for T.38, if that is new, and for sound.
func (c *Call) tellMedia(o *offer.Session) {
	a, i := o.Audio(), o.Image()
	c.info.Codec, c.info.Remote, c.info.SRTP = "", netip.AddrPort{}, false
	switch {
	case i != nil:
		c.info.Codec, c.info.Remote = "t38", i.Remote
	case a != nil:
		c.info.Codec, c.info.Remote = strings.ToLower(a.Send.Codec.String()), a.Remote
		c.info.SRTP = a.SRTP != nil
	}
	if c.handler == nil || c.over {
		return
	}
	if !c.tellImage(i) && i != nil && a == nil {
		return // a fax goes on as it was
	}
	c.handler.Media(c, a)
}

// callByDialog finds the call whose confirmed dialog a request belongs to.
func (l *Line) callByDialog(m *sipmsg.Message) *Call {
	for c := range l.calls {
		if c.s != nil && c.s.d.ID == dialog.RequestID(m) {
			return c
		}
	}
	return nil
}

// capabilities are what the call offers by a way.
func (c *Call) capabilities(way transport.Proto) offer.Capabilities {
	caps := c.l.capabilities()
	c.l.secure(&caps, way, c.dial.Emergency)
	if _, ok := c.handler.(FaxHandler); ok {
		caps.T38 = c.media.T38
	}
	if c.media.G711 {
		caps.Codecs, caps.Comfort = forModems(caps.Codecs), false
	}
	return caps
}

// forModems are those codecs of a line that modems can use; both there are, where it has neither.
func forModems(codecs []offer.Codec) []offer.Codec {
	codecs = slices.DeleteFunc(codecs, func(c offer.Codec) bool { return c != offer.PCMU && c != offer.PCMA })
	if len(codecs) == 0 {
		return []offer.Codec{offer.PCMU, offer.PCMA}
	}
	return codecs
}

// capabilities are what the line offers for sound.
func (l *Line) capabilities() offer.Capabilities {
	caps := offer.Capabilities{PtimeMS: l.cfg.PtimeMS, Events: l.cfg.DTMFType == "auto" || l.cfg.DTMFType == "rfc4733", Comfort: l.cfg.ComfortNoise}
	for _, name := range l.cfg.Codecs {
		if codec, ok := offer.ParseCodec(name); ok {
			caps.Codecs = append(caps.Codecs, codec)
		}
	}
	return caps
}

// local is where this side of a call's sound is, as the far end of a flow shall see it.
func (c *Call) local(ip netip.Addr) offer.Local {
	ip = ip.Unmap()
	c.info.LocalIP, c.info.RTPPort = ip, c.media.RTPPort
	c.l.dev.Trace.Ports(c.info.ID, ip, c.media.RTPPort, c.media.RTCPPort, c.media.UDPTLPort)
	lo := offer.Local{RTP: netip.AddrPortFrom(ip, c.media.RTPPort), RTCP: netip.AddrPortFrom(ip, c.media.RTCPPort)}
	if c.media.Mapped.IsValid() {
		lo.RTP = c.media.Mapped
	}
	if c.media.MappedRTCP.IsValid() {
		lo.RTCP = c.media.MappedRTCP
	}
	switch {
	case c.media.MappedUDPTL.IsValid():
		lo.UDPTL = c.media.MappedUDPTL
	case c.media.UDPTLPort != 0:
		lo.UDPTL = netip.AddrPortFrom(ip, c.media.UDPTLPort)
	}
	return lo
}
