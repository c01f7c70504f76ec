package call

import (
	"errors"
	"net/netip"
	"sync"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
)

// A conversation is one call of a port and its media. Its fields are the port's.
type conversation struct {
	p        *Port
	id       string
	call     *lines.Call // nil until the line has begun it
	session  *media.Session
	params   media.Params               // agreed
	pair     *media.Pair                // the session's
	rtp      uint16                     // its port
	started  func(id string, err error) // whom to tell of the beginning; nil: nobody
	group    *group                     // of an incoming call that rings here
	answered bool
	ringback bool // we play it; the far end sends nothing worth hearing
	early    bool // the far end sends sound before the answer
	gone     bool // the telephone wants no more of it
	held     bool // by a flash of this telephone
	key      byte // DTMF key that is being sent by RFC 4733
}

// open opens the sockets of a conversation.
func (p *Port) open() (*conversation, error) {
	pair, err := p.dev.RTP.Listen(p.dev.Bind, "")
	if err != nil {
		return nil, err
	}
	c := &conversation{p: p, pair: pair, rtp: pair.RTP.Local().Port()}
	c.session = media.New(pair, media.Config{})
	return c, nil
}

// whenMapped calls then once it is known where the far end shall send its sound, unless
// the telephone has left before.
func (c *conversation) whenMapped(then func(m lines.Media)) {
	c.p.mapped(c.pair, func(rtp, rtcp netip.AddrPort) {
		if !c.gone {
			then(lines.Media{RTPPort: c.rtp, RTCPPort: c.rtp + 1, Mapped: rtp, MappedRTCP: rtcp})
		}
	})
}

// close gives the sockets back and keeps the figures.
func (c *conversation) close() {
	if c.session == nil {
		return
	}
	if c.id != "" {
		c.p.records.keep(c.id, c.session.Stats())
	}
	c.session.Close()
	c.session = nil
}

// dial makes an outgoing call.
func (p *Port) dial(to string, started func(id string, err error)) {
	fail := func(err error) {
		p.log.Warn("call not made", "cause", err)
		if started != nil {
			started("", err)
		}
		p.fx.Park(fxs.Reorder)
		p.dropVirtual()
	}
	line := p.dev.Line(p.cfg.Line)
	switch {
	case line == nil:
		fail(errNoLine)
		return
	case p.dev.Refuse():
		fail(errDraining)
		return
	}
	c, err := p.open()
	if err != nil {
		fail(err)
		return
	}
	c.started = started
	p.now = c
	c.whenMapped(func(m lines.Media) {
		line.Dial(lines.Dial{To: to, Port: p.cfg.Number, Media: m, Handler: listener{c}})
	})
}

var (
	errNoLine   = errors.New("the port's line does not exist")
	errDraining = errors.New("the device takes no new calls: it drains")
)

// handle does what the telephone asks for.
func (p *Port) handle(e fxs.Event) {
	switch e.Kind {
	case fxs.OffHook:
		p.virtual = false
		// A call that has claimed the port but not rung yet finds it off-hook.
		p.claimed.Store(true)
	case fxs.Dialled:
		p.dial(e.Number, nil)
	case fxs.Answered:
		p.answer()
	case fxs.OnHook:
		p.virtual = false
		if p.now != nil {
			p.drop()
		}
		p.claimed.Store(false)
	case fxs.Flash:
		p.flash()
	case fxs.KeyDown:
		p.keyDown(e.Key)
	case fxs.KeyUp:
		p.keyUp()
	}
}

// drop ends the port's conversation: the telephone has hung up.
func (p *Port) drop() {
	c := p.now
	p.now, p.mapping = nil, nil
	c.gone = true
	c.close()
	p.digits.Stop()
	if c.group != nil && !c.answered {
		c.group.leave(p)
		return
	}
	if c.call != nil {
		c.call.Hangup()
	}
}

// dropVirtual puts the handset down that Dial had taken up.
func (p *Port) dropVirtual() {
	if !p.virtual {
		return
	}
	p.virtual = false
	p.fx.Unplug() // on-hook at once: no flash is to be waited for
	p.claimed.Store(false)
}

// flash holds the far end, or takes it back.
func (p *Port) flash() {
	if c := p.now; c != nil && c.answered {
		c.held = !c.held
		c.call.Hold(c.held)
	}
}

// A listener takes what the line tells of a call and posts it to the port.
type listener struct{ c *conversation }

func (l listener) post(fn func()) {
	p := l.c.p
	p.post(func() {
		if !l.c.gone {
			fn()
		}
	})
}

func (l listener) Started(c *lines.Call) {
	id := c.Info().ID
	ok := l.c.p.post(func() {
		l.c.call, l.c.id = c, id
		if l.c.started != nil {
			l.c.started(id, nil)
			l.c.started = nil
		}
		if l.c.gone {
			c.Hangup()
		}
	})
	if !ok {
		c.Hangup()
	}
}

