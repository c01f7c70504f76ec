package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tipring/provisioning"
	"tipring/webui/api"
)

// errEnding refuses to take calls again, or other settings, when the process is to end.
var errEnding = fmt.Errorf("the agent is ending: %w: %w", api.ErrConflict, provisioning.ErrEnded)

// Drain refuses new calls and lets the running ones end; resume takes calls again.
func (a *Agent) Drain(resume bool) error {
	if resume && a.ending.Load() {
		return errEnding
	}
	if a.draining.Swap(!resume) == !resume {
		return nil
	}
	a.pauseFaxes(!resume)
	a.events.Changed(api.OnWarning, "")
	a.log.Info("draining", "on", !resume, "calls", a.calls.count())
	return nil
}

// Stop drains and then lets Run end: once no call is left, or after drain_s.
func (a *Agent) Stop() {
	if a.ending.Swap(true) {
		return
	}
	_ = a.Drain(false) // draining is never refused
	limit := time.Duration(a.config().Device.DrainS) * time.Second
	a.goWork(func() {
		ctx, cancel := context.WithTimeout(a.ctx, limit)
		defer cancel()
		a.awaitFaxes(ctx)
		a.calls.wait(ctx)
		a.awaitMachines(ctx)
		if n := a.calls.count(); n > 0 {
			a.log.Warn("drain ended with calls running", "calls", n, "drain_s", a.config().Device.DrainS)
		}
		a.drainOnce.Do(func() { close(a.drained) })
	})
}

// machineLook is how often a device that ends looks whether machines are done.
const machineLook = 200 * time.Millisecond

// awaitMachines returns when no fax passes between a machine and the store, or ctx is done: such
// a fax has no call, or no more.
func (a *Agent) awaitMachines(ctx context.Context) {
	look := time.NewTicker(machineLook)
	defer look.Stop()
	for a.machinesFax() {
		select {
		case <-look.C:
		case <-ctx.Done():
			a.log.Warn("drain ended with a machine's fax running", "drain_s", a.config().Device.DrainS)
			return
		}
	}
}

func (a *Agent) machinesFax() bool {
	return a.calls.count() > 0 || slices.ContainsFunc(*a.portList.Load(), func(u *portUnit) bool {
		return u.port != nil && u.port.Snapshot().Fax.State != ""
	})
}

// Kill ends a device that is being stopped at once: nobody is told, nothing is waited for.
func (a *Agent) Kill() {
	a.kill()
	a.drainOnce.Do(func() { close(a.drained) })
}
