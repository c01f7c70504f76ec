package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// masterWord is the owner's.
const masterWord = "the owner's own word"

// A besieged is a device that strangers try to do something to, and what its owner has.
type besieged struct {
	t                      *testing.T
	device, people, beyond *netlab.Host
	agent                  *agent.Agent
	owner                  *visitor
	claim                  string
}

// besiege starts a device with a line, two ports and a page, and makes its first visit.
func besiege(t *testing.T, set func(agent.Ini)) *besieged {
	t.Helper()
	return besiegeWith(t, func(*netlab.Lan, *besieged) {}, set)
}

// besiegeWith is besiege with others there before the device starts.
func besiegeWith(t *testing.T, others func(*netlab.Lan, *besieged), set func(agent.Ini)) *besieged {
	t.Helper()
	lan := netlab.New(t)
	s := &besieged{t: t, device: lan.Host("device", 10), people: lan.Host("people", 30), beyond: lan.Host("beyond", 66)}
	others(lan, s)
	config := agent.Base(100).
		Set("web", "listen", ":8080").
		Set("sip1", "username", "1001").
		Set("sip1", "auth_password", "secret-of-sip").
		Set("sip1", "register_addr", s.beyond.Addr).
		Set("port1", "line", 1).Set("port1", "driver", "unix:p1").
		Set("port2", "line", 1).Set("port2", "kind", "fax").Set("port2", "driver", "none")
	if set != nil {
		set(config)
	}
	s.agent = agent.Start(t, s.device, config)
	s.claim = s.stateFile("claim-code")
	if config["provisioning"]["order"] != "" && !netlab.Until(browser.Patience, func() bool { return !strings.Contains(s.state(), "Attempt:0") }) {
		t.Fatal("the device does not look for settings")
	}
	s.owner = s.visitor(s.people)
	if !netlab.Until(browser.Patience, func() bool { return len(s.agent.LogLines("web http")) > 0 }) {
		t.Fatal("the page is not served")
	}
	s.owner.must(204, "PUT", "/api/v1/password", map[string]string{"claim": s.claim, "new": masterWord})
	s.owner.logIn("admin", masterWord)
	return s
}

// host is what the device is called in a Host header.
func (s *besieged) host() string { return s.device.Addr.String() + ":8080" }

// A visitor is a program that keeps cookies as a browser does.
type visitor struct {
	s       *besieged
	http    *http.Client
	base    string
	cookies map[string]*http.Cookie
}

func (s *besieged) visitor(from *netlab.Host) *visitor {
	return &visitor{s: s, base: "http://" + s.host(), cookies: map[string]*http.Cookie{}, http: &http.Client{
		Timeout:       browser.Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, // it vouches for itself
			DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
				err = from.Do(func() error { c, err = new(net.Dialer).DialContext(ctx, network, addr); return err })
				return c, err
			},
		},
	}}
}

// said is an answer.
type said struct {
	status int
	header http.Header
	text   string
}

// send sends a request with the cookies and headers (name, value), and keeps the cookies that come.
func (v *visitor) send(method, path, media string, body io.Reader, headers ...string) said {
	v.s.t.Helper()
	r, err := http.NewRequest(method, v.base+path, body)
	if err != nil {
		v.s.t.Fatal(err)
	}
	for _, c := range v.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := v.http.Do(r)
	if err != nil {
		v.s.t.Errorf("%s %s: %v", method, path, err)
		return said{}
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 16<<20)) // what came is judged
	for _, c := range res.Cookies() {
		if v.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return said{res.StatusCode, res.Header, string(text)}
}

// ask sends JSON, nil for none.
func (v *visitor) ask(method, path string, body any) said {
	v.s.t.Helper()
	if body == nil {
		return v.send(method, path, "", nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		v.s.t.Fatal(err)
	}
	return v.send(method, path, "application/json", bytes.NewReader(text))
}

func (v *visitor) must(status int, method, path string, body any) said {
	v.s.t.Helper()
	got := v.ask(method, path, body)
	if got.status != status {
		v.s.t.Fatalf("%s %s: %d %s, want %d", method, path, got.status, got.text, status)
	}
	return got
}

func (v *visitor) logIn(user, word string) {
	v.s.t.Helper()
	v.must(200, "POST", "/api/v1/session", map[string]string{"user": user, "password": word})
}

// into decodes JSON.
func (a said) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("%v: %s", err, a.text)
	}
}

