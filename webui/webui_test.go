package webui

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/webui/access"
	"tipring/webui/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A device that does nothing.
type device struct{ api.Device }

func (device) Status() api.Status { return api.Status{Version: "1.0"} }
func (device) Calls() []api.Call  { return nil }
func (device) Ready() error       { return nil }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A rig is a server with what it needs.
type rig struct {
	*Server
	t       *testing.T
	dir     string
	log     *lockedBuffer
	now     time.Time
	token   string // of an administrator
	streams chan struct{}
}

func start(t *testing.T, web config.Web) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), log: new(lockedBuffer), now: time.Now(), streams: make(chan struct{}, 8)}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	desk := access.Open(access.Options{Dir: r.dir, Log: log})
	token, err := os.ReadFile(filepath.Join(r.dir, access.TokenName))
	if err != nil {
		t.Fatal(err)
	}
	r.token = strings.TrimSpace(string(token))
	routes := api.New(device{}, nil, log)
	routes.HandleAccess(desk)
	routes.Handle(api.Route{Method: "GET", Path: streams, For: api.User, Handle: func(w http.ResponseWriter, q *http.Request) {
		io.WriteString(w, "retry: 3000\n\n")
		http.NewResponseController(w).Flush()
		r.streams <- struct{}{}
		<-q.Context().Done()
	}})
	r.Server = New(Options{API: routes, Desk: desk, Dir: r.dir, Log: log, Now: func() time.Time { return r.now }})
	r.Configure(web)
	t.Cleanup(r.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return r
}

var loopback = config.Web{Listen: "127.0.0.1:0", Allow: config.Networks{Word: "lan"}}

func (r *rig) url() string {
	r.t.Helper()
	all := r.URLs()
	if len(all) == 0 {
		r.t.Fatalf("it listens nowhere\n%s", r.log)
	}
	return all[0]
}

func get(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// ask puts a request through all checks, as if it had come from there.
func (r *rig) ask(method, path, from string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, nil)
	q.RemoteAddr, q.Host = from, "localhost"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			q.Host = headers[i+1]
		}
		q.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, q)
	return w
}

const home = "127.0.0.1:40000"

func TestHeadersOfEveryAnswer(t *testing.T) {
	r := start(t, config.Web{})
	for _, path := range []string{"/healthz", "/api/v1/status", "/nothing"} {
		h := r.ask("GET", path, home).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Frame-Options":              "DENY",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
			"Cache-Control":                "no-store",
			"Strict-Transport-Security":    "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
	}
}

// Where a body ends that tells no length, others may see otherwise: nothing behind it is heard.
func TestChunkedIsTheLast(t *testing.T) {
	r := start(t, config.Web{})
	for _, length := range []int64{-1, 2} {
		q := httptest.NewRequest("POST", "/api/v1/session", strings.NewReader("{}"))
		q.RemoteAddr, q.Host, q.ContentLength = home, "127.0.0.1", length
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, q)
		if got, want := w.Header().Get("Connection") == "close", length < 0; got != want {
			t.Errorf("a body of length %d closes the connection: %v", length, got)
		}
	}
}

