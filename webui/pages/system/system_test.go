package system

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

// A bench is a device with these pages, which notes what its routes are asked for.
type bench struct {
	*api.API
	asked []string
}

func newBench() *bench {
	d := fixture.New(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	b := &bench{API: api.New(d, nil, slog.New(slog.DiscardHandler))}
	for _, r := range fixture.Replies(d) {
		if r.Path == "/api/v1/log" {
			answer := r.Handle
			r.Handle = func(w http.ResponseWriter, r *http.Request) {
				b.asked = append(b.asked, r.URL.RawQuery)
				if r.FormValue("level") == "loud" {
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(422)
					_, _ = w.Write([]byte(`{"status":422,"detail":"level is not one"}`))
					return
				}
				answer(w, r)
			}
		}
		b.Handle(r)
	}
	note := func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		b.asked = append(b.asked, r.URL.Path+" "+string(body[:n]))
		w.WriteHeader(http.StatusAccepted)
	}
	b.Handle(api.Route{Method: "POST", Path: "/api/v1/restart", For: api.Admin, Handle: note}, api.Route{Method: "POST", Path: "/api/v1/factory-reset", For: api.Admin, Handle: note})
	site := &frame.Site{API: b.API}
	b.HandlePages(site.Refuse, Routes(site)...)
	return b
}

func (b *bench) open(gate api.Gate, method, path string, form url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.Behind(gate).ServeHTTP(w, fixture.Form(method, path, form))
	return w
}

func TestOverview(t *testing.T) {
	b := newBench()
	w := b.open(fixture.Admin, "GET", "/system", nil)
	for _, want := range []string{"11.0 MiB", "64.0 MiB of 128.0 MiB", "20.0 MiB of 32.0 MiB", "Europe/Berlin", "192.0.2.10/24", "1 d 2:03:04", `href="/system/log"`, `href="/system/users"`, `href="/system/backup"`, `href="/system/restart"`, `href="/system/reset"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the overview lacks %s", want)
		}
	}
	w = b.open(fixture.User, "GET", "/system", nil)
	if got := w.Body.String(); w.Code != 200 || strings.Contains(got, "/system/restart") || strings.Contains(got, "/system/log") {
		t.Errorf("for a user: %d", w.Code)
	}
}

// Nothing happens by looking, and each thing is told before it is done.
func TestDeeds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		says   string // before it is done
		form   url.Values
		status int
		asked  string
		then   string // Location or Refresh
	}{
		{"restart", "logs in again", nil, 200, "/api/v1/restart ", "8; url=/system"},
		{"restart", "", url.Values{"now": {"1"}}, 200, `/api/v1/restart {"now":true}`, "8; url=/system"},
		{"reset", "faxes, missed calls and messages", nil, 200, "/api/v1/factory-reset ", "8; url=/login"},
		{"drain", "", nil, 303, "", "/system"},
		{"resume", "", nil, 303, "", "/system"},
	} {
		b := newBench()
		w := b.open(fixture.Admin, "GET", "/system/"+tt.name, nil)
		if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, "What will happen") || !strings.Contains(got, tt.says) || !strings.Contains(got, `action="/system/`+tt.name+`"`) || len(b.asked) != 0 {
			t.Errorf("%s: asked %q, %d", tt.name, b.asked, w.Code)
		}
		w = b.open(fixture.Admin, "POST", "/system/"+tt.name, tt.form)
		if got := strings.Join(b.asked, "\n"); w.Code != tt.status || got != tt.asked {
			t.Errorf("%s: %d, asked %q, want %d, %q", tt.name, w.Code, got, tt.status, tt.asked)
		}
		if got := w.Header().Get("Location") + w.Header().Get("Refresh"); got != tt.then {
			t.Errorf("%s: then %q, want %q", tt.name, got, tt.then)
		}
		for _, method := range []string{"GET", "POST"} {
			if w := b.open(fixture.User, method, "/system/"+tt.name, tt.form); w.Code != 403 || len(b.asked) > 1 {
				t.Errorf("%s by a user: %d", tt.name, w.Code)
			}
		}
	}
}

// The log can be filtered without the script; with it, all of it is live.
func TestLog(t *testing.T) {
	b := newBench()
	w := b.open(fixture.Admin, "GET", "/system/log", nil)
	got := w.Body.String()
	if first, second := strings.Index(got, "line &lt;b&gt;lost"), strings.Index(got, ">registered<"); w.Code != 200 || first < 0 || second < first {
		t.Errorf("%d, newest at %d, older at %d", w.Code, first, second)
	}
	if !strings.Contains(got, `data-list="log"`) || !strings.Contains(got, `data-live="log/8"`) || !strings.Contains(got, `err=&#34;no answer&#34;`) {
		t.Error("the log is not live")
	}
	if !strings.Contains(got, `data-time="time" data-clock datetime=`) {
		t.Error("the log shows no clock")
	}
	w = b.open(fixture.Admin, "GET", "/system/log?level=warn&q=a%26b", nil)
	if got := w.Body.String(); w.Code != 200 || strings.Contains(got, `data-list="log"`) || !strings.Contains(got, `value="a&amp;b"`) || !strings.Contains(got, `value="warn" selected`) {
		t.Errorf("filtered: %d", w.Code)
	}
	if got := b.asked[len(b.asked)-1]; got != "level=warn&limit=200&q=a%26b" {
		t.Errorf("asked for %s", got)
	}
	if w = b.open(fixture.Admin, "GET", "/system/log?level=loud", nil); w.Code != 422 || !strings.Contains(w.Body.String(), "level is not one") {
		t.Errorf("a level that is none: %d", w.Code)
	}
	if w = b.open(fixture.User, "GET", "/system/log", nil); w.Code != 403 {
		t.Errorf("for a user: %d", w.Code)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{-1: "", 0: "", 512: "512 B", 2048: "2.0 KiB", 3 << 20: "3.0 MiB", 5 << 30: "5.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
