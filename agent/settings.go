package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"tipring/internal/config"
	"tipring/internal/config/generations"
	"tipring/provisioning"
	"tipring/webui/api"
)

// settings is what the HTTP interface shows and changes of the configuration.
type settings struct{ a *Agent }

func (s settings) Provision(ctx context.Context) (int, error) {
	n, err := s.a.keeper.Ask(ctx)
	return n, unavailable(err)
}

func (s settings) TryProvision(ctx context.Context) (api.Proposal, error) {
	found, err := s.a.keeper.Try(ctx)
	if err != nil {
		return api.Proposal{}, fmt.Errorf("%w: %w", err, api.ErrConflict)
	}
	g, _ := s.a.store.Current()
	p := s.propose(found.Layers, g.Local, nil)
	p.Tag = tagOf(g.N, g.Local)
	p.Source, p.URL = api.Text(found.Source), api.Text(found.URL)
	p.NotUnderstood = notUnderstood(found.Notes)
	return p, nil
}

// propose tells what layers would change, for whoever sent the request by; nil: nobody whom that
// could shut out.
func (s settings) propose(provisioned []config.Layer, local []byte, by *http.Request) (p api.Proposal) {
	c, err := settler(s).Check(provisioned, local)
	if err != nil {
		p.Faults = faultsOf(err)
		return p
	}
	for _, ch := range config.Diff(s.a.config(), c) {
		p.Changes = append(p.Changes, s.change(c, ch))
	}
	for _, w := range c.Warnings {
		p.Warnings = append(p.Warnings, faultOf(w))
	}
	if by != nil {
		p.Warnings = append(p.Warnings, s.a.shutsOut(c.Web, by)...)
	}
	return p
}

func (s settings) Local() ([]byte, string) {
	g, _ := s.a.store.Current()
	return config.MaskText(g.Local), tagOf(g.N, g.Local)
}

// tagOf changes whenever the local layer does. It says nothing about the secrets in it,
// whose digest somebody could try words against: a change of a secret is a generation.
func tagOf(n int, local []byte) string {
	sum := sha256.Sum256(config.MaskText(local))
	return fmt.Sprintf("%d-%s", n, hex.EncodeToString(sum[:6]))
}

// CheckLocal tells what a local layer would change.
func (s settings) CheckLocal(text []byte, by *http.Request) (api.Proposal, error) {
	g, _ := s.a.store.Current()
	p := s.propose(g.Provisioned, config.UnmaskText(text, g.Local), by)
	p.Tag = tagOf(g.N, g.Local)
	return p, nil
}

func (s settings) SetLocal(ctx context.Context, text []byte, tag string) (api.Accepted, error) {
	return s.setLocal(ctx, tag, func(old []byte) ([]byte, error) { return config.UnmaskText(text, old), nil })
}

// setLocal puts in force what edit makes of the local layer.
func (s settings) setLocal(ctx context.Context, tag string, edit func(old []byte) ([]byte, error)) (api.Accepted, error) {
	if s.a.ending.Load() {
		return api.Accepted{}, errEnding
	}
	n, err := s.a.keeper.SetLocal(ctx, func(g generations.Generation) ([]byte, error) {
		if now := tagOf(g.N, g.Local); tag != "" && tag != now {
			return nil, fmt.Errorf("the settings are those of %q and not of %q: %w", now, tag, api.ErrStale)
		}
		return edit(g.Local)
	})
	return s.accepted(n, err)
}

func (s settings) accepted(n int, err error) (api.Accepted, error) {
	if err != nil {
		if list := faultsOf(err); list != nil {
			return api.Accepted{}, &api.FaultError{Faults: list}
		}
		return api.Accepted{}, unavailable(err)
	}
	return api.Accepted{Generation: n, Trial: trialOf(s.a.keeper.Status())}, nil
}

func (s settings) Explain() []api.Setting {
	c := s.a.config()
	entries, locals := c.Explain(), s.locals(c)
	list := make([]api.Setting, len(entries))
	for i, e := range entries {
		list[i] = api.Setting{Section: e.Section, Key: e.Key, Value: e.Value, Source: e.Source, Line: e.Line}
		view := locals.View(e.Section, e.Key)
		list[i].Local, list[i].Locked = view.Own, locks[view.Locked]
		if b := view.Beneath; b != nil {
			list[i].Beneath = &api.Origin{Value: b.Value, Source: b.Source, Line: lineOf(b.Line)}
		}
	}
	return list
}

