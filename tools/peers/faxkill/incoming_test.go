package faxkill

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/spandsp"
)

// Who is called in each lab of TestKilledIncoming, by the number of the port. A store delivers
// four faxes at a time, so that there are several labs.
const (
	delivered = 4             // ports whose fax is on its way to the machine at the kill
	incoming  = delivered + 4 // from here on, those whose fax is coming in
	mailboxes = incoming + 2  // and these have no machine
)

// kills are the events behind which the labs' agents are killed, in a moment that is anybody's.
var kills = []struct {
	name    string
	from    int // the first and
	to      int // last port
	states  string
	pages   int // confirmed, of one fax in one of the states
	further int // ms at most, until the kill
}{
	{"the bells ring", 1, delivered, "delivering", 0, 8000},
	{"a machine has confirmed a page", 1, delivered, "delivering", 1, 4000},
	{"a page has come in", delivered + 1, mailboxes, "receiving", 1, 4000},
	{"a fax is accepted", delivered + 1, incoming, "queued delivering", 0, 3000},
}

// TestKilledIncoming has agents killed while faxes come in from the network, for machines and
// into mailboxes, and while faxes are delivered to machines: whatever the far end was told to
// be accepted is in its mailbox, or arrives at its machine, once the agent runs again.
func TestKilledIncoming(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	moments := make(chan [2]int, len(kills))
	t.Run("when", func(t *testing.T) {
		for n, k := range kills {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				receiving, delivering := killIncoming(t, n, rand.New(rand.NewPCG(seed, uint64(n))))
				moments <- [2]int{receiving, delivering}
			})
		}
	})
	close(moments)
	var sum [2]int
	for m := range moments {
		sum[0], sum[1] = sum[0]+m[0], sum[1]+m[1]
	}
	t.Logf("killed while %d faxes came in and %d were delivered", sum[0], sum[1])
	if sum[0] < 10 || sum[1] < 10 {
		t.Errorf("want 10 of either at least")
	}
}

// An arrival is a fax for one port.
type arrival struct {
	document faxlab.Document
	fax      *faxend.Fax
	cards    []*faxcard.Card
	files    []string
}

// plug connects a machine to the port, which receives into a file of its own.
func (a *arrival) plug(t *testing.T, l *faxlab.Lab, n int) {
	file := filepath.Join(t.TempDir(), fmt.Sprintf("got-%d-%d", n, len(a.cards)))
	a.files = append(a.files, file)
	a.cards = append(a.cards, l.Card(t, n, faxcard.Receive(file, "--wait", "300", "--log", "1")))
}

// times is how often each page has arrived at the machine as it was sent.
func (a *arrival) times() []int {
	count := make([]int, len(a.document.Pages))
	for _, file := range a.files {
		pages, _ := spandsp.ReadTIFF(file)
		for _, p := range pages {
			for i, want := range a.document.Pages {
				if p.Equal(want) {
					count[i]++
				}
			}
		}
	}
	return count
}

func killIncoming(t *testing.T, nth int, chance *rand.Rand) (receiving, delivering int) {
	l := faxlab.New(t, mailboxes, nil)
	for n := 1; n <= incoming; n++ {
		l.Port(n, "fax_mode", "spool")
	}
	for n := incoming + 1; n <= mailboxes; n++ {
		l.Port(n, "driver", "none")
	}
	l.Run(mailboxes)
	all := make([]*arrival, mailboxes+1)
	for n := 1; n <= mailboxes; n++ {
		// Two pages, so that a page that was confirmed may lie behind the kill.
		all[n] = &arrival{document: faxlab.NewDocument(t, 2, 250, chance.Uint64())}
		if n <= incoming {
			all[n].plug(t, l, n)
		}
	}
	call := func(n int) {
		f, _ := l.Far.Call(netip.AddrPortFrom(l.Server.Addr, 5060), faxlab.User(n), 2*time.Minute, faxend.Script{Send: all[n].document.File})
		all[n].fax = f
	}
	for n := 1; n <= delivered; n++ {
		call(n)
		<-time.After(time.Duration(chance.IntN(3000)) * time.Millisecond) // so that no two are alike
	}
	// The others call when the first ones are accepted: while those ring, and are delivered.
	for n := delivered + 1; n <= mailboxes; n++ {
		first := all[1+(n-1)%delivered].fax
		if r, err := first.Wait(faxlab.Patience); err != nil || !r.OK {
			t.Fatalf("the fax before the kill: %+v, %v\n%s", r, err, first.Story())
		}
		<-time.After(time.Duration(chance.IntN(1500)) * time.Millisecond)
		call(n)
	}
	k := kills[nth]
	if !netlab.Until(time.Minute, func() bool { return underWay(l, k.from, k.to, k.states, k.pages) > 0 }) {
		t.Errorf("no fax is so far: %v", faxlab.Faxes(l.Agent, func(faxlab.Fax) bool { return true }))
	}
	<-time.After(time.Duration(chance.IntN(k.further)) * time.Millisecond)
	receiving, delivering = underWay(l, delivered+1, mailboxes, "receiving", 0), underWay(l, 1, incoming, "delivering", 0)
	before := faxlab.Faxes(l.Agent, func(faxlab.Fax) bool { return true })
	l.Agent.Kill()
	t.Logf("killed while %d faxes came in and %d were delivered: %v", receiving, delivering, before)
	l.Agent.Run()
	for n := 1; n <= mailboxes; n++ {
		l.Agent.WaitRegistered(30*time.Second, n, "primary")
		if n <= incoming {
			all[n].cards[0].Kill()
			all[n].plug(t, l, n)
		}
	}
	for n := 1; n <= incoming; n++ {
		all[n].reachesMachine(t, l, n)
	}
	for n := incoming + 1; n <= mailboxes; n++ {
		all[n].reachesMailbox(t, l, n)
	}
	return receiving, delivering
}

