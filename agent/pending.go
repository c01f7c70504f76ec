package agent

import (
	"maps"
	"slices"

	"tipring/internal/config"
	"tipring/webui/api"
)

// A change is what a reload changed in one section and what is not in force yet.
type change struct {
	from *config.Config // the configuration that is in force in the section
	config.Change
	waits string // what for; empty: not known to wait
}

// waits say what the sections of a change wait for, by the section's name.
type waits map[string]string

// add keeps the first reason.
func (w waits) add(sections []string, reason string) {
	for _, s := range sections {
		if w[s] == "" {
			w[s] = reason
		}
	}
}

// noteChanges adds what the present configuration changed to what waits already. What
// was changed back before it came into force is forgotten. content names the keys, by
// section, whose files have changed. The lock is held.
func (a *Agent) noteChanges(before *config.Config, changes []config.Change, content map[string][]string) {
	for _, ch := range changes {
		a.note(ch.Section, before)
	}
	for name := range content {
		a.note(name, before)
	}
	differs := map[*config.Config][]config.Change{before: changes}
	for name, p := range a.pending {
		all, ok := differs[p.from]
		if !ok {
			all = config.Diff(p.from, a.config())
			differs[p.from] = all
		}
		i := slices.IndexFunc(all, func(ch config.Change) bool { return ch.Section == name })
		switch {
		case i >= 0:
			p.Change = all[i]
		case content[name] != nil:
			p.Change = config.Change{Section: name, Kind: config.Changed, Keys: content[name]}
		default:
			delete(a.pending, name)
			a.log.Info("configuration change withdrawn", "section", name)
		}
	}
}

func (a *Agent) note(section string, before *config.Config) {
	if a.pending[section] == nil {
		a.pending[section] = &change{from: before}
	}
}

// settlePending tells which changes are in force now and which wait. The lock is held.
func (a *Agent) settlePending(w waits) {
	for _, name := range slices.Sorted(maps.Keys(a.pending)) {
		p := a.pending[name]
		switch reason := w[name]; {
		case reason == "":
			a.log.Info("configuration changed", "section", name, "kind", p.Kind.String(), "keys", p.Keys)
			delete(a.pending, name)
		case reason != p.waits:
			p.waits = reason
			a.log.Info("configuration change waits", "section", name, "kind", p.Kind.String(), "keys", p.Keys, "waiting_for", reason)
		}
	}
	list := make([]api.Waiting, 0, len(w))
	for _, name := range slices.Sorted(maps.Keys(w)) {
		list = append(list, api.Waiting{Section: name, For: w[name]})
	}
	a.waiting.Store(&list)
}
