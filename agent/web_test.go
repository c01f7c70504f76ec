package agent

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tipring/webui/access"
	"tipring/webui/api"
)

// A visit is one browser, or one program, at the page of an agent.
type visit struct {
	*rig
	client http.Client
	base   string
	with   http.Header
}

// startWeb runs an agent with its page on loopback, and opens it.
func startWeb(t *testing.T) *visit {
	t.Helper()
	r := start(t, base+"[web]\nlisten = 127.0.0.1:0\n[port1]\ndriver = none\nkind = fax\n")
	v := r.visit()
	v.base = r.pageURL()
	return v
}

func (r *rig) pageURL() (at string) {
	r.t.Helper()
	r.until("the page", func() bool {
		r.turn.Lock()
		defer r.turn.Unlock()
		if r.page.server != nil {
			at = strings.Join(r.page.server.URLs(), "")
		}
		return at != ""
	})
	return at
}

func (r *rig) visit() *visit {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	v := &visit{rig: r, with: http.Header{}}
	transport := new(http.Transport)
	r.t.Cleanup(transport.CloseIdleConnections)
	v.client = http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v
}

// stranger is another browser at the same page.
func (v *visit) stranger() *visit {
	s := v.visit()
	s.base = v.base
	return s
}

// ask sends a request and returns the status of the answer, where it leads, and its text.
func (v *visit) ask(method, path, media, body string) (status int, to, text string) {
	v.t.Helper()
	q, err := http.NewRequest(method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	q.Header = v.with.Clone()
	if host := q.Header.Get("Host"); host != "" {
		q.Host = host
	}
	if body != "" {
		q.Header.Set("Content-Type", media)
	}
	res, err := v.client.Do(q)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(all)
}

// post sends a form and wants to be led there; or, of a status, to see that text.
func (v *visit) post(path, want string, fields ...string) (text string) {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	status, to, text := v.ask("POST", path, "application/x-www-form-urlencoded", form.Encode())
	got := fmt.Sprint(status)
	if status == http.StatusSeeOther {
		got = to
	}
	if got != want {
		v.t.Errorf("POST %s %v: %s, want %s\n%s", path, fields, got, want, text)
	}
	return text
}

func (v *visit) get(path, want string) (text string) {
	v.t.Helper()
	status, to, text := v.ask("GET", path, "", "")
	if got := strings.TrimSpace(fmt.Sprint(status, " ", to)); got != want {
		v.t.Errorf("GET %s: %s, want %s", path, got, want)
	}
	return text
}

func (v *visit) file(name string) string {
	text, err := os.ReadFile(filepath.Join(v.dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

const (
	ownersWord = "correct horse battery"
	annasWord  = "another one entirely"
)

// claim makes the visitor the owner.
func (v *visit) claim() *visit {
	v.t.Helper()
	v.post("/login", "/", "claim", v.file(access.ClaimName), "new", ownersWord, "again", ownersWord)
	return v
}

// A person comes for the first time, and looks after users and tokens, without a script.
func TestFirstVisitInABrowser(t *testing.T) {
	v := startWeb(t)
	code := v.file(access.ClaimName)
	v.until("the claim code in the log", func() bool { return strings.Contains(v.log.String(), "claim_code="+code) })
	v.get("/", "303 /login")
	if page := v.get("/login", "200"); !strings.Contains(page, `name="claim"`) || strings.Contains(page, `name="user"`) {
		t.Errorf("the first visit asks for\n%s", page)
	}
	if page := v.post("/login", "401", "claim", "00000000x", "new", ownersWord, "again", ownersWord); !strings.Contains(page, `id="claim-error"`) {
		t.Errorf("a wrong code is not told beside its field\n%s", page)
	}
	if page := v.post("/login", "422", "claim", code, "new", ownersWord, "again", annasWord); !strings.Contains(page, `id="again-error"`) || strings.Contains(page, ownersWord) {
		t.Errorf("two passwords\n%s", page)
	}
	if page := v.post("/login", "422", "claim", code, "new", "short", "again", "short"); !strings.Contains(page, `id="new-error"`) {
		t.Errorf("a short password\n%s", page)
	}
	v.post("/login", "409", "user", "admin", "password", "")
	v.post("/login", "/system/users", "claim", code, "new", ownersWord, "again", ownersWord, "next", "/system/users")
	v.get("/", "200")
	v.get("/login", "303 /")
	if v.file(access.ClaimName) != "" {
		t.Error("the claim code stays")
	}

	v.post("/system/users", "/system/users", "form", "user", "name", "anna", "role", "user", "password", annasWord)
	if page := v.post("/system/users", "422", "form", "user", "name", "<b>", "role", "user", "password", annasWord); !strings.Contains(page, `id="name-error"`) || strings.Contains(page, "<b>") {
		t.Errorf("no name\n%s", page)
	}
	if page := v.get("/system/users", "200"); !strings.Contains(page, ">anna<") || strings.Contains(page, annasWord) {
		t.Errorf("users\n%s", page)
	}
	page := v.post("/system/users", "201", "form", "token", "name", "monitoring", "role", "user")
	secret := regexp.MustCompile(`<code class="secret">([^<]{43})<`).FindStringSubmatch(page)
	if secret == nil {
		t.Fatalf("no secret is shown\n%s", page)
	}
	if strings.Contains(v.get("/system/users", "200"), secret[1]) {
		t.Error("the secret is shown twice")
	}
	program := v.stranger()
	program.with.Set("Authorization", "Bearer "+secret[1])
	program.get("/api/v1/status", "200")
	program.get("/api/v1/users", "403")

	anna := v.stranger()
	if page := anna.post("/login", "401", "user", "anna", "password", ownersWord); !strings.Contains(page, `value="anna"`) || strings.Contains(page, ownersWord) {
		t.Errorf("a wrong password\n%s", page)
	}
	anna.get("/system/password", "303 /login?next=%2Fsystem%2Fpassword")
	anna.post("/login", "/", "user", "anna", "password", annasWord, "next", "//evil.example/")
	anna.get("/system/users", "403")
	anna.get("/system/password", "200")
	if page := anna.post("/system/password", "403", "old", ownersWord, "new", ownersWord, "again", ownersWord); !strings.Contains(page, `id="old-error"`) {
		t.Errorf("a wrong old password\n%s", page)
	}
	anna.post("/system/password", "/system/password?done", "old", annasWord, "new", ownersWord, "again", ownersWord)
	anna.get("/system/password?done", "200")

	v.post("/system/users/anna", "/system/users", "role", "admin", "password", "")
	anna.get("/", "303 /login")
	v.post("/system/users", "/system/users", "form", "remove-user", "name", "anna")
	if page := v.post("/system/users", "409", "form", "remove-user", "name", "admin"); !strings.Contains(page, "The last administrator stays") {
		t.Errorf("the last administrator goes\n%s", page)
	}
	v.get("/system/users/anna", "404")
	v.post("/logout", "/login")
	v.get("/", "303 /login")
	for _, word := range []string{ownersWord, annasWord, secret[1], v.file(access.TokenName)} {
		if strings.Contains(v.log.String(), word) {
			t.Errorf("%q is in the log", word)
		}
	}
}

// openRoutes are what answers who has not logged in: nothing else does, and nothing is added to it
// without being added here.
var openRoutes = []string{
	"GET /healthz", "GET /readyz", // ok or not
	"GET /api/v1/session", // which answers 401
	"POST /api/v1/session", "PUT /api/v1/password",
	"GET /login", "POST /login", "GET /login/style.css", "GET /login/icon.svg",
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}

// concrete is a route's path with something in the place of its names.
func concrete(path string) string {
	return strings.NewReplacer("{n}", "1", "{id}", "x", "{name}", "admin").Replace(path)
}

func (v *visit) routes() []api.Route {
	v.turn.Lock()
	defer v.turn.Unlock()
	return v.page.server.Routes()
}

// Every route × method, without a session: before there is a password, and after.
func TestNothingElseIsOpen(t *testing.T) {
	v := startWeb(t)
	for _, r := range v.routes() {
		if name := r.Method + " " + r.Path; r.For == api.Anyone && !slices.Contains(openRoutes, name) {
			t.Errorf("%s is open to everybody", name)
		} else if r.For == api.Scraper && name != "GET /metrics" {
			t.Errorf("%s is open to every program on the device", name)
		}
	}
	for _, claimed := range []bool{false, true} {
		if claimed {
			v.stranger().claim()
		}
		tried := map[string]bool{}
		for _, r := range v.routes() {
			if tried[r.Path] || r.Path == "/metrics" {
				continue // for loopback; webui tests it
			}
			tried[r.Path] = true
			for _, method := range methods {
				status, to, text := v.ask(method, concrete(r.Path), "application/json", map[bool]string{true: "{}"}[method != "GET" && method != "HEAD"])
				refused := status >= 400 || status == http.StatusSeeOther && strings.HasPrefix(to, "/login")
				if name := strings.Replace(method, "HEAD", "GET", 1) + " " + r.Path; !refused && !slices.Contains(openRoutes, name) {
					t.Errorf("claimed %v: %s %s: %d %s %s", claimed, method, r.Path, status, to, text)
				}
				if status >= 500 && r.Path != "/readyz" {
					t.Errorf("claimed %v: %s %s: %d %s", claimed, method, r.Path, status, text)
				}
			}
		}
	}
}

// Every route, with an administrator's session and with his token: what another site sends, or
// what is sent to another name, does nothing.
func TestOtherSitesCanDoNothing(t *testing.T) {
	v := startWeb(t).claim()
	token := v.file(access.TokenName)
	for _, foreign := range [][2]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Host", "evil.example"}, {"Host", "evil.example:8080"},
	} {
		for _, secret := range []string{"", token} {
			v.with = http.Header{foreign[0]: {foreign[1]}}
			if secret != "" {
				v.with.Set("Authorization", "Bearer "+secret)
			}
			for _, r := range v.routes() {
				status, _, text := v.ask(r.Method, concrete(r.Path), "application/json", map[bool]string{true: "{}"}[r.Method != "GET"])
				if status != http.StatusForbidden && status != http.StatusMisdirectedRequest {
					t.Errorf("%v: %s %s: %d %s", foreign, r.Method, r.Path, status, text)
				}
			}
		}
	}
}

// GET changes nothing: where only other methods are taken, it is refused, whatever it calls
// itself.
func TestGetWritesNothing(t *testing.T) {
	v := startWeb(t).claim()
	v.with.Set("X-HTTP-Method-Override", "POST")
	reads := map[string]bool{}
	for _, r := range v.routes() {
		reads[r.Path] = reads[r.Path] || r.Method == "GET"
	}
	for path, read := range reads {
		if read {
			continue
		}
		if status, _, text := v.ask("GET", concrete(path)+"?_method=POST", "", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d %s", path, status, text)
		}
	}
	v.get("/", "200")
}

// Nothing is served beside the table of routes: no other mux, server or listener for HTTP is
// made in the program.
func TestOneTableServesAll(t *testing.T) {
	beside := regexp.MustCompile(`\bhttp\.(Handle|HandleFunc|NewServeMux|ServeMux|DefaultServeMux|ListenAndServe\w*|Serve|ServeTLS|FileServer\w*)\b|http\.Server{|"net/http/pprof"|"expvar"`)
	for _, room := range []string{"agent", "lines", "registrar", "webui", "provisioning", "t38", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", room), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if !strings.Contains(string(text), `"net/http`) && !strings.Contains(string(text), `"expvar"`) {
				return err
			}
			for _, found := range beside.FindAllString(string(text), -1) {
				if found == "http.Server{" && (path == "../webui/webui.go" || path == "../webui/api/socket.go") {
					continue
				}
				t.Errorf("%s: %s", path, found)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A reload moves the page; the sessions stay.
func TestReloadMovesThePage(t *testing.T) {
	v := startWeb(t).claim()
	old := v.base
	v.write(base + "[web]\nlisten = 127.0.0.2:0\nhosts = ata.example\n")
	if err := v.Reload(); err != nil {
		t.Fatal(err)
	}
	v.until("another address", func() bool { return v.pageURL() != old })
	v.base = v.pageURL()
	before, _ := url.Parse(old)
	after, err := url.Parse(v.base)
	if err != nil {
		t.Fatal(err)
	}
	v.client.Jar.SetCookies(after, v.client.Jar.Cookies(before))
	v.get("/", "200")
	v.with.Set("Host", "ata.example")
	v.get("/healthz", "200")
}

// Who is about to shut himself out is told before: on the page, where the difference stands, and
// when a generation is looked at that would.
func TestShutOutIsForetold(t *testing.T) {
	v := startWeb(t).claim()
	for _, hosts := range []string{"ata.example", "ata.example, other.example"} {
		if w := v.patch("PATCH", "/config", `{"web":{"hosts":"`+hosts+`"}}`); w.Code != 202 {
			t.Fatal(w.Body)
		}
	}
	v.with.Set("Host", "other.example")
	v.with.Set("Origin", "http://other.example")
	v.post("/login", "/", "user", "admin", "password", ownersWord)
	for change, told := range map[string]string{
		`{"web":{"hosts":"ata.example"}}`:                                      "you opened this page as other.example",
		`{"web":{"hosts":"ata.example,other.example","listen":""}}`:            "which is not served any more",
		`{"web":{"hosts":"other.example","allow":"10.0.0.0/8","listen":":0"}}`: "", // loopback always may
	} {
		status, _, text := v.ask("POST", "/api/v1/config/check", api.MergePatch, change)
		if status != 200 || strings.Contains(text, "shuts you out") != (told != "") || !strings.Contains(text, told) {
			t.Errorf("%s: %d %s", change, status, text)
		}
	}
	text := v.get("/provisioning/generations/1/rollback", "200")
	for _, part := range []string{"What would change", "ata.example", "you opened this page as other.example"} {
		if !strings.Contains(text, part) {
			t.Errorf("going back lacks %q", part)
		}
	}
	v.get("/api/v1/config/generations/99", "404")
	v.get("/api/v1/config/generations/x", "404")

	// A program on the device itself cannot be shut out.
	if w := v.patch("POST", "/config/check", `{"web":{"listen":""}}`); w.Code != 200 || strings.Contains(w.Body.String(), "shuts you out") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
