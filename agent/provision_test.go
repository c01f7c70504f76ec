package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/webui/api"
)

// A shelf is a web server with one file.
type shelf struct {
	*httptest.Server
	text chan string // holds the file
}

func newShelf(t *testing.T, text string) *shelf {
	s := &shelf{text: make(chan string, 1)}
	s.text <- text
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := <-s.text
		s.text <- text
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shelf) put(text string) {
	<-s.text
	s.text <- text
}

// fetching is a [provisioning] section of a device that fetches from the shelf.
func (s *shelf) fetching() string {
	return "[provisioning]\norder = static\nboot_delay_s = 0\nurl = " + s.URL + "/{mac}.ini\n"
}

// http is a request to the agent's interface.
func (r *rig) http(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	routes := api.New(device{r.Agent}, nil, slog.New(slog.DiscardHandler))
	routes.HandleSettings(settings{r.Agent})
	routes.HandleRadius(directory{r.Agent})
	routes.HandleTelephones(telephones{r.Agent})
	req := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	routes.Behind(api.Open{}).ServeHTTP(w, req.WithContext(r.t.Context()))
	return w
}

// get reads a resource of the interface.
func get[T any](r *rig, path string) (v T) {
	r.t.Helper()
	w := r.http("GET", path, "")
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		r.t.Fatalf("GET %s: %d %s: %v", path, w.Code, w.Body, err)
	}
	return v
}

func (r *rig) provisioning() api.Provisioning { return get[api.Status](r, "/status").Provisioning }

func (r *rig) value(section, key string) (value, source string) {
	r.t.Helper()
	for _, s := range get[[]api.Setting](r, "/config/explain") {
		if s.Section == section && s.Key == key {
			source := s.Source
			if s.Line != nil {
				source += fmt.Sprint(":", *s.Line)
			}
			return s.Value, source
		}
	}
	return "", ""
}

// Lines that are known do not wait for the look for settings, however long that is put off.
func TestLinesDoNotWaitForTheFirstLook(t *testing.T) {
	server := newRegistry(t)
	s := newShelf(t, line(1, server.port))
	began := time.Now()
	r := start(t, base+line(1, server.port)+strings.Replace(s.fetching(), "boot_delay_s = 0", "boot_delay_s = 3600", 1)+"[device]\nmac = 00:90:8f:1d:37:f0\n")
	r.until("registered", func() bool { return r.registered(1) })
	p := r.provisioning()
	next := p.Next.Time
	if p.State != "idle" || p.Attempt != 0 || !next.After(began) || next.After(time.Now().Add(time.Hour)) {
		t.Errorf("%+v", p)
	}
}

// A device that knows a URL fetches its line, registers it, and says where each value comes
// from and what it did not understand.
func TestSettingsAreFetched(t *testing.T) {
	server := newRegistry(t)
	s := newShelf(t, "# a line\n"+line(1, server.port)+"colour = green\n[port1]\ndriver = sim\n")
	r := start(t, base+s.fetching())
	r.until("registered", func() bool { return r.registered(1) })
	r.until("judged", func() bool { return r.provisioning().State == "good" })
	p := r.provisioning()
	if p.URL == "" || p.Source != "static" || p.Error != "" || p.Trial != nil || p.Generation == nil || p.Last.IsZero() || p.Next.IsZero() {
		t.Errorf("provisioning %+v", p)
	}
	if r.http("POST", "/provision", ""); p.Attempt != 1 {
		t.Errorf("attempt %d", p.Attempt)
	}
	r.until("looked again", func() bool { return r.provisioning().Finished == 2 })
	if again := r.provisioning(); fmt.Sprint(again.NotUnderstood) == "[]" || again.State != "good" || *again.Generation != *p.Generation {
		t.Errorf("after a look at the same file: %+v", again)
	}
	var lines []string
	for _, n := range p.NotUnderstood {
		lines = append(lines, fmt.Sprint(*n.Line, " ", n.Text))
	}
	if len(lines) != 2 || !strings.Contains(lines[0], "7 ") || !strings.Contains(lines[0], "colour") || !strings.Contains(lines[1], "[port1] driver") {
		t.Errorf("not understood: %q", lines)
	}
	if n := strings.Count(r.log.String(), `msg="settings not understood in full"`); n != 1 || !r.logged("settings not understood in full", string(p.URL), "items=2", "colour") {
		t.Errorf("told %d times in the log:\n%s", n, r.log)
	}
	if value, source := r.value("sip1", "username"); value != "1001" || source != string(p.URL)+":3" {
		t.Errorf("username %s from %s", value, source)
	}
	if value, source := r.value("sip1", "failback_interval"); value != "1800" || source != "built-in" {
		t.Errorf("failback_interval %s from %s", value, source)
	}
	if value, source := r.value("provisioning", "url"); !strings.HasPrefix(value, s.URL) || !strings.HasPrefix(source, "file:"+r.file+":") {
		t.Errorf("url %s from %s", value, source)
	}
}

