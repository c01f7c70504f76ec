package users

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tipring/webui/access"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

const word, other = "correct horse battery", "another one entirely"

// An office is the pages, of a device whose owner is there.
type office struct {
	t     *testing.T
	desk  *access.Desk
	api   *api.API
	login access.Login
}

var here = access.Try{From: netip.MustParseAddr("192.0.2.9")}

func newOffice(t *testing.T) *office {
	log := slog.New(slog.DiscardHandler)
	o := &office{t: t, desk: access.Open(access.Options{Dir: t.TempDir(), Log: log})}
	o.api = api.New(nil, nil, log)
	o.api.HandleAccess(o.desk)
	site := &frame.Site{API: o.api}
	o.api.HandlePages(site.Refuse, Routes(site)...)
	if err := o.desk.Claim(t.Context(), here, o.desk.ClaimCode(), word); err != nil {
		t.Fatal(err)
	}
	o.login = o.in("admin", word)
	return o
}

// in logs in.
func (o *office) in(name, password string) access.Login {
	o.t.Helper()
	l, err := o.desk.LogIn(o.t.Context(), here, name, password)
	if err != nil {
		o.t.Errorf("%s: %v", name, err)
	}
	return l
}

// Visitor is the owner, as long as his session is.
func (o *office) Visitor(*http.Request) (api.Visitor, *api.Problem) {
	if pass, ok := o.desk.Session(o.login.Secret, true); ok {
		return api.Visitor{Name: pass.Name, Role: api.Admin, Via: "session", Since: pass.ID}, nil
	}
	return api.Visitor{}, nil
}

// page asks for a page, or sends a form of (name, value), and has it answer with a status and
// texts, or lead to the place that is given with ->.
func (o *office) page(gate api.Gate, path string, status int, want []string, fields ...string) string {
	o.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	if len(fields) > 0 {
		form := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		r = fixture.Form("POST", path, form)
	}
	w := httptest.NewRecorder()
	o.api.Behind(gate).ServeHTTP(w, r)
	if w.Code != status {
		o.t.Errorf("%s %q: %d, want %d: %.300s", path, fields, w.Code, status, w.Body)
	}
	for _, text := range want {
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			if got := w.Header().Get("Location"); got != to {
				o.t.Errorf("%s %q leads to %q, want %q", path, fields, got, to)
			}
		} else if !strings.Contains(w.Body.String(), text) {
			o.t.Errorf("%s %q lacks %q: %s", path, fields, text, w.Body)
		}
	}
	for _, secret := range []string{word, other} {
		if strings.Contains(w.Body.String(), secret) {
			o.t.Errorf("%s shows a password", path)
		}
	}
	return w.Body.String()
}

func texts(all ...string) []string { return all }

func TestUsers(t *testing.T) {
	o := newOffice(t)
	const path = "/system/users"
	o.page(o, path, 422, texts(`id="name-error"`, `value="a b"`), "form", "user", "name", "a b", "role", "user", "password", word)
	o.page(o, path, 422, texts(`id="password-error"`, `value="anna"`, "<details open"), "form", "user", "name", "anna", "role", "user", "password", "short")
	o.page(o, path, 303, texts("-> /system/users"), "form", "user", "name", "anna", "role", "user", "password", word)
	o.page(o, path, 409, nil, "form", "user", "name", "Anna", "role", "user", "password", word)
	o.page(o, path, 200, texts(`href="/system/users/anna"`, `href="/system/users/admin"`, "Remove the user anna?"))
	o.page(o, path, 409, texts("administrator"), "form", "remove-user", "name", "admin")
	o.page(o, path, 404, nil, "form", "remove-user", "name", "../tokens/api-token")
	o.page(o, path, 400, nil, "form", "another")
	o.page(o, path, 303, texts("-> /system/users"), "form", "remove-user", "name", "anna")
	if strings.Contains(o.page(o, path, 200, nil), "anna") {
		t.Error("she is still there")
	}
}

func TestTokens(t *testing.T) {
	o := newOffice(t)
	const path = "/system/users"
	o.page(o, path, 422, texts(`id="token-name-error"`), "form", "token", "name", "", "role", "user")
	shown := o.page(o, path, 201, texts("monitoring", "not shown again"), "form", "token", "name", "monitoring", "role", "user")
	secret := regexp.MustCompile(`<code class="secret">([^<]+)`).FindStringSubmatch(shown)
	if secret == nil {
		t.Fatal(shown)
	}
	pass, ok := o.desk.Token(secret[1])
	if !ok || pass.Role != access.User || pass.Name != "monitoring" {
		t.Errorf("%+v", pass)
	}
	if strings.Contains(o.page(o, path, 200, texts("monitoring")), secret[1]) {
		t.Error("the secret is shown again")
	}
	o.page(o, path, 303, nil, "form", "remove-token", "id", pass.ID)
	if _, ok := o.desk.Token(secret[1]); ok {
		t.Error("a removed token opens the device")
	}
	o.page(o, path, 404, nil, "form", "remove-token", "id", pass.ID)
	o.page(o, path, 303, nil, "form", "remove-token", "id", access.BuiltIn)
}

