package call

import (
	"tipring/agent/fax"
	"tipring/internal/offer"
	"tipring/lines"
)

// A FaxPort is what makes a port one for a fax machine.
type FaxPort struct {
	Mode     string // relay spool
	Settings fax.Settings
	CSID     string // T.30 identification

	// Of spool: whether the called number is called ahead.
	CallAhead string // never dynamic always
	Bridge    bool   // the call ahead that found a fax becomes the fax call
	TimeoutS  int    // of the call ahead
	Delimiter string // in a dialled number, of what is to stand in the record of the fax; empty: none
	Rings     int    // of the bell until a machine that a fax is for has not answered; 0: 6
}

// The modes of a FaxPort.
const (
	relayMode = "relay"
	spoolMode = "spool"
)

// relays reports that a fax machine on the port talks to the far end's in real time.
func (p *Port) relays() bool { return p.mode == relayMode }

// takesT38 reports that a call which is T.38 from the beginning can be answered here.
func (p *Port) takesT38() bool { return p.relays() && p.cfg.Fax().Settings.T38 }

// spools reports that what a fax machine on the port sends and receives is stored.
func (p *Port) spools() bool { return p.mode == spoolMode }

// sound is where what a telephone says goes to, and what it hears comes from.
type sound interface {
	// Exchange takes what the telephone says and fills out, which is as long and all zeros.
	Exchange(in, out []int16)
}

// A faxSide is how a fax port's conversation differs from a telephone's. It is told, on the
// port's goroutine, what becomes of the conversation; what it reports as done, the conversation
// leaves alone. While there is one, the telephone's sound is its, whether the conversation
// has a session or not.
type faxSide interface {
	sound
	// lifted: the machine that rings by fxs.Port.Ring without a call of the line is off-hook.
	lifted()
	// answered: the call is up.
	answered() (done bool)
	// agreed: this is agreed for sound; nil: none is.
	agreed(a *offer.Audio) (done bool)
	// image: T.38 is agreed, or, nil, no more. What is agreed for sound follows.
	image(i *offer.Image)
	// switchRefused: the call goes on as it was before Call.Switch.
	switchRefused(code int)
	// flash: the hook was pressed for a moment.
	flash() (done bool)
	// key: a DTMF key of the machine's began or ended.
	key(down bool) (done bool)
	// ended: the call is over.
	ended(r lines.Reason) (done bool)
	// left: the machine is on-hook, or gone. The conversation and its call are ended behind it.
	left()
}