func TestFromWhere(t *testing.T) {
	some := config.Networks{Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	lan, everywhere := config.Networks{Word: "lan"}, config.Networks{Word: "any"}
	for _, tt := range []struct {
		who  config.Networks
		from string
		ok   bool
	}{
		{lan, "127.0.0.1:1", true}, {lan, "[::1]:1", true}, {lan, "192.168.1.9:1", true}, {lan, "10.1.2.3:1", true}, {lan, "172.31.0.1:1", true},
		{lan, "169.254.3.4:1", true}, {lan, "[fe80::1%eth0]:1", true}, {lan, "[fd00::1]:1", true}, {lan, "[::ffff:192.168.1.9]:1", true},
		{lan, "198.51.100.7:1", false}, {lan, "172.32.0.1:1", false}, {lan, "[2001:db8::1]:1", false}, {lan, "100.64.0.1:1", false}, {lan, "@", false}, {lan, "", false},
		{everywhere, "198.51.100.7:1", true}, {everywhere, "[2001:db8::1]:1", true},
		{some, "198.51.100.7:1", true}, {some, "192.168.1.9:1", false}, {some, "127.0.0.1:1", true}, {some, "[::ffff:198.51.100.7]:1", true}, {some, "", false},
	} {
		r := start(t, config.Web{Allow: tt.who})
		if got := r.ask("GET", "/healthz", tt.from).Code; (got == 200) != tt.ok || got != 200 && got != 403 {
			t.Errorf("allow = %v, from %s: %d", tt.who, tt.from, got)
		}
	}
}

func TestUnderWhatName(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, config.Web{Allow: config.Networks{Word: "lan"}, Hosts: []string{"ata.example", "203.0.113.9", "dotted.example."}})
	for host, ok := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "localhost.": true, "127.0.0.1": true, "127.0.0.1:8080": true, "[::1]:80": true, "[::1]": true,
		own: true, strings.ToUpper(own) + ":80": true, own + ".local": true,
		"ata.example": true, "Ata.Example:8443": true, "203.0.113.9": true, "dotted.example": true,
		"": false, "evil.example": false, "ata.example.evil.example": false, "localhost.evil.example": false, "203.0.113.10": false, "192.0.2.1:8080": false,
		"127.0.0.1.evil.example": false, "localhost:80:80": false, "localhost:x": false, "[::1": false, "::1": false, "[localhost]": false, "[::1]evil": false,
		"2130706433": false, "0x7f.1": false, "user@localhost": false, "evil.example/localhost": false, "[2001:db8::1]": false, "[fe80::1%25lo]": false, "[::ffff:127.0.0.1]": true,
	} {
		got := r.ask("GET", "/healthz", home, "Host", host).Code
		if want := map[bool]int{true: 200, false: http.StatusMisdirectedRequest}[ok]; got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
	}
}

// The address that the request came to is the device's own, whatever its interfaces say.
func TestOwnAddress(t *testing.T) {
	r := start(t, config.Web{Allow: config.Networks{Word: "lan"}})
	q := httptest.NewRequest("GET", "/healthz", nil)
	q.Host, q.RemoteAddr = "192.0.2.55:8080", home
	local := &net.TCPAddr{IP: net.ParseIP("192.0.2.55"), Port: 8080}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, q.WithContext(contextWithLocal(q, local)))
	if w.Code != 200 {
		t.Error(w.Code)
	}
}

func TestOtherSites(t *testing.T) {
	r := start(t, config.Web{Allow: config.Networks{Word: "lan"}})
	for _, tt := range []struct {
		method  string
		headers string
		ok      bool
	}{
		{"GET", "", true},
		{"POST", "", true}, // a program
		{"POST", "Origin=http://localhost", true},
		{"POST", "Sec-Fetch-Site=same-origin|Origin=http://localhost", true},
		{"GET", "Sec-Fetch-Site=none|Sec-Fetch-Mode=navigate|Sec-Fetch-Dest=document", true},
		{"GET", "Sec-Fetch-Site=cross-site|Sec-Fetch-Mode=navigate|Sec-Fetch-Dest=document", true}, // a link

		{"POST", "Origin=http://evil.example", false},
		{"POST", "Origin=null", false},
		{"POST", "Origin=http://localhost.evil.example", false},
		{"POST", "Sec-Fetch-Site=cross-site", false},
		{"POST", "Sec-Fetch-Site=same-site", false}, // another program on this host
		{"PUT", "Sec-Fetch-Site=cross-site|Sec-Fetch-Mode=navigate|Sec-Fetch-Dest=document", false},
		{"DELETE", "Origin=https://evil.example", false},
		{"OPTIONS", "Origin=https://evil.example", false},
		{"GET", "Sec-Fetch-Site=cross-site|Sec-Fetch-Mode=no-cors|Sec-Fetch-Dest=image", false},
		{"GET", "Sec-Fetch-Site=cross-site|Sec-Fetch-Mode=navigate|Sec-Fetch-Dest=iframe", false},
		{"GET", "Sec-Fetch-Site=same-site|Sec-Fetch-Mode=cors", false},
		{"GET", "Sec-Fetch-Site=cross-site", false},
		{"GET", "Origin=http://evil.example", false},
		{"HEAD", "Origin=null", false},
	} {
		var headers []string
		for h := range strings.SplitSeq(tt.headers, "|") {
			if name, value, ok := strings.Cut(h, "="); ok {
				headers = append(headers, name, value)
			}
		}
		got := r.ask(tt.method, "/healthz", home, headers...).Code
		if (got != 403) != tt.ok {
			t.Errorf("%s %s: %d", tt.method, tt.headers, got)
		}
	}
}