// One form changes role and password, or neither.
func TestOneUser(t *testing.T) {
	o := newOffice(t)
	if err := o.desk.AddUser(t.Context(), "anna", access.User, word); err != nil {
		t.Fatal(err)
	}
	const path = "/system/users/anna"
	o.page(o, path, 200, texts(`<option value="user" selected`, `name="password"`))
	o.page(o, path, 422, texts(`id="password-error"`), "role", "admin", "password", "short")
	if l := o.in("anna", word); l.Role != access.User {
		t.Error("the half of it was done")
	}
	o.page(o, path, 303, texts("-> /system/users"), "role", "admin", "password", other)
	if l := o.in("anna", other); l.Role != access.Admin {
		t.Errorf("%+v", l)
	}
	o.page(o, path, 303, nil, "role", "user", "password", "")
	if l := o.in("anna", other); l.Role != access.User {
		t.Errorf("%+v", l)
	}
	o.page(o, "/system/users/nobody", 404, texts("there is no user nobody"))
}

// The page about oneself leads to where a password is changed with the old one.
func TestOneself(t *testing.T) {
	o := newOffice(t)
	if page := o.page(o, "/system/users/admin", 200, texts(`href="/system/password"`)); strings.Contains(page, `type="password"`) {
		t.Error("a password can be typed")
	}
	o.page(o, "/system/users/admin", 403, nil, "role", "admin", "password", other)
	o.page(o, "/system/users/admin", 409, texts("administrator"), "role", "user")
	o.in("admin", word)
}

func TestOwnPassword(t *testing.T) {
	o := newOffice(t)
	const path = "/system/password"
	elsewhere := o.in("admin", word)
	o.page(o, path, 200, texts(`name="old"`, `name="new"`, `name="again"`))
	o.page(o, path, 422, texts("The two passwords are not the same."), "old", word, "new", other, "again", other+"x")
	o.page(o, path, 403, texts(`id="old-error"`), "old", "wrong", "new", other, "again", other)
	o.page(o, path, 422, texts(`id="new-error"`), "old", word, "new", "short", "again", "short")
	o.page(o, path, 303, texts("-> /system/password?done"), "old", word, "new", other, "again", other)
	o.page(o, path+"?done", 200, texts("Your password is changed."))
	if _, ok := o.desk.Session(elsewhere.Secret, true); ok {
		t.Error("another browser is still in")
	}
	o.in("admin", other)
	token := someone{Name: "program", Role: api.User, Via: "token"}
	if page := o.page(token, path, 200, texts("Only who has logged in")); strings.Contains(page, `name="old"`) {
		t.Error("a token has a password")
	}
}

type someone api.Visitor

func (s someone) Visitor(*http.Request) (api.Visitor, *api.Problem) { return api.Visitor(s), nil }

// Users and tokens are for administrators.
func TestForWhom(t *testing.T) {
	o := newOffice(t)
	user := someone{Name: "anna", Role: api.User, Via: "session"}
	for _, path := range []string{"/system/users", "/system/users/admin"} {
		o.page(user, path, 403, nil)
		o.page(user, path, 403, nil, "form", "remove-token", "id", access.BuiltIn)
		o.page(someone{}, path, 303, texts("-> /login?next="+url.QueryEscape(path)))
		o.page(someone{}, path, 401, nil, "form", "user")
	}
}

// What is typed stands in a page as text.
func TestHostileNames(t *testing.T) {
	o := newOffice(t)
	const hostile = `"><script>x</script>`
	for _, fields := range [][]string{
		{"form", "user", "name", hostile, "role", hostile, "password", hostile}, {"form", "token", "name", hostile, "role", "x"},
		{"form", "remove-user", "name", hostile}, {"form", "remove-token", "id", hostile}, {"form", hostile},
	} {
		form := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		r := fixture.Form("POST", "/system/users", form)
		w := httptest.NewRecorder()
		o.api.Behind(o).ServeHTTP(w, r)
		if w.Code < 400 || w.Code >= 500 || strings.Contains(w.Body.String(), "<script>x") {
			t.Errorf("%q: %d %s", fields, w.Code, w.Body)
		}
	}
	if text, err := json.Marshal(o.desk.Users()); err != nil || strings.Contains(string(text), "script") {
		t.Errorf("%s %v", text, err)
	}
}
