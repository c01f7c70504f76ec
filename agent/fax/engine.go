package fax

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4/header"
)

// Sockets lends a call its sockets: *media.Ports does.
type Sockets interface {
	Listen(bind netip.Addr, device string) (*media.Pair, error)
}

// Config is what an Engine needs.
type Config struct {
	RTP    Sockets
	Bind   netip.Addr // zero: every address
	Memory *Memory    // shared with the ports; nil: nothing is remembered
	Log    *slog.Logger

	// Measured is told the figures of each call's sound when it is over; nil: nobody asks.
	Measured func(id string, st media.Stats)
}

// An Engine makes and answers fax calls whose pages are documents: no line card has a part in
// them. Each call has a goroutine, that of Send or one of the Engine's, which works every 20 ms
// while the call's media run.
//
// A call begins in sound. It goes on by T.38 as soon as both sides agree on that, with the
// procedures of T.30 anew, but for pages that are confirmed; and in sound again where T.38
// is agreed and no packet comes. An Engine's methods may be called from any goroutine.
type Engine struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

// New makes an Engine.
func New(c Config) *Engine {
	e := &Engine{cfg: c}
	if e.cfg.Log == nil {
		e.cfg.Log = slog.New(slog.DiscardHandler)
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Close cancels all calls and waits for their ends: 15 s at most. None begins any more.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.calls.Wait()
}

// begin counts a call, unless the Engine is closed.
func (e *Engine) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.calls.Add(1)
	}
	return !e.closed
}

// answerTime is how long a called number may take to answer.
const answerTime = 45 * time.Second

// An Outgoing is a document to be sent.
type Outgoing struct {
	Line     *lines.Line
	Port     int    // for records
	To, ANI  string // as lines.Dial has them
	Settings Settings
	CSID     string // own T.30 identification
	Source   t30.Source
	First    int                   // page to begin with, from 0: those before it were sent by an earlier call
	Pages    int                   // of the document; 0: not known
	STUN     func() netip.AddrPort // server to ask for outside addresses; nil, or a zero address: none
	Device   string                // network interface; empty: any
	Timeout  time.Duration         // for the answer; 0: 45 s
	Progress func(Progress)        // on the call's goroutine: it does not wait; nil: nobody listens
	Page     func(Page)            // of each page that is over, the same way
	Monitor  *pages.Monitor        // shows the page under way; nil: nobody looks
}

// Progress is where a call stands.
type Progress struct {
	State       string // dialling sending receiving
	Page, Pages int    // the page under way, from 1, and how many there are; 0: none, or not known
	Rate        int    // bit/s; 0: none is agreed
	ECM         bool
	Transport   string // t38 audio; empty: the call is not up
	RemoteID    string
	SIPCallID   string
	Rows        int // of the pages that are confirmed
}

// Send makes a call and sends a document. It returns when the call is over. When ctx ends the
// call is cancelled: by DCN where T.30 runs, and by CANCEL or BYE, within 12 s.
func (e *Engine) Send(ctx context.Context, o Outgoing) Outcome {
	started := time.Now()
	if o.Line == nil {
		return e.notBegun(o, started, errNoLine)
	}
	pair, beside, err := e.sockets(o)
	if err != nil || !e.begin() {
		closePairs(pair, beside)
		return e.notBegun(o, started, err)
	}
	defer e.calls.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()

	c := e.newCall(o.Settings, pair, beside, o.Progress)
	c.log = c.log.With("line", o.Line.Number(), "port", o.Port)
	c.calling, c.dest, c.started, c.ear = true, o.To, started, NewCallersEar()
	c.report.first, c.report.pages, c.report.then = o.First, o.Pages, o.Page
	c.monitor = o.Monitor
	c.terminal = t30.Config{Calling: true, Source: o.Source, Ident: o.CSID}
	m := c.media()
	if beside != nil {
		m.Want = offer.SoundAndFax
	}
	c.findMapping(ctx, &m, o.STUN)
	c.mappedUDPTL = m.MappedUDPTL
	timeout := o.Timeout
	if timeout == 0 {
		timeout = answerTime
	}
	c.answerBy = time.Now().Add(timeout)
	c.tellProgress()
	o.Line.Dial(lines.Dial{To: o.To, ANI: o.ANI, Port: o.Port, Media: m, Handler: (*told)(c)})
	return c.run(ctx)
}

var errNoLine = errors.New("there is no line")

