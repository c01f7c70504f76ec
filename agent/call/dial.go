package call

import (
	"context"
	"errors"

	"tipring/lines"
	"tipring/lines/fxs"
)

// Why a port cannot make a call.
var (
	ErrBusy   = errors.New("the port is in use")
	ErrNoCard = errors.New("no line card is connected")
	ErrClosed = errors.New("the port is closed")
)

var (
	errNotPermitted = errors.New("the provider does not permit it")
	errNotRung      = errors.New("the telephone could not ring")

	errNoLine   = errors.New("the port has no line that takes calls")
	errDraining = errors.New("the device takes no new calls: it drains")
)

// Dial calls a number as if the telephone were lifted and had dialled it. It returns the
// call's id. A telephone that is on-hook stays off-hook for the port until the call ends;
// lifted meanwhile, it has the call.
func (p *Port) Dial(ctx context.Context, to string) (id string, err error) {
	type result struct {
		id  string
		err error
	}
	started := make(chan result, 1)
	ok := p.post(func() {
		if ctx.Err() == nil { // somebody still wants it
			p.lift(to, func(id string, err error) { started <- result{id, err} })
		}
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
	case p.engaged(), p.follows != nil:
		started("", ErrBusy)
		return
	case p.dev.Refuse() && !p.fx.Emergency(to):
		started("", errDraining)
		return
	}
	if !p.fx.OffHook() {
		p.virtual = true
		p.fx.Loop(fxs.LoopClosed)
	}
	p.fx.Place()
	p.dial(to, false, started)
}

// watched is a line card whose loop tells that the telephone itself is lifted while the
// port is off-hook by Dial, and of which is known what it played last.
type watched struct {
	fxs.Card
	port *Port
}

func (w watched) Read() ([]int16, fxs.Loop, error) {
	pcm, loop, err := w.Card.Read()
	if loop == fxs.LoopClosed { // a flash or pulses are noise of a handset that is down
		w.port.virtual = false
	}
	return pcm, loop, err
}

// Write implements fxs.Card.
func (w watched) Write(pcm []int16) error {
	if w.port.cfg.EchoCanceller && w.port.now != nil {
		w.port.hybrid.wrote(pcm)
	}
	return w.Card.Write(pcm)
}

// putDown puts the handset down that Dial had taken up.
func (p *Port) putDown() {
	p.virtual = false
	p.fx.PutDown()
}

// dialled does what the number asks for that the telephone has dialled.
func (p *Port) dialled(e fxs.Event) {
	e.Emergency = e.Emergency || p.fx.Emergency(e.Number) // the hotline's, too
	if p.spools() && !e.Emergency {
		p.spoolDialled(e)
		return
	}
	a := p.asks
	p.asks = ask{}
	if a.step != 0 && !e.Emergency {
		p.answerAsk(a, e)
		return
	}
	p.dial(e.Number, e.Emergency, nil)
}

// dial makes an outgoing call. A number of an emergency is called as one wherever it comes from: while
// the device drains, without a registration, over another line where the port's own does not make
// it. started, which may be nil, learns the id.
func (p *Port) dial(to string, emergency bool, started func(id string, err error)) {
	emergency = emergency || p.fx.Emergency(to)
	over := p.over(emergency)
	if p.dev.Refuse() && !emergency {
		p.notMade(errDraining, started)
		return
	}
	if len(over) == 0 {
		p.notMade(errNoLine, started)
		return
	}
	c, err := p.outgoing(to, emergency)
	if err != nil {
		p.notMade(err, started)
		return
	}
	w := p.wishes()
	c.undisturbed, c.started, c.others = w.NoWaiting, started, over[1:]
	if p.relays() && !emergency {
		p.relayTo(c, over[0], to)
		return
	}
	c.place(over[0], w.Anonymous)
	p.made(to)
}

// over lists the lines that a call may take, one after the other.
func (p *Port) over(emergency bool) []*lines.Line {
	if emergency && p.dev.Emergency != nil {
		return p.dev.Emergency(p.cfg.Line)
	}
	if l := p.dev.Line(p.cfg.Line); l != nil {
		return []*lines.Line{l}
	}
	return nil
}

// outgoing makes a conversation for a call and gives it the handset.
func (p *Port) outgoing(to string, emergency bool) (*conversation, error) {
	pair, err := p.listen()
	if err != nil && emergency && p.makeRoom() {
		pair, err = p.listen()
	}
	if err != nil {
		return nil, err
	}
	c := p.converse(calling)
	c.number, c.emergency = to, emergency
	c.open(pair)
	p.now = c
	return c, nil
}

// place calls over a line. Another line than the port's own shows a number of its own.
func (c *conversation) place(line *lines.Line, anonymous bool) {
	p := c.p
	ani := p.ani()
	if line != p.dev.Line(p.cfg.Line) {
		ani = ""
	}
	c.whenMapped(func(m lines.Media) {
		line.Dial(lines.Dial{To: c.number, ANI: ani, Port: p.cfg.Number, Media: m, Handler: listener{c}, Anonymous: anonymous, Emergency: c.emergency})
	})
}

// placeElsewhere makes an emergency call over the next line, when one did not make it, and reports
// that there is one. Who is busy has been reached, and who ended it here wants no other.
func (p *Port) placeElsewhere(c *conversation, r lines.Reason) bool {
	if c.stage != calling || len(c.others) == 0 || r.Local || r.Code == 486 || r.Code == 600 {
		return false
	}
	next, err := p.outgoing(c.number, true)
	if err != nil {
		return false
	}
	p.log.Warn("emergency call goes over another line", "cause", r.Text)
	p.fx.Silence()
	next.others = c.others[1:]
	next.place(c.others[0], false)
	return true
}

// makeRoom ends the port's other call for one that is an emergency, and reports that it had one.
func (p *Port) makeRoom() bool {
	switch {
	case p.held != nil:
		p.dropHeld()
	case len(p.transfers) > 0:
		p.transfers[0].drop()
	default:
		return false
	}
	return true
}

// ani is the number to show as the caller's; empty: the line's.
func (p *Port) ani() string {
	if p.cfg.ANI == nil {
		return ""
	}
	return p.cfg.ANI()
}

// notMade is the end of a call before it began.
func (p *Port) notMade(cause error, started func(id string, err error)) {
	p.log.Warn("call not made", "cause", cause)
	if started != nil {
		started("", cause)
	}
	p.hungUp(fxs.Reorder)
}

// hungUp leaves a telephone that has nobody to talk to with a tone that asks to hang up.
func (p *Port) hungUp(t fxs.Tone) {
	if p.virtual {
		p.putDown()
		return
	}
	p.fx.Park(t)
}