// Who is asking: a token, then a session; on the device itself whoever wants its metrics.
func TestWhoIsAsking(t *testing.T) {
	r := start(t, config.Web{Allow: config.Networks{Word: "lan"}})
	bearer := "Bearer " + r.token
	for _, tt := range []struct {
		path, from string
		headers    []string
		want       int
	}{
		{"/healthz", home, nil, 200},
		{"/readyz", home, nil, 200},
		{"/readyz?verbose", home, nil, 401},
		{"/readyz?verbose", home, []string{"Authorization", bearer}, 200},
		{"/api/v1/status", home, nil, 401},
		{"/api/v1/status", home, []string{"Authorization", bearer}, 200},
		{"/api/v1/status", "192.168.1.9:1", []string{"Authorization", bearer}, 200},
		{"/api/v1/status", home, []string{"Authorization", "bearer  " + r.token + " "}, 200},
		{"/api/v1/status", home, []string{"Authorization", r.token}, 401},
		{"/api/v1/status", home, []string{"Authorization", "Basic " + r.token}, 401},
		{"/api/v1/status", home, []string{"Authorization", bearer, "Authorization", bearer}, 401},
		{"/api/v1/status?access_token=" + r.token, home, nil, 401},
		{"/api/v1/status", home, []string{"Cookie", api.SessionCookie + "=" + r.token}, 401},
		{"/healthz", home, []string{"Authorization", "Bearer x"}, 401},
		{"/metrics", home, nil, 200},
		{"/metrics", "[::1]:1", nil, 200},
		{"/metrics", "192.168.1.9:1", nil, 401},
		{"/metrics", "192.168.1.9:1", []string{"Authorization", bearer}, 200},
		{"/metrics", "192.168.1.9:1", []string{"X-Forwarded-For", "127.0.0.1"}, 401},
		{"/metrics/", home, nil, 404},
	} {
		if got := r.ask("GET", tt.path, tt.from, tt.headers...); got.Code != tt.want {
			t.Errorf("%s from %s with %.30q: %d, want %d: %s", tt.path, tt.from, tt.headers, got.Code, tt.want, got.Body)
		}
	}
}

// Whoever looks at a page leaves memory behind; an open stream, a token and a stranger do not.
func TestVisited(t *testing.T) {
	r := start(t, config.Web{Allow: config.Networks{Word: "lan"}})
	visits := 0
	r.o.Visited = func() { visits++ }
	by := access.Try{From: netip.MustParseAddr("127.0.0.1")}
	if err := r.o.Desk.Claim(t.Context(), by, r.o.Desk.ClaimCode(), "a long password"); err != nil {
		t.Fatal(err)
	}
	in, err := r.o.Desk.LogIn(t.Context(), by, "admin", "a long password")
	if err != nil {
		t.Fatal(err)
	}
	cookie := []string{"Cookie", api.SessionCookie + "=" + in.Secret}
	for _, tt := range []struct {
		path    string
		headers []string
		visits  int
	}{
		{"/api/v1/status", cookie, 1},
		{"/api/v1/status", append([]string{"Tipring-Page", "1"}, cookie...), 0},
		{"/api/v1/faxes/1/pages/1.png?scale=8&rows=20", cookie, 0},
		{"/healthz", nil, 0},
		{"/api/v1/status", nil, 0},
		{"/api/v1/status", []string{"Authorization", "Bearer " + r.token}, 0},
		{"/api/v1/status", []string{"Cookie", api.SessionCookie + "=x"}, 0},
	} {
		visits = 0
		if r.ask("GET", tt.path, home, tt.headers...); visits != tt.visits {
			t.Errorf("%s with %.30q: %d visits, want %d", tt.path, tt.headers, visits, tt.visits)
		}
	}
	visits = 0
	q := httptest.NewRequest("GET", streams, nil)
	q.RemoteAddr, q.Host = home, "localhost"
	q.Header.Add("Cookie", cookie[1])
	if v, p := (gate{r.Server}).Visitor(q); v.Role != api.Admin || p != nil || visits != 0 {
		t.Errorf("the stream of events: %+v %+v, %d visits", v, p, visits)
	}
}

