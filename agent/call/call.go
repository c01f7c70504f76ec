// Package call is call control: it joins an analog port (lines/fxs) with the calls of a
// SIP line (lines), and the sound of one with the media of the other (internal/media).
//
// A Port has one goroutine, which runs at the pace of the line card's samples. What a
// call tells comes from the line's goroutine as a message and is done between two
// frames; what the telephone does is told to the call the same way. Neither side ever
// waits for the other.
//
// That goroutine sleeps in the card's Read. The frame that wakes it goes through the port
// and the codec, and where it completes an RTP packet, into the socket, before anything
// else is done or waited for: between card and network there is no queue and no second
// wake-up, and the delay toward the network is the packet time alone. In the same turn
// the socket is read and the card answered.
package call

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/lines"
	"tipring/lines/fxs"
)

// A Config is what makes one port differ from another.
type Config struct {
	Number int    // N of [portN]
	Kind   string // phone fax
	Line   int    // of its calls
	Driver string // as configured, for the status

	// ANI tells the number to show as the caller's, for each call anew; nil or empty: the line's.
	ANI func() string

	HuntS int // that the line's ports ring, one after the other; 0: all ring at once

	Country *fxs.Country
	Plan    *fxs.Plan // nil: any number
	// Telephone is what differs from the country's ways.
	Telephone fxs.Settings

	DTMFType  string // of the line: auto rfc4733 info inband
	Hotline   string // dialled by itself
	HotlineMS int    // after so long without a key

	// Of telephones.
	Features            Features // nil: no star codes
	FlashStyle          string   // Bellcore, also when empty, or ETSI
	CallWaiting         bool     // a call that comes in during another is announced
	TransferOnHangup    bool     // who hangs up in a second call that it has dialled connects the first with it
	ConferenceTransfers bool     // who hangs up in a conference leaves the other two connected
	RingByNumber        []string // NUMBER=RING or NUMBER*=RING: the pattern for who calls
	EchoCanceller       bool
	EchoTailMS          int    // how late an echo may come, the card's own delay included; 0: 32
	RxGainDB, TxGainDB  int    // of what the telephone hears and says in calls: -12 to +12
	RTPTimeoutS         int    // a call ends in which nothing has come for so long; 0: none does
	DataMode            string // auto: on the answer tone of a modem; on; else never

	Interface string // of the network, that RTP is bound to; empty: any (use_vpn)

	// Fax tells what makes the port one for a fax machine, for each call anew; nil: it is a
	// telephone's. Mode stays what it was at New.
	Fax func() *FaxPort

	// STUN tells the server to ask for the outside addresses of RTP; nil: none is asked.
	STUN func() netip.AddrPort
}

// A Device is what all ports share.
type Device struct {
	Line func(n int) *lines.Line // nil: there is none
	// Emergency lists the lines that an emergency call of a port may take, one after the other;
	// nil: its own alone.
	Emergency func(own int) []*lines.Line
	RTP       *media.Ports
	Bind      netip.Addr       // of RTP; zero: every address
	Refuse    func() bool      // no new calls: the device drains
	Clock     func() time.Time // local, to show with a caller; zero: not known
	Rested    func()           // a port is on-hook and without a call again; called on its goroutine; nil: nobody asks
	// Plugged: a line card has come to a port; called on its goroutine; nil: nobody asks.
	Plugged func(port int)
	// Changed: the port's Snapshot is another one; called on its goroutine, and must not block;
	// nil: nobody asks.
	Changed func(port int, s Snapshot)

	// Measured is told the figures of each call when its media end, on the port's goroutine: it
	// must not block. Nil: nobody asks.
	Measured func(id string, st media.Stats)

	Clerk  fax.Clerk   // is asked before the calls of fax ports; nil: nobody is
	Memory *fax.Memory // of destinations without T.38; may be nil
	// FaxEnded is told of each call of a port with mode relay, a fax or not, on the port's
	// goroutine: it must not block. Nil: nobody asks.
	FaxEnded func(port int, a fax.Attempt, o fax.Outcome)
	// FaxMoved is told that a page of a fax in real time has come further, by the id of its call,
	// as pages.Monitor does; nil: nobody asks.
	FaxMoved func(call string)
	Desk     Desk // stores the faxes of ports with mode spool; there must be one where there is such a port
	// ReceiveFax answers a call that stands for such a port, on the line's goroutine; nil: it
	// rings the port like any other.
	ReceiveFax func(c *lines.Call, port int) (h lines.Handler, code int)
	// Menu makes what a telephone talks with that has dialled the code of the voice menu; nil, or
	// a nil Service: there is none.
	Menu func(port int) Service

	Log *slog.Logger
}

