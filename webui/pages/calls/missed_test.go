package calls

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tipring/webui/api"
	"tipring/webui/pages/fixture"
)

// Missed calls stand before the history until somebody empties their list, and nothing does where
// there are none.
func TestMissedCalls(t *testing.T) {
	const three = `[{"line":2,"number":"601","name":"A <b>","at":"2026-03-01T10:00:00.000Z"},{"line":1,"number":"602","name":null,"at":null},{"line":1,"number":null,"name":null,"at":null}]`
	forgot := false
	h := serve(fixture.New(time.Now()), fixture.User, fixture.Reply("GET", "/api/v1/missed", api.User, three),
		api.Route{Method: "DELETE", Path: "/api/v1/missed", For: api.User, Handle: func(w http.ResponseWriter, _ *http.Request) {
			forgot = true
			w.WriteHeader(http.StatusNoContent)
		}})
	page := do(h, "GET", "/calls").Body.String()
	for _, want := range []string{"Missed calls", ">3<", "A &lt;b&gt; &lt;601&gt;", "602", "Number withheld", `action="/missed"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if w := do(h, "POST", "/missed"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/calls" || !forgot {
		t.Errorf("emptied: %d, %v", w.Code, forgot)
	}
	for name, h := range map[string]http.Handler{
		"none":   serve(fixture.New(time.Now()), fixture.User, fixture.Reply("GET", "/api/v1/missed", api.User, `[]`)),
		"no log": serve(fixture.New(time.Now()), fixture.User),
	} {
		if w := do(h, "GET", "/calls"); w.Code != 200 || strings.Contains(w.Body.String(), "Missed calls") {
			t.Errorf("%s: %d, with a heading", name, w.Code)
		}
	}
}
