package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
)

func TestMain(m *testing.M) { faxlab.Main(m) }

// A world is a device that has something to say on every route.
type world struct {
	t      *testing.T
	doc    *Document
	socket *Socket
	judged map[string]bool // method and path
	fax    string
	call   string
	claim  string // the claim code
}

// ask has a request judged. target is the path with its values, and a query.
func (w *world) ask(method, path, target, media string, body []byte) Answer {
	w.t.Helper()
	a, err := w.socket.Ask(w.t.Context(), method, target, media, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	if err := w.doc.Judge(method, path, a); err != nil {
		w.t.Errorf("%s %s: %v\n%.1000s", method, target, err, a.Body)
	}
	w.judged[method+" "+path] = true
	return a
}

// succeeds asks with JSON for something that works.
func (w *world) succeeds(method, path, target string, body any) Answer {
	w.t.Helper()
	var text []byte
	media := ""
	if body != nil {
		text, media = JSON(body), "application/json"
	}
	a := w.ask(method, path, target, media, text)
	if a.Status >= 300 {
		w.t.Errorf("%s %s: %d %s", method, target, a.Status, a.Body)
	}
	return a
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	l := faxlab.New(t, 1, func(number string, _ int) faxend.Script {
		s := faxlab.Ways[0].Called
		s.Recv, s.Options = filepath.Join(dir, "far-"+number), []string{"--ident", number}
		return s
	})
	l.Port(1, "driver", "none")
	l.Config.Set("radius", "servers", "127.0.0.1:9;legacy").Set("radius", "secret", "s").Set("radius", "tries", 1).Set("radius", "timeout_ms", 100)
	l.Run(1)
	w := &world{t: t, socket: Dial(filepath.Join(l.Agent.Dir, "state", "control.sock")), judged: map[string]bool{}}
	text, err := w.socket.Ask(t.Context(), "GET", "/api/v1/openapi.json", "", nil)
	if err != nil || text.Status != 200 {
		t.Fatalf("%d %v", text.Status, err)
	}
	if w.doc, err = Parse(text.Body); err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(filepath.Join(l.Agent.Dir, "state", "claim-code"))
	if err != nil {
		t.Fatal(err)
	}
	w.claim = strings.TrimSpace(string(code))
	w.fax = faxlab.SendDocument(t, l.Agent, 1, "601", faxlab.NewDocument(t, 1, 700, 1).File)
	faxlab.WaitFax(t, l.Agent, faxlab.Patience, faxlab.OnPort(1, "out"), "sent")
	if calls := l.Agent.Calls(); len(calls) > 0 {
		w.call = calls[0].ID
	}
	return w
}

// Every answer of a running device is what the description of its route says.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reads()
	w.settings()
	w.people()
	w.backup()
	w.moves()
	for path, methods := range w.doc.Operations() {
		for _, method := range methods {
			if name := method + " " + path; !w.judged[name] && !slices.Contains(notAsked, name) {
				t.Errorf("%s: nobody asked for it", name)
			}
		}
	}
}

// notAsked has no end, or ends the device.
var notAsked = []string{"GET /api/v1/events", "POST /api/v1/restart"}

// telephone is a route of telephones, which the device has none of: its port is a fax machine's.
// generation is one of the settings that are kept, and there are none before a change.
const (
	telephone  = "/api/v1/ports/{n}/features"
	generation = "/api/v1/config/generations/{n}"
)

// reads asks every route that only tells.
func (w *world) reads() {
	values := strings.NewReplacer("/calls/{id}", "/calls/"+w.call, "/faxes/{id}", "/faxes/"+w.fax, "{n}", "1", "{page}", "1.png")
	for path, methods := range w.doc.Operations() {
		if target := values.Replace(path); slices.Contains(methods, "GET") && !strings.Contains(target, "{") && !slices.Contains(notAsked, "GET "+path) && path != telephone && path != generation {
			w.succeeds("GET", path, target, nil)
		}
	}
	for _, path := range []string{"/api/v1/lines/{n}", "/api/v1/ports/{n}"} {
		if a := w.ask("GET", path, strings.Replace(path, "{n}", "99", 1), "", nil); a.Status != 404 {
			w.t.Errorf("%s: %d", path, a.Status)
		}
	}
	w.succeeds("GET", "/api/v1/log", "/api/v1/log?level=warn&limit=3", nil)
	w.succeeds("GET", "/readyz", "/readyz?verbose", nil)
}