// A Port is one analog port and the calls it has.
type Port struct {
	cfg    Config
	dev    Device
	log    *slog.Logger
	driver fxs.Driver
	fx     *fxs.Port
	mode   string // relayMode spoolMode; empty: a telephone's

	busy     atomic.Bool  // off-hook, or in a call
	room     atomic.Int32 // a room
	several  atomic.Bool  // besides the call of the handset there is one that is held or waits
	card     atomic.Pointer[fxs.Card]
	snapshot atomic.Pointer[Snapshot]
	records  records
	live     atomic.Pointer[[]live]
	relayed  atomic.Pointer[FaxStatus] // nil: no fax goes on

	life   context.Context // until the port is closed
	endAll context.CancelFunc

	mu      sync.Mutex
	mail    []func()
	ready   chan struct{} // holds one token while mail waits and no card does the waking
	offered bool          // a call was offered to the port, which has not looked at it yet
	closed  bool

	// Of the port's goroutine.
	now        *conversation // of the handset, or one that rings it
	held       *conversation // put aside by a flash, or joined with now
	waiting    *conversation // a tone tells of it
	joined     bool          // now and held are a conference
	swaps      bool          // a flash changes between now and held
	commands   bool          // a digit behind a flash is waited for
	commandBy  int64         // by the port's clock
	swallows   bool          // the key of a command sounds still, which nobody is to hear
	recallBy   int64         // the bell for a call that was held ends then
	asks       ask           // what the next number is for
	transfers  []*transfer   // under way
	follows    *transfer     // whose outcome the telephone waits for; nil: none
	list       []*conversation
	conference mixer
	hybrid     hybrid
	ears       dataEars
	unheard    []int16
	virtual    bool // off-hook by Dial, not by the telephone
	digits     *dsp.DTMFGenerator
	silence    []int16
	asked      []question // not answered yet
	disturbed  bool       // somebody was told that the port does not rest
	spool      spooling
}

// A Snapshot is what the outside is shown of a port.
type Snapshot struct {
	Port    int
	Kind    string
	Line    int
	Driver  string
	Card    bool
	OffHook bool
	Ring    bool // there is ringing voltage
	State   fxs.State
	Call    string // id of its call; empty: none
	Held    string // id of the call that is put aside, or joined with the other; empty: none
	Waiting string // id of the call that a tone tells of; empty: none
	Joined  bool   // Call and Held are a conference
	Fax     FaxActivity
	Passing bool // a fax passes in real time: see Fax
}

// New makes a port on a driver, which is the port's from now on.
func New(cfg Config, driver fxs.Driver, dev Device) (*Port, error) {
	fx, err := fxs.New(fxs.Config{Country: cfg.Country, Plan: cfg.Plan, Hotline: cfg.Hotline, HotlineMS: cfg.HotlineMS, Settings: cfg.Telephone})
	if err != nil {
		return nil, err
	}
	p := &Port{
		cfg: cfg, dev: dev, driver: driver, fx: fx, ready: make(chan struct{}, 1),
		log:    dev.Log.With("port", cfg.Number),
		digits: dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0),
	}
	if cfg.Fax != nil {
		if p.mode = relayMode; cfg.Fax().Mode == spoolMode {
			p.mode = spoolMode
		}
	}
	p.life, p.endAll = context.WithCancel(context.Background())
	p.publish()
	return p, nil
}

