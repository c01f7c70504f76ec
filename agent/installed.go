package agent

import (
	"slices"

	"tipring/internal/config"
)

// A basis is what a configuration is made of.
type basis struct {
	layers    []config.Layer
	installed []config.Layer // of them, those of the installed files
	refused   error          // faults of the installed files, for which those that loaded last stand in; nil: none
}

// asInstalled is the installed files, read anew, below the layers of a generation.
func (a *Agent) asInstalled(own []config.Layer) (basis, error) {
	installed, err := a.opts.Files.Installed()
	return basis{layers: slices.Concat(installed, own), installed: installed}, err
}

// asUsable is asInstalled, but where that has faults which the installed files that loaded
// last do not have, those stand in.
func (a *Agent) asUsable(own []config.Layer) (basis, error) {
	b, err := a.asInstalled(own)
	if err != nil {
		return b, err
	}
	_, faults := config.Load(b.layers, Checks())
	if faults == nil {
		return b, nil
	}
	kept := basis{installed: a.kept(b.installed), refused: faults}
	if kept.layers = slices.Concat(kept.installed, own); kept.installed == nil {
		return b, nil
	}
	if _, err := config.Load(kept.layers, Checks()); err != nil {
		return b, nil // they have theirs too, or the faults are none of the installed files
	}
	return kept, nil
}

// kept is the copy of the installed files that loaded last; nil: there is none, or one of
// files with other names.
func (a *Agent) kept(installed []config.Layer) []config.Layer {
	kept, err := a.store.Installed()
	if err != nil {
		a.log.Warn("the installed files that loaded last are lost", "err", err)
	}
	for _, l := range kept {
		if !slices.ContainsFunc(installed, func(now config.Layer) bool { return now.Rank == l.Rank && now.Name == l.Name }) {
			return nil
		}
	}
	return kept
}

// keep takes note that a basis is in force: what of it loaded from the installed files is
// kept for the start at which they have faults.
func (a *Agent) keep(b basis) {
	if b.refused != nil {
		a.log.Warn("the installed files have faults: those that loaded last are in force")
		return
	}
	if err := a.store.KeepInstalled(b.installed); err != nil {
		a.log.Warn("no copy of the installed files is kept", "err", err)
	}
}
