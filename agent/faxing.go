package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tipring/agent/fax"
	"tipring/agent/fax/provider"
	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/internal/timezone"
	"tipring/t38/spool"
	"tipring/webui/api"
)

// A faxing is the faxes of the device: those that are stored, the calls that carry documents,
// and who is asked and told about them.
type faxing struct {
	store   *spool.Store // nil: the disk takes nothing
	queue   *spool.Queue
	numbers *spool.Memory // of called numbers; nil as store
	refusal *fax.Memory   // destinations that refuse T.38
	engine  *fax.Engine
	clerk   *provider.Clerk
	relays  relayList

	nameless atomic.Int64 // relays whose call is not known, so far

	monitors   sync.Map // of *pages.Monitor by the fax's id: those that are on their way
	stands     sync.Map // of fax.Progress by the same id: where their calls stand
	receptions sync.Map // of context.CancelFunc by the fax's id: those that are on their way in

	stop context.CancelFunc // of the queue
	done chan struct{}      // closed when it has stopped
}

// In the state directory.
const (
	faxesDir    = "faxes"
	numbersFile = "called-numbers"
)

// openFaxes opens the stored faxes. Flash that takes nothing is no reason to be no telephone.
func (a *Agent) openFaxes() {
	f := &a.fax
	f.refusal = new(fax.Memory)
	f.engine = fax.New(fax.Config{RTP: sockets{a}, Memory: f.refusal, Log: a.log, Measured: a.measured})
	f.clerk = a.newClerk()
	store, report, err := spool.Open(filepath.Join(a.dir, faxesDir), spool.Config{Software: a.userAgent(), Now: a.clock.Now, Log: a.log, Changed: a.faxChanged})
	if err != nil {
		a.log.Error("no faxes are stored", "err", err)
		return
	}
	for _, line := range report.Lines() {
		a.log.Warn(line)
	}
	f.store = store
	f.numbers, err = spool.OpenMemory(filepath.Join(a.dir, numbersFile), spool.MemoryConfig{Now: a.clock.Now})
	if err != nil {
		a.log.Warn("memory of called numbers", "err", err)
	}
	retries := a.config().Fax.Retries
	f.queue = spool.NewQueue(spool.QueueConfig{Store: store, Deliver: a.deliver, Hindered: a.hindered, Retries: retries})
}

// setFaxes takes over what [fax] and the provider say about deliveries.
func (a *Agent) setFaxes() {
	if q := a.fax.queue; q != nil {
		q.Set(a.config().Fax.Retries, a.zone())
	}
}

// zone is that of the times that are shown to people: the account's, else the device's own.
func (a *Agent) zone() *time.Location {
	if p := a.keeper.Status().Profile; p != nil && p.Location != "" {
		if zone, err := time.LoadLocation(p.Location); err == nil {
			return zone
		}
	}
	if zone, ok := timezone.Find(a.config().Device.TimeZone); ok {
		return zone
	}
	return time.Local
}

// runFaxes delivers what waits until endFaxes.
func (a *Agent) runFaxes() {
	f := &a.fax
	if f.queue == nil {
		return
	}
	ctx, cancel := context.WithCancel(a.ctx)
	f.stop, f.done = cancel, make(chan struct{})
	a.goWork(func() {
		defer close(f.done)
		f.queue.Run(ctx)
	})
}

// endFaxes ends the calls that carry documents, for which their lines are needed; those that are
// cut short are made again by the next start. It waits until ctx is done at most.
func (a *Agent) endFaxes(ctx context.Context) {
	f := &a.fax
	ended := make(chan struct{})
	a.goWork(func() {
		defer close(ended)
		if f.stop != nil {
			f.stop()
		}
		f.engine.Close()
		if f.done != nil {
			<-f.done
		}
	})
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// closeFaxes closes what is on the disk, when ports and calls have ended.
func (a *Agent) closeFaxes() error {
	f := &a.fax
	if f.store == nil {
		return nil
	}
	return errors.Join(f.store.Close(), f.numbers.Close())
}

// pauseFaxes begins no more deliveries and takes no new faxes, or does so again.
func (a *Agent) pauseFaxes(yes bool) {
	switch q := a.fax.queue; {
	case q == nil:
	case yes:
		q.Pause()
	default:
		q.Resume()
	}
}

// awaitFaxes returns when no document is on its way, or ctx is done.
func (a *Agent) awaitFaxes(ctx context.Context) {
	if q := a.fax.queue; q != nil {
		_ = q.Wait(ctx) // ctx's own error
	}
}

// sockets lends RTP ports of the present configuration.
type sockets struct{ a *Agent }

// Listen implements fax.Sockets.
func (s sockets) Listen(_ netip.Addr, device string) (*media.Pair, error) {
	return s.a.rtp.Load().Listen(s.a.config().SIP.Bind, device)
}

// faxSettings are those of [fax].
func faxSettings(f config.Fax) fax.Settings {
	return fax.Settings{
		T38: f.T38, MaxRate: f.MaxRate, ECM: f.ECM, Control: f.RedundancyControl, Image: f.RedundancyImage, EC: f.T38EC,
		MaxDatagram: f.T38MaxDatagram, Reinvite: f.T38Reinvite, First: f.T38First,
		CNG: f.DetectCNG, CED: f.DetectCED, Preamble: f.DetectPreamble,
	}
}

// keptRelays is how many faxes in real time are remembered once they are over.
const keptRelays = 20

// A relayList is the last faxes that passed in real time.
type relayList struct {
	mu   sync.Mutex
	list []relayed // oldest first
}

// A relayed is one of them.
type relayed struct {
	id      string
	attempt fax.Attempt
	outcome fax.Outcome
}

func (l *relayList) add(r relayed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == keptRelays {
		l.list = append(l.list[:0], l.list[1:]...)
	}
	l.list = append(l.list, r)
	l.bound()
}

func (l *relayList) all() []relayed {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]relayed(nil), l.list...)
}

// faxEnded takes note of a fax that passed a port in real time. It is called on the port's
// goroutine.
func (a *Agent) faxEnded(port int, at fax.Attempt, o fax.Outcome) {
	at.Port = port
	id := relayID(a.callOf(o.SIPCallID))
	a.fax.relays.add(relayed{id, at, o})
	a.events.Changed(api.OnFax, id)
	if at.Send {
		a.called(at.Number, o.CalledResult)
	}
}

// callOf is the id of a call by its SIP Call-ID; one of its own, as no other, when there was none or it is forgotten.
func (a *Agent) callOf(sipCallID string) string {
	for _, c := range a.calls.all() {
		if c.SIPCallID == sipCallID {
			return c.ID
		}
	}
	return fmt.Sprintf("unknown-%d", a.fax.nameless.Add(1))
}

// faxChanged is told by the store, on any goroutine.
func (a *Agent) faxChanged(r spool.Record) { a.events.Changed(api.OnFax, r.ID) }

// relayID is the id of a fax that passes in real time: that of its call.
func relayID(call string) string { return "relay-" + call }

// called remembers what answers at a number.
func (a *Agent) called(number string, r fax.CalledNumberResult) {
	if a.fax.numbers != nil && r != fax.Unknown {
		a.fax.numbers.Called(number, r.String())
	}
}
