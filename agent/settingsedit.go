package agent

import (
	"context"
	"net/http"

	"tipring/internal/config"
	"tipring/internal/config/generations"
	"tipring/webui/api"
)

// CheckEdits tells what edits of the local layer would change.
func (s settings) CheckEdits(edits []api.Edit, by *http.Request) (api.Proposal, error) {
	g, _ := s.a.store.Current()
	var p api.Proposal
	if local, err := s.edited(g.Local, edits); err != nil {
		p.Faults = faultsOf(err)
	} else {
		p = s.propose(g.Provisioned, local, by)
	}
	p.Tag = tagOf(g.N, g.Local)
	return p, nil
}

func (s settings) EditLocal(ctx context.Context, edits []api.Edit, tag string) (api.Accepted, error) {
	return s.setLocal(ctx, tag, func(old []byte) ([]byte, error) { return s.edited(old, edits) })
}

// edited is the local layer with edits in it. A value that is the mask of a secret there
// keeps the secret.
func (s settings) edited(old []byte, edits []api.Edit) ([]byte, error) {
	list := make([]config.Edit, len(edits))
	for i, e := range edits {
		list[i] = config.Edit(e)
	}
	l, err := config.LocalLayer(config.LocalPath(s.a.dir), old).Edit(list)
	if err != nil {
		return nil, err
	}
	return config.UnmaskText(l.Text, old), nil
}

// change is a section that differs in c, with its values and what that disturbs.
func (s settings) change(c *config.Config, ch config.Change) api.Change {
	now := s.a.config()
	out := api.Change{Section: ch.Section, Kind: ch.Kind.String(), Keys: ch.Keys, Disturbs: s.a.disturbs(c, ch)}
	for _, d := range config.Differences(now, c, ch) {
		out.Values = append(out.Values, api.Value{Key: d.Key, From: d.From, To: d.To, Source: d.Source, Line: lineOf(d.Line)})
	}
	return out
}

func lineOf(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// locals tells what the local layer has to do with the values of the configuration in force.
func (s settings) locals(c *config.Config) config.Locals {
	g, _ := s.a.store.Current()
	b, err := s.a.asUsable(s.a.layersOf(generations.Content{Provisioned: g.Provisioned, Local: g.Local}))
	if err != nil {
		b.layers = s.a.layersOf(g.Content)
	}
	return config.LocalsOf(c, b.layers)
}

// locks say why a local value does not hold.
var locks = map[config.Lock]api.Text{
	config.LockedByScope: "only the factory's or the operator's file may set this",
	config.LockedByOrder: "provisioned values win over local ones on this device",
}
