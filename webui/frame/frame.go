// Package frame is what all pages of the device share: the frame that they are drawn in
// (Layout), the parts they are made of, and the Site, by which they ask the device.
//
// Components are written in templ (*.templ; `make pages` generates the Go of them), which
// escapes by where a text stands. The style sheet and the one script are in webui/static.
package frame

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"tipring/webui/api"
	"tipring/webui/words"
)

// A Site is the interface of one device, as pages ask it: in their visitor's name.
type Site struct {
	API  *api.API
	Zone func() *time.Location // of the times that pages show; nil: the system's
}

// A View is what every page is drawn with.
type View struct {
	Title   string // in the visitor's language
	Path    string // of the page, by which its entry in the menu is marked
	Visitor api.Visitor

	Lead    string          // a sentence under the title
	Up      Link            // to the page above, of a page that is not in the menu
	Actions templ.Component // buttons beside the title

	menu []entry
}

// A Link leads to another page.
type Link struct{ Href, Text string }

// events are those that the visitor may hear of (GET /api/v1/events).
func (v View) events() string {
	if v.Visitor.Role < api.Admin {
		return "line port call fax warning message"
	}
	return "line port call fax provisioning config warning message log"
}

// Spoken has pages speak their visitor's language.
func Spoken(pages []api.Route) []api.Route {
	for i := range pages {
		pages[i].Handle = words.Spoken(pages[i].Handle)
	}
	return pages
}

// View is what a page with this title is drawn with.
func (s *Site) View(r *http.Request, title string) View {
	visitor := api.VisitorOf(r.Context())
	return View{Title: title, Path: r.URL.Path, Visitor: visitor, menu: s.menuOf(visitor)}
}

// Show answers with a page. It is drawn whole before its first octet leaves, so that a
// failure is no half page.
func (s *Site) Show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	var b bytes.Buffer
	ctx := r.Context()
	if s.Zone != nil {
		ctx = inZone(ctx, s.Zone())
	}
	if err := page.Render(ctx, &b); err != nil {
		http.Error(w, "the page could not be drawn: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a visitor who has left misses nothing
}

// Get asks a route for JSON. Without an answer it has told the visitor why.
func (s *Site) Get(w http.ResponseWriter, r *http.Request, path string, into any) bool {
	if err := s.API.Ask(r, api.Question{Path: path}).Into(into); err != nil {
		s.Refuse(w, r, api.ProblemOf(err))
		return false
	}
	return true
}

// Refuse tells on a page why there is nothing else to see. Who has not logged in is shown
// where to.
func (s *Site) Refuse(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	words.Spoken(func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, p) })(w, r)
}

func (s *Site) refuse(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	if p.Status == http.StatusUnauthorized && r.Method == http.MethodGet {
		to := "/login"
		if r.URL.Path != "/" {
			to += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	s.Show(w, r, p.Status, refusal(s.View(r, p.Title), p))
}