// underWay counts the faxes of ports in one of the states with so many confirmed pages at least.
func underWay(l *faxlab.Lab, from, to int, states string, pages int) int {
	return len(faxlab.Faxes(l.Agent, func(f faxlab.Fax) bool {
		confirmed := 0
		for _, p := range f.Pages {
			if p.Result == "confirmed" {
				confirmed++
			}
		}
		return f.Port != nil && *f.Port >= from && *f.Port <= to && slices.Contains(strings.Fields(states), f.State) && confirmed >= pages
	}))
}

// accepted says whether the far end was told that all of the fax is.
func (a *arrival) accepted(t *testing.T) bool {
	t.Helper()
	r, err := a.fax.Wait(faxlab.Patience)
	if err != nil {
		t.Error(err)
	}
	return r.OK
}

// reachesMachine holds what the machine of a port has received against what was accepted: every
// page once; one twice only if the fax is marked so, but for a page before the last one, which
// is sent again where its confirmation was not noted.
func (a *arrival) reachesMachine(t *testing.T, l *faxlab.Lab, n int) {
	t.Helper()
	accepted := a.accepted(t)
	in := faxlab.OnPort(n, "in")
	if !netlab.Until(3*time.Minute, func() bool {
		over := faxlab.Faxes(l.Agent, func(f faxlab.Fax) bool {
			return in(f) && (f.State == "received" || f.State == "sent" || f.State == "failed")
		})
		return len(over) > 0
	}) {
		t.Errorf("port %d: the fax is not over: %v", n, faxlab.Faxes(l.Agent, in))
		return
	}
	all, times := faxlab.Faxes(l.Agent, in), a.times()
	if len(all) != 1 {
		t.Errorf("port %d has %d faxes: %v", n, len(all), all)
		return
	}
	f, last := all[0], times[len(times)-1]
	t.Logf("port %d: accepted %v, pages arrived %v, %v, uncertain %v", n, accepted, times, f, f.Uncertain)
	for i, count := range times {
		if accepted && count == 0 {
			t.Errorf("port %d: page %d of an accepted fax has not arrived: %v\n%s", n, i+1, f, strings.Join(l.Agent.LogLines(fmt.Sprintf("port=%d ", n)), ""))
		}
	}
	if last > 1 && !f.Uncertain {
		t.Errorf("port %d: a fax arrived %d times and is not marked: %v", n, last, f)
	}
	if !accepted && f.State == "failed" && last > 0 {
		t.Errorf("port %d: a fax that was not accepted is delivered: %v", n, f)
	}
}

// reachesMailbox holds what is in a mailbox against what was accepted.
func (a *arrival) reachesMailbox(t *testing.T, l *faxlab.Lab, n int) {
	t.Helper()
	accepted := a.accepted(t)
	all := faxlab.Faxes(l.Agent, faxlab.OnPort(n, "in"))
	t.Logf("port %d, a mailbox: accepted %v, %v", n, accepted, all)
	switch {
	case len(all) != 1:
		t.Errorf("port %d has %d faxes: %v", n, len(all), all)
	case all[0].State == "received":
		if fault := a.document.Differs(faxlab.Save(t, l.Agent, all[0].ID)); fault != "" {
			t.Errorf("port %d: in the mailbox: %s", n, fault)
		}
	case accepted || all[0].State != "failed":
		t.Errorf("port %d: accepted %v, and the mailbox has %v", n, accepted, all[0])
	}
}
