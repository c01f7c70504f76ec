package pages

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/webui/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A knownAs is a gate that takes everybody for one visitor.
type knownAs api.Visitor

func (k knownAs) Visitor(*http.Request) (api.Visitor, *api.Problem) { return api.Visitor(k), nil }

var (
	nobody = knownAs{}
	admin  = knownAs{Name: "admin", Role: api.Admin, Via: "session"}
	now    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// A device shows one line; what it is not asked for here it does not have.
type device struct{ api.Device }

func (device) Status() api.Status {
	return api.Status{Version: "1.0", Lines: []api.Line{{Line: 1, State: "registered", Why: `On the backup <b>"now"</b>.`}}}
}

func (device) Calls() []api.Call { return nil }

// open asks a device's pages for one.
func open(gate api.Gate, method, path string) *httptest.ResponseRecorder {
	a := api.New(device{}, nil, slog.New(slog.DiscardHandler))
	Add(a, nil)
	w := httptest.NewRecorder()
	a.Behind(gate).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestStatusPage(t *testing.T) {
	w := open(admin, "GET", "/")
	if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, `On the backup &lt;b&gt;&#34;now&#34;&lt;/b&gt;.`) {
		t.Errorf("%d %s", w.Code, got)
	}
}

// Who has not logged in is shown where to, and sees nothing else.
func TestWithoutALogin(t *testing.T) {
	w := open(nobody, "GET", "/")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/login" || strings.Contains(w.Body.String(), "backup") {
		t.Errorf("%d %q %s", w.Code, got, w.Body)
	}
	if w := open(nobody, "GET", "/login/style.css"); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: %d", w.Code)
	}
}

// A page that is not there says so in words for people.
func TestNoSuchPage(t *testing.T) {
	a := api.New(device{}, nil, slog.New(slog.DiscardHandler))
	Add(a, nil)
	r := httptest.NewRequest("GET", "/nothing", nil)
	r.Header.Set("Accept", "text/html,*/*")
	w := httptest.NewRecorder()
	a.Behind(admin).ServeHTTP(w, r)
	if w.Code != 404 || !strings.Contains(w.Body.String(), "there is no /nothing") || !strings.Contains(w.Body.String(), "<h1>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
