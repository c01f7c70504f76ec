package call

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"tipring/agent/fax"
	"tipring/t38/t30"
)

// ErrNoAnswer is why a fax does not reach a machine, besides those of Dial.
var ErrNoAnswer = errors.New("the machine does not answer")

var errTelephone = errors.New("the port has a telephone, and no fax machine")

// defaultRings is how long a machine is rung: most answer behind the second ring, and none
// that answers at all waits for longer.
const defaultRings = 6

// DeliverFax rings the machine of the port and sends it a document: ident is what this side
// calls itself (TSI). It returns when that is over: busy when the machine is off-hook or the
// port has something else to do, without an answer after some rings. progress, which may be
// nil, learns of each page, on another goroutine, and so does onlooker of what passes. The end
// of ctx ends the fax.
func (p *Port) DeliverFax(ctx context.Context, source t30.Source, ident string, progress func(fax.Page), onlooker t30.Onlooker) fax.Outcome {
	d := &delivery{p: p, source: source, progress: progress, onlooker: onlooker, result: make(chan fax.Outcome, 1)}
	d.outcome = fax.Outcome{LocalID: ident, Started: time.Now()}
	if !p.post(d.begin) {
		d.end(fax.Outcome{Reason: ErrClosed.Error()})
		return <-d.result
	}
	defer context.AfterFunc(ctx, func() { p.post(d.abort) })()
	return <-d.result
}

// A delivery is a fax on its way to the machine of a port. It is the side of the port's
// conversation while it lasts.
type delivery struct {
	loneSide
	p        *Port
	port     *FaxPort // as it was when the bell began
	source   t30.Source
	progress func(fax.Page)
	onlooker t30.Onlooker
	result   chan fax.Outcome
	outcome  fax.Outcome // what is known from the beginning

	until   int64    // of the bell, by the port's clock
	m       *machine // nil while the bell rings
	aborted bool
	over    bool // for the port
	passed  atomic.Int32
}

// begin rings the machine.
func (d *delivery) begin() {
	p := d.p
	switch {
	case p.card.Load() == nil:
		d.end(fax.Outcome{Reason: ErrNoCard.Error()})
		return
	case p.mode == "":
		d.end(fax.Outcome{Reason: errTelephone.Error()})
		return
	case p.dev.Refuse():
		d.end(fax.Outcome{Reason: errDraining.Error()})
		return
	case p.now != nil || p.isOffered() || !p.fx.Ring(nil):
		d.end(fax.Outcome{Reason: ErrBusy.Error(), Busy: true})
		return
	}
	d.port = p.cfg.Fax()
	d.until = p.fx.Now() + d.ringing()
	c := p.converse(ringing)
	c.fax = d
	p.now = c
}

// isOffered reports that a call is about to ring the port.
func (p *Port) isOffered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.offered
}

// ringing is how many samples a machine is rung for.
func (d *delivery) ringing() int64 {
	rings := d.port.Rings
	if rings <= 0 {
		rings = defaultRings
	}
	cycle := 0
	for _, n := range d.p.cfg.Country.Ring {
		cycle += n
	}
	return int64(rings) * int64(cycle)
}

// end tells the outcome.
func (d *delivery) end(o fax.Outcome) {
	o.LocalID, o.Started, o.Ended = d.outcome.LocalID, d.outcome.Started, time.Now()
	o.Judge(false) // it tells nothing of a called number
	d.result <- o
}

// lifted implements faxSide: the machine has answered.
func (d *delivery) lifted() {
	var pages machinePages
	pages.then = func(page fax.Page) {
		d.passed.Store(int32(page.N))
		if d.progress != nil {
			d.progress(page)
		}
	}
	d.m = newMachine()
	err := d.m.load(d.port.Settings.Terminal(t30.Config{
		Calling: true, Source: d.source, Ident: d.outcome.LocalID, OnPage: pages.add, OnFrame: pages.frame,
		Onlooker: d.onlooker,
	}, nil))
	if err != nil {
		d.over = true
		d.end(fax.Outcome{Reason: err.Error()})
		d.p.dismiss()
		return
	}
	d.p.now.stage = up
	d.p.aside(func() {
		d.m.work()
		d.end(d.m.outcome(&pages))
	})
}

// Exchange implements sound.
func (d *delivery) Exchange(in, out []int16) {
	switch {
	case d.over:
	case d.m == nil:
		if d.p.fx.Now() >= d.until {
			d.stopRinging(fax.Outcome{Reason: ErrNoAnswer.Error(), NoAnswer: true})
		}
	default:
		if d.aborted {
			d.aborted = !d.m.stop()
		}
		d.m.Exchange(in, out)
		if d.m.over() {
			d.over = true
			d.m.leave()
			d.p.dismiss()
		}
	}
}

// stopRinging is the end of a fax that the machine has not answered.
func (d *delivery) stopRinging(o fax.Outcome) {
	d.over = true
	d.end(o)
	d.p.now = nil
	d.p.fx.StopRing()
}

// abort ends the fax for who had ordered it.
func (d *delivery) abort() {
	switch {
	case d.p.now == nil || d.p.now.fax != faxSide(d) || d.over:
	case d.m == nil:
		d.stopRinging(fax.Outcome{Reason: t30.Stopped.String(), T30: t30.Stopped})
	default:
		d.aborted = true
	}
}

// left implements faxSide: the machine has hung up, or its card is gone.
func (d *delivery) left() {
	switch {
	case d.over:
	case d.m == nil:
		d.end(fax.Outcome{Reason: ErrNoCard.Error()})
	default:
		d.m.leave()
	}
	d.over = true
}

// activity is what the outside is shown of it.
func (d *delivery) activity() FaxActivity {
	return FaxActivity{State: "delivering", Pages: int(d.passed.Load())}
}
