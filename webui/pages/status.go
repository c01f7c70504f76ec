package pages

import (
	"net/http"

	"tipring/webui/api"
	"tipring/webui/words"
)

func (p *Pages) statusRoutes() []api.Route {
	return []api.Route{{Method: "GET", Path: "/", For: api.User, Handle: p.getStatus}}
}

func (p *Pages) getStatus(w http.ResponseWriter, r *http.Request) {
	var s api.Status
	if p.get(w, r, "/api/v1/status", &s) {
		p.show(w, r, http.StatusOK, statusPage(p.view(r, words.T(r.Context(), "Status")), s))
	}
}