// A session is known by the cookie of the way that it came.
func TestSessionOverTLS(t *testing.T) {
	r := start(t, config.Web{Allow: config.Networks{Word: "lan"}})
	by := access.Try{From: netip.MustParseAddr("127.0.0.1")}
	if err := r.o.Desk.Claim(t.Context(), by, r.o.Desk.ClaimCode(), "a long password"); err != nil {
		t.Fatal(err)
	}
	in, err := r.o.Desk.LogIn(t.Context(), by, "admin", "a long password")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		url, cookie string
		role        api.Role
	}{
		{"http://localhost/", "tipring_session", api.Admin},
		{"https://localhost/", "__Host-tipring_session", api.Admin},
		{"https://localhost/", "tipring_session", api.Anyone},
		{"http://localhost/", "__Host-tipring_session", api.Anyone},
	} {
		q := httptest.NewRequest("GET", tt.url, nil)
		q.RemoteAddr = home
		q.AddCookie(&http.Cookie{Name: tt.cookie, Value: in.Secret})
		if v, p := (gate{r.Server}).Visitor(q); v.Role != tt.role || p != nil {
			t.Errorf("%s with %s: %+v %+v", tt.url, tt.cookie, v, p)
		}
	}
}

func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"", "Bearer", "Bearer ", "Bearer x", "bearer\tx", "Basic eA==", "Bearer x y", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		secret, ok := bearer([]string{value})
		if ok && (secret == "" || !strings.HasSuffix(strings.TrimRight(value, " "), secret) || !strings.EqualFold(value[:7], "Bearer ")) {
			t.Errorf("%q became %q", value, secret)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"", "a", "a:1", "[::1]:1", "[::1", "]:1", "a:", ":1", "A.", "[]", "[:]:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if host := hostOf(header); strings.ContainsAny(host, "[]") || len(host) > len(strings.ToLower(header)) {
			t.Errorf("%q became %q", header, host)
		}
	})
}

// A cookie header of any form opens nothing.
func FuzzCookies(f *testing.F) {
	f.Add("tipring_session=x")
	f.Add("tipring_session=; tipring_session=\"\"; tipring_device=.")
	f.Add(";;=;tipring_session")
	dir := f.TempDir()
	log := slog.New(slog.DiscardHandler)
	desk := access.Open(access.Options{Dir: dir, Log: log})
	g := gate{New(Options{API: api.New(device{}, nil, log), Desk: desk, Dir: dir, Log: log, Now: time.Now})}
	f.Fuzz(func(t *testing.T, cookies string) {
		q := httptest.NewRequest("GET", "/", nil)
		q.RemoteAddr, q.Host = home, "localhost"
		q.Header["Cookie"] = []string{cookies}
		if v, p := g.Visitor(q); v.Role != api.Anyone || p != nil {
			t.Errorf("%q: %+v %+v", cookies, v, p)
		}
	})
}

func TestItServes(t *testing.T) {
	r := start(t, loopback)
	if res := get(t, http.DefaultClient, r.url()+"/healthz"); res.StatusCode != 200 {
		t.Error(res.Status)
	}
	if !strings.Contains(r.log.String(), `msg="web `+r.url()+`"`) {
		t.Error(r.log)
	}
}

