package fax

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38/pages"
	"tipring/t38/t30"
)

const (
	tickTime    = 20 * time.Millisecond
	tickSamples = t30.SampleRate / 50
	// lateness is how far the samples may fall behind the clock and catch up. What is missed
	// beyond that is missing from the sound.
	lateness = 200 * time.Millisecond
)

// The times after which a call ends that nobody else ends.
const (
	goodbye      = 500 * time.Millisecond // behind DCN, so that BYE does not overtake it
	goodbyeOther = time.Second            // for the caller's BYE
	cancelLimit  = 10 * time.Second       // for DCN to get out
	endLimit     = 5 * time.Second        // for the line to tell the end
	beginLimit   = 90 * time.Second       // from the answer to the first frame of T.30
	quietLimit   = 60 * time.Second       // since the far end's last sign of life
	voiceLimit   = 20 * time.Second       // of speech without a fax tone
)

// A call is one fax call. Its fields are its goroutine's but for those under mu.
type call struct {
	engine   *Engine
	log      *slog.Logger
	settings Settings
	calling  bool
	dest     string // the number at the far end
	terminal t30.Config
	progress func(Progress)
	told     Progress
	callID   string         // in SIP, once it is known
	monitor  *pages.Monitor // nil: nobody looks

	mu     sync.Mutex
	events []func(*call) // what the line told
	gone   bool          // nobody takes what the line tells any more
	woken  chan struct{}

	pair, beside *media.Pair
	session      *media.Session
	params       media.Params // of sound
	sip          *lines.Call  // nil: the line has not begun it
	image        *offer.Image // agreed; nil: no T.38
	mappedUDPTL  netip.AddrPort

	started  time.Time
	answerBy time.Time
	upAt     time.Time // answered; zero: not yet
	way      way       // nil: not up
	ear      *Ear
	report   report
	switching

	lifeAt   time.Time // the far end's last sign of life
	lifeRTP  uint32
	tickedAt time.Time // up to here the samples have passed
	missed   time.Duration

	silence, in [tickSamples]int16 // of a frame in which no modem speaks

	cancelled bool
	leaveBy   time.Time // the fax is over: hang up then
	closing   bool      // hung up
	closeBy   time.Time
	over      bool
	reason    string // why this side hung up; empty: it did not, or the fax went well
	endReason lines.Reason
}

func (e *Engine) newCall(s Settings, pair, beside *media.Pair, progress func(Progress)) *call {
	c := &call{
		engine: e, log: e.cfg.Log, settings: s, progress: progress, woken: make(chan struct{}, 1),
		pair: pair, beside: beside, session: media.New(pair, media.Config{}), ear: NewEar(),
	}
	c.session.DataMode(true)
	return c
}

// media is the local side of the call as the line is told.
func (c *call) media() lines.Media {
	m := lines.Media{
		RTPPort: c.pair.RTP.Local().Port(), RTCPPort: c.pair.RTCP.Local().Port(),
		G711: true, T38: c.settings.Offer(),
	}
	if c.beside != nil {
		m.UDPTLPort = c.beside.RTP.Local().Port()
	}
	return m
}

// run works the call to its end.
func (c *call) run(ctx context.Context) Outcome {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for !c.over {
		select {
		case <-c.woken:
		case <-timer.C:
		case <-done:
			done = nil
			c.cancel()
		}
		c.takeEvents()
		now := time.Now()
		c.pass(now)
		c.expire(now)
		c.tellProgress()
		if at := c.deadline(); at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(time.Until(at), 0))
		}
	}
	c.depart()
	return c.outcome()
}

// depart leaves the line alone, which may not have told all: a call that it still begins is ended.
func (c *call) depart() {
	c.closing = true
	c.mu.Lock()
	c.gone = true
	events := c.events
	c.events = nil
	c.mu.Unlock()
	for _, do := range events {
		do(c)
	}
}

// runs tells whether the media do.
func (c *call) runs() bool { return !c.closing && (c.params.PtimeMS != 0 || c.way != nil) }

// pass lets the time pass for the media, in frames of 20 ms.
func (c *call) pass(now time.Time) {
	switch {
	case !c.runs():
		c.tickedAt = time.Time{}
		return
	case c.tickedAt.IsZero():
		c.tickedAt = now
	case now.Sub(c.tickedAt) > lateness+tickTime:
		c.missed += now.Sub(c.tickedAt) - lateness
		c.tickedAt = now.Add(-lateness)
	}
	for ; c.runs() && now.Sub(c.tickedAt) >= tickTime; c.tickedAt = c.tickedAt.Add(tickTime) {
		c.frame(now)
	}
}

