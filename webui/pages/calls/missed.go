package calls

import (
	"context"
	"net/http"

	"tipring/webui/api"
	"tipring/webui/words"
)

// missed asks for the missed calls; a device without a log of them has none.
func (p page) missed(r *http.Request) (list []api.MissedCall) {
	_ = p.API.Ask(r, api.Question{Path: "/api/v1/missed"}).Into(&list)
	return list
}

// forget empties the log of missed calls.
func (p page) forget(w http.ResponseWriter, r *http.Request) {
	if reply := p.API.Ask(r, api.Question{Method: http.MethodDelete, Path: "/api/v1/missed"}); reply.Problem != nil {
		p.Refuse(w, r, reply.Problem)
		return
	}
	http.Redirect(w, r, "/calls", http.StatusSeeOther)
}

// whoMissed is who called, as far as it is known.
func whoMissed(ctx context.Context, m api.MissedCall) string {
	switch {
	case m.Name != "" && m.Number != "":
		return string(m.Name) + " <" + string(m.Number) + ">"
	case m.Name+m.Number != "":
		return string(m.Name + m.Number)
	}
	return words.T(ctx, "Number withheld")
}
