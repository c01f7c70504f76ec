// Package calls is the pages of calls: the running ones, the last ones, and one of them
// with the messages that were exchanged for it.
package calls

import (
	"net/http"
	"net/url"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// Routes are those of the pages.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: "/calls", For: api.User, Handle: p.list},
		{Method: "GET", Path: "/calls/{id}", For: api.User, Handle: p.one},
		{Method: "POST", Path: "/calls/{id}", For: api.User, Handle: p.hangUp},
		{Method: "GET", Path: "/missed", For: api.User, Handle: p.list},
		{Method: "POST", Path: "/missed", For: api.User, Handle: p.forget},
		{Method: "GET", Path: "/line/{n}/messages", For: api.Admin, Handle: p.registrations},
	}
}

type page struct{ *frame.Site }

func (p page) list(w http.ResponseWriter, r *http.Request) {
	var all []api.Call
	if !p.Get(w, r, "/api/v1/calls", &all) {
		return
	}
	running, ended := Split(all)
	v := p.View(r, words.T(r.Context(), "Calls"))
	v.Lead = words.T(r.Context(), "What is being said now, and the last calls.")
	p.Show(w, r, http.StatusOK, listPage(v, running, ended, p.missed(r)))
}

// Split parts the running calls from the ended ones.
func Split(all []api.Call) (running, ended []api.Call) {
	for _, c := range all {
		if c.State == "ended" {
			ended = append(ended, c)
		} else {
			running = append(running, c)
		}
	}
	return running, ended
}

func (p page) one(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, nil) }

// show draws the page of a call, with what was wrong with what was asked for, if anything.
func (p page) show(w http.ResponseWriter, r *http.Request, status int, wrong *api.Problem) {
	path := "/api/v1/calls/" + url.PathEscape(r.PathValue("id"))
	var c api.Call
	if !p.Get(w, r, path, &c) {
		return
	}
	// Who may not see the messages, and where there are none, sees the call without them.
	l := new(ladder)
	if err := p.API.Ask(r, api.Question{Path: path + "/ladder"}).Into(l); err != nil {
		l = nil
	}
	v := p.View(r, words.T(r.Context(), "Call with %s", peer(r.Context(), c)))
	v.Up = frame.Link{Href: "/calls", Text: words.T(r.Context(), "Calls")}
	p.Show(w, r, status, onePage(v, c, l, wrong))
}

// hangUp ends a call.
func (p page) hangUp(w http.ResponseWriter, r *http.Request) {
	id := url.PathEscape(r.PathValue("id"))
	if reply := p.API.Ask(r, api.Question{Method: http.MethodDelete, Path: "/api/v1/calls/" + id}); reply.Problem != nil {
		p.show(w, r, reply.Status, reply.Problem)
		return
	}
	http.Redirect(w, r, "/calls/"+id, http.StatusSeeOther)
}

// registrations shows how a line registered the last times.
func (p page) registrations(w http.ResponseWriter, r *http.Request) {
	n := r.PathValue("n")
	l := new(ladder)
	if !p.Get(w, r, "/api/v1/lines/"+url.PathEscape(n)+"/ladder", l) {
		return
	}
	v := p.View(r, words.T(r.Context(), "Registrations of line %s", n))
	v.Lead = words.T(r.Context(), "The last messages by which the line registered, or tried to.")
	v.Up = frame.Link{Href: "/", Text: words.T(r.Context(), "Status")}
	p.Show(w, r, http.StatusOK, registrationsPage(v, l))
}
