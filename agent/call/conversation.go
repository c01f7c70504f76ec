package call

import (
	"errors"
	"sync/atomic"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
)

// A stage is how far a conversation has come.
type stage uint8

const (
	calling  stage = iota // outgoing, not answered
	ringing               // incoming: the telephone rings, or a tone tells of it
	recalled              // up and held: the telephone was hung up, and rings for it
	lifted                // incoming: this telephone has taken it, the caller is being told
	up
)

// A conversation is one call of a port and its media. Its fields are the port's.
type conversation struct {
	p     *Port
	id    string
	call  *lines.Call // nil until the line has begun it
	stage stage
	gone  bool // over, or the telephone wants no more of it

	pair    *media.Pair
	session *media.Session // nil while there is no pair
	counted media.Stats    // of session: figures of calls that this one has replaced
	params  media.Params   // agreed
	mapping *mapping       // while the outside addresses of pair are asked for

	fax faxSide // of a fax port; nil: a telephone's

	started func(id string, err error) // whom to tell of the beginning; nil: nobody
	group   *group                     // of an incoming call
	before  *conversation              // the call whose far end asked for this one; nil: none, or it is over

	number      string // that was dialled; empty: it came in, or was asked for by a far end
	emergency   bool
	others      []*lines.Line // that an emergency call may take instead
	undisturbed bool          // no other call is announced while it lasts
	joins       bool          // the call that is held, as soon as it is answered
	data        bool          // modems talk
	answerTone  bool          // one of them has said so, without turning cancellers off

	ringback bool        // we play it
	early    bool        // the far end sends sound before the answer
	expects  int64       // since when sound is expected, by the port's clock
	deaf     bool        // none has come for so long that the call ends
	held     bool        // by a flash of this telephone
	key      byte        // DTMF key that is being sent by RFC 4733
	referred atomic.Bool // a referral of the far end is being followed; of any goroutine
	aside    atomic.Bool // held, or one of several: the far end cannot send the telephone elsewhere
}

func (p *Port) converse(s stage) *conversation { return &conversation{p: p, stage: s} }

// listen opens the sockets of a conversation. Any goroutine may call it.
func (p *Port) listen() (*media.Pair, error) { return p.dev.RTP.Listen(p.dev.Bind, p.cfg.Interface) }

// open gives a conversation its sockets.
func (c *conversation) open(pair *media.Pair) {
	c.pair, c.session = pair, media.New(pair, media.Config{})
	if c.p.cfg.DataMode == "on" && c.p.mode == "" {
		c.carryData()
	}
}

// name is the id of a conversation, or nothing for none.
func (c *conversation) name() string {
	if c == nil {
		return ""
	}
	return c.id
}

// whenMapped calls then once it is known where the far end shall send its sound, unless
// the telephone has left before. What a fax machine says passes no codec but G.711.
func (c *conversation) whenMapped(then func(m lines.Media)) {
	c.mapped(func(o outside) {
		then(lines.Media{
			RTPPort: c.pair.RTP.Local().Port(), RTCPPort: c.pair.RTCP.Local().Port(),
			Mapped: o.rtp, MappedRTCP: o.rtcp, MappedUDPTL: o.udptl, G711: c.p.cfg.Fax != nil,
		})
	})
}

// begun tells that call is this conversation's: the first, or one that takes the place
// of another (RFC 3891).
func (c *conversation) begun(call *lines.Call) {
	if c.call != nil && c.call != call {
		c.keepRecord()
		if c.session != nil {
			c.counted = c.session.Stats()
		}
		c.replaced(call)
	}
	c.call, c.id = call, call.Info().ID
	c.p.publish()
	c.tellStarted(c.id, nil)
}

// replaced: the far end has changed. What is put aside is held anew.
func (c *conversation) replaced(call *lines.Call) {
	if c.p.now == c && c.stage != recalled {
		c.held = false
	} else if c.held {
		call.Hold(true)
	}
}

func (c *conversation) tellStarted(id string, err error) {
	if c.started != nil {
		c.started(id, err)
		c.started = nil
	}
}

// rings plays ringback, unless the far end sends sound of its own: what it promises to send does
// not count (RFC 3960 section 3.2).
func (c *conversation) rings() {
	if c.stage == calling && !c.early && !c.ringback {
		c.ringback = true
		c.p.fx.Play(fxs.Ringback)
	}
}