// The address changes while somebody reads a stream: the new one answers, the old one is left,
// and the stream ends.
func TestAnotherAddress(t *testing.T) {
	r := start(t, loopback)
	old := r.url()
	q, err := http.NewRequest("GET", old+streams, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.token)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-r.streams

	same := loopback
	same.Hosts = []string{"other.example"}
	r.Configure(same)
	if r.url() != old || r.ask("GET", "/healthz", home, "Host", "other.example").Code != 200 {
		t.Error("another name alone is another address")
	}
	next := loopback
	next.Listen = "localhost:0"
	r.Configure(next)
	if r.url() == old {
		t.Error("the address stays")
	}
	if get(t, http.DefaultClient, r.url()+"/healthz").StatusCode != 200 {
		t.Error("the new address does not answer")
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
	r.Configure(config.Web{})
	r.behind.Wait()
	if len(r.URLs()) > 0 {
		t.Error("it listens, and should not")
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(old, "http://")); err == nil {
		t.Error("the old address still answers")
	}
}

// A port that somebody else has is told of once, and taken as soon as it is free.
func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	web := loopback
	web.Listen = taken.Addr().String()
	r := start(t, web)
	if len(r.URLs()) > 0 {
		t.Fatal("it has a port that is taken")
	}
	waitFor(t, "a warning", func() bool { return strings.Contains(r.log.String(), "cannot be served there yet") })
	taken.Close()
	waitFor(t, "the port", func() bool { return len(r.URLs()) == 1 })
	if get(t, http.DefaultClient, r.url()+"/healthz").StatusCode != 200 || strings.Count(r.log.String(), "cannot be served") != 1 {
		t.Error(r.log)
	}
}

// From every address to one of them: the old one stands in the way of the new one.
func TestNarrowerAddress(t *testing.T) {
	r := start(t, loopback)
	port := r.url()[strings.LastIndexByte(r.url(), ':'):]
	wide := loopback
	wide.Listen = port
	r.Configure(wide)
	waitFor(t, "the port at every address", func() bool { return len(r.URLs()) == 1 })
	r.Configure(loopback)
	narrow := loopback
	narrow.Listen = "127.0.0.1" + port
	r.Configure(narrow)
	waitFor(t, "the port at one address", func() bool { return len(r.URLs()) == 1 && r.URLs()[0] == "http://127.0.0.1"+port })
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no %s", what)
		}
	}
}

func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

// HTTPS shows a certificate that the device made for its names and keeps; a session's cookie
// then stays with HTTPS.
func TestOwnCertificate(t *testing.T) {
	r := start(t, config.Web{TLSListen: "127.0.0.1:0", Hosts: []string{"ata.example", "203.0.113.9"}, Allow: config.Networks{Word: "lan"}})
	res := get(t, insecure(), r.url()+"/healthz")
	cert := res.TLS.PeerCertificates[0]
	if res.StatusCode != 200 || res.ProtoMajor != 1 || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%+v", res)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "ata.example", "203.0.113.9"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if cert.PublicKeyAlgorithm != x509.ECDSA || cert.IsCA || time.Until(cert.NotAfter) < 700*24*time.Hour {
		t.Errorf("%v until %v", cert.PublicKeyAlgorithm, cert.NotAfter)
	}
	path := filepath.Join(r.dir, CertificateName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	shown := func() string {
		t.Helper()
		return get(t, insecure(), r.url()+"/healthz").TLS.PeerCertificates[0].SerialNumber.String()
	}
	first := shown()
	r.now = cert.NotAfter.Add(-certRenew - time.Hour)
	if shown() != first {
		t.Error("made anew too early")
	}
	r.now = cert.NotAfter.Add(-certRenew + time.Hour)
	renewed := shown()
	if renewed == first {
		t.Error("not made anew before its end")
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Configure(config.Web{TLSListen: "127.0.0.1:0"})
	if shown() == renewed || !strings.Contains(r.log.String(), "made anew") {
		t.Error("a damaged file stays")
	}
}

func TestGivenCertificate(t *testing.T) {
	maker := certificates{dir: t.TempDir(), log: slog.New(slog.DiscardHandler), now: time.Now, hosts: []string{"given.example"}}
	text, err := maker.make()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "given.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	given, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	web := config.Web{TLSListen: "127.0.0.1:0", TLSCert: file, TLSKey: file}
	r := start(t, web)
	res := get(t, insecure(), r.url()+"/healthz")
	if res.TLS.PeerCertificates[0].SerialNumber.Cmp(given.SerialNumber) != 0 || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%v", res.Header)
	}
	web.Listen = "127.0.0.1:0"
	r.Configure(web)
	if res := get(t, insecure(), r.URLs()[1]+"/healthz"); res.TLS == nil || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("with HTTP beside it: %v", res.Header)
	}
	web.Listen = ""
	web.TLSCert = filepath.Join(t.TempDir(), "none.pem")
	r.Configure(web)
	if res := get(t, insecure(), r.url()+"/healthz"); res.TLS.PeerCertificates[0].SerialNumber.Cmp(given.SerialNumber) == 0 || res.Header.Get("Strict-Transport-Security") != "" {
		t.Error("what cannot be read is still shown")
	}
}

