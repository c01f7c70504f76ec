package call

import (
	"slices"

	"tipring/lines/fxs"
)

// A transfer is a call whose far end is on its way to somebody else: to a number, or in place of
// this device to the far end of a second call. It needs no telephone; one that was not
// hung up waits for the outcome.
type transfer struct {
	p    *Port
	from *conversation
	to   *conversation // nil: to a number
}

// maySendTo reports a second call whose far end another can be sent to: to itself once it
// has answered, else to its number.
func (c *conversation) maySendTo() bool {
	return c.stage == up && c.fax == nil || c.stage == calling && c.number != "" && !c.emergency
}

// handOver sends the call that is held to the far end of the handset's, or to the number which
// that has called.
func (p *Port) handOver() *transfer {
	from, to := p.held, p.now
	p.keyUp()
	p.held, p.now, p.joined, p.swaps = nil, nil, false, false
	from.aside.Store(true)
	to.aside.Store(true)
	if to.stage != up {
		to.leave()
		return p.sendTo(from, to.number)
	}
	t := &transfer{p: p, from: from, to: to}
	p.transfers = append(p.transfers, t)
	from.call.TransferTo(to.call, t.tell)
	return t
}

// sendTo sends a call to a number.
func (p *Port) sendTo(from *conversation, number string) *transfer {
	t := &transfer{p: p, from: from}
	p.transfers = append(p.transfers, t)
	from.call.Transfer(number, t.hear, t.tell)
	return t
}

// transferNow is handOver for a telephone that is not hung up.
func (p *Port) transferNow() {
	if !p.now.maySendTo() || p.now.before != nil {
		return
	}
	p.follows = p.handOver()
	p.fx.Place()
}

// transferHeld sends the call that is held to a number that the telephone has dialled.
func (p *Port) transferHeld(number string) {
	h := p.held
	if h == nil { // its far end has hung up meanwhile
		p.hungUp(fxs.Reorder)
		return
	}
	p.held = nil
	p.follows = p.sendTo(h, number)
}

// hear tells the telephone how far the call has come that the far end makes. It is called on the
// line's goroutine, and so is tell.
func (t *transfer) hear(status int) {
	t.p.post(func() {
		if t.p.follows == t && status == 180 {
			t.p.fx.Play(fxs.Ringback)
		}
	})
}

func (t *transfer) tell(err error) { t.p.post(func() { t.done(err) }) }

// remove takes the transfer out of the port's, and reports that it was there.
func (t *transfer) remove() bool {
	i := slices.Index(t.p.transfers, t)
	if i >= 0 {
		t.p.transfers = slices.Delete(t.p.transfers, i, i+1)
	}
	return i >= 0
}

// drop ends both calls.
func (t *transfer) drop() {
	t.remove()
	t.from.leave()
	if t.to != nil && !t.to.gone {
		t.to.leave()
	}
}

// done is the outcome. A transfer that failed brings its calls back to the telephone.
func (t *transfer) done(err error) {
	if !t.remove() {
		return
	}
	p := t.p
	waits := p.follows == t
	if waits {
		p.follows = nil
	}
	if err == nil {
		p.log.Info("call transferred", "call", t.from.id)
		t.to.leaveIfThere()
		t.from.leaveIfThere()
		if waits {
			p.fx.Confirm()
		}
		return
	}
	p.log.Warn("call not transferred", "call", t.from.id, "cause", err)
	t.failed(waits)
}

func (t *transfer) failed(waits bool) {
	p := t.p
	if t.from.gone {
		t.from = nil
	}
	if t.to != nil && t.to.gone {
		t.to = nil
	}
	switch {
	case waits && t.from != nil && t.to != nil:
		t.from.hold(true)
		p.held, p.now = t.from, t.to
		p.now.aside.Store(false)
		p.fx.Talk()
	case waits && (t.from != nil || t.to != nil):
		p.held = t.from
		if p.held == nil {
			p.held = t.to
		}
		p.takeBack()
	case waits:
		p.hungUp(fxs.Reorder)
	default:
		t.to.leaveIfThere()
		p.comeBackOnHook(t.from)
	}
}

// comeBackOnHook rings for a call whose transfer has failed, unless the telephone does something else.
func (p *Port) comeBackOnHook(c *conversation) {
	switch {
	case c == nil:
	case p.engaged() || p.fx.OffHook() || p.isOffered():
		c.leave()
	default:
		c.hold(true)
		p.ringBack(c)
	}
}

// leaveIfThere ends a conversation that may be over, or none.
func (c *conversation) leaveIfThere() {
	if c != nil && !c.gone {
		c.leave()
	}
}
