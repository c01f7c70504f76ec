// Package provisioning is the pages about where the settings come from: how the last look for
// them went, what a look would change, where each value comes from, and what was in force.
package provisioning

import (
	"context"
	"net/http"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/settings"
	"tipring/webui/words"
)

const (
	path            = "/provisioning"
	explainPath     = path + "/explain"
	generationsPath = path + "/generations"
	rollbackPath    = generationsPath + "/{n}/rollback"
)

// Routes are those of the pages.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: path, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, view{}) }},
		{Method: "POST", Path: path, For: api.Admin, Handle: p.look},
		{Method: "GET", Path: explainPath, For: api.Admin, Handle: p.explain},
		{Method: "GET", Path: generationsPath, For: api.Admin, Handle: p.generations},
		{Method: "GET", Path: rollbackPath, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.confirm(w, r, http.StatusOK, nil) }},
		{Method: "POST", Path: rollbackPath, For: api.Admin, Handle: p.rollback},
	}
}

type page struct{ *frame.Site }

// A view is what the page about the state is drawn with.
type view struct {
	frame.View
	now      api.Provisioning
	waiting  []api.Waiting
	sources  []api.Source
	interval string        // seconds between looks, as it is set
	test     *api.Proposal // of a dry run
	names    settings.Names
	problem  *api.Problem
	own      bool // what was taken back was set here
	testing  bool // it is the dry run that went wrong
}

func (p page) view(r *http.Request, title, lead string) frame.View {
	v := p.View(r, title)
	v.Lead = lead
	return v
}

func tabs(ctx context.Context) []frame.Tab {
	return []frame.Tab{
		{Href: path, Text: words.T(ctx, "State")}, {Href: explainPath, Text: words.T(ctx, "Every value")},
		{Href: generationsPath, Text: words.T(ctx, "Generations")}, {Href: path + "/settings", Text: words.T(ctx, "Settings")},
	}
}

// show draws the page about the state.
func (p page) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	var s api.Status
	var values []api.Setting
	if !p.Get(w, r, "/api/v1/status", &s) || !p.Get(w, r, "/api/v1/config/explain", &values) {
		return
	}
	v.now, v.waiting = s.Provisioning, s.Waiting
	if v.now.State == "rolled_back" {
		var all []api.Generation
		if !p.Get(w, r, "/api/v1/config/generations", &all) {
			return
		}
		v.own = api.TakenBack(all)
	}
	if v.names == nil && len(v.waiting) > 0 {
		v.names = p.names(r)
	}
	v.sources, v.interval = ordered(s.Provisioning.Sources, value(values, "order")), value(values, "interval_s")
	v.View = p.view(r, words.T(r.Context(), "Provisioning"), words.T(r.Context(), "Where the settings of this device come from, and how the last fetch went."))
	p.Show(w, r, status, statePage(v))
}

// value is the effective one of a key of [provisioning].
func value(all []api.Setting, key string) string {
	for _, s := range all {
		if s.Section == "provisioning" && s.Key == key {
			return s.Value
		}
	}
	return ""
}

// ordered is the sources as they are to be asked, with what they said last.
func ordered(said []api.Source, order string) []api.Source {
	var all []api.Source
	for name := range strings.SplitSeq(order, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		s := api.Source{Name: name}
		for _, was := range said {
			if was.Name == name {
				s = was
			}
		}
		all = append(all, s)
	}
	return all
}

// look has settings looked for: to be put in force, or to see what would change.
func (p page) look(w http.ResponseWriter, r *http.Request) {
	dry := r.PostFormValue("dry_run") == "1"
	reply := p.ask(r, "/api/v1/provision", map[string]any{"dry_run": dry})
	v := view{problem: reply.Problem, testing: dry}
	switch {
	case reply.Problem != nil:
		p.show(w, r, reply.Status, v)
	case dry:
		if err := reply.Into(&v.test); err != nil {
			v.problem = api.ProblemOf(err)
		}
		v.names = p.names(r)
		p.show(w, r, http.StatusOK, v)
	default:
		http.Redirect(w, r, path, http.StatusSeeOther)
	}
}

// names are what people call the settings; without them they read what files do.
func (p page) names(r *http.Request) (all settings.Names) {
	_ = p.API.Ask(r, api.Question{Path: "/api/v1/config/keys"}).Into(&all)
	return all
}

func (p page) ask(r *http.Request, path string, body any) api.Reply {
	return p.API.Ask(r, api.Question{Method: http.MethodPost, Path: path, JSON: body})
}

// What the sources of settings are called, and what they said.
var (
	sources = frame.Words{{"radius", "RADIUS"}, {"dhcp", "DHCP"}, {"pnp", words.N("SIP plug and play")}, {"static", words.N("Fixed address")}}
	results = frame.Words{
		{"", words.N("Not asked yet")}, {"not_asked", words.N("Not needed")}, {"nothing", words.N("Has nothing")}, {"file", words.N("Names a file")},
		{"settings", words.N("Has settings")}, {"details", words.N("Has details")}, {"failed", words.N("Failed")},
	}
)

// tone is the colour of what a source said.
func tone(result string) string {
	switch result {
	case "file", "settings", "details":
		return "good"
	case "failed":
		return "bad"
	}
	return "idle"
}

// todo says what to do about a look that went wrong.
func todo(ctx context.Context, p api.Provisioning, own bool) string {
	text := string(p.Error)
	has := func(all ...string) bool {
		for _, part := range all {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case p.State == "rolled_back" && own:
		return words.T(ctx, "Correct what was changed here, and apply it again.")
	case p.State == "rolled_back":
		return words.T(ctx, "Correct the settings at their source. They are tried again when they have changed.")
	case p.State == "unproven":
		return words.T(ctx, "Check whether the servers of the lines are up. The settings are judged as soon as one answers.")
	case p.AccountState == "rejected":
		return words.T(ctx, "Have the provider enter this device's MAC address or serial number, which stand on the System page.")
	case has("sent in clear"):
		return words.T(ctx, "Offer the file by https or sealed, or allow secrets in clear in the settings of this part.")
	case has("certificate", "x509"):
		return words.T(ctx, "The server's certificate is not trusted: check the CA file, the server's name and the time of this device.")
	case has("404", "not found", "no such file"):
		return words.T(ctx, "The server has no file of this name: check the address, and the MAC address in it.")
	case has("no answer", "timeout", "refused", "unreachable", "no route"):
		return words.T(ctx, "Check the network and the address of the server. It is tried again by itself.")
	case has("faults"):
		return words.T(ctx, "Correct the file: the test below lists every fault with its line.")
	}
	return words.T(ctx, "It is tried again by itself. The test below shows more.")
}

// testTone and testWord say what came of a test.
func testTone(p *api.Proposal) string {
	switch {
	case len(p.Faults) > 0:
		return "bad"
	case len(p.Warnings)+len(p.NotUnderstood) > 0:
		return "warn"
	}
	return "good"
}

func testWord(ctx context.Context, p *api.Proposal) string {
	switch {
	case len(p.Faults) > 0:
		return words.T(ctx, "Faults")
	case len(p.Warnings)+len(p.NotUnderstood) > 0:
		return words.T(ctx, "With warnings")
	}
	return words.T(ctx, "No faults")
}