// frame is 20 ms of the call.
func (c *call) frame(now time.Time) {
	if c.way != nil {
		c.way.frame()
	} else {
		c.listen()
	}
	c.sign(now)
	c.judgeEar(now)
	c.switchAsDue(now)
	if c.way != nil && c.way.done() && c.leaveBy.IsZero() {
		c.leave(now)
	}
}

// listen is sound before the answer, or while no way is chosen.
func (c *call) listen() {
	c.session.Exchange(c.silence[:], c.in[:])
	c.ear.Hear(c.in[:])
}

// begun notes the call that the line has begun.
func (c *call) begun(s *lines.Call) {
	c.sip = s
	if c.closing {
		s.Hangup()
	}
}

// answered begins the fax.
func (c *call) answered() {
	now := time.Now()
	c.upAt, c.lifeAt, c.answerBy = now, now, time.Time{}
	c.choose()
	c.switchAsDue(now)
}

// sign notes a sign of life of the far end. In a page of T.38 a receiver says nothing, as long as
// that lasts: there the time counts in which something is awaited.
func (c *call) sign(now time.Time) {
	switch w := c.way.(type) {
	case *packets:
		if n := w.link.Stats().Received; n != c.lifeRTP || w.t30().Sending().Kind > t30.Silence {
			c.lifeRTP, c.lifeAt = n, now
		}
	default:
		if n := c.session.Stats().PacketsReceived; n != c.lifeRTP {
			c.lifeRTP, c.lifeAt = n, now
		}
	}
}

// judgeEar ends a call in which something else than a fax machine is heard.
func (c *call) judgeEar(now time.Time) {
	if !c.calling || c.report.begun || c.closing || !c.leaveBy.IsZero() {
		return
	}
	switch s := c.ear.Sound(); {
	case s == BusyTone, s == FastBusy, s == SpecialTone:
		c.hangUp(now, s.String()+" was heard")
	case s == Speech && !c.upAt.IsZero() && now.Sub(c.upAt) >= voiceLimit:
		c.hangUp(now, "somebody spoke, and no fax machine answered")
	}
}

// leave ends the call behind the fax.
func (c *call) leave(now time.Time) {
	wait := goodbye
	if !c.calling {
		wait = goodbyeOther
	}
	c.leaveBy = now.Add(wait)
}

// cancel ends the call on the owner's wish.
func (c *call) cancel() {
	now := time.Now()
	c.cancelled = true
	if c.way == nil || c.way.done() {
		c.hangUp(now, "cancelled")
		return
	}
	c.way.t30().Stop()
	c.leaveBy = now.Add(cancelLimit)
	c.reason = "cancelled"
}

// hangUp ends the call.
func (c *call) hangUp(now time.Time, why string) {
	if c.closing || c.over {
		return
	}
	if c.reason == "" {
		c.reason = why
	}
	c.closing, c.closeBy = true, now.Add(endLimit)
	if c.sip != nil {
		c.sip.Hangup()
	}
}

// ended takes the end of the call.
func (c *call) ended(r lines.Reason) { c.over, c.endReason = true, r }

// deadline is when the call does something by itself.
func (c *call) deadline() time.Time {
	if c.closing {
		return c.closeBy
	}
	d := deadline.Earlier(c.answerBy, c.leaveBy)
	if c.runs() {
		d = deadline.Earlier(d, c.tickedAt.Add(tickTime))
	}
	return d
}

// expire does what is due.
func (c *call) expire(now time.Time) {
	switch {
	case c.over:
	case c.closing:
		c.over = deadline.Due(now, c.closeBy)
	case deadline.Due(now, c.answerBy):
		c.answerBy = time.Time{}
		c.report.noAnswer = true
		c.hangUp(now, "nobody answered")
	case c.upAt.IsZero():
	case deadline.Due(now, c.leaveBy), c.cancelled && c.way != nil && c.way.done():
		c.hangUp(now, "")
	case !c.leaveBy.IsZero():
	case now.Sub(c.lifeAt) >= quietLimit:
		c.hangUp(now, "nothing came from the far end for a minute")
	case !c.report.begun && now.Sub(c.upAt) >= beginLimit:
		c.hangUp(now, "no fax began")
	}
}
