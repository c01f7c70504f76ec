package agent

import (
	"context"
	"strings"

	"tipring/internal/config"
	"tipring/internal/config/generations"
	"tipring/lines/fxs"
	"tipring/provisioning"
	"tipring/registrar"
)

// A settler is the agent as provisioning moves it.
type settler struct{ a *Agent }

func (s settler) Identity() config.Identity { return *s.a.ident.Load() }
func (s settler) Config() *config.Config    { return s.a.config() }
func (s settler) Reload() error             { return s.a.reload(s.a.asUsable) }

func (s settler) Check(provisioned []config.Layer, local []byte) (*config.Config, error) {
	b, err := s.a.asUsable(s.a.layersOf(generations.Content{Provisioned: provisioned, Local: local}))
	if err != nil {
		return nil, err
	}
	return config.Load(b.layers, Checks())
}

// Lines tells how the lines are. It waits for nobody.
func (s settler) Lines() provisioning.Lines {
	a := s.a
	l := provisioning.Lines{Changes: int(a.lineSets.Load())}
	for _, u := range *a.lineList.Load() {
		st := u.line.Snapshot()
		l.Registering = l.Registering || u.cfg.Enabled && u.cfg.RegisterAddr != ""
		l.Registered = l.Registered || st.State == registrar.Registered && u.cfg.RegisterAddr != ""
		l.Refusals += st.Counts.Refusals
	}
	l.Busy = a.calls.count() > 0
	for _, u := range *a.portList.Load() {
		if u.port != nil {
			st := u.port.Snapshot().State
			l.Busy = l.Busy || st != fxs.Idle && st != fxs.Parked
		}
	}
	if w := a.waiting.Load(); w != nil {
		for _, waiting := range *w {
			// What waits for the next start is no reason to wait here.
			l.Waiting = l.Waiting || strings.HasPrefix(waiting.Section, "sip") || strings.HasPrefix(waiting.Section, "port")
		}
	}
	return l
}

// Line implements provisioning.Device.
func (s settler) Line(n int) (change int, registered bool) {
	u := s.a.unit(n)
	if u == nil || !u.cfg.Enabled || u.cfg.RegisterAddr == "" {
		return 0, false
	}
	return u.change, u.line.Snapshot().State == registrar.Registered
}

// newKeeper makes what keeps the settings fresh.
func (a *Agent) newKeeper() *provisioning.Keeper {
	return provisioning.New(provisioning.Options{
		Device: settler{a}, Store: a.store, Finders: a.finders(), Fetcher: a.fetcher(),
		Checks: Checks(), Log: a.log, Now: a.clock.Now, Changed: a.settingsChanged,
	})
}

// stir tells that lines or calls have changed.
func (a *Agent) stir() { a.keeper.Stir() }

// lookForSettings has the device look for new settings now. It does not wait.
func (a *Agent) lookForSettings() {
	a.goWork(func() {
		if _, err := a.keeper.Ask(a.ctx); err != nil && context.Cause(a.ctx) == nil {
			a.log.Error("settings not looked for", "err", err)
		}
	})
}
