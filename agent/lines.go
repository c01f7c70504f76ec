package agent

import (
	"context"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"tipring/internal/config"
	"tipring/lines"
	"tipring/webui/api"
)

// unregisterWait is how long a line that is taken away waits for its servers.
const unregisterWait = 3 * time.Second

// A lineUnit is a line and the goroutine that works it.
type lineUnit struct {
	line   *lines.Line
	cfg    *config.Line
	cancel context.CancelFunc // nil: not started
	done   chan struct{}
	change int // it was set up with that one of the lines

	started atomic.Bool // by now
	leaving atomic.Bool // it is about to be taken away, and begins no calls
}

// addLines makes the lines that are missing, and works them when the SIP ports are open.
func (a *Agent) addLines(wanted []*config.Line) {
	var made []*lineUnit
	device := a.lineDevice()
	for _, c := range wanted {
		if a.unit(c.N) == nil {
			made = append(made, &lineUnit{line: lines.New(c, device), cfg: c, done: make(chan struct{}), change: int(a.lineSets.Load()) + 1})
		}
	}
	if len(made) == 0 {
		return
	}
	a.setLines(slices.Concat(*a.lineList.Load(), made))
	if a.sip.Load().open {
		for _, u := range made {
			a.startLine(u)
		}
	}
}

// startLine works a line until its unit is stopped.
func (a *Agent) startLine(u *lineUnit) {
	ctx, cancel := context.WithCancel(context.Background())
	u.cancel = cancel
	u.started.Store(true)
	a.goWork(func() {
		defer close(u.done)
		u.line.Run(ctx)
	})
}

func (u *lineUnit) running() bool { return u.started.Load() && !u.leaving.Load() }

// stop unregisters the line and ends it.
func (u *lineUnit) stop(ctx context.Context) {
	if u.cancel == nil {
		u.line.Close()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, unregisterWait)
	u.line.Stop(ctx)
	cancel()
	u.cancel()
	<-u.done
}

// lineDevice is what all lines share.
func (a *Agent) lineDevice() lines.Device {
	s := a.sip.Load()
	return lines.Device{
		Stack: s.stack, Monitor: s.monitor, Resolver: s.resolver, Timers: s.timers,
		UserAgent: a.userAgent(), Owner: lineOwner{a}, Log: a.log,
		Contact: s.contacts.user, Permit: a.permit, Emergencies: &a.emergencies, T38: a.faxOffer, Trace: a.traces,
	}
}

// unit finds a line.
func (a *Agent) unit(n int) *lineUnit {
	for _, u := range *a.lineList.Load() {
		if u.cfg.N == n {
			return u
		}
	}
	return nil
}

// setLines publishes the lines in the order of their numbers.
func (a *Agent) setLines(us []*lineUnit) {
	sort.Slice(us, func(i, j int) bool { return us[i].cfg.N < us[j].cfg.N })
	a.lineList.Store(&us)
	a.lineSets.Add(1)
	for _, u := range us {
		a.lineChanged(u.cfg.N)
	}
}

// A lineOwner passes on what lines tell.
type lineOwner struct{ a *Agent }

func (o lineOwner) Incoming(c *lines.Call) (lines.Handler, int) { return o.a.incoming(c) }
func (o lineOwner) Changed(line int) {
	o.a.changed()
	o.a.lineChanged(line)
	o.a.sendWaiting(line)
	o.a.rested()
	o.a.stir()
}
func (o lineOwner) CallChanged(c *lines.Call) {
	i := c.Info()
	o.a.calls.changed(c)
	o.a.answers.changed(i)
	if i.State == lines.Ended {
		o.a.missed(i)
	}
	o.a.events.Changed(api.OnCall, i.ID)
	if i.State == lines.Ended {
		o.a.rested()
		o.a.stir()
	}
}
func (o lineOwner) CheckSync(int)                      { o.a.lookForSettings() }
func (o lineOwner) Messages(line int, s lines.Summary) { o.a.messages(line, s) }
func (o lineOwner) Text(line int, t lines.Text, kept func(error)) {
	o.a.texts.add(line, t, o.a.clock.Now(), kept)
}