// A target is a method of a path, and the least role that may use it.
type target struct{ method, path, role string }

// targets are all that the description names, with values in the places of {names}.
func (s *besieged) targets() (all []target) {
	s.t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := s.agent.Get("/api/v1/openapi.json", &doc); err != nil {
		s.t.Fatal(err)
	}
	values := strings.NewReplacer("{n}", "1", "{id}", "1", "{number}", "600", "{name}", "admin", "{page}", "1.png")
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			var operation struct {
				Role string `json:"x-role"`
			}
			if json.Unmarshal(raw, &operation) == nil && operation.Role != "" {
				all = append(all, target{strings.ToUpper(method), values.Replace(path), operation.Role})
			}
		}
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(all) < 60 {
		s.t.Fatalf("the description names %d routes", len(all))
	}
	return all
}

// link is where a page leads, or what it sends its forms to.
var link = regexp.MustCompile(`(?:href|action|formaction|src)="(/[^"#?]*)`)

// pages are those that one comes to from the first one, and what their forms are sent to.
func (v *visitor) pages() (all []string) {
	v.s.t.Helper()
	all = []string{"/"}
	for i := 0; i < len(all); i++ {
		if strings.HasPrefix(all[i], "/api/") {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(v.ask("GET", all[i], nil).text, -1) {
			if !slices.Contains(all, found[1]) && !strings.HasPrefix(found[1], "/api/") {
				all = append(all, found[1])
			}
		}
	}
	return all
}

// state is everything that a stranger could change.
func (s *besieged) state() string {
	s.t.Helper()
	var b strings.Builder
	for _, path := range []string{"/config", "/config/generations", "/users", "/tokens", "/faxes", "/calls", "/call-ahead", "/restore", "/backup"} {
		var text string
		if err := s.agent.Get("/api/v1"+path, &text); err != nil {
			s.t.Fatalf("%s: %v", path, err)
		}
		if path == "/tokens" {
			text = regexp.MustCompile(`"used":[^,}]*`).ReplaceAllString(text, "")
		}
		fmt.Fprintf(&b, "%s: %s\n", path, text)
	}
	var status struct {
		Draining     bool
		Provisioning struct{ Attempt, Generation int }
	}
	if err := s.agent.Get("/api/v1/status", &status); err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(&b, "%+v %d\n", status, s.agent.Pid())
	return b.String()
}

// unchanged compares the state.
func (s *besieged) unchanged(before string) {
	s.t.Helper()
	if after := s.state(); after != before {
		s.t.Errorf("the device has changed:\n%s\nit was:\n%s", after, before)
	}
}

// memory is a member of /proc/PID/status in KiB.
func (s *besieged) memory(name string) (kib int) {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.agent.Pid()))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			fmt.Sscanf(rest, "%d", &kib)
		}
	}
	return kib
}

// raw sends octets over a connection of their own, and returns what comes until it is closed.
func (s *besieged) raw(from *netlab.Host, text string) string {
	s.t.Helper()
	var c net.Conn
	if err := from.Do(func() (err error) { c, err = net.Dial("tcp", s.host()); return err }); err != nil {
		s.t.Errorf("%q: %v", text, err)
		return ""
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, text); err != nil {
		return ""
	}
	_ = c.(*net.TCPConn).CloseWrite() // who answers first has closed it
	answer, _ := io.ReadAll(c)        // a reset ends it, too
	return string(answer)
}

// stateFile reads a file of the state directory.
func (s *besieged) stateFile(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.agent.Dir, "state", name))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// window opens a window on a host, and has the owner log in there.
func (s *besieged) window(from *netlab.Host) *browser.Browser {
	s.t.Helper()
	b := browser.OpenIn(s.t, from, browser.Desktop)
	b.Go("http://" + s.host() + "/login")
	b.Fill("", "User", "admin")
	b.Fill("", "Password", masterWord)
	b.Press("Log in")
	b.UntilText("h1", "Status")
	return b
}
