package call

import (
	"context"
	"sync"

	"tipring/agent/fax"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

// A Desk is what stores the faxes of spool ports, and knows what there is to know of called
// numbers. Its methods may wait: they are never called on a port's goroutine. But the end of
// the port waits for theirs.
type Desk interface {
	// CallAhead decides for a port with call_ahead = dynamic whether the number is to be
	// called ahead, and tells why, for the log. It has until ctx is done; who is later is
	// not heard, and the number is called ahead.
	CallAhead(ctx context.Context, a fax.Attempt) (ahead bool, why string)
	// Called tells what has been learned of a number.
	Called(number string, r fax.CalledNumberResult)
	// Receive begins to store a fax, whose session is that of p. An error is why that cannot
	// be, for the log; the machine hears busy tone then.
	Receive(a fax.Attempt, p fax.Permit) (Intake, error)
}

// An Intake stores one fax. After Receive it is ended once, by Commit or Abandon. Its
// methods, and those of its sink, may wait for the disk.
type Intake interface {
	// Sink takes the pages. One that is a t30.Keeper makes each safe before it is confirmed.
	Sink() t30.Sink
	// Until is done once nobody wants the fax any more: the machine is told so by DCN.
	Until() context.Context
	// Commit hands the fax over to be delivered: the machine has had its last confirmation.
	Commit(o fax.Outcome) error
	// Abandon ends a fax that did not come whole.
	Abandon(o fax.Outcome)
}

// A PageFollower may be an Intake that wants to know of each page when it is over.
type PageFollower interface {
	Page(p fax.Page)
}

// Shown may be an Intake whose pages are seen while they come.
type Shown interface {
	Onlooker() t30.Onlooker
}

// A FaxActivity is what a spool port does besides conversations.
type FaxActivity struct {
	State  string // probing receiving delivering, as /faxes names it; empty: nothing
	Number string // that the machine has dialled
	Pages  int    // that are over
}

// activity is what the port does besides conversations.
func (p *Port) activity() FaxActivity {
	if p.now == nil || p.now.fax == nil {
		return FaxActivity{}
	}
	if a, ok := p.now.fax.(interface{ activity() FaxActivity }); ok {
		return a.activity()
	}
	return FaxActivity{}
}

// spoolDialled is a number that a machine has dialled whose faxes are stored.
func (p *Port) spoolDialled(e fxs.Event) {
	if p.dev.Refuse() {
		p.notMade(errDraining, nil)
		return
	}
	p.upload(e)
}

// spoolIncoming offers a call to the first of ports that stores what comes: whoever calls it
// is answered at once, whatever the machine does. ok is false when no port does.
func spoolIncoming(c *lines.Call, ports []*Port) (h lines.Handler, code int, ok bool) {
	for _, p := range ports {
		if p.spools() && p.dev.ReceiveFax != nil {
			h, code = p.dev.ReceiveFax(c, p.cfg.Number)
			return h, code, true
		}
	}
	return nil, 0, false
}

// aside does what may take time away from the port's goroutine, which waits for the end of
// all that at its own.
func (p *Port) aside(work func()) { p.spool.work.Go(work) }

// A spooling is what a port needs for the faxes that it stores.
type spooling struct {
	keyed int64          // when the last key was dialled, by the port's clock
	work  sync.WaitGroup // of aside
}

// A loneSide is a side of a conversation without a call, or of one whose sound and keys are
// nobody's: what a faxSide is told, and has nothing to do for.
type loneSide struct{}

func (loneSide) lifted()                  {}
func (loneSide) answered() bool           { return false }
func (loneSide) agreed(*offer.Audio) bool { return false }
func (loneSide) image(*offer.Image)       {}
func (loneSide) switchRefused(int)        {}
func (loneSide) flash() bool              { return true }
func (loneSide) key(bool) bool            { return true }
func (loneSide) ended(lines.Reason) bool  { return false }
