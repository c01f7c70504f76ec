// Package status is the first page: what the device does now, and what it wants done.
package status

import (
	"net/http"
	"net/url"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/calls"
	"tipring/webui/words"
)

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: "/", For: api.User, Handle: p.get},
		{Method: "POST", Path: "/", For: api.Admin, Handle: p.register},
		{Method: "POST", Path: "/messages", For: api.User, Handle: p.forget},
	}
}

type page struct{ *frame.Site }

// A sight is all that the page shows.
type sight struct {
	api.Status
	calls    []api.Call // running ones
	faxes    []fax      // that wait or run
	warnings []api.Warning
	warned   bool // the device tells warnings
	messages []api.Message
	mailed   bool // the device tells messages
	admin    bool
	wrong    *api.Problem // with what was asked for
}

// A fax is one with how far its page is, as text.
type fax struct{ api.Fax }

func (p page) get(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, nil) }

func (p page) show(w http.ResponseWriter, r *http.Request, status int, wrong *api.Problem) {
	s := sight{wrong: wrong, admin: api.VisitorOf(r.Context()).Role >= api.Admin}
	if !p.Get(w, r, "/api/v1/status", &s.Status) {
		return
	}
	var all []api.Call
	if !p.Get(w, r, "/api/v1/calls", &all) {
		return
	}
	s.calls, _ = calls.Split(all)
	// What follows a device may lack, or this visitor may not see.
	var faxes []fax
	p.ask(r, "/api/v1/faxes", &faxes)
	for _, f := range faxes {
		if f.Ended.IsZero() && !f.Over() {
			s.faxes = append(s.faxes, f)
		}
	}
	s.warned = p.ask(r, "/api/v1/warnings", &s.warnings)
	s.mailed = p.ask(r, "/api/v1/messages", &s.messages)
	p.Show(w, r, status, overview(p.View(r, words.T(r.Context(), "Status")), s))
}

func (p page) ask(r *http.Request, path string, into any) bool {
	return p.API.Ask(r, api.Question{Path: path}).Into(into) == nil
}

// register has a line register now.
func (p page) register(w http.ResponseWriter, r *http.Request) {
	path := "/api/v1/lines/" + url.PathEscape(r.PostFormValue("line")) + "/register"
	if reply := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: path}); reply.Problem != nil {
		p.show(w, r, reply.Status, reply.Problem)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// forget deletes a message.
func (p page) forget(w http.ResponseWriter, r *http.Request) {
	path := "/api/v1/messages/" + url.PathEscape(r.PostFormValue("id"))
	if reply := p.API.Ask(r, api.Question{Method: http.MethodDelete, Path: path}); reply.Problem != nil && reply.Status != http.StatusNotFound {
		p.show(w, r, reply.Status, reply.Problem)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// leads is where a title leads, if the visitor may go there: empty when not.
func (s sight) leads(path string) string {
	if s.admin {
		return path
	}
	return ""
}
