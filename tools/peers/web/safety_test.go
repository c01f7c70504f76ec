package web

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/bits"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/tools/peers/agent"
)

// everyMethod is what a stranger may try on each address.
var everyMethod = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}

// open are those that strangers are answered at: are you there, and who are you.
var open = []string{"/healthz", "/readyz", "/login", "/login/style.css", "/login/icon.svg"}

// Whoever has not logged in is refused everywhere but at the login, whatever method he tries and
// wherever he says that he comes from. Who has, is refused when another site asks in his name,
// or under another name. Nothing that is read changes anything.
func TestNobodyComesIn(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	targets, pages := s.targets(), s.owner.pages()
	if len(pages) < 30 {
		t.Fatalf("only %d pages: %v", len(pages), pages)
	}
	paths := slices.Clone(pages)
	for _, x := range targets {
		if !slices.Contains(paths, x.path) {
			paths = append(paths, x.path)
		}
	}
	before := s.state()
	stranger := s.visitor(s.beyond)
	tried := 0
	for _, path := range paths {
		for _, method := range everyMethod {
			tried++
			got := stranger.send(method, path, "application/json", strings.NewReader(`{}`))
			if slices.Contains(open, path) && (got.status == 200 || got.status == 503) && (method == "GET" || method == "HEAD") {
				continue
			}
			switch at := got.header.Get("Location"); {
			case got.status == 303 && strings.HasPrefix(at, "/login"):
			case got.status >= 400 && got.status < 500:
			default:
				t.Errorf("%s %s without a session: %d %s %.100s", method, path, got.status, at, got.text)
			}
		}
	}
	t.Logf("%d requests without a session", tried)
	s.unchanged(before)

	foreign := map[string][]string{
		"another site":         {"Origin", "http://evil.example"},
		"no site":              {"Origin", "null"},
		"another port":         {"Origin", "http://" + s.device.Addr.String() + ":9000", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"},
		"a picture":            {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
		"a frame":              {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"},
		"a rebound name":       {"Host", "evil.example:8080"},
		"a name like its own":  {"Host", s.device.Addr.String() + ".evil.example"},
		"another address":      {"Host", "10.9.0.66"},
		"its name as a user":   {"Host", s.device.Addr.String() + "@evil.example"},
		"another name, origin": {"Host", "evil.example", "Origin", "http://evil.example"},
	}
	for name, headers := range foreign {
		for _, x := range append(targets, forms(pages)...) {
			got := s.owner.send(x.method, x.path, "", nil, headers...)
			if want := map[bool]int{true: 421, false: 403}[headers[0] == "Host"]; got.status != want && !(headers[0] == "Host" && got.status == 400) {
				t.Errorf("%s: %s %s with the owner's session: %d, want %d", name, x.method, x.path, got.status, want)
			}
		}
	}
	s.unchanged(before)

	for _, path := range paths {
		if path == "/api/v1/events" {
			continue // it goes on
		}
		for _, override := range []string{"POST", "DELETE", "PUT"} {
			s.owner.send("GET", path+"?_method="+override+"&action=confirm&resume=false&now=true", "application/x-www-form-urlencoded",
				strings.NewReader("_method="+override+"&action=confirm"), "X-HTTP-Method-Override", override, "X-HTTP-Method", override, "X-Method-Override", override)
		}
	}
	s.unchanged(before)
	s.owner.must(200, "GET", "/api/v1/session", nil) // GET /logout is none
}

// waits has a visitor guess, one guess after the other. Five are looked at; the next one after a
// second, then after two, then after four.
func (s *besieged) waits(v *visitor) {
	s.t.Helper()
	looked, began := 0, time.Now()
	for i := range 12 {
		got := v.ask("POST", "/api/v1/session", map[string]string{"user": "admin", "password": fmt.Sprintf("patient guess %d", i)})
		if got.status == 401 {
			looked++
		} else if got.status != 429 || got.header.Get("Retry-After") == "" {
			s.t.Errorf("a guess: %d %v", got.status, got.header)
		}
	}
	took := time.Since(began)
	if most := 5 + bits.Len(uint(took/time.Second)); looked > most || looked < 5 {
		s.t.Errorf("%d guesses were looked at in %v, want 5 to %d", looked, took, most)
	}
}

// forms are pages as what forms are sent to.
func forms(pages []string) (all []target) {
	for _, path := range pages {
		all = append(all, target{"POST", path, ""}, target{"GET", path, ""})
	}
	return all
}

// A user sees and does what a user may, by route and by page.
func TestUserIsNoAdministrator(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	s.owner.must(201, "POST", "/api/v1/users", map[string]string{"name": "guest", "role": "user", "password": "a guest's word"})
	guest := s.visitor(s.people)
	guest.logIn("guest", "a guest's word")
	var token struct{ Secret string }
	s.owner.must(201, "POST", "/api/v1/tokens", map[string]string{"name": "guest's program", "role": "user"}).into(t, &token)
	before, refused := s.state(), 0
	for _, x := range s.targets() {
		if x.role != "admin" {
			continue
		}
		refused++
		for name, headers := range map[string][]string{"session": nil, "token": {"Authorization", "Bearer " + token.Secret}} {
			v := guest
			if name == "token" {
				v = s.visitor(s.people)
			}
			if got := v.send(x.method, x.path, "", nil, headers...); got.status != 403 {
				t.Errorf("%s %s for a user's %s: %d, want 403", x.method, x.path, name, got.status)
			}
		}
	}
	if refused < 30 {
		t.Errorf("only %d routes are for administrators", refused)
	}
	mine := []string{"/calls/", "/fax", "/ports/", "/logout", "/login", "/system/password", "/messages"}
	for _, path := range s.owner.pages() {
		got := guest.send("POST", path, "application/x-www-form-urlencoded", strings.NewReader(""))
		own := slices.ContainsFunc(mine, func(p string) bool { return strings.HasPrefix(path, p) }) && !strings.HasSuffix(path, "/settings")
		if got.status != 403 && got.status != 405 && (!own || path == "/ports/1") {
			t.Errorf("POST %s for a user: %d", path, got.status)
		}
		if path == "/logout" {
			guest.logIn("guest", "a guest's word")
		}
	}
	s.unchanged(before)
	for _, path := range guest.pages() {
		if got := guest.ask("GET", path, nil); got.status == 403 {
			t.Errorf("a user's page leads to %s, which he may not see", path)
		}
	}
}

// Sessions are new with each login, and end as they should; so do tokens.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := besiege(t, func(c agent.Ini) { c.Set("web", "tls_listen", ":8443") })
	here := func(v *visitor, want int, why string) {
		t.Helper()
		if got := v.ask("GET", "/api/v1/status", nil).status; got != want {
			t.Errorf("%s: %d, want %d", why, got, want)
		}
	}
	planted := strings.Repeat("A", 43)
	v := s.visitor(s.people)
	v.cookies["tipring_session"] = &http.Cookie{Name: "tipring_session", Value: planted}
	v.logIn("admin", masterWord)
	first := v.cookies["tipring_session"]
	if first.Value == planted || !first.HttpOnly || first.SameSite != http.SameSiteStrictMode || first.Secure || first.Path != "/" || first.Domain != "" {
		t.Errorf("the cookie: %+v", first)
	}
	v.logIn("admin", masterWord)
	if v.cookies["tipring_session"].Value == first.Value {
		t.Error("a login leaves the session as it was")
	}
	old := s.visitor(s.people)
	old.cookies["tipring_session"] = &http.Cookie{Name: "tipring_session", Value: planted}
	here(old, 401, "a planted session")
	secure := s.visitor(s.people)
	secure.base = "https://" + s.device.Addr.String() + ":8443"
	secure.logIn("admin", masterWord)
	if c := secure.cookies["__Host-tipring_session"]; c == nil || !c.Secure || !c.HttpOnly || secure.cookies["tipring_session"] != nil {
		t.Errorf("the cookies of HTTPS: %+v", secure.cookies)
	}
	kept := *v.cookies["tipring_session"]
	v.must(204, "DELETE", "/api/v1/session", nil)
	v.cookies["tipring_session"] = &kept
	here(v, 401, "after the logout")

	for _, change := range []struct {
		why, method string
		body        any
		status      int
	}{
		{"another role", "PUT", map[string]string{"role": "admin"}, 200},
		{"another password", "PUT", map[string]string{"password": "quite another one"}, 200},
		{"removed", "DELETE", nil, 204},
	} {
		s.owner.ask("DELETE", "/api/v1/users/guest", nil)
		s.owner.must(201, "POST", "/api/v1/users", map[string]string{"name": "guest", "role": "user", "password": "a guest's word"})
		g := s.visitor(s.people)
		g.logIn("guest", "a guest's word")
		here(g, 200, "a guest")
		s.owner.must(change.status, change.method, "/api/v1/users/guest", change.body)
		here(g, 401, change.why)
	}
	other := s.visitor(s.people)
	other.logIn("admin", masterWord)
	s.owner.must(204, "PUT", "/api/v1/password", map[string]string{"old": masterWord, "new": "quite another one"})
	here(other, 401, "the password is another")
	here(s.owner, 200, "who changed it")

	var token struct{ ID, Secret string }
	s.owner.must(201, "POST", "/api/v1/tokens", map[string]string{"name": "program", "role": "admin"}).into(t, &token)
	program := s.visitor(s.people)
	if got := program.send("GET", "/api/v1/status", "", nil, "Authorization", "Bearer "+token.Secret); got.status != 200 {
		t.Errorf("a token: %d", got.status)
	}
	s.owner.must(204, "DELETE", "/api/v1/tokens/"+token.ID, nil)
	if got := program.send("GET", "/api/v1/status", "", nil, "Authorization", "Bearer "+token.Secret); got.status != 401 {
		t.Errorf("a token that was removed: %d", got.status)
	}
	file := s.stateFile("api-token")
	s.owner.must(204, "DELETE", "/api/v1/tokens/api-token", nil)
	if got := program.send("GET", "/api/v1/status", "", nil, "Authorization", "Bearer "+file); got.status != 401 || s.stateFile("api-token") == file {
		t.Errorf("the token of the file after its removal: %d", got.status)
	}
	s.tls()
}

// tls tries what HTTPS there is.
func (s *besieged) tls() {
	dial := func(c *tls.Config) (state tls.ConnectionState, err error) {
		err = s.people.Do(func() error {
			c.InsecureSkipVerify = true
			conn, err := tls.Dial("tcp", s.device.Addr.String()+":8443", c)
			if err == nil {
				state = conn.ConnectionState()
				_ = conn.Close()
			}
			return err
		})
		return state, err
	}
	for _, old := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if _, err := dial(&tls.Config{MinVersion: old, MaxVersion: old}); err == nil {
			s.t.Errorf("TLS %x is spoken", old)
		}
	}
	state, err := dial(&tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil || state.NegotiatedProtocol != "http/1.1" || state.PeerCertificates[0].VerifyHostname(s.device.Addr.String()) != nil {
		s.t.Errorf("TLS: %+v, %v", state.NegotiatedProtocol, err)
	}
}

// Requests that mean one thing to one reader and another to the next are no way in.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	host := s.host()
	before := s.state()
	cookie := "Cookie: tipring_session=" + s.owner.cookies["tipring_session"].Value + "\r\n"
	for _, path := range []string{
		"/api/v1/status", "//api/v1/status", "/api//v1/status", "/api/v1/./status", "/login/../api/v1/status", "/login/%2e%2e/api/v1/status", "/login/..%2fapi/v1/status",
		"/login%2f..%2fapi%2fv1%2fstatus", "/%61pi/v1/status", "/api/v1/status/", "/api/v1/status%00", "/api/v1/status;/login", "/api/v1/status?/healthz", "/healthz/../api/v1/status",
		"/healthz%2f..%2f..%2fapi/v1/status", "/login\\..\\api\\v1\\status", "/API/v1/status", "/api/v1/status%20", "/login/style.css/../../api/v1/status", "/login/style.css%2f..%2f..%2f..%2fetc%2fpasswd",
		"/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/state/api-token", "http://" + host + "/api/v1/status", "http://evil.example/api/v1/status", "http://localhost/metrics", "*",
		"/api/v1/faxes/..%2f..%2fstate%2fapi-token/document.pdf", "/api/v1/faxes/1/pages/..%2f..%2f1.png", "/metrics", "/readyz?verbose", "/readyz?verbose=&", "/readyz?%76erbose",
	} {
		for _, version := range []string{"HTTP/1.1", "HTTP/1.0"} {
			for _, more := range []string{"", "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nX-Original-URL: /healthz\r\nX-Rewrite-URL: /healthz\r\n", "Authorization: Bearer\r\n", "Authorization: Basic YWRtaW46YWRtaW4=\r\n", "Cookie: tipring_session=; tipring_session=\r\n"} {
				got := s.raw(s.beyond, "GET "+path+" "+version+"\r\nHost: "+host+"\r\nConnection: close\r\n"+more+"\r\n")
				if strings.HasPrefix(got, version+" 2") || strings.Contains(got, "HTTP/1.1 200") || strings.Contains(got, "HTTP/1.0 200") || strings.Contains(got, `"lines"`) || strings.Contains(got, "root:") || strings.Contains(got, "line 1") {
					t.Errorf("GET %s %s %q: %.200s", path, version, more, got)
				}
			}
		}
	}
	smuggled := "DELETE /api/v1/tokens/api-token HTTP/1.1\r\nHost: " + host + "\r\n" + cookie + "\r\n"
	for name, text := range map[string]string{
		"both lengths":       "POST /login HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"two lengths":        "POST /login HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" + smuggled,
		"odd coding":         "POST /login HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + smuggled,
		"two codings":        "POST /login HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
		"signed length":      "POST /login HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: +0\r\n\r\n" + smuggled,
		"blank before colon": "POST /login HTTP/1.1\r\nHost: " + host + "\r\nContent-Length : 0\r\n\r\n" + smuggled,
		"folded":             "POST /login HTTP/1.1\r\nHost: " + host + "\r\nX: a\r\n Content-Length: 0\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"two hosts":          "DELETE /api/v1/tokens/api-token HTTP/1.1\r\nHost: " + host + "\r\nHost: evil.example\r\n" + cookie + "\r\n",
		"no host":            "DELETE /api/v1/tokens/api-token HTTP/1.1\r\n" + cookie + "\r\n",
		"empty host":         "DELETE /api/v1/tokens/api-token HTTP/1.1\r\nHost:\r\n" + cookie + "\r\n",
		"no host, 1.0":       "DELETE /api/v1/tokens/api-token HTTP/1.0\r\n" + cookie + "\r\n",
		"NUL":                "DELETE /api/v1/tokens/api-token HTTP/1.1\r\nHost: " + host + "\x00\r\n" + cookie + "\r\n",
		"another's name":     "DELETE http://evil.example/api/v1/tokens/api-token HTTP/1.1\r\nHost: " + host + "\r\n" + cookie + "\r\n",
		"two origins":        "DELETE /api/v1/tokens/api-token HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://evil.example\r\nOrigin: http://" + host + "\r\n" + cookie + "\r\n",
	} {
		got := s.raw(s.beyond, text)
		if n := strings.Count(got, "HTTP/1."); n > 1 || strings.Contains(got, " 204 ") {
			t.Errorf("%s: %d answers\n%s", name, n, got)
		}
	}
	for name, text := range map[string]string{
		"long line":    "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
		"long header":  "GET / HTTP/1.1\r\nHost: " + host + "\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
		"many headers": "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Repeat("X: a\r\n", 10000) + "\r\n",
	} {
		if got := s.raw(s.beyond, text); got != "" && !strings.HasPrefix(got, "HTTP/1.1 431") {
			t.Errorf("%s: %.100s", name, got)
		}
	}
	// 8 MiB are announced, and 20 KiB come: an answer before the rest says that no more is wanted.
	for line, media := range map[string]string{"POST /login": "application/x-www-form-urlencoded", "POST /api/v1/session": "application/json", "PUT /api/v1/password": "application/json"} {
		body := map[bool]string{true: `{"user":"`, false: "user="}[media == "application/json"] + strings.Repeat("a", 20<<10)
		got := s.raw(s.beyond, fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", line, host, media, 8<<20, body))
		if !strings.HasPrefix(got, "HTTP/1.1 413") {
			t.Errorf("%s of 8 MiB: %.100q", line, got)
		}
	}
	s.unchanged(before)
	if got := s.memory("VmHWM"); got > 96<<10 {
		t.Errorf("at most %d KiB were in memory", got)
	}
}

// Who guesses, and who holds connections and says nothing, does not keep the owner out, and
// costs the device no memory.
func TestOwnerComesInAmongStrangers(t *testing.T) {
	t.Parallel()
	s := besiege(t, nil)
	kept := *s.owner
	s.owner.must(204, "DELETE", "/api/v1/session", nil)
	s.waits(s.visitor(s.beyond))
	before := s.memory("VmHWM")
	var wait sync.WaitGroup
	statuses := make([]int, 1000)
	lanes := make(chan bool, 40)
	for i := range statuses {
		wait.Go(func() {
			lanes <- true
			defer func() { <-lanes }()
			from := s.beyond
			if i%2 == 1 {
				from = s.people // behind the owner's own address, too
			}
			statuses[i] = s.visitor(from).ask("POST", "/api/v1/session", map[string]string{"user": "admin", "password": fmt.Sprintf("guess number %d", i)}).status
		})
	}
	wait.Wait()
	tried := 0
	for i, status := range statuses {
		switch status {
		case 401:
			tried++
		case 429:
		default:
			t.Errorf("guess %d: %d", i, status)
		}
	}
	t.Logf("1000 guesses: %d were looked at; at most %d KiB in memory, %d before", tried, s.memory("VmHWM"), before)
	if tried > 60 {
		t.Errorf("%d guesses were looked at", tried)
	}
	if more := s.memory("VmHWM") - before; more > 24<<10 {
		t.Errorf("guesses took %d KiB: more than one at a time", more)
	}
	kept.logIn("admin", masterWord)

	var held []net.Conn
	hold := func(n int, say string) {
		for range n {
			if err := s.beyond.Do(func() error {
				c, err := net.Dial("tcp", s.host())
				if err == nil {
					held = append(held, c)
					_, err = io.WriteString(c, say)
				}
				return err
			}); err != nil {
				return // it was refused one more
			}
		}
	}
	hold(400, "GET / HTTP/1.1\r\nHost: "+s.host()+"\r\nX-Slow")
	kept.must(200, "GET", "/api/v1/status", nil)
	for range 70 {
		hold(1, "")
		kept.must(200, "GET", "/healthz", nil)
	}
	for _, c := range held {
		_ = c.Close()
	}
	kept.must(200, "GET", "/api/v1/status", nil)
}
