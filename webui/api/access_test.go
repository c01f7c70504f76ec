package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tipring/webui/access"
)

// A lobby is a device's interface as a browser or a program finds it: the gate of a listener,
// without its other checks.
type lobby struct {
	t    *testing.T
	desk *access.Desk
	api  *API
	log  *strings.Builder
}

func newLobby(t *testing.T) *lobby {
	d := &lobby{t: t, log: new(strings.Builder)}
	log := slog.New(slog.NewTextHandler(d.log, nil))
	d.desk = access.Open(access.Options{Dir: t.TempDir(), Log: log})
	d.api = New(nil, nil, log)
	d.api.HandleAccess(d.desk)
	return d
}

// Visitor knows sessions by their cookie.
func (d *lobby) Visitor(r *http.Request) (Visitor, *Problem) {
	if c, err := r.Cookie(SessionCookie); err == nil {
		if p, ok := d.desk.Session(c.Value, true); ok {
			v := Visitor{Name: p.Name, Role: User, Via: "session", Since: p.ID}
			if p.Role == access.Admin {
				v.Role = Admin
			}
			return v, nil
		}
	}
	return Visitor{}, nil
}

type passThrough Visitor

func (p passThrough) Visitor(*http.Request) (Visitor, *Problem) { return Visitor(p), nil }

var aToken = passThrough{Name: "x", Role: Admin, Via: "token", Since: "1"}

