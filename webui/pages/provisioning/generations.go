package provisioning

import (
	"context"
	"net/http"
	"strconv"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

func (p page) generations(w http.ResponseWriter, r *http.Request) {
	var all []api.Generation
	var s api.Status
	if !p.Get(w, r, "/api/v1/config/generations", &all) || !p.Get(w, r, "/api/v1/status", &s) {
		return
	}
	v := p.view(r, words.T(r.Context(), "Generations"), words.T(r.Context(), "What is in force, and what was. Each change of the settings makes a generation, which is on trial until a line has registered with it, if it concerns the lines."))
	v.Up = frame.Link{Href: path, Text: words.T(r.Context(), "Provisioning")}
	p.Show(w, r, http.StatusOK, generationsPage(v, all, s.Provisioning.Trial))
}

// find is the generation of the path; without one it has told the visitor so.
func (p page) find(w http.ResponseWriter, r *http.Request) (g api.Generation, ok bool) {
	var all []api.Generation
	if !p.Get(w, r, "/api/v1/config/generations", &all) {
		return g, false
	}
	name := r.PathValue("n")
	for _, g := range all {
		if strconv.Itoa(g.Generation) == name {
			return g, true
		}
	}
	p.Refuse(w, r, &api.Problem{Type: "about:blank", Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: api.Text("there is no generation " + name)})
	return g, false
}

// confirm asks whether a generation is to be gone back to.
func (p page) confirm(w http.ResponseWriter, r *http.Request, status int, problem *api.Problem) {
	g, ok := p.find(w, r)
	if !ok {
		return
	}
	var would api.Proposal
	if !p.Get(w, r, "/api/v1/config/generations/"+strconv.Itoa(g.Generation), &would) {
		return
	}
	v := p.view(r, words.T(r.Context(), "Go back to generation %d?", g.Generation), "")
	v.Up = frame.Link{Href: generationsPath, Text: words.T(r.Context(), "Generations")}
	p.Show(w, r, status, confirmPage(v, g, would, p.names(r), problem))
}

func (p page) rollback(w http.ResponseWriter, r *http.Request) {
	g, ok := p.find(w, r)
	if !ok {
		return
	}
	if reply := p.ask(r, "/api/v1/config/rollback", map[string]int{"generation": g.Generation}); reply.Problem != nil {
		p.confirm(w, r, reply.Status, reply.Problem)
		return
	}
	http.Redirect(w, r, generationsPath, http.StatusSeeOther)
}

var (
	makers = frame.Words{
		{"provision", words.N("Provisioning")}, {"page", words.N("This page, or a program")}, {"file", words.N("An edit of local.ini")},
		{"rollback", words.N("A rollback")}, {"restore", words.N("A backup")}, {"reset", words.N("Installed files alone")},
	}
	verdicts = frame.Words{{"trial", words.N("On trial")}, {"good", words.N("Good")}, {"bad", words.N("Bad")}, {"unproven", words.N("Not proven")}}
)

// mayReturn tells whether a generation can be gone back to.
func mayReturn(g api.Generation) bool { return !g.Running && g.Verdict != "bad" }

// An explanation is what the page about every value is drawn with.
type explanation struct {
	frame.View
	text, source string // the filter
	sources      []frame.Option
	values       []api.Setting
	all          int
}

func (p page) explain(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var all []api.Setting
	if !p.Get(w, r, "/api/v1/config/explain", &all) {
		return
	}
	e := explanation{text: r.URL.Query().Get("q"), source: r.URL.Query().Get("source"), all: len(all)}
	e.View = p.view(r, words.T(ctx, "Every value"), words.T(ctx, "What each setting is, and who says so: the highest layer that has it. Secrets are masked."))
	e.Up = frame.Link{Href: path, Text: words.T(ctx, "Provisioning")}
	e.sources = sourcesOf(ctx, all)
	for _, s := range all {
		if e.shows(s) {
			e.values = append(e.values, s)
		}
	}
	p.Show(w, r, http.StatusOK, explainPage(e))
}

// sourcesOf are the choices of the filter.
func sourcesOf(ctx context.Context, all []api.Setting) []frame.Option {
	list := []frame.Option{{Value: "", Text: words.T(ctx, "All but built-in")}, {Value: "*", Text: words.T(ctx, "All")}}
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s.Source] {
			seen[s.Source] = true
			list = append(list, frame.Option{Value: s.Source, Text: s.Source})
		}
	}
	return list
}
