// Package pages is what people see of the device: HTML made by templ components
// (*.templ; `make pages` generates the Go of them), a style sheet and one script.
//
// The pages know the device only through the HTTP interface that programs use: they ask
// its routes in their visitor's name (api.API.Ask), and their forms end in its routes. So
// what a page can do a program can, and a page may no more than its visitor. Settings are
// shown from their own description (internal/config), so that a new key needs no page.
//
// Everything can be read and set without the script, which keeps a page up to date from
// /api/v1/events. The package keeps no state and starts no goroutine.
package pages

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"tipring/webui/api"
)

// Pages is the pages of one device.
type Pages struct {
	api *api.API
}

// Add adds the pages to the routes of a device, which must all be there by then.
func Add(a *api.API) {
	p := &Pages{a}
	a.HandlePages(p.refuse, slices.Concat(
		p.staticRoutes(),
		p.statusRoutes(),
	)...)
}

// A view is what every page is drawn with.
type view struct {
	Title   string // in the visitor's language
	Path    string // of the page, by which its entry in the menu is marked
	Visitor api.Visitor
}

// view is what a page with this title is drawn with.
func (p *Pages) view(r *http.Request, title string) view {
	return view{Title: title, Path: r.URL.Path, Visitor: api.VisitorOf(r.Context())}
}

// show answers with a page. It is drawn whole before its first octet leaves, so that a
// failure is no half page.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	var b bytes.Buffer
	if err := page.Render(r.Context(), &b); err != nil {
		http.Error(w, "the page could not be drawn: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a visitor who has left misses nothing
}

// get asks a route for JSON. Without an answer it has told the visitor why.
func (p *Pages) get(w http.ResponseWriter, r *http.Request, path string, into any) bool {
	if err := p.api.Ask(r, api.Question{Path: path}).Into(into); err != nil {
		p.refuse(w, r, api.ProblemOf(err))
		return false
	}
	return true
}

// refuse tells on a page why there is nothing else to see. Who has not logged in is shown
// where to.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, problem *api.Problem) {
	if problem.Status == http.StatusUnauthorized && r.Method == http.MethodGet {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	p.show(w, r, problem.Status, refusal(p.view(r, problem.Title), problem))
}