// Number is N of [portN].
func (p *Port) Number() int { return p.cfg.Number }

// Line is the line of the port's calls.
func (p *Port) Line() int { return p.cfg.Line }

// Snapshot is the port as it was at its last change.
func (p *Port) Snapshot() Snapshot { return *p.snapshot.Load() }

// publish shows the outside what has changed.
func (p *Port) publish() {
	s := Snapshot{
		Port: p.cfg.Number, Kind: p.cfg.Kind, Line: p.cfg.Line, Driver: p.cfg.Driver,
		Card: p.card.Load() != nil, OffHook: p.fx.OffHook(), Ring: p.fx.Rings(), State: p.fx.State(),
		Fax: p.activity(), Passing: p.relayed.Load() != nil,
	}
	s.Call, s.Held, s.Waiting, s.Joined = p.now.name(), p.held.name(), p.waiting.name(), p.joined
	p.room.Store(int32(p.roomNow()))
	p.several.Store(p.held != nil || p.waiting != nil)
	wasBusy := p.busy.Swap(p.engaged() || s.OffHook || len(p.transfers) > 0)
	p.showLive()
	if old := p.snapshot.Load(); old == nil || *old != s {
		changed := s // so that s itself stays off the heap: this is run for every frame
		p.snapshot.Store(&changed)
		if p.dev.Changed != nil {
			p.dev.Changed(s.Port, s)
		}
	}
	p.tellRest(wasBusy)
}

// post has fn run on the port's goroutine, soon. It reports false when the port is closed.
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
	card = p.plug(card)
	for {
		if err := p.turn(card); err != nil {
			p.unplug(card, err)
			return
		}
	}
}

func (p *Port) plug(card fxs.Card) fxs.Card {
	card = watched{card, p}
	p.card.Store(&card)
	p.log.Debug("line card taken")
	p.publish()
	if p.dev.Plugged != nil {
		p.dev.Plugged(p.cfg.Number)
	}
	return card
}

// turn does one exchange with the card, then what the telephone and the calls want.
func (p *Port) turn(card fxs.Card) error {
	events, err := p.fx.Turn(card, p)
	if err != nil {
		p.card.Store(nil) // nothing rings any more
	}
	for _, e := range events {
		p.handle(e)
	}
	if err != nil {
		return err // what waits is to find a port without a card
	}
	p.readMail()
	p.findMapping()
	p.publish()
	return nil
}

// unplug ends what needed the card.
func (p *Port) unplug(card fxs.Card, cause error) {
	p.log.Debug("line card left", "cause", cause)
	p.card.Store(nil)
	if err := card.Close(); err != nil {
		p.log.Warn("line card not closed in good order", "err", err)
	}
	p.virtual = false
	p.drop()
	p.publish()
}

// Close ends the port: its call, its card, its driver. Run returns.
func (p *Port) Close() error {
	p.refuseMail()
	return p.driver.Close()
}

func (p *Port) refuseMail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// end leaves nothing behind: who waits for an answer gets one.
func (p *Port) end() {
	p.refuseMail()
	p.readMail()
	p.drop()
	p.publish()
	p.endAll()
	p.spool.work.Wait()
}

// handle does what the telephone asks for.
func (p *Port) handle(e fxs.Event) {
	switch e.Kind {
	case fxs.OffHook:
		p.asks = ask{}
		p.setCodes()
	case fxs.Dialled:
		p.dialled(e)
	case fxs.NotDialled:
		p.asks = ask{}
	case fxs.Coded:
		p.coded(e.Number)
	case fxs.Answered:
		p.answer()
	case fxs.OnHook:
		p.onHook()
	case fxs.Flash:
		p.flash()
	case fxs.KeyDown:
		p.spool.keyed = e.At
		p.keyDown(e.Key)
	case fxs.KeyUp:
		p.swallows = false
		p.keyUp()
	}
}

// MessageWaiting lights the telephone's lamp and makes its dial tone stutter, or no more.
func (p *Port) MessageWaiting(on bool) {
	p.post(func() { p.fx.MessageWaiting(on) })
}
