// Package system is the page of the device as a machine: its time, its network, what it has
// left; its log; and what ends or empties it, each behind a page that says what will happen.
package system

import (
	"net/http"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

const path = "/system"

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	routes := []api.Route{
		{Method: "GET", Path: path, For: api.User, Handle: p.overview},
		{Method: "GET", Path: path + "/log", For: api.Admin, Handle: p.log},
	}
	for _, d := range deeds {
		routes = append(routes,
			api.Route{Method: "GET", Path: path + "/" + d.name, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.ask(w, r, d, http.StatusOK, nil) }},
			api.Route{Method: "POST", Path: path + "/" + d.name, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) { p.do(w, r, d) }})
	}
	return routes
}

type page struct{ *frame.Site }

// A sight is what the overview is drawn with.
type sight struct {
	frame.View
	api.Machine
	status api.Status
	admin  bool
}

func (p page) overview(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s := sight{View: p.View(r, words.T(ctx, "System")), admin: api.VisitorOf(ctx).Role >= api.Admin}
	if p.Get(w, r, "/api/v1/system", &s.Machine) && p.Get(w, r, "/api/v1/status", &s.status) {
		p.Show(w, r, http.StatusOK, whole(s))
	}
}

// up leads to the page above.
func up(r *http.Request) frame.Link {
	return frame.Link{Href: path, Text: words.T(r.Context(), "System")}
}