// tell asks with the cookies of a browser, which it keeps up to date; nil: without any.
func (d *lobby) tell(gate Gate, jar map[string]string, want int, method, path, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for name, value := range jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	d.api.Behind(gate).ServeHTTP(w, r)
	if w.Code != want {
		d.t.Errorf("%s %s %s: %d, want %d: %s", method, path, body, w.Code, want, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure {
			d.t.Errorf("cookie %+v", c)
		}
		if jar != nil {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
	}
	return w
}

const (
	first  = "correct horse battery"
	second = "another one entirely"
)

// claimed is a device with a password, and a browser in which its owner logged in.
func claimed(t *testing.T) (*lobby, map[string]string) {
	d, jar := newLobby(t), map[string]string{}
	d.tell(d, nil, 204, "PUT", "/password", `{"claim":"`+d.desk.ClaimCode()+`","new":"`+first+`"}`)
	d.tell(d, jar, 200, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	return d, jar
}

// From the claim code to the end of the session.
func TestVisit(t *testing.T) {
	d, jar := newLobby(t), map[string]string{}
	if w := d.tell(d, nil, 401, "GET", "/session", ""); !strings.Contains(w.Body.String(), Unclaimed) {
		t.Errorf("nobody is told that there is no password: %s", w.Body)
	}
	d.tell(d, nil, 409, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	d.tell(d, nil, 401, "PUT", "/password", `{"claim":"1","new":"`+first+`"}`)
	if w := d.tell(d, nil, 422, "PUT", "/password", `{"claim":"`+d.desk.ClaimCode()+`","new":"short"}`); !strings.Contains(w.Body.String(), `"pointer":"#/new"`) {
		t.Error(w.Body)
	}
	d.tell(d, nil, 422, "PUT", "/password", `{"claim":"`+d.desk.ClaimCode()+`"}`)
	d.tell(d, nil, 204, "PUT", "/password", `{"claim":"`+d.desk.ClaimCode()+`","new":"`+first+`"}`)
	d.tell(d, nil, 409, "PUT", "/password", `{"claim":"1","new":"`+second+`"}`)
	d.tell(d, nil, 401, "PUT", "/password", `{"old":"`+first+`","new":"`+second+`"}`)
	d.tell(d, nil, 401, "POST", "/session", `{"user":"admin","password":"`+second+`"}`)
	if w := d.tell(d, nil, 401, "GET", "/session", ""); strings.Contains(w.Body.String(), Unclaimed) {
		t.Error(w.Body)
	}
	d.tell(d, jar, 200, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	if w := d.tell(d, jar, 200, "GET", "/session", ""); w.Body.String() != `{"user":"admin","role":"admin","via":"session"}`+"\n" {
		t.Error(w.Body)
	}
	before := map[string]string{SessionCookie: jar[SessionCookie]}
	d.tell(d, jar, 200, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	d.tell(d, before, 401, "GET", "/session", "")
	d.tell(d, jar, 204, "DELETE", "/session", "")
	if jar[SessionCookie] != "" || jar[DeviceCookie] == "" {
		t.Errorf("the browser keeps %v", jar)
	}
	d.tell(d, jar, 401, "DELETE", "/session", "")
	for _, secret := range []string{first, second, jar[DeviceCookie]} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("%q is logged", secret)
		}
	}
}

func TestTooManyTries(t *testing.T) {
	d, jar := claimed(t)
	for range 5 {
		d.tell(d, nil, 401, "POST", "/session", `{"user":"admin","password":"wrong"}`)
	}
	w := d.tell(d, nil, 429, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	d.tell(d, jar, 200, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	if n := strings.Count(d.log.String(), "login refused"); n != 5 {
		t.Errorf("the log tells of %d tries: strangers can wash it out", n)
	}
}

// A browser that logged in over TLS keeps cookies that no plain answer can replace: over HTTP it is
// given others, which TLS does not heed.
func TestCookiesOverTLS(t *testing.T) {
	d, plain := claimed(t)
	names := map[string]*http.Cookie{}
	r := httptest.NewRequest("POST", "https://box.example/api/v1/session", strings.NewReader(`{"user":"admin","password":"`+first+`"}`))
	w := httptest.NewRecorder()
	d.api.Behind(d).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		names[c.Name] = c
	}
	for _, name := range []string{SessionCookie, DeviceCookie} {
		c := names["__Host-"+name]
		if c == nil || !c.Secure || c.Path != "/" || c.Domain != "" || names[name] != nil || plain[name] == "" {
			t.Errorf("%s: %+v among %v", name, c, names)
		}
	}
	r = httptest.NewRequest("GET", "https://box.example/", nil)
	r.AddCookie(&http.Cookie{Name: DeviceCookie, Value: "plain"})
	r.AddCookie(&http.Cookie{Name: "__Host-" + DeviceCookie, Value: "secure"})
	if got := tryOf(r).Device; got != "secure" {
		t.Errorf("the browser is known by %q", got)
	}
}

func TestPasswordChange(t *testing.T) {
	d, jar := claimed(t)
	if w := d.tell(d, jar, 403, "PUT", "/password", `{"old":"wrong","new":"`+second+`"}`); !strings.Contains(w.Body.String(), `"pointer":"#/old"`) {
		t.Error(w.Body)
	}
	d.tell(d, jar, 403, "PUT", "/password", `{"user":"anna","old":"`+first+`","new":"`+second+`"}`)
	d.tell(aToken, nil, 403, "PUT", "/password", `{"old":"`+first+`","new":"`+second+`"}`)
	d.tell(d, jar, 204, "PUT", "/password", `{"old":"`+first+`","new":"`+second+`"}`)
	d.tell(d, jar, 200, "GET", "/session", "")

	d.tell(Open{}, nil, 204, "PUT", "/password", `{"user":"admin","new":"`+first+`"}`)
	d.tell(d, jar, 401, "GET", "/session", "")
	d.tell(Open{}, nil, 404, "PUT", "/password", `{"user":"nobody","new":"`+first+`"}`)
	d.tell(Open{}, nil, 422, "PUT", "/password", `{"new":"short"}`)
	d.tell(d, jar, 200, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
}

// The control socket sets the first password without the claim code, too.
func TestFirstPasswordAtTheSocket(t *testing.T) {
	d := newLobby(t)
	d.tell(Open{}, nil, 404, "PUT", "/password", `{"user":"anna","new":"`+first+`"}`)
	d.tell(Open{}, nil, 204, "PUT", "/password", `{"new":"`+first+`"}`)
	d.tell(d, nil, 200, "POST", "/session", `{"user":"admin","password":"`+first+`"}`)
	if d.desk.ClaimCode() != "" {
		t.Error("the claim code stays")
	}
}

func TestUsersRoutes(t *testing.T) {
	d, jar := claimed(t)
	anna := map[string]string{}
	if w := d.tell(d, jar, 201, "POST", "/users", `{"name":"anna","role":"user","password":"`+second+`"}`); !strings.HasPrefix(w.Body.String(), `{"name":"anna","role":"user","changed":"2`) {
		t.Error(w.Body)
	}
	d.tell(d, jar, 409, "POST", "/users", `{"name":"anna","role":"user","password":"`+second+`"}`)
	d.tell(d, jar, 422, "POST", "/users", `{"name":"bob","role":"root","password":"`+second+`"}`)
	d.tell(d, jar, 422, "POST", "/users", `{}`)
	d.tell(d, anna, 200, "POST", "/session", `{"user":"anna","password":"`+second+`"}`)
	for _, route := range []string{"GET /users", "POST /users", "PUT /users/admin", "DELETE /users/admin", "GET /tokens", "POST /tokens", "DELETE /tokens/api-token"} {
		method, path, _ := strings.Cut(route, " ")
		d.tell(d, anna, 403, method, path, "")
		d.tell(d, nil, 401, method, path, "")
	}
	d.tell(d, anna, 204, "PUT", "/password", `{"old":"`+second+`","new":"`+first+`"}`)

	d.tell(d, jar, 409, "DELETE", "/users/admin", "")
	d.tell(d, jar, 409, "PUT", "/users/admin", `{"role":"user"}`)
	d.tell(d, jar, 404, "PUT", "/users/nobody", `{"role":"user"}`)
	if w := d.tell(d, jar, 422, "PUT", "/users/anna", `{"password":"short"}`); !strings.Contains(w.Body.String(), `"pointer":"#/password"`) {
		t.Error(w.Body)
	}
	d.tell(d, jar, 200, "PUT", "/users/anna", `{"role":"admin","password":"`+second+`"}`)
	d.tell(d, anna, 401, "GET", "/session", "")
	d.tell(d, jar, 204, "DELETE", "/users/anna", "")
	d.tell(d, jar, 404, "DELETE", "/users/anna", "")
	d.tell(d, nil, 401, "POST", "/session", `{"user":"anna","password":"`+second+`"}`)
	if w := d.tell(d, jar, 200, "GET", "/users", ""); strings.Count(w.Body.String(), `"name"`) != 1 || strings.Contains(w.Body.String(), "argon2") {
		t.Error(w.Body)
	}
}

func TestTokenRoutes(t *testing.T) {
	d, jar := claimed(t)
	var made Token
	w := d.tell(d, jar, 201, "POST", "/tokens", `{"name":"monitoring","role":"user"}`)
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || made.ID == "" || made.Role != "user" || !made.Used.IsZero() {
		t.Fatalf("%v %s", err, w.Body)
	}
	if p, ok := d.desk.Token(made.Secret); !ok || p.ID != made.ID {
		t.Errorf("%+v", p)
	}
	if w := d.tell(d, jar, 200, "GET", "/tokens", ""); strings.Contains(w.Body.String(), made.Secret) || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), made.ID) {
		t.Error(w.Body)
	}
	d.tell(d, jar, 422, "POST", "/tokens", `{"name":"","role":"user"}`)
	d.tell(d, jar, 422, "POST", "/tokens", `{"name":"x","role":"scraper"}`)
	d.tell(d, jar, 204, "DELETE", "/tokens/"+made.ID, "")
	d.tell(d, jar, 404, "DELETE", "/tokens/"+made.ID, "")
	d.tell(d, jar, 204, "DELETE", "/tokens/api-token", "")
	d.tell(aToken, nil, 409, "DELETE", "/session", "")
	if strings.Contains(d.log.String(), made.Secret) {
		t.Error("the secret is logged")
	}
}

// Nobody's password is changed by who merely found his browser open; a token is a program's, which
// has no password.
func TestOwnPasswordTakesTheOldOne(t *testing.T) {
	d, jar := claimed(t)
	if w := d.tell(d, jar, 403, "PUT", "/users/admin", `{"password":"`+second+`"}`); !strings.Contains(w.Body.String(), `"pointer":"#/password"`) {
		t.Error(w.Body)
	}
	d.tell(d, jar, 403, "PUT", "/users/admin", `{"role":"admin","password":"`+second+`"}`)
	d.tell(d, jar, 200, "PUT", "/users/admin", `{"role":"admin","password":""}`)
	d.tell(d, jar, 200, "GET", "/session", "")
	d.tell(aToken, nil, 200, "PUT", "/users/admin", `{"password":"`+second+`"}`)
	d.tell(d, jar, 401, "GET", "/session", "")
}

// The log tells who changed who may come in, and from where, and no secret.
func TestLogOfAccess(t *testing.T) {
	d, jar := claimed(t)
	d.tell(d, jar, 201, "POST", "/users", `{"name":"anna","role":"user","password":"`+second+`"}`)
	d.tell(aToken, nil, 200, "PUT", "/users/anna", `{"role":"admin","password":"`+first+`"}`)
	d.tell(d, jar, 422, "PUT", "/users/anna", `{"role":"root"}`)
	d.tell(d, jar, 204, "DELETE", "/users/anna", "")
	w := d.tell(d, jar, 201, "POST", "/tokens", `{"name":"monitoring","role":"user"}`)
	var made Token
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	d.tell(d, jar, 204, "DELETE", "/tokens/"+made.ID, "")
	d.tell(d, jar, 204, "DELETE", "/tokens/api-token", "")
	d.tell(d, jar, 204, "PUT", "/password", `{"old":"`+first+`","new":"`+second+`"}`)
	d.tell(Open{}, nil, 204, "PUT", "/password", `{"new":"`+first+`"}`)
	const owner, from = " by=admin via=session from=192.0.2.1\n", " from=192.0.2.1\n"
	for _, want := range []string{
		`msg="the first password was set" user=admin` + from,
		`msg="logged in" user=admin` + from,
		`msg="user made" user=anna role=user` + owner,
		`msg="user changed" user=anna role=admin password=true by=x via=token` + from,
		`msg="user removed" user=anna` + owner,
		`msg="token made" token=` + made.ID + ` name=monitoring role=user` + owner,
		`msg="token removed" token=` + made.ID + owner,
		`msg="token replaced" token=api-token` + owner,
		`msg="password changed" user=admin` + owner,
		`msg="password changed" user=admin via=socket` + from,
	} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Count(d.log.String(), "user changed") != 1 {
		t.Error("what was refused is told as done")
	}
	for _, secret := range []string{first, second, made.Secret} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("%q is logged", secret)
		}
	}
}

// Over TLS the cookies stay with TLS.
func TestSecureCookies(t *testing.T) {
	d, _ := claimed(t)
	r := httptest.NewRequest("POST", "https://localhost/api/v1/session", strings.NewReader(`{"user":"admin","password":"`+first+`"}`))
	w := httptest.NewRecorder()
	d.api.Behind(d).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if !c.Secure {
			t.Errorf("%+v", c)
		}
	}
	if len(w.Result().Cookies()) != 2 {
		t.Errorf("%d %v", w.Code, w.Result().Cookies())
	}
}