// hearsEarly ends ringback with the first sound of the far end's.
func (c *conversation) hearsEarly() {
	if c.early || c.stage != calling || !c.params.Receives || !c.session.Came() {
		return
	}
	c.early = true
	if c.ringback && !c.p.commands {
		c.p.fx.Silence()
	}
	c.ringback = false
}

// image tells of T.38.
func (c *conversation) image(i *offer.Image) {
	if c.fax != nil {
		c.fax.image(i)
	}
}

// switchRefused tells that the call does not become what was asked for.
func (c *conversation) switchRefused(code int) {
	if c.fax != nil {
		c.fax.switchRefused(code)
	}
}

// agreed puts what both sides agreed for sound into force.
func (c *conversation) agreed(a *offer.Audio) {
	if c.fax != nil && c.fax.agreed(a) {
		return
	}
	if a == nil { // the far end refused or ended the stream: nothing goes there any more
		c.params.Sends, c.params.Receives = false, false
		if c.params.PtimeMS != 0 {
			c.update()
		}
		return
	}
	c.params = agreedParams(a)
	c.update()
}

func agreedParams(a *offer.Audio) media.Params {
	p := media.Params{
		Remote: a.Remote, RTCP: a.RTCP,
		Send:      media.Format{PayloadType: a.Send.PayloadType, Codec: a.Send.Codec.String()},
		EventSend: a.EventSend, EventReceive: a.EventReceive,
		PtimeMS: a.PtimeMS, Sends: a.Direction.CanSend(), Receives: a.Direction.CanReceive(),
		SRTP: a.SRTP,
	}
	for _, f := range a.Receive {
		p.Receive = append(p.Receive, media.Format{PayloadType: f.PayloadType, Codec: f.Codec.String()})
	}
	return p
}

func (c *conversation) update() {
	if err := c.session.Update(c.params); err != nil {
		c.p.log.Error("media not changed", "call", c.id, "err", err)
	}
}

// answered connects the telephone with the far end.
func (c *conversation) answered() {
	if c.stage == recalled {
		return
	}
	dialled := c.stage == calling
	c.stage, c.ringback = up, false
	if c.p.now != c || c.fax != nil && c.fax.answered() {
		return
	}
	c.p.fx.Talk()
	if dialled {
		c.p.fx.Connected()
	}
	if c.before != nil {
		// Who referred us knows by now: the NOTIFY goes before the BYE.
		c.before.leave()
		c.before = nil
	}
	if c.joins && c.p.held != nil {
		c.p.join()
	}
}

// ended is the end of a call that the telephone has not left.
func (c *conversation) ended(r lines.Reason) {
	p := c.p
	c.over(errors.New(r.Text))
	if c.fax != nil && c.fax.ended(r) {
		return
	}
	switch {
	case p.now == c:
		p.lost(c, r)
	case p.held == c:
		p.held, p.joined, p.swaps = nil, false, false
		p.endCommand()
		if p.now != nil {
			p.now.aside.Store(false)
		}
	case p.waiting == c:
		p.waiting = nil
		p.fx.StopWaiting()
		p.endCommand()
	case p.now != nil && p.now.before == c:
		p.now.before = nil
	}
}

var errHungUp = errors.New("the telephone was hung up")

// leave ends a conversation that the telephone wants no more of, and what led to it.
func (c *conversation) leave() {
	if c.before != nil {
		c.before.leave()
		c.before = nil
	}
	c.over(errHungUp)
	if c.fax != nil {
		c.fax.left()
	}
	switch {
	case c.stage == ringing && c.group != nil:
		c.group.leave(c.p, 480)
	case c.call != nil:
		c.call.Hangup()
	}
}

// over gives the sockets back and keeps the figures.
func (c *conversation) over(why error) {
	c.gone, c.mapping = true, nil
	c.tellStarted("", why)
	if c.session == nil {
		return
	}
	if err := c.session.Close(); err != nil {
		c.p.log.Warn("RTP sockets not closed in good order", "call", c.id, "err", err)
	}
	c.keepRecord()
	c.session, c.pair = nil, nil
}
