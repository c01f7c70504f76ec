package pages_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tipring/webui/api"
	"tipring/webui/pages"
	"tipring/webui/pages/device"
	"tipring/webui/pages/fixture"
	"tipring/webui/words"
	"tipring/webui/words/sentences"
)

const deviceFile = `[sip]
bind = 127.0.0.1
udp_port = 0
tcp_port = 0
tls_port = 0
[provisioning]
order =
[web]
listen =
[sip1]
username = 201
auth_password = secret
[port1]
driver = none
kind = fax
`

// lent are the answers of a real device that the fixture has not: above all its settings'
// description.
func lent(t *testing.T, paths ...string) (routes []api.Route) {
	t.Helper()
	d := device.Start(t, deviceFile)
	for _, path := range paths {
		res, err := d.Client.Get("http://tipring" + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", path, res.StatusCode, err)
		}
		routes = append(routes, fixture.Reply("GET", path, api.Admin, string(text)))
	}
	return routes
}

// shown are the addresses of pages, with what the fixture has for the names in them, and
// those of what they show.
func shown(a *api.API) (pages, data []string) {
	values := strings.NewReplacer("/calls/{id}", "/calls/c0", "/faxes/{id}", "/faxes/f2", "/fax/{id}", "/fax/f2", "/lines/{n}", "/lines/1", "/generations/{n}", "/generations/2", "{n}", "1", "{name}", "admin", "{id}", "t1")
	for _, r := range a.Routes() {
		path := values.Replace(r.Path)
		switch {
		case r.Method != "GET" || strings.Contains(path, "{") || path == "/api/v1/events":
		case strings.HasPrefix(path, "/api/v1/"):
			data = append(data, path)
		case r.For <= api.Scraper && path != "/login" || strings.HasPrefix(path, "/static/"):
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
	d := fixture.New(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	a := d.API()
	a.Handle(fixture.Replies(d)...)
	a.Handle(lent(t, "/api/v1/config/keys", "/api/v1/config/explain", "/api/v1/config/generations", "/api/v1/radius", "/api/v1/users", "/api/v1/tokens")...)
	pages.Add(a, nil)
	paths, shows := shown(a)
	data := append(fixture.Data(a, shows...), "admin", "anna")
	paths = append(paths, "/calls/c1", "/calls/b9", "/calls/nothing")
	for _, gate := range []api.Gate{fixture.Admin, fixture.User, fixture.Nobody} {
		for _, path := range paths {
			r := httptest.NewRequest("GET", path, nil)
			r = r.WithContext(words.With(r.Context(), pseudo))
			w := httptest.NewRecorder()
			a.Behind(gate).ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s: %d %.300s", path, w.Code, w.Body)
			}
			if w.Code >= 300 {
				t.Logf("%s: %d, which says what the interface said", path, w.Code)
				continue
			}
			for _, text := range fixture.Unsaid(w.Body.String(), data) {
				t.Errorf("%s says %q, which no words.T said", path, text)
			}
		}
	}
}
