// Package call is call control: it joins an analog port (lines/fxs) with the calls of a
// SIP line (lines), and the sound of one with the media of the other (internal/media).
//
// A Port has one goroutine, which runs at the pace of the line card's samples. What a
// call tells comes from the line's goroutine as a message and is done between two
// frames; what the telephone does is told to the call the same way. Neither side ever
// waits for the other.
package call

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/lines"
	"tipring/lines/fxs"
)

// Why a port cannot make a call.
var (
	ErrBusy   = errors.New("the port is in use")
	ErrNoCard = errors.New("no line card is connected")
	ErrClosed = errors.New("the port is closed")
)

// A Config is what makes one port differ from another.
type Config struct {
	Number int    // N of [portN]
	Kind   string // phone fax
	Line   int    // of its calls
	Driver string // as configured, for the status

	Country *fxs.Country
	Plan    *fxs.Plan // nil: any number

	DTMFType  string // of the line: auto rfc4733 info inband
	Hotline   string // dialled by itself
	HotlineMS int    // after so long without a key

	// STUN tells the server to ask for the outside addresses of RTP; nil: none is asked.
	STUN func() netip.AddrPort
}

// A Device is what all ports share.
type Device struct {
	Line   func(n int) *lines.Line // nil: there is none
	RTP    *media.Ports
	Bind   netip.Addr  // of RTP; zero: every address
	Refuse func() bool // no new calls: the device drains
	Log    *slog.Logger
}

// A Port is one analog port and the call it has.
type Port struct {
	cfg    Config
	dev    Device
	log    *slog.Logger
	driver fxs.Driver
	fx     *fxs.Port

	claimed  atomic.Bool // a call or a lifted handset has the port
	card     atomic.Pointer[fxs.Card]
	snapshot atomic.Pointer[Snapshot]
	records  records
	live     atomic.Pointer[live]

	mu     sync.Mutex
	mail   []func()
	ready  chan struct{} // holds one token while mail waits and no card does the waking
	closed bool

	// Of the port's goroutine.
	now     *conversation
	mapping *mapping // of the conversation that begins
	virtual bool     // off-hook by Dial, not by the telephone
	digits  *dsp.DTMFGenerator
}

// A Snapshot is what the outside is shown of a port.
type Snapshot struct {
	Port    int
	Kind    string
	Line    int
	Driver  string
	Card    bool
	OffHook bool
	State   fxs.State
	Call    string // id of its call; empty: none
}

// New makes a port on a driver, which is the port's from now on.
func New(cfg Config, driver fxs.Driver, dev Device) (*Port, error) {
	fx, err := fxs.New(fxs.Config{Country: cfg.Country, Plan: cfg.Plan, Hotline: cfg.Hotline, HotlineMS: cfg.HotlineMS})
	if err != nil {
		return nil, err
	}
	p := &Port{
		cfg: cfg, dev: dev, driver: driver, fx: fx, ready: make(chan struct{}, 1),
		log:    dev.Log.With("port", cfg.Number),
		digits: dsp.NewDTMFGenerator(-9, -7),
	}
	p.publish()
	return p, nil
}

// Number is N of [portN].
func (p *Port) Number() int { return p.cfg.Number }

// Line is the line of the port's calls.
func (p *Port) Line() int { return p.cfg.Line }

// Snapshot is the port as it was at its last change.
func (p *Port) Snapshot() Snapshot { return *p.snapshot.Load() }

func (p *Port) publish() {
	s := Snapshot{
		Port: p.cfg.Number, Kind: p.cfg.Kind, Line: p.cfg.Line, Driver: p.cfg.Driver,
		Card: p.card.Load() != nil, OffHook: p.fx.OffHook(), State: p.fx.State(),
	}
	if p.now != nil {
		s.Call = p.now.id
	}
	p.showLive()
	if old := p.snapshot.Load(); old == nil || *old != s {
		p.snapshot.Store(&s)
	}
}

// post has fn run on the port's goroutine, soon.
func (p *Port) post(fn func()) bool {
	p.mu.Lock()
	ok := !p.closed
	if ok {
		p.mail = append(p.mail, fn)
	}
	p.mu.Unlock()
	if !ok {
		return false
	}
	select {
	case p.ready <- struct{}{}:
	default:
	}
	if card := p.card.Load(); card != nil {
		(*card).Wake()
	}
	return true
}

func (p *Port) readMail() {
	p.mu.Lock()
	mail := p.mail
	p.mail = nil
	p.mu.Unlock()
	for _, fn := range mail {
		fn()
	}
}

// Run works the port until its driver is closed.
func (p *Port) Run() {
	defer p.end()
	cards := p.driver.Cards()
	for {
		select {
		case card, ok := <-cards:
			if !ok {
				return
			}
			p.serve(card)
		case <-p.ready:
			p.readMail()
			p.publish()
		}
	}
}

// serve works one line card until it is gone.
func (p *Port) serve(card fxs.Card) {
	p.card.Store(&card)
	p.log.Info("line card connected")
	p.publish()
	for {
		events, err := p.fx.Turn(card, p)
		for _, e := range events {
			p.handle(e)
		}
		p.readMail()
		p.findMapping()
		p.publish()
		if err != nil {
			p.log.Info("line card gone", "cause", err)
			break
		}
	}
	p.card.Store(nil)
	card.Close()
	p.cardGone()
	p.publish()
}

// cardGone ends what needed the card.
func (p *Port) cardGone() {
	p.virtual = false
	if p.now != nil {
		p.drop()
	}
	p.claimed.Store(p.now != nil)
}

// Close ends the port: its call, its card, its driver. Run returns.
func (p *Port) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	return p.driver.Close()
}

func (p *Port) end() {
	p.readMail()
	if p.now != nil {
		p.drop()
	}
	p.publish()
}

// Exchange implements fxs.Audio: the sound between the telephone and its call.
func (p *Port) Exchange(in, out []int16) {
	c := p.now
	if c == nil || c.session == nil || p.mapping != nil {
		return
	}
	c.session.Exchange(in, out)
	if c.ringback {
		clear(out) // what comes before the answer is not for the ear when we ring ourselves
	}
	p.hear(c)
	if p.digits.Busy() {
		p.digits.Read(out)
	}
}

// Dial calls a number as if the telephone were lifted and had dialled it. It returns the
// call's id.
func (p *Port) Dial(ctx context.Context, to string) (id string, err error) {
	type result struct {
		id  string
		err error
	}
	started := make(chan result, 1)
	ok := p.post(func() {
		p.lift(to, func(id string, err error) { started <- result{id, err} })
	})
	if !ok {
		return "", ErrClosed
	}
	select {
	case r := <-started:
		return r.id, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// lift takes the handset up for the telephone, unless it is off-hook and dialling by
// itself, and calls.
func (p *Port) lift(to string, started func(id string, err error)) {
	switch {
	case p.card.Load() == nil:
		started("", ErrNoCard)
		return
	case p.now != nil, p.fx.State() == fxs.Ringing:
		started("", ErrBusy)
		return
	}
	if !p.fx.OffHook() {
		if !p.claimed.CompareAndSwap(false, true) {
			started("", ErrBusy)
			return
		}
		p.virtual = true
		p.fx.Loop(fxs.LoopClosed)
	}
	p.fx.Place()
	p.dial(to, started)
}

// MessageWaiting lights the telephone's lamp and makes its dial tone stutter, or no more.
func (p *Port) MessageWaiting(on bool) {
	p.post(func() { p.fx.MessageWaiting(on) })
}
