// Package status is the first page: what the device does now.
package status

import (
	"net/http"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{{Method: "GET", Path: "/", For: api.User, Handle: p.get}}
}

type page struct{ *frame.Site }

func (p page) get(w http.ResponseWriter, r *http.Request) {
	var s api.Status
	if p.Get(w, r, "/api/v1/status", &s) {
		p.Show(w, r, http.StatusOK, overview(p.View(r, words.T(r.Context(), "Status")), s))
	}
}