func (l listener) Ringing(*lines.Call) {
	l.post(func() {
		if !l.c.early && !l.c.answered {
			l.c.ringback = true
			l.c.p.fx.Play(fxs.Ringback)
		}
	})
}

func (l listener) Media(_ *lines.Call, a *offer.Audio) {
	l.post(func() { l.c.agreed(a) })
}

func (l listener) Answered(*lines.Call) {
	l.post(func() {
		l.c.answered, l.c.ringback = true, false
		l.c.p.fx.Talk()
	})
}

func (l listener) Digit(_ *lines.Call, digit byte) {
	l.post(func() { l.c.p.digits.Press(digit, heardDigit, heardPause) })
}

// Referred follows the far end to somebody else, with the same telephone.
func (l listener) Referred(_ *lines.Call, d lines.Dial) bool {
	line := l.c.p.dev.Line(l.c.p.cfg.Line)
	if line == nil || l.c.p.dev.Refuse() {
		return false
	}
	return l.c.p.post(func() {
		if l.c.gone || l.c.p.now != l.c {
			return
		}
		l.c.p.follow(l.c, line, d)
	})
}

func (l listener) Ended(_ *lines.Call, r lines.Reason) {
	l.c.p.post(func() {
		if l.c.started != nil {
			l.c.started("", errors.New(r.Text))
			l.c.started = nil
		}
		if !l.c.gone {
			l.c.ended(r)
		}
	})
}

// follow makes the call that the far end asked for and leaves the old one.
func (p *Port) follow(old *conversation, line *lines.Line, d lines.Dial) {
	c, err := p.open()
	if err != nil {
		p.log.Warn("referred call not made", "cause", err)
		return
	}
	old.gone = true
	old.close()
	p.now = c
	p.fx.Place()
	c.whenMapped(func(m lines.Media) {
		d.Media, d.Handler, d.Port = m, listener{c}, p.cfg.Number
		line.Dial(d)
	})
}

// agreed puts what both sides agreed for sound into force.
func (c *conversation) agreed(a *offer.Audio) {
	if c.session == nil {
		return
	}
	if a == nil { // the far end refused or ended the stream: nothing goes there any more
		c.params.Sends, c.params.Receives = false, false
		if c.params.PtimeMS != 0 {
			c.update()
		}
		return
	}
	c.params = media.Params{
		Remote: a.Remote, RTCP: a.RTCP,
		Send:      media.Format{PayloadType: a.Send.PayloadType, Codec: a.Send.Codec.String()},
		EventSend: a.EventSend, EventReceive: a.EventReceive,
		PtimeMS: a.PtimeMS, Sends: a.Direction.CanSend(), Receives: a.Direction.CanReceive(),
	}
	for _, f := range a.Receive {
		c.params.Receive = append(c.params.Receive, media.Format{PayloadType: f.PayloadType, Codec: f.Codec.String()})
	}
	c.update()
	if !c.answered && c.group == nil {
		c.early, c.ringback = true, false
		c.p.fx.Silence()
	}
}

func (c *conversation) update() {
	if err := c.session.Update(c.params); err != nil {
		c.p.log.Error("media not changed", "err", err)
	}
}

// ended is the end of a call that the telephone has not left.
func (c *conversation) ended(r lines.Reason) {
	p := c.p
	c.gone = true
	c.close()
	if p.now != c {
		return
	}
	p.now = nil
	p.digits.Stop()
	if c.group != nil && !c.answered {
		p.fx.StopRing()
		if !p.fx.OffHook() {
			p.claimed.Store(false)
		}
		return
	}
	switch {
	case p.virtual:
		p.dropVirtual()
	case r.Busy():
		p.fx.Park(fxs.Busy)
	default:
		p.fx.Park(fxs.Reorder)
	}
}

// records keeps the figures of ended calls as long as the device shows them.
type records struct {
	mu   sync.Mutex
	list []record
}

type record struct {
	id    string
	stats media.Stats
}

// keptRecords is enough for every ended call that is shown to be this port's.
const keptRecords = 20

func (r *records) keep(id string, s media.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == keptRecords {
		r.list = append(r.list[:0], r.list[1:]...)
	}
	r.list = append(r.list, record{id, s})
}

func (r *records) find(id string) (media.Stats, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.list {
		if x.id == id {
			return x.stats, true
		}
	}
	return media.Stats{}, false
}

// live is the media of the call that runs, for who asks how it goes.
type live struct {
	id      string
	session *media.Session
}

// showLive lets other goroutines find the running call's figures.
func (p *Port) showLive() {
	old := p.live.Load()
	if p.now == nil || p.now.session == nil {
		if old != nil {
			p.live.Store(nil)
		}
		return
	}
	if old == nil || old.id != p.now.id || old.session != p.now.session {
		p.live.Store(&live{p.now.id, p.now.session})
	}
}
