package agent

import (
	"slices"

	"tipring/agent/call"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/registrar"
)

// emergencyLines are the lines that an emergency call of a port may take: those that are registered
// first, and of these and of the others the port's own.
func (a *Agent) emergencyLines(own int) (list []*lines.Line) {
	units := slices.DeleteFunc(slices.Clone(*a.lineList.Load()), func(u *lineUnit) bool { return !u.running() || !u.cfg.Enabled })
	rank := func(u *lineUnit) (n int) {
		if u.line.Snapshot().State != registrar.Registered {
			n = 2
		}
		if u.cfg.N != own {
			n++
		}
		return n
	}
	slices.SortStableFunc(units, func(x, y *lineUnit) int { return rank(x) - rank(y) })
	for _, u := range units {
		list = append(list, u.line)
	}
	return list
}

// isEmergency reports a number that a port takes for one of an emergency.
func (a *Agent) isEmergency(port int, number string) bool {
	u := a.port(port)
	return u != nil && u.plan != nil && u.plan.Emergency(number)
}

// planOf is the dial plan of a port: its own, or the one of ports without.
func planOf(cfg call.Config) (*fxs.Plan, error) {
	if cfg.Plan != nil {
		return cfg.Plan, nil
	}
	return fxs.DefaultPlan(cfg.Country)
}