// settings asks about the local layer, and changes it.
func (w *world) settings() {
	const config = "/api/v1/config"
	w.ask("POST", config+"/check", config+"/check", "text/plain", []byte("[sip1]\ndisplay_name = Anna\nauth_password = x\nregister_port = y\n"))
	w.ask("POST", config+"/check", config+"/check", "text/plain", []byte("[sip1]\ndisplay_name = Anna\nauth_password = x\n"))
	w.ask("PUT", config, config, "text/plain", []byte("[sip1]\nregister_port = y\n"))
	w.ask("PUT", config, config, "text/plain", []byte("[sip1]\ndisplay_name = Anna\n"))
	w.ask("PATCH", config, config, "application/merge-patch+json", []byte(`{"sip1":{"display_name":"Bea"}}`))
	w.succeeds("GET", config+"/explain", config+"/explain", nil)
	var kept []struct{ Generation int }
	if err := json.Unmarshal(w.succeeds("GET", config+"/generations", config+"/generations", nil).Body, &kept); err != nil || len(kept) == 0 {
		w.t.Fatalf("%+v, %v", kept, err)
	}
	w.succeeds("GET", config+"/generations/{n}", fmt.Sprint(config, "/generations/", kept[len(kept)-1].Generation), nil)
	w.succeeds("GET", "/api/v1/status", "/api/v1/status", nil)
	w.succeeds("POST", config+"/rollback", config+"/rollback", map[string]any{})
	w.succeeds("POST", "/api/v1/provision", "/api/v1/provision", nil)
	w.succeeds("POST", "/api/v1/provision", "/api/v1/provision", map[string]bool{"dry_run": true})
	w.ask("POST", "/api/v1/radius/lookup", "/api/v1/radius/lookup", "application/json", []byte(`{"command":"account","serial":"1"}`))
	w.succeeds("GET", "/api/v1/radius", "/api/v1/radius", nil)
}

// people makes a user and a token, and removes them.
func (w *world) people() {
	const users, tokens, name, id = "/api/v1/users", "/api/v1/tokens", "/{name}", "/{id}"
	w.ask("POST", "/api/v1/session", "/api/v1/session", "application/json", []byte(`{"user":"admin","password":"not the password"}`))
	w.ask("DELETE", "/api/v1/session", "/api/v1/session", "", nil)
	w.ask("PUT", "/api/v1/password", "/api/v1/password", "application/json", []byte(`{"claim":"wrong","new":"correct horse battery"}`))
	w.succeeds("PUT", "/api/v1/password", "/api/v1/password", map[string]string{"claim": w.claim, "new": "correct horse battery"})
	w.succeeds("POST", users, users, map[string]string{"name": "boss", "role": "admin", "password": "correct horse battery"})
	w.succeeds("POST", users, users, map[string]string{"name": "anna", "role": "user", "password": "correct horse battery"})
	w.succeeds("GET", users, users, nil)
	w.succeeds("PUT", users+name, users+"/anna", map[string]string{"role": "admin"})
	w.succeeds("DELETE", users+name, users+"/anna", nil)
	var t struct{ ID string }
	if err := json.Unmarshal(w.succeeds("POST", tokens, tokens, map[string]string{"name": "watch", "role": "user"}).Body, &t); err != nil || t.ID == "" {
		w.t.Fatalf("%+v, %v", t, err)
	}
	w.succeeds("GET", tokens, tokens, nil)
	w.succeeds("DELETE", tokens+id, tokens+"/"+t.ID, nil)
}

// backup makes one, and restores it.
func (w *world) backup() {
	const password = "correct horse battery"
	w.ask("POST", "/api/v1/backup", "/api/v1/backup", "application/json", []byte(`{"password":"short"}`))
	file := w.succeeds("POST", "/api/v1/backup", "/api/v1/backup", map[string]string{"password": password}).Body
	for _, tt := range []struct {
		password string
		status   int
	}{{"another password", 422}, {password, 202}} {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		f, err := m.CreateFormFile("file", "x.backup")
		if err == nil {
			_, err = f.Write(file)
		}
		if err == nil {
			err = m.WriteField("password", tt.password)
		}
		if err := errors.Join(err, m.Close()); err != nil {
			w.t.Fatal(err)
		}
		if a := w.ask("POST", "/api/v1/restore", "/api/v1/restore", m.FormDataContentType(), b.Bytes()); a.Status != tt.status {
			w.t.Errorf("restore: %d %s", a.Status, a.Body)
		}
	}
	w.succeeds("GET", "/api/v1/restore", "/api/v1/restore", nil)
}

