package api

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A machine is a System with a short log.
type machine struct {
	restarted []bool
	err       error
}

var began = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func (m *machine) Log() []LogLine {
	return []LogLine{
		{ID: 1, Time: At(began), Level: "debug", Message: "sent", Attrs: json.RawMessage(`{"line":1,"method":"REGISTER"}`)},
		{ID: 2, Time: At(began.Add(time.Second)), Level: "info", Message: "registered", Attrs: json.RawMessage(`{"line":1,"registrar":"192.0.2.1:5060"}`)},
		{ID: 3, Time: At(began.Add(2 * time.Second)), Level: "warn", Message: "line lost", Attrs: json.RawMessage(`{"line":2,"err":"no \"answer\""}`)},
		{ID: 4, Time: At(began.Add(3 * time.Second)), Level: "error", Message: "port has no driver", Attrs: json.RawMessage(`{}`)},
	}
}
func (m *machine) Messages() []Message {
	return []Message{{ID: "voice-1", Line: 1, Kind: "voice", Waiting: true, New: Number(2), At: At(began)}}
}
func (m *machine) ForgetMessage(id string) error {
	if id != "text-7" {
		return ErrNotFound
	}
	return m.err
}
func (m *machine) Warnings() []Warning {
	return []Warning{{ID: "line2", Severity: "error", Text: "Line 2 is down."}}
}
func (m *machine) System() Machine {
	return Machine{Version: "1.0", Network: []Network{{Name: "eth0"}}}
}
func (m *machine) Restart(now bool) error {
	m.restarted = append(m.restarted, now)
	return m.err
}

func askMachine(m *machine, role Role, method, path, body string) *httptest.ResponseRecorder {
	a := New(&box{}, nil, quiet)
	a.HandleSystem(m)
	w := httptest.NewRecorder()
	a.Behind(same{Visitor{Role: role}}).ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestSystemAnswers(t *testing.T) {
	for _, tt := range []struct {
		role       Role
		path, want string
	}{
		{User, "/api/v1/messages", `[{"id":"voice-1","line":1,"kind":"voice","waiting":true,"new":2,"old":null,"urgent_new":null,"urgent_old":null,"account":null,"at":"2026-03-01T10:00:00.000Z","from":null,"text":null}]`},
		{User, "/api/v1/warnings", `[{"id":"line2","severity":"error","text":"Line 2 is down.","todo":null,"section":null,"key":null,"label":null,"link":null,"since":null}]`},
		{User, "/api/v1/system", `{"time":null,"zone":"","clock":{"set":false,"source":"","floor":null},"uptime_s":0,"version":"1.0","go":"","arch":"",` +
			`"memory":{"rss_bytes":0,"heap_bytes":0,"total_bytes":0,"free_bytes":0},"disk":{"path":"","total_bytes":0,"free_bytes":0,"read_only":false},` +
			`"network":[{"name":"eth0","mac":null,"up":false,"addresses":[]}],"dns":[],"gateway":null,"hostname":null,"load":null}`},
	} {
		if w := askMachine(new(machine), tt.role, "GET", tt.path, ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != tt.want {
			t.Errorf("%s: %d\n%s\nwant\n%s", tt.path, w.Code, w.Body, tt.want)
		}
	}
	if w := askMachine(new(machine), User, "GET", "/api/v1/log", ""); w.Code != 403 {
		t.Errorf("the log for a user: %d", w.Code)
	}
}

func TestLogFilter(t *testing.T) {
	for _, tt := range []struct {
		query string
		want  string // the ids
	}{
		{"", "1 2 3 4"},
		{"?level=&q=&since=&limit=", "1 2 3 4"}, // an empty form
		{"?level=warn", "3 4"},
		{"?level=WARN&limit=1", "4"},
		{"?q=LINE=1", "1 2"},
		{"?q=lost", "3"},
		{"?q=" + url.QueryEscape(`no "answer"`), "3"},
		{"?since=2026-03-01T10:00:02Z", "3 4"},
		{"?since=2026-03-01T12:00:03%2B02:00", "4"},
		{"?q=nothing", ""},
	} {
		w := askMachine(new(machine), Admin, "GET", "/api/v1/log"+tt.query, "")
		var lines []LogLine
		if err := json.Unmarshal(w.Body.Bytes(), &lines); err != nil || lines == nil {
			t.Fatalf("%s: %d %s", tt.query, w.Code, w.Body)
		}
		var ids []string
		for _, l := range lines {
			ids = append(ids, string('0'+rune(l.ID)))
		}
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("%s: lines %s, want %s", tt.query, got, tt.want)
		}
	}
	for _, query := range []string{"?level=loud", "?since=yesterday", "?limit=0", "?limit=x"} {
		if w := askMachine(new(machine), Admin, "GET", "/api/v1/log"+query, ""); w.Code != 422 {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
}

func TestRestartRoute(t *testing.T) {
	m := new(machine)
	for _, body := range []string{"", `{"now":false}`, `{"now":true}`} {
		if w := askMachine(m, Admin, "POST", "/api/v1/restart", body); w.Code != 202 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if len(m.restarted) != 3 || m.restarted[1] || !m.restarted[2] {
		t.Errorf("asked for %v", m.restarted)
	}
	for path, want := range map[string]int{"/api/v1/messages/text-7": 204, "/api/v1/messages/voice-1": 404} {
		if w := askMachine(new(machine), User, "DELETE", path, ""); w.Code != want {
			t.Errorf("DELETE %s: %d", path, w.Code)
		}
	}
	if w := askMachine(m, User, "POST", "/api/v1/restart", ""); w.Code != 403 || len(m.restarted) != 3 {
		t.Errorf("by a user: %d", w.Code)
	}
	m.err = ErrConflict
	if w := askMachine(m, Admin, "POST", "/api/v1/restart", ""); w.Code != 409 {
		t.Errorf("while it ends: %d", w.Code)
	}
}

// What a log holds is the world's: it reads the same whatever it is.
func FuzzFacts(f *testing.F) {
	f.Add(`{"line":1,"err":"no \"answer\"","list":["a","b"],"ok":true}`, "line", "level=warn&q=x&since=2026-03-01T10:00:00Z&limit=3")
	f.Add(`{`, "", "level=%zz")
	f.Add(`[1]`, "\x00", "since=9999999999")
	f.Fuzz(func(t *testing.T, attrs, text, query string) {
		l := LogLine{Level: "info", Message: text, Attrs: json.RawMessage(attrs)}
		if !strings.HasPrefix(l.String(), "info "+text) {
			t.Errorf("%q", l)
		}
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if f, p := logFilterOf(q); p == nil {
			f.of([]LogLine{l})
		}
	})
}