// What was fetched is there again after a restart, without the server.
func TestFetchedSettingsOutliveTheirServer(t *testing.T) {
	server := newRegistry(t)
	s := newShelf(t, line(1, server.port))
	dir := t.TempDir()
	file := filepath.Join(dir, "tipring.ini")
	if err := os.WriteFile(file, []byte(base+s.fetching()), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		a, err := New(Options{Files: config.Files{File: file, StateDir: filepath.Join(dir, "state")}, Version: "test", Stderr: &syncBuffer{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		r := &rig{Agent: a, t: t, file: file, log: &syncBuffer{}}
		r.until("registered", func() bool { return r.registered(1) })
		if i == 0 {
			r.until("judged", func() bool { return r.provisioning().State == "good" })
			s.Close()
		} else {
			r.until("the fetch failed", func() bool { return r.provisioning().Error != "" })
			if p := r.provisioning(); p.State != "failed" || !r.registered(1) {
				t.Errorf("%+v", p)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Settings with a fault change nothing, and every fault is told.
func TestFetchedFaultsAreTold(t *testing.T) {
	server := newRegistry(t)
	s := newShelf(t, line(1, server.port))
	r := start(t, base+s.fetching())
	r.until("judged", func() bool { return r.provisioning().State == "good" })
	s.put(line(1, server.port) + "register_ttl = soon\ntransport = pigeon\n")
	w := r.http("POST", "/provision", "")
	if w.Code != http.StatusAccepted || w.Body.String() != "{\"attempt\":2}\n" {
		t.Fatalf("POST /provision: %d %s", w.Code, w.Body)
	}
	r.until("failed", func() bool { return r.provisioning().Finished == 2 })
	p := r.provisioning()
	for _, want := range []string{"register_ttl = soon", "transport = pigeon"} {
		if p.State != "failed" || !strings.Contains(string(p.Error), want) {
			t.Errorf("%+v: want %s", p, want)
		}
	}
	if !r.registered(1) {
		t.Error("the line is not registered any more")
	}
}

// A dry run tells what would change, and changes nothing.
func TestDryRun(t *testing.T) {
	server := newRegistry(t)
	s := newShelf(t, line(1, server.port))
	r := start(t, base+s.fetching())
	r.until("judged", func() bool { return r.provisioning().State == "good" })
	s.put(line(1, server.port) + "display_name = New\n" + line(2, server.port))
	w := r.http("POST", "/provision", `{"dry_run":true}`)
	var p api.Proposal
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := changes(p); got != "sip1 changed [display_name]; sip2 added []; " {
		t.Errorf("changes %s", got)
	}
	if r.provisioning().Attempt != 1 || r.unit(2) != nil {
		t.Error("something changed")
	}
}

func changes(p api.Proposal) (text string) {
	for _, ch := range p.Changes {
		text += fmt.Sprint(ch.Section, " ", ch.Kind, " ", ch.Keys, "; ")
	}
	return text
}

// The local layer over the interface: masked to read, checked, refused with every fault,
// guarded by its tag, applied as a generation, and taken back.
func TestLocalLayer(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })

	if w := r.http("PUT", "/config", "[sip1]\nregister_ttl = soon\ncolour = 1\n"); w.Code != 422 || strings.Count(w.Body.String(), `"line"`) != 2 {
		t.Errorf("two faults: %d %s", w.Code, w.Body)
	}
	const text = "# mine\n[sip1]\nauth_password = hush-hush\ndisplay_name = Desk\n"
	w := r.http("PUT", "/config", text, "Content-Type", "text/plain")
	var accepted api.Accepted
	if err := json.Unmarshal(w.Body.Bytes(), &accepted); err != nil || w.Code != 202 || accepted.Generation != 2 || accepted.Trial == nil || accepted.Trial.State != "trial" {
		t.Fatalf("PUT /config: %d %s", w.Code, w.Body)
	}
	r.until("judged", func() bool { return r.registered(1) && r.provisioning().State == "good" })
	if got, err := os.ReadFile(config.LocalPath(r.dir)); err != nil || string(got) != text {
		t.Errorf("local.ini is %q, %v", got, err)
	}
	w = r.http("GET", "/config", "")
	tag, masked := w.Header().Get("ETag"), w.Body.String()
	if want := strings.Replace(text, "hush-hush", config.Mask, 1); masked != want || tag == "" {
		t.Errorf("GET /config: %q, tag %s", masked, tag)
	}
	// The mask keeps the password.
	changed := strings.Replace(masked, "Desk", "Hall", 1)
	if w := r.http("PUT", "/config", changed, "If-Match", `"0-000000000000"`); w.Code != 412 {
		t.Errorf("a stale tag: %d %s", w.Code, w.Body)
	}
	if w := r.http("PUT", "/config", changed, "If-Match", tag); w.Code != 202 {
		t.Errorf("the present tag: %d %s", w.Code, w.Body)
	}
	if l := r.config().Line(1); l.AuthPassword != "hush-hush" || l.DisplayName != "Hall" {
		t.Errorf("line %q %q", l.AuthPassword, l.DisplayName)
	}
	r.until("judged", func() bool { return r.registered(1) && r.provisioning().State == "good" })
	w = r.http("POST", "/config/rollback", "")
	if w.Code != 202 || !strings.Contains(w.Body.String(), `"generation":2`) || r.config().Line(1).DisplayName != "Desk" {
		t.Errorf("rollback: %d %s", w.Code, w.Body)
	}
	list := get[[]api.Generation](r, "/config/generations")
	if len(list) != 3 || !list[1].Running || list[1].By != "page" || list[2].Verdict != "bad" {
		t.Errorf("generations %+v", list)
	}
}

// Whoever edits local.ini by hand gets it in force with SIGHUP, or learns what is wrong.
func TestLocalIniEditedByHand(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })
	write := func(text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(config.LocalPath(r.dir)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config.LocalPath(r.dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[sip1]\ndisplay_name = Hand\n")
	if err := r.Reload(); err != nil || r.config().Line(1).DisplayName != "Hand" {
		t.Errorf("%v, %q", err, r.config().Line(1).DisplayName)
	}
	write("[sip1]\ndisplay_name = Again\n") // nobody tells, and then the page changes something
	r.until("judged", func() bool { return r.registered(1) && r.provisioning().State == "good" })
	if w := r.http("POST", "/config/rollback", ""); w.Code != 202 || r.config().Line(1).DisplayName != "Hand" {
		t.Errorf("back from an edit that was never told: %d %s, %q", w.Code, w.Body, r.config().Line(1).DisplayName)
	}
	write("[sip1]\nregister_ttl = soon\n")
	if err := r.Reload(); err == nil || r.config().Line(1).DisplayName != "Hand" {
		t.Errorf("a fault: %v, %q", err, r.config().Line(1).DisplayName)
	}
	if f := get[api.Status](r, "/status").Faults; len(f) != 1 || !strings.Contains(f[0], "local.ini:2: [sip1] register_ttl = soon") {
		t.Errorf("faults %q", f)
	}
}