// moves has the device do what it can, to its end.
func (w *world) moves() {
	const v1, fax, port = "/api/v1", "/api/v1/faxes/{id}", "/api/v1/ports/{n}"
	of := func(path string) string {
		return strings.NewReplacer("/calls/{id}", "/calls/"+w.call, "{id}", w.fax, "{n}", "1", "{number}", "601").Replace(path)
	}
	w.succeeds("POST", port+"/dial-plan", of(port+"/dial-plan"), map[string]string{"digits": "60"})
	w.ask("POST", port+"/call", of(port+"/call"), "application/json", []byte(`{"to":"601"}`))
	w.succeeds("POST", v1+"/lines/{n}/register", of(v1+"/lines/{n}/register"), nil)
	w.ask("GET", telephone, of(telephone), "", nil)
	w.ask("PATCH", telephone, of(telephone), "application/json", []byte(`{"dnd":true}`))
	w.ask("DELETE", v1+"/missed", v1+"/missed", "", nil)
	w.ask("DELETE", v1+"/messages/{id}", v1+"/messages/text-1", "", nil)
	w.ask("DELETE", v1+"/calls/{id}", of(v1+"/calls/{id}"), "", nil)
	w.ask("DELETE", fax, of(fax), "", nil) // it is over
	w.ask("POST", v1+"/faxes", v1+"/faxes", "application/json", []byte(`{}`))
	w.ask("POST", fax+"/resend", of(fax+"/resend"), "application/json", []byte(`{"to":"602"}`))
	w.succeeds("GET", v1+"/faxes", v1+"/faxes", nil)
	w.ask("DELETE", v1+"/call-ahead/{number}", of(v1+"/call-ahead/{number}"), "", nil)
	w.succeeds("POST", v1+"/drain", v1+"/drain", nil)
	w.succeeds("POST", v1+"/drain", v1+"/drain", map[string]bool{"resume": true})
	w.ask("POST", fax+"/forget", of(fax+"/forget"), "", nil)
	w.succeeds("GET", v1+"/status", v1+"/status", nil)
	w.succeeds("POST", v1+"/factory-reset", v1+"/factory-reset", nil)
}

// A member that the description lacks is found, and one that the answer lacks, and a word that
// is none.
func TestTheJudgeIsStrict(t *testing.T) {
	d, err := Parse([]byte(`{"openapi":"3.1.0","paths":{"/a/{n}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}}}}},
		"components":{"responses":{"Problem":{"content":{"application/problem+json":{"schema":{"type":"object","required":["status"]}}}}},
		"schemas":{"A":{"type":"object","properties":{"state":{"type":["string","null"],"enum":["on","off",null]},"at":{"type":"string","format":"date-time"}},"required":["state"],"additionalProperties":false}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		answer Answer
		good   bool
	}{
		{Answer{200, "application/json", []byte(`{"state":"on","at":"2026-01-02T03:04:05.678Z"}`)}, true},
		{Answer{200, "application/json", []byte(`{"state":null}`)}, true},
		{Answer{200, "application/json", []byte(`{"state":"on","more":1}`)}, false},
		{Answer{200, "application/json", []byte(`{}`)}, false},
		{Answer{200, "application/json", []byte(`{"state":"half"}`)}, false},
		{Answer{200, "application/json", []byte(`{"state":"on","at":"yesterday"}`)}, false},
		{Answer{200, "text/html", []byte(`{"state":"on"}`)}, false},
		{Answer{201, "application/json", []byte(`{"state":"on"}`)}, false},
		{Answer{404, "application/problem+json", []byte(`{"status":404}`)}, true},
		{Answer{404, "application/problem+json", []byte(`{}`)}, false},
	} {
		if err := d.Judge("GET", "/a/{n}", tt.answer); (err == nil) != tt.good {
			t.Errorf("%s: %v", fmt.Sprintf("%d %s", tt.answer.Status, tt.answer.Body), err)
		}
	}
}
