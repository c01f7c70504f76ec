// Package faxend is a fax machine at the far end of a test's calls: package farend's user
// agent with spandsp's audio machine behind G.711 and spandsp's T.38 terminal behind
// m=image, in real time. A Script says how it behaves: who switches to T.38 and when, how
// an offer is answered, what goes wrong, and what the network does to its datagrams.
package faxend

import (
	"net/netip"
	"sync"
	"time"

	"tipring/t38/udptl/netmodel"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
)

// A When is the moment at which this end offers T.38.
type When uint8

// Moments.
const (
	Never      When = iota
	AtOnce          // as soon as the call is up
	OnPreamble      // once its own machine has said V.21 in sound
)

// A Script is what a far end does with one call. The zero value is a telephone that rings
// for ever.
type Script struct {
	Send, Recv string   // TIFF file; one of them, or neither: 1000 Hz is said in the place of a fax
	Options    []string // of either machine: --ecm, --rate, --ident …
	Terminal   []string // of the T.38 terminal alone: --redundancy-image, --fec …

	From   string        // who calls; empty: 600
	Ring   time.Duration // before the answer; with Status 0 and Silent, for ever
	Silent bool          // rings and never answers
	Status int           // refuses the call with it: 486

	Switch  When
	Refuse  []int // how offers of T.38 are answered, one after the other; 0, and after the last one: accepted
	Decline bool  // with 200 and port 0
	Deaf    bool  // not at all
	Glare   bool  // the first one crosses one of ours, and both are refused with 491

	First   []string // attributes: our INVITE offers T.38 beside sound; of a call that comes in, T.38 is taken where it is offered beside sound
	T38     []string // lines that replace the attributes of the image line
	OwnPort bool     // UDPTL from a port of its own; else from that of the sound
	Mute    bool     // T.38 is agreed, and no datagram ever sent

	Expires   int    // of the session, seconds; 0: no timer
	Refresher string // uac or uas

	Network *netmodel.Config // what befalls datagrams of T.38, each way; nil: nothing
	Seed    uint64

	Then []Action // while the call is up
}

// An Action is something that a call does at a time after its answer.
type Action struct {
	After time.Duration
	Do    func(*Fax)
}

// An End takes and makes calls at one host.
type End struct {
	*farend.UA

	t      netlab.T
	host   *netlab.Host
	script func(number string, nth int) Script

	mu     sync.Mutex
	calls  []*Fax
	byName map[string]int
	news   chan struct{}
}

// New makes a far end. script says what is to be done with the nth call, from 1, to a number.
func New(t netlab.T, host *netlab.Host, script func(number string, nth int) Script) *End {
	t.Helper()
	e := &End{t: t, host: host, script: script, byName: map[string]int{}, news: make(chan struct{})}
	e.UA = farend.New(t, host, e.called)
	t.Cleanup(e.hangUp)
	return e
}

// hangUp ends every machine before the user agent goes away.
func (e *End) hangUp() {
	for _, f := range e.Faxes() {
		f.finish("the test is over")
		_, _ = f.Wait(5 * time.Second)
	}
}

// Faxes are all calls, oldest first.
func (e *End) Faxes() []*Fax {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]*Fax(nil), e.calls...)
}

// To are the calls to, or from, one number.
func (e *End) To(number string) []*Fax {
	var found []*Fax
	for _, f := range e.Faxes() {
		if f.Number == number {
			found = append(found, f)
		}
	}
	return found
}

// WaitFax waits for the nth call of a number, from 1.
func (e *End) WaitFax(limit time.Duration, number string, nth int) *Fax {
	e.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		e.mu.Lock()
		news := e.news
		e.mu.Unlock()
		if all := e.To(number); len(all) >= nth {
			return all[nth-1]
		}
		select {
		case <-news:
		case <-timer.C:
			e.t.Fatalf("faxend: %d calls of %s within %v, want %d", len(e.To(number)), number, limit, nth)
			return nil
		}
	}
}

func (e *End) add(f *Fax) *Fax {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, f)
	close(e.news)
	e.news = make(chan struct{})
	return f
}

func (e *End) called(c *farend.Call) {
	number := c.Number()
	e.mu.Lock()
	e.byName[number]++
	nth := e.byName[number]
	e.mu.Unlock()
	f := e.add(newFax(e, c, number, e.script(number, nth)))
	f.note("INVITE")
	f.answer()
}

// Call calls a number through a server and faxes as the script says. It returns after the
// final response, with its status; 0: there was none.
func (e *End) Call(server netip.AddrPort, number string, limit time.Duration, s Script) (*Fax, int) {
	f := e.add(newFax(e, nil, number, s))
	return f, f.call(server, limit)
}
