package agent

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"tipring/internal/config"
	"tipring/internal/config/generations"
	"tipring/provisioning"
)

// openStore opens what the agent keeps of its settings in the state directory.
func (a *Agent) openStore() error {
	store, report, err := generations.Open(a.dir, generations.Options{Now: a.clock.Now, Log: a.log, Check: a.checkContent})
	if err != nil {
		return fmt.Errorf("state directory %s: %w", a.dir, err)
	}
	a.store = store
	a.clock.NotBefore(store.Memory().Clock)
	for _, g := range store.List() {
		a.clock.NotBefore(g.Made)
	}
	for _, line := range report.Lines() {
		a.log.Warn(line)
	}
	if report.Refused != nil {
		a.refused = report.Refused
	}
	a.resumeReset(os.RemoveAll)
	a.resumeSettings()
	if err := provisioning.Started(store, a.log); err != nil {
		a.log.Warn("provisioning memory not written", "err", err)
	}
	return nil
}

// checkContent reports the faults that the layers of a generation have themselves. Those of
// the installed files are not theirs.
func (a *Agent) checkContent(c generations.Content) error {
	installed, err := a.opts.Files.Installed()
	if err != nil {
		return err
	}
	own := a.layersOf(c)
	_, err = config.Load(slices.Concat(installed, own), Checks())
	var faults config.Faults
	if !errors.As(err, &faults) {
		return err
	}
	theirs := slices.DeleteFunc(slices.Clone(faults), func(f config.Fault) bool {
		return !slices.ContainsFunc(own, func(l config.Layer) bool { return l.Name == f.File })
	})
	if len(theirs) == 0 {
		return nil
	}
	return theirs
}

// layersOf are the layers of a generation.
func (a *Agent) layersOf(c generations.Content) []config.Layer {
	return append(slices.Clone(c.Provisioned), config.LocalLayer(config.LocalPath(a.dir), c.Local))
}

// current is the layers of the generation that is current.
func (a *Agent) current() []config.Layer {
	g, _ := a.store.Current()
	return a.layersOf(g.Content)
}
