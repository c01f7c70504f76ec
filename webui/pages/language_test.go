package pages

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tipring/webui/api"
	"tipring/webui/pages/fixture"
	"tipring/webui/words"
	"tipring/webui/words/sentences"
)

// whole is the fixture with its pages.
func whole() *api.API {
	d := fixture.New(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	a := d.API()
	a.Handle(fixture.Replies(d)...)
	Add(a)
	return a
}

// shown are the addresses of pages, with what the fixture has for the names in them.
func shown(a *api.API) (pages, data []string) {
	values := strings.NewReplacer("/calls/{id}", "/calls/c0", "/faxes/{id}", "/faxes/f2", "/fax/{id}", "/fax/f2", "{n}", "1", "{id}", "f2", "{generation}", "7", "{name}", "admin")
	for _, r := range a.Routes() {
		path := values.Replace(r.Path)
		switch {
		case r.Method != "GET" || strings.Contains(path, "{"):
		case strings.HasPrefix(path, "/api/v1/"):
			data = append(data, path)
		case r.For <= api.Scraper && path != "/login" || strings.HasPrefix(path, "/static/") || path == "/api/v1/events":
		default:
			pages = append(pages, path)
		}
	}
	return pages, data
}

// Every visible text is said in the visitor's language, but what the device itself knows.
func TestEverythingIsSaidInTheVisitorsLanguage(t *testing.T) {
	all, err := sentences.All("..")
	if err != nil {
		t.Fatal(err)
	}
	pseudo := sentences.Pseudo(all)
	a := whole()
	pages, paths := shown(a)
	data := append(fixture.Data(a, paths...), "admin", "anna")
	pages = append(pages, "/calls/c1", "/calls/b9", "/calls/nothing")
	for _, gate := range []api.Gate{fixture.Admin, fixture.User, fixture.Nobody} {
		for _, path := range pages {
			r := httptest.NewRequest("GET", path, nil)
			r = r.WithContext(words.With(r.Context(), pseudo))
			w := httptest.NewRecorder()
			a.Behind(gate).ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s: %d %.300s", path, w.Code, w.Body)
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || w.Code >= 300 {
				continue // a refusal says what the interface said
			}
			for _, text := range fixture.Unsaid(w.Body.String(), data) {
				t.Errorf("%s says %q, which no words.T said", path, text)
			}
		}
	}
}