func (s settings) Generations() []api.Generation {
	now, _ := s.a.store.Current()
	var list []api.Generation
	for _, g := range s.a.store.List() {
		list = append(list, api.Generation{Generation: g.N, Made: api.At(g.Made), By: g.By, Verdict: string(g.Verdict), Running: g.N == now.N})
	}
	return list
}

// CheckGeneration tells what going back to a generation would change.
func (s settings) CheckGeneration(n int, by *http.Request) (api.Proposal, error) {
	g, err := s.a.store.Load(n)
	switch {
	case errors.Is(err, generations.ErrNone):
		return api.Proposal{}, fmt.Errorf("generation %d: %w", n, api.ErrNotFound)
	case errors.Is(err, generations.ErrClosed):
		return api.Proposal{}, unavailable(err)
	case err != nil:
		return api.Proposal{}, fmt.Errorf("%w: %w", err, api.ErrConflict)
	}
	return s.propose(g.Provisioned, g.Local, by), nil
}

func (s settings) Rollback(ctx context.Context, from, n int) (api.Accepted, error) {
	n, err := s.a.keeper.Rollback(ctx, from, n)
	if errors.Is(err, provisioning.ErrMovedOn) {
		return api.Accepted{}, fmt.Errorf("%w: %w", err, api.ErrStale)
	}
	return s.accepted(n, conflict(err, provisioning.ErrNoGeneration, generations.ErrBroken, generations.ErrNewer))
}

// conflict is an error that somebody who asks for something else would not meet, if it is one of
// those.
func conflict(err error, those ...error) error {
	if slices.ContainsFunc(those, func(x error) bool { return errors.Is(err, x) }) {
		return fmt.Errorf("%w: %w", err, api.ErrConflict)
	}
	return err
}

// unavailable is an error of a Keeper that has not begun, or of an agent that has ended.
func unavailable(err error) error {
	if errors.Is(err, provisioning.ErrEnded) || errors.Is(err, generations.ErrClosed) {
		return fmt.Errorf("%w: %w", err, api.ErrUnavailable)
	}
	return err
}

// faultsOf are the faults that an error consists of; nil when it is another one.
func faultsOf(err error) []api.Fault {
	var faults config.Faults
	if !errors.As(err, &faults) {
		return nil
	}
	list := make([]api.Fault, len(faults))
	for i, f := range faults {
		list[i] = faultOf(f)
	}
	return list
}

func faultOf(f config.Fault) api.Fault {
	out := api.Fault{File: api.Text(f.File), Section: api.Text(f.Section), Key: api.Text(f.Key), Value: api.Text(f.Value), Wanted: api.Text(f.Wanted), Text: f.String()}
	if f.Line != 0 {
		out.Line = api.Number(f.Line)
	}
	return out
}

// showProvisioning is the part of /status about the settings.
func (a *Agent) showProvisioning() api.Provisioning {
	st := a.keeper.Status()
	p := api.Provisioning{
		State: st.State.String(), Attempt: st.Attempt, Finished: st.Finished, AccountState: api.Text(st.AccountState.String()),
		Source: api.Text(st.Source), URL: api.Text(st.URL), Last: api.At(st.Last), Next: api.At(st.Next), Error: api.Text(st.Err),
		Trial: trialOf(st), NotUnderstood: notUnderstood(st.Notes),
	}
	for _, s := range st.Asked {
		p.Sources = append(p.Sources, api.Source{Name: s.Name, Result: s.Result.String(), Text: api.Text(s.Text)})
	}
	if st.Generation != 0 {
		p.Generation = api.Number(st.Generation)
	}
	return p
}

func trialOf(st provisioning.Status) *api.Trial {
	if st.Trial == nil {
		return nil
	}
	return &api.Trial{Generation: st.Trial.Generation, State: st.Trial.State.String(), Until: api.At(st.Trial.Until)}
}

func notUnderstood(notes []provisioning.NotUnderstood) []api.NotUnderstood {
	var list []api.NotUnderstood
	for _, n := range notes {
		out := api.NotUnderstood{Source: n.Source, Text: n.Text}
		if n.Line != 0 {
			out.Line = api.Number(n.Line)
		}
		list = append(list, out)
	}
	return list
}
