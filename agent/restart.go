package agent

import (
	"context"
	"fmt"

	"tipring/webui/api"
)

// How an agent's process goes on when its Run has ended.
const (
	isLast     = iota // it ends
	mayRestart        // the same, unless somebody asks for more
	restarting        // a new agent follows
)

// Restart ends the agent as Stop does, or now, hanging up whatever runs, and has a new one follow
// it, which reads all files anew. It does not wait. Only RunWithSignals makes new ones.
func (a *Agent) Restart(now bool) error {
	switch {
	case a.ending.Load() && a.restarts.Load() != restarting:
		return errEnding
	case !a.restarts.CompareAndSwap(mayRestart, restarting) && a.restarts.Load() != restarting:
		return fmt.Errorf("nobody would start this agent again: %w", api.ErrUnavailable)
	}
	a.log.Info("restarting", "now", now, "calls", a.calls.count())
	a.Stop()
	if now {
		a.drainOnce.Do(func() { close(a.drained) })
	}
	return nil
}

// stays says that whoever asked for an end means it, although somebody else may have asked for a
// restart.
func (a *Agent) stays() { a.restarts.Store(isLast) }

// again reports that another agent is to follow this one, whose Run ended with err.
func (a *Agent) again(ctx context.Context, err error) bool {
	if a.restarts.Load() != restarting || ctx.Err() != nil {
		return false
	}
	if err != nil {
		a.log.Warn("ended, but not in good order", "err", err)
	}
	return true
}
