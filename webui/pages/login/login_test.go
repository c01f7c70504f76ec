package login

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"tipring/webui/access"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

const word, other = "correct horse battery", "another one entirely"

// A porch is a device as somebody finds it who may not be known.
type porch struct {
	t    *testing.T
	desk *access.Desk
	api  *api.API
	jar  map[string]string // cookies that the browser keeps
}

func newPorch(t *testing.T) *porch {
	log := slog.New(slog.DiscardHandler)
	p := &porch{t: t, desk: access.Open(access.Options{Dir: t.TempDir(), Log: log}), jar: map[string]string{}}
	p.api = api.New(nil, nil, log)
	p.api.HandleAccess(p.desk)
	site := &frame.Site{API: p.api}
	p.api.HandlePages(site.Refuse, Routes(site)...)
	return p
}

// Visitor knows sessions by their cookie, as the gate of a listener does.
func (p *porch) Visitor(r *http.Request) (api.Visitor, *api.Problem) {
	if c, err := r.Cookie(api.SessionCookie); err == nil {
		if pass, ok := p.desk.Session(c.Value, true); ok {
			return api.Visitor{Name: pass.Name, Role: api.Admin, Via: "session", Since: pass.ID}, nil
		}
	}
	return api.Visitor{}, nil
}

// send sends a request with the cookies of the browser, which it keeps up to date.
func (p *porch) send(r *http.Request) *httptest.ResponseRecorder {
	p.t.Helper()
	for name, value := range p.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	p.api.Behind(p).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if p.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(p.jar, c.Name)
		}
	}
	for _, secret := range []string{word, other} {
		if strings.Contains(w.Body.String(), secret) {
			p.t.Errorf("%s %s shows a password", r.Method, r.URL)
		}
	}
	return w
}

func (p *porch) get(path string) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.send(httptest.NewRequest("GET", path, nil))
}

// post sends a form of (name, value).
func (p *porch) post(path string, fields ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return p.send(fixture.Form("POST", path, form))
}

// shows fails unless an answer has a status and texts, or leads to the place that is given with ->.
func shows(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("answered %d, want %d: %.300s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			if got := w.Header().Get("Location"); got != to {
				t.Errorf("leads to %q, want %q", got, to)
			}
		} else if !strings.Contains(w.Body.String(), text) {
			t.Errorf("lacks %q: %s", text, w.Body)
		}
	}
}

// From the first visit to the logout.
func TestVisits(t *testing.T) {
	p := newPorch(t)
	code := p.desk.ClaimCode()
	shows(t, p.get("/login"), 200, "Welcome", `name="claim"`, `name="new"`, `name="again"`)
	shows(t, p.post("/login", "claim", code, "new", word, "again", other), 422, "The two passwords are not the same.")
	shows(t, p.post("/login", "claim", "00000000", "new", word, "again", word), 401, `id="claim-error"`)
	shows(t, p.post("/login", "claim", code, "new", "short", "again", "short"), 422, `id="new-error"`)
	if p.desk.Claimed() || len(p.jar) > 0 {
		t.Fatal("a form that was refused has done something")
	}
	shows(t, p.post("/login?next=x", "claim", code, "new", word, "again", word, "next", "/calls?all"), 303, "-> /calls?all")
	shows(t, p.get("/login?next=/fax"), 303, "-> /fax") // he is known
	shows(t, p.post("/logout"), 303, "-> /login")
	if p.jar[api.SessionCookie] != "" || p.jar[api.DeviceCookie] == "" {
		t.Errorf("the browser keeps %v", p.jar)
	}

	w := p.get("/login?next=/system/log%3Fq=x")
	shows(t, w, 200, "Log in", `name="user"`, `name="password"`, `value="/system/log?q=x"`)
	if strings.Contains(w.Body.String(), `name="claim"`) {
		t.Error("the claim code is asked for again")
	}
	shows(t, p.post("/login", "claim", code, "new", other, "again", other), 401) // no second first visit
	shows(t, p.post("/login", "user", "admin", "password", other, "next", "/fax"), 401, `value="admin"`, `value="/fax"`)
	shows(t, p.post("/login", "user", "admin", "password", word), 303, "-> /")
}

// Who guesses is told when to come again.
func TestGuesses(t *testing.T) {
	p := newPorch(t)
	if err := p.desk.Claim(t.Context(), access.Try{From: netip.MustParseAddr("192.0.2.9")}, p.desk.ClaimCode(), word); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		shows(t, p.post("/login", "user", "admin", "password", "wrong"), 401)
	}
	w := p.post("/login", "user", "admin", "password", word)
	shows(t, w, 429)
	if w.Header().Get("Retry-After") == "" {
		t.Error("he is not told when")
	}
}

// A login leads to pages of this device alone.
func TestWhereALoginLeads(t *testing.T) {
	for next, want := range map[string]string{
		"/": "/", "/calls/1?x=y": "/calls/1?x=y", "/system#a": "/system#a",
		"": "/", "calls": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "/\t/evil.example": "/",
		"javascript:alert(1)": "/", "http:/evil.example": "/", "///evil.example": "/", "/login": "/", "/login?next=/": "/", "/logout": "/", "/" + strings.Repeat("a", 500): "/", "/%zz": "/",
	} {
		if got := own(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Add("/calls")
	f.Add("//evil.example")
	f.Add("/\\evil.example")
	f.Fuzz(func(t *testing.T, next string) {
		base, _ := url.Parse("http://device/login")
		got := own(next)
		at, err := base.Parse(got)
		if err != nil || at.Host != "device" || at.Scheme != "http" || strings.ContainsAny(got, "\\\r\n\t") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}