// The own certificate follows the names that are configured and the addresses that people come
// to, and no others: a browser warns of each new one.
func TestCertificateFollowsItsNames(t *testing.T) {
	c := certificates{dir: t.TempDir(), log: slog.New(slog.DiscardHandler), now: time.Now}
	shown := func(at net.IP) *tls.Certificate {
		t.Helper()
		pair, err := c.current(at)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	c.configure("", "", []string{"a.example"})
	first := shown(nil)
	c.configure("", "", []string{"a.example"})
	if again := shown(net.IPv4(127, 0, 0, 1)); again.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) != 0 {
		t.Error("made anew for nothing")
	}
	c.configure("", "", []string{"a.example", "b.example", "203.0.113.9"})
	second := shown(nil)
	if err := errors.Join(second.Leaf.VerifyHostname("b.example"), second.Leaf.VerifyHostname("203.0.113.9")); err != nil {
		t.Error(err)
	}
	if c.configure("", "", []string{"b.example"}); shown(nil) == nil || shown(nil).Leaf.SerialNumber.Cmp(second.Leaf.SerialNumber) != 0 {
		t.Error("made anew for a name less")
	}

	second.Leaf.IPAddresses = nil // as if it had been made when the device had other addresses
	c.cert = second
	if err := os.Remove(filepath.Join(c.dir, CertificateName)); err != nil {
		t.Fatal(err)
	}
	if shown(net.IPv4(192, 0, 2, 77)) != second || shown(nil) != second {
		t.Error("made anew for an address that is not the device's")
	}
	third := shown(net.IPv4(127, 0, 0, 1))
	if third == second || third.Leaf.VerifyHostname("127.0.0.1") != nil {
		t.Errorf("not for the address that somebody came to: %v", third.Leaf.IPAddresses)
	}
	if kept, err := readPair(filepath.Join(c.dir, CertificateName)); err != nil || kept.Leaf.SerialNumber.Cmp(third.Leaf.SerialNumber) != 0 {
		t.Errorf("not kept: %v", err)
	}
}

func TestOldTLS(t *testing.T) {
	r := start(t, config.Web{TLSListen: "127.0.0.1:0"})
	_, err := tls.Dial("tcp", strings.TrimPrefix(r.url(), "https://"), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if strings.Contains(r.log.String(), "level=WARN") || strings.Contains(r.log.String(), "level=ERROR") {
		t.Errorf("strangers fill the log\n%s", r.log)
	}
}

func contextWithLocal(r *http.Request, local net.Addr) context.Context {
	return context.WithValue(r.Context(), http.LocalAddrContextKey, local)
}
