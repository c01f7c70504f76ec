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
			a.inForce(p.Change)
			delete(a.pending, name)
		case reason != p.waits:
			p.waits = reason
			a.log.Info("configuration change waits", "section", name, "kind", p.Kind.String(), "keys", p.Keys, "waiting_for", reason)
		}
	}
	a.showWaiting(w)
}

func (a *Agent) inForce(ch config.Change) {
	a.log.Info("configuration changed", "section", ch.Section, "kind", ch.Kind.String(), "keys", ch.Keys)
}

// showWaiting publishes what waits.
func (a *Agent) showWaiting(w waits) {
	a.waits = w
	list := make([]api.Waiting, 0, len(w))
	for _, name := range slices.Sorted(maps.Keys(w)) {
		list = append(list, api.Waiting{Section: name, For: w[name]})
	}
	a.waiting.Store(&list)
	a.settingsChanged()
}

// forPorts is what a change of [sip] waits for at last: that its ports are free.
const forPorts = "its ports to be opened"

// opened tells that a change of [sip] is in force: its ports are open. The lock is held.
func (a *Agent) opened() {
	if a.opening == nil {
		return
	}
	a.inForce(*a.opening)
	a.opening = nil
	if a.waits["sip"] == forPorts {
		delete(a.waits, "sip")
		a.showWaiting(a.waits)
	}
}