// sockets opens those of a call: two pairs where T.38 is offered beside sound.
func (e *Engine) sockets(o Outgoing) (pair, beside *media.Pair, err error) {
	if pair, err = e.cfg.RTP.Listen(e.cfg.Bind, o.Device); err != nil {
		return nil, nil, err
	}
	if o.Settings.T38 && o.Settings.First && !e.cfg.Memory.Refuses(o.To, time.Now()) {
		beside, err = e.cfg.RTP.Listen(e.cfg.Bind, o.Device)
	}
	return pair, beside, err
}

func closePairs(pairs ...*media.Pair) {
	for _, p := range pairs {
		if p != nil {
			_ = p.Close() // nothing was ever sent there
		}
	}
}

// notBegun is the outcome of a call that was not made.
func (e *Engine) notBegun(o Outgoing, started time.Time, err error) Outcome {
	out := Outcome{Peer: o.To, LocalID: o.CSID, Started: started, Ended: time.Now(), Reason: "the device ends", T30: t30.Stopped}
	if err != nil {
		e.cfg.Log.Error("fax not sent", "to", o.To, "cause", err)
		out.Reason, out.T30, out.Code = err.Error(), t30.OK, 503
	}
	out.Judge(true)
	return out
}

// An Incoming is how a call that came in is to be answered.
type Incoming struct {
	Port     int // for records
	Settings Settings
	CSID     string
	Sink     t30.Sink // takes the pages, on the call's goroutine
	// Open, if it is not nil, tells CSID and Sink when the call is about to be answered, on the
	// call's goroutine: it may ask and wait. A code of 400 and more refuses the call. ctx ends
	// with the Engine.
	Open     func(ctx context.Context) (csid string, sink t30.Sink, code int)
	AnyPaper bool            // pages of any width and length are taken, since nobody prints them here
	Until    context.Context // the fax is cancelled when it ends; nil: it goes on
	STUN     func() netip.AddrPort
	Device   string
	Progress func(Progress)
	Page     func(Page) // of each page that is over, on the call's goroutine
	Monitor  *pages.Monitor
	Ended    func(Outcome) // once, on the call's goroutine; nil: nobody listens
}

// Receive answers a call at once and receives a fax. It is called where lines.Owner.Incoming
// is, and what it returns is to be returned there. A nil handler refuses the call with code,
// and then Ended is not called.
func (e *Engine) Receive(call *lines.Call, in Incoming) (h lines.Handler, code int) {
	pair, err := e.cfg.RTP.Listen(e.cfg.Bind, in.Device)
	if err != nil {
		e.cfg.Log.Error("fax not received", "cause", err)
		return nil, 503
	}
	if !e.begin() {
		closePairs(pair)
		return nil, 503
	}
	c := e.newCall(in.Settings, pair, nil, in.Progress)
	c.log = c.log.With("line", call.Line(), "port", in.Port)
	c.sip, c.dest, c.started = call, call.Info().Peer, time.Now()
	c.report.then, c.monitor = in.Page, in.Monitor
	go func() {
		defer e.calls.Done()
		ctx, cancel := context.WithCancel(e.ctx)
		defer cancel()
		if in.Until != nil {
			defer context.AfterFunc(in.Until, cancel)()
		}
		out := c.receive(ctx, in)
		if in.Ended != nil {
			in.Ended(out)
		}
	}()
	return (*told)(c), 0
}

// receive answers the call, unless Open refuses it.
func (c *call) receive(ctx context.Context, in Incoming) Outcome {
	if in.Open != nil {
		code := 0
		if in.CSID, in.Sink, code = in.Open(ctx); code != 0 {
			c.closing, c.closeBy = true, time.Now().Add(endLimit)
			c.sip.Refuse(code)
			return c.run(ctx)
		}
	}
	c.terminal = t30.Config{Sink: in.Sink, Ident: in.CSID}
	if in.AnyPaper {
		c.terminal.MaxWidth, c.terminal.MaxLength = t30.A3Width, t30.Unlimited
	}
	m := c.media()
	m.Want = offer.FaxPreferred
	c.findMapping(ctx, &m, in.STUN)
	c.sip.Answer(m, in.Port)
	return c.run(ctx)
}

// Header is the line above each page of a document: when it was sent, by whom and from what
// number. A pages.Source adds the number of the page and how many there are.
func Header(when time.Time, name, number string) *header.Fields {
	return &header.Fields{When: when, Ident: name, Number: number}
}
