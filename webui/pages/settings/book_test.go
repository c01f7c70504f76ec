package settings_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"tipring/internal/config"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/settings"
)

// A book holds a configuration that nothing runs with: an operator's text below a local one.
type book struct {
	api.Settings
	keys  []api.Section
	only  string // the section that Explain tells; empty: all
	file  string
	local []byte
	n     int
}

func (b *book) layers(local []byte) []config.Layer {
	return []config.Layer{config.FileLayer("f.ini", []byte(b.file)), config.LocalLayer("local.ini", local)}
}

func (b *book) edited(edits []api.Edit) ([]byte, *config.Config, error) {
	list := make([]config.Edit, len(edits))
	for i, e := range edits {
		list[i] = config.Edit(e)
	}
	l, err := config.LocalLayer("local.ini", b.local).Edit(list)
	if err != nil {
		return nil, nil, err
	}
	text := config.UnmaskText(l.Text, b.local)
	c, err := config.Load(b.layers(text), config.Checks{})
	return text, c, err
}

func (b *book) now(t testing.TB) *config.Config {
	c, err := config.Load(b.layers(b.local), config.Checks{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *book) Keys() []api.Section { return b.keys }

func (b *book) Explain() []api.Setting {
	c, err := config.Load(b.layers(b.local), config.Checks{})
	if err != nil {
		return nil
	}
	locals := config.LocalsOf(c, b.layers(b.local))
	var list []api.Setting
	for _, e := range c.Explain() {
		if b.only != "" && e.Section != b.only {
			continue
		}
		v := locals.View(e.Section, e.Key)
		s := api.Setting{Section: e.Section, Key: e.Key, Value: e.Value, Source: e.Source, Line: e.Line, Local: v.Own}
		if v.Beneath != nil {
			s.Beneath = &api.Origin{Value: v.Beneath.Value, Source: v.Beneath.Source}
		}
		if v.Locked != config.Unlocked {
			s.Locked = "locked"
		}
		list = append(list, s)
	}
	return list
}

func (b *book) tag() string { return strconv.Itoa(b.n) }

func (b *book) CheckEdits(edits []api.Edit, _ *http.Request) (p api.Proposal, _ error) {
	p.Tag = b.tag()
	_, c, err := b.edited(edits)
	if err != nil {
		p.Faults = faults(err)
		return p, nil
	}
	was, err := config.Load(b.layers(b.local), config.Checks{})
	if err != nil {
		return p, err
	}
	for _, ch := range config.Diff(was, c) {
		out := api.Change{Section: ch.Section, Kind: ch.Kind.String(), Keys: ch.Keys}
		for _, d := range config.Differences(was, c, ch) {
			out.Values = append(out.Values, api.Value{Key: d.Key, From: d.From, To: d.To, Source: d.Source})
		}
		p.Changes = append(p.Changes, out)
	}
	return p, nil
}

func faults(err error) (list []api.Fault) {
	var all config.Faults
	if !errors.As(err, &all) {
		return []api.Fault{{Text: err.Error()}}
	}
	for _, f := range all {
		list = append(list, api.Fault{Section: api.Text(f.Section), Key: api.Text(f.Key), Value: api.Text(f.Value), Wanted: api.Text(f.Wanted), Text: f.String()})
	}
	return list
}

func (b *book) EditLocal(_ context.Context, edits []api.Edit, tag string) (api.Accepted, error) {
	if tag != b.tag() {
		return api.Accepted{}, api.ErrStale
	}
	text, _, err := b.edited(edits)
	if err != nil {
		return api.Accepted{}, &api.FaultError{Faults: faults(err)}
	}
	b.local = text
	b.n++
	return api.Accepted{Generation: b.n}, nil
}

// open makes the pages of a book.
func open(t *testing.T, b *book) func(method, path string, form url.Values) reply {
	t.Helper()
	a := api.New(bare{}, nil, slog.New(slog.DiscardHandler))
	a.HandleSettings(b)
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse)
	a.HandleForms(settings.Form, settings.Routes(site)...)
	return func(method, path string, form url.Values) reply {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		a.Behind(api.Open{}).ServeHTTP(w, r)
		return replyOf(w)
	}
}

// described is the description of the keys as the device tells it.
func described(t *testing.T) (sections []api.Section) {
	t.Helper()
	if err := json.Unmarshal([]byte(start(t, "").get("/api/v1/config/keys").text), &sections); err != nil {
		t.Fatal(err)
	}
	return sections
}
