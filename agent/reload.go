package agent

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"tipring/internal/config"
)

// Reload reads the files again and applies what differs. A configuration with faults
// changes nothing but the faults that are shown.
func (a *Agent) Reload() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	layers, err := a.opts.Files.Layers()
	if err != nil {
		a.log.Error("configuration not read", "err", err)
		return err
	}
	changes, err := a.running.Reload(layers, Checks())
	a.setFaults(err)
	a.logFaults()
	if err != nil {
		var faults config.Faults
		if errors.As(err, &faults) {
			return fmt.Errorf("configuration refused, the old one stays: %d faults", len(faults))
		}
		return err
	}
	a.rescued.Store(false)
	for _, ch := range changes {
		a.log.Info("configuration changed", "section", ch.Section, "kind", ch.Kind, "keys", ch.Keys)
		if ch.Section == "device" {
			setLevel(&a.level, a.config().Device)
		}
	}
	a.sipStale = a.sipStale || slices.ContainsFunc(changes, func(ch config.Change) bool { return ch.Section == "sip" })
	if a.ctx != nil {
		a.reconcile()
	}
	return nil
}

// reconcile brings lines and ports to what the configuration wants. What has a call is
// left alone until the call ends. The lock is held.
func (a *Agent) reconcile() {
	c := a.config()
	busy := a.calls.count() > 0
	stale := false
	if a.sipStale {
		if busy {
			a.stale.Store(true)
			return // with the lines, once every call has ended
		}
		a.sipStale = false
		a.restartSIP()
	}
	for _, u := range slices.Clone(*a.lineList.Load()) {
		want := c.Line(u.cfg.N)
		switch {
		case want != nil && reflect.DeepEqual(want, u.cfg):
		case u.line.Snapshot().Calls > 0:
			stale = true
		default:
			a.removeLine(u)
		}
	}
	for _, l := range c.Lines {
		if a.unit(l.N) == nil {
			a.addLine(l)
		}
	}
	for _, u := range slices.Clone(*a.portList.Load()) {
		want := c.Port(u.cfg.N)
		same := want != nil && reflect.DeepEqual(*want, u.cfg) && a.sameBehaviour(u) && !u.lacksDriver()
		switch {
		case same:
		case u.port != nil && u.port.Snapshot().Call != "":
			stale = true
		default:
			u.stop()
			a.setPorts(slices.DeleteFunc(slices.Clone(*a.portList.Load()), func(x *portUnit) bool { return x == u }))
		}
	}
	for _, p := range c.Ports {
		if a.port(p.N) == nil {
			a.addPort(p)
		}
	}
	a.stale.Store(stale)
}

// sameBehaviour reports that what a port takes from elsewhere than its section, the
// country and its line, is as it was when it was made.
func (a *Agent) sameBehaviour(u *portUnit) bool {
	want, err := a.portConfig(u.cfg)
	return err != nil || reflect.DeepEqual(want, u.made)
}

func (a *Agent) removeLine(u *lineUnit) {
	a.setLines(slices.DeleteFunc(slices.Clone(*a.lineList.Load()), func(x *lineUnit) bool { return x == u }))
	u.stop(a.ctx)
}

// restartSIP takes all lines and sockets down and up again, for new ports or timers.
func (a *Agent) restartSIP() {
	for _, u := range slices.Clone(*a.lineList.Load()) {
		a.removeLine(u)
	}
	// What opens the ports may be waiting for the lock to start the lines.
	a.mu.Unlock()
	err := a.closeSIP()
	a.mu.Lock()
	if err != nil {
		a.log.Warn("SIP ports not closed in good order", "err", err)
	}
	a.startSIP(a.ctx)
}

// callEnded brings in a change of configuration that waited for a call.
func (a *Agent) callEnded() {
	if !a.stale.Load() || a.ctx == nil {
		return
	}
	a.goWork(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.ctx.Err() == nil {
			a.reconcile()
		}
	})
}

// startSIP makes what all lines share and opens its ports in the background.
func (a *Agent) startSIP(ctx context.Context) {
	a.sip.Store(a.newSIP(a.config()))
	s := a.sip.Load()
	ctx, s.cancel = context.WithCancel(ctx)
	s.work.Add(2)
	go func() {
		defer s.work.Done()
		s.monitor.Run(ctx)
	}()
	go func() {
		defer s.work.Done()
		a.bringUp(ctx, s)
	}()
}

// closeSIP ends what startSIP began.
func (a *Agent) closeSIP() error {
	s := a.sip.Load()
	s.cancel()
	s.work.Wait()
	if layer := s.layer.Load(); layer != nil {
		return layer.Close()
	}
	return nil
}
