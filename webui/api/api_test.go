package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// A box is a Device of two lines, two ports, a running and an ended call.
type box struct {
	did   []string // what was asked of it
	err   error    // what it answers actions with
	ready error
}

func (b *box) Lines() []Line {
	return []Line{
		{Line: 1, AOR: "sip:1001@pbx.example", State: "registered", Server: "backup", ServerAddr: "192.0.2.2:5060", Transport: "udp",
			Since: At(time.Date(2026, 3, 1, 10, 0, 0, 123456789, time.FixedZone("CET", 3600))), ExpiresS: Number(300), RefreshInS: Number(0),
			FailbackS: Number(1200), Failovers: 2, Failbacks: 1, Calls: 1, Why: "On the backup since 09:00 because the primary did not answer."},
		{Line: 3, State: "disabled", Server: "none"},
	}
}

func (b *box) Ports() []Port {
	return []Port{
		{Port: 1, Kind: "phone", Line: 1, Driver: "unix:/run/tipring/port1.sock", Card: true, Hook: "off", State: "talking", Call: "c1"},
		{Port: 2, Kind: "fax", Line: 3, Driver: "none", Hook: "on", State: "idle"},
	}
}

func (b *box) Calls() []Call {
	loss := 0.5
	return []Call{
		{ID: "c1", SIPCallID: "a@b", Line: 1, Port: Number(1), Direction: "out", Peer: "sip:600@pbx.example", State: "connected", Server: "192.0.2.2:5060",
			Codec: "pcmu", Media: &Media{Local: "192.0.2.10:16384", Remote: "192.0.2.2:30000"}, Started: At(time.Unix(1, 0)), Answered: At(time.Unix(2, 0)),
			Quality: &Quality{LossPct: &loss}},
		{ID: "c0", Line: 1, Direction: "in", State: "ended", Started: At(time.Unix(1, 0)), Ended: At(time.Unix(2, 0)), Reason: "486 Busy Here"},
	}
}

func (b *box) Status() Status {
	return Status{Version: "1.0", UptimeS: 7, Device: Names{MAC: "0C383E000001", Serial: "S1"},
		Lines: b.Lines(), Ports: b.Ports(), Provisioning: Provisioning{State: "idle"},
		Waiting: []Waiting{{Section: "port1", For: "port 1 to be on-hook"}}}
}

func (b *box) do(format string, args ...any) error {
	b.did = append(b.did, fmt.Sprintf(format, args...))
	return b.err
}

func (b *box) Register(_ context.Context, line int) error { return b.do("register %d", line) }
func (b *box) Call(_ context.Context, port int, to string) (string, error) {
	return "c2", b.do("call %d %s", port, to)
}
func (b *box) TestDialPlan(port int, digits string) (DialResult, error) {
	return DialResult{State: "matched", Number: Text(digits), WaitS: Number(4)}, b.do("dial %d %s", port, digits)
}
func (b *box) HangUp(_ context.Context, id string) error { return b.do("hang up %s", id) }
func (b *box) Drain(resume bool) error                   { return b.do("drain resume=%v", resume) }
func (b *box) Ready() error                              { return b.ready }

// ask sends one request through the whole handler.
func ask(b *box, gate Gate, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	New(b, nil, quiet).Behind(gate).ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

const (
	line1 = `{"line":1,"aor":"sip:1001@pbx.example","state":"registered","server":"backup","server_addr":"192.0.2.2:5060","transport":"udp",` +
		`"since":"2026-03-01T09:00:00.123Z","expires_s":300,"refresh_in_s":0,"failback_in_s":1200,"retry_in_s":null,"failovers":2,"failbacks":1,"last_error":null,"calls":1,` +
		`"why":"On the backup since 09:00 because the primary did not answer."}`
	line3 = `{"line":3,"aor":null,"state":"disabled","server":"none","server_addr":null,"transport":null,` +
		`"since":null,"expires_s":null,"refresh_in_s":null,"failback_in_s":null,"retry_in_s":null,"failovers":0,"failbacks":0,"last_error":null,"calls":0,"why":null}`
	port1 = `{"port":1,"kind":"phone","line":1,"driver":"unix:/run/tipring/port1.sock","card":true,"hook":"off","ring":false,"state":"talking","call":"c1","held":null,"waiting":null,"conference":false,"warning":null}`
	port2 = `{"port":2,"kind":"fax","line":3,"driver":"none","card":false,"hook":"on","ring":false,"state":"idle","call":null,"held":null,"waiting":null,"conference":false,"warning":null}`
	call1 = `{"id":"c1","sip_call_id":"a@b","line":1,"port":1,"direction":"out","peer":"sip:600@pbx.example","state":"connected","server":"192.0.2.2:5060",` +
		`"codec":"pcmu","media":{"local":"192.0.2.10:16384","remote":"192.0.2.2:30000","srtp":false},"started":"1970-01-01T00:00:01.000Z",` +
		`"answered":"1970-01-01T00:00:02.000Z","ended":null,"reason":null,"quality":{"loss_pct":0.5,"jitter_ms":null,"rtt_ms":null,"r":null,"mos":null,"lost":null,"late":null,"duplicates":null,"buffer_ms":null,"remote_loss_pct":null,"remote_jitter_ms":null}}`
	call0 = `{"id":"c0","sip_call_id":null,"line":1,"port":null,"direction":"in","peer":null,"state":"ended","server":null,"codec":null,"media":null,` +
		`"started":"1970-01-01T00:00:01.000Z","answered":null,"ended":"1970-01-01T00:00:02.000Z","reason":"486 Busy Here","quality":null}`
)

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
		did                string
	}{
		{"GET", "/api/v1/status", "", 200, `{"version":"1.0","uptime_s":7,"draining":false,"device":{"mac":"0C383E000001","serial":"S1","account":null},` +
			`"lines":[` + line1 + `,` + line3 + `],"ports":[` + port1 + `,` + port2 + `],` +
			`"provisioning":{"state":"idle","attempt":0,"finished":0,"account_state":null,"source":null,"url":null,"last":null,"next":null,"error":null,"generation":null,"trial":null,"not_understood":[],"sources":[]},"faults":[],"waiting":[{"section":"port1","for":"port 1 to be on-hook"}]}`, ""},
		{"GET", "/api/v1/lines", "", 200, `[` + line1 + `,` + line3 + `]`, ""},
		{"GET", "/api/v1/lines/1", "", 200, line1, ""},
		{"GET", "/api/v1/lines/3", "", 200, line3, ""},
		{"POST", "/api/v1/lines/1/register", "", 202, line1, "register 1"},
		{"GET", "/api/v1/ports", "", 200, `[` + port1 + `,` + port2 + `]`, ""},
		{"GET", "/api/v1/ports/2", "", 200, port2, ""},
		{"POST", "/api/v1/ports/1/call", `{"to":"600"}`, 202, `{"id":"c2"}`, "call 1 600"},
		{"POST", "/api/v1/ports/1/dial-plan", `{"digits":"911"}`, 200, `{"state":"matched","number":"911","wait_s":4,"emergency":false}`, "dial 1 911"},
		{"POST", "/api/v1/ports/1/dial-plan", `{"digits":""}`, 200, `{"state":"matched","number":null,"wait_s":4,"emergency":false}`, "dial 1 "},
		{"GET", "/api/v1/calls", "", 200, `[` + call1 + `,` + call0 + `]`, ""},
		{"GET", "/api/v1/calls/c0", "", 200, call0, ""},
		{"GET", "/api/v1/calls/c%31", "", 200, call1, ""},
		{"DELETE", "/api/v1/calls/c1", "", 204, ``, "hang up c1"},
		{"POST", "/api/v1/drain", "", 202, `{"draining":true}`, "drain resume=false"},
		{"POST", "/api/v1/drain", `{"resume":true}`, 202, `{"draining":false}`, "drain resume=true"},
		{"GET", "/healthz", "", 200, "ok", ""},
		{"GET", "/readyz", "", 200, "ok", ""},
	} {
		b := &box{}
		w := ask(b, Open{}, tt.method, tt.path, tt.body)
		if got := strings.TrimSuffix(w.Body.String(), "\n"); w.Code != tt.status || got != tt.want {
			t.Errorf("%s %s: %d\n got %s\nwant %s", tt.method, tt.path, w.Code, got, tt.want)
		}
		if got := strings.Join(b.did, ", "); got != tt.did {
			t.Errorf("%s %s: the device was asked %q, want %q", tt.method, tt.path, got, tt.did)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s %s: Cache-Control %q", tt.method, tt.path, got)
		}
		if strings.HasPrefix(tt.want, "{") || strings.HasPrefix(tt.want, "[") {
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("%s %s: Content-Type %q", tt.method, tt.path, got)
			}
		}
	}
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, body string
		err                      error
		status                   int
		detail                   string
	}{
		{"unknown route", "GET", "/api/v1/nothing", "", nil, 404, "there is no /api/v1/nothing"},
		{"root", "GET", "/", "", nil, 404, "there is no /"},
		{"a slash too many", "GET", "/api/v1/lines/", "", nil, 404, "there is no /api/v1/lines/"},
		{"an encoded slash is no slash", "GET", "/api/v1%2Flines", "", nil, 404, "there is no /api/v1/lines"},
		{"wrong method", "DELETE", "/api/v1/lines", "", nil, 405, "/api/v1/lines takes GET"},
		{"wrong method of a path with two", "PUT", "/api/v1/calls/c1", "", nil, 405, "/api/v1/calls/c1 takes GET, DELETE"},
		{"no state change on GET", "GET", "/api/v1/drain", "", nil, 405, "/api/v1/drain takes POST"},
		{"no such line", "GET", "/api/v1/lines/2", "", nil, 404, "there is no line 2"},
		{"not a number", "GET", "/api/v1/lines/01", "", nil, 404, "there is no line 01"},
		{"no such line to register", "POST", "/api/v1/lines/2/register", "", nil, 404, "there is no line 2"},
		{"no such port", "POST", "/api/v1/ports/9/call", `{"to":"1"}`, nil, 404, "there is no port 9"},
		{"no such call", "DELETE", "/api/v1/calls/c9", "", nil, 404, "there is no call c9"},
		{"an ended call", "DELETE", "/api/v1/calls/c0", "", nil, 409, "call c0 has ended"},
		{"nothing to dial", "POST", "/api/v1/ports/1/call", `{}`, nil, 422, `to is missing: wanted {"to":"NUMBER"}`},
		{"no body", "POST", "/api/v1/ports/1/dial-plan", ``, nil, 422, `digits is missing: wanted {"digits":"DIGITS"}`},
		{"a body that is too long", "POST", "/api/v1/ports/1/call", `{"to":"` + strings.Repeat("1", maxBody) + `"}`, nil, 413, "a body has at most 16384 octets"},
		{"busy", "POST", "/api/v1/ports/1/call", `{"to":"1"}`, fmt.Errorf("port 1: %w: it is ringing", ErrConflict), 409, "port 1: not possible now: it is ringing"},
		{"bad digits", "POST", "/api/v1/ports/1/dial-plan", `{"digits":"x"}`, fmt.Errorf("digit x: %w", ErrInvalid), 422, "digit x"},
		{"draining", "POST", "/api/v1/ports/1/call", `{"to":"1"}`, fmt.Errorf("%w: draining", ErrUnavailable), 503, "not available now: draining"},
		{"gone meanwhile", "DELETE", "/api/v1/calls/c1", "", ErrNotFound, 404, "not found"},
		{"our own fault", "POST", "/api/v1/lines/1/register", "", errors.New("boom"), 500, "boom"},
		{"the device's own words", "POST", "/api/v1/lines/1/register", "", &Problem{Title: "Enough", Status: 429, Detail: "one a minute"}, 429, "one a minute"},
	} {
		w := ask(&box{err: tt.err}, Open{}, tt.method, tt.path, tt.body)
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Errorf("%s: %v in %q", tt.name, err, w.Body)
		}
		if w.Code != tt.status || p.Status != tt.status || string(p.Detail) != tt.detail || p.Title == "" {
			t.Errorf("%s: %d %+v, want %d %q", tt.name, w.Code, p, tt.status, tt.detail)
		}
		if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", tt.name, got)
		}
		if tt.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s: no Allow", tt.name)
		}
	}
	if w := ask(&box{}, Open{}, "POST", "/api/v1/ports/1/call", `{"to":`); w.Code != 400 {
		t.Errorf("half a body: %d", w.Code)
	}
}

func TestReadiness(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, "ok\n[port1] waits for port 1 to be on-hook\n"},
		{errors.New("line 1 is failed"), "not\nline 1 is failed\n[port1] waits for port 1 to be on-hook\n"},
	} {
		w := ask(&box{ready: tt.err}, Open{}, "GET", "/readyz?verbose", "")
		if w.Body.String() != tt.want || (w.Code == 200) != (tt.err == nil) {
			t.Errorf("verbose: %d %q, want %q", w.Code, w.Body, tt.want)
		}
	}
	if w := ask(&box{}, knownAs{}, "GET", "/readyz?verbose", ""); w.Code != 401 {
		t.Errorf("verbose without a login: %d", w.Code)
	}
	w := ask(&box{ready: errors.New("unconfigured")}, Open{}, "GET", "/readyz", "")
	if w.Code != 503 || w.Body.String() != "not" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := ask(&box{ready: errors.New("unconfigured")}, Open{}, "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("healthz %d", w.Code)
	}
}

// A knownAs is a gate that takes everybody for one visitor.
type knownAs Visitor

func (k knownAs) Visitor(*http.Request) (Visitor, *Problem) { return Visitor(k), nil }

// Every route but the open ones is behind the gate, and the device is not touched.
func TestTheGateStandsInFrontOfEveryRoute(t *testing.T) {
	b, gate := &box{}, knownAs{}
	for _, route := range New(b, nil, quiet).Routes() {
		path := strings.NewReplacer("{n}", "1", "{id}", "c1").Replace(route.Path)
		w := ask(b, gate, route.Method, path, `{"to":"1","digits":"1"}`)
		if open := route.For == Anyone; open != (w.Code == 200) || !open && w.Code != 401 {
			t.Errorf("%s %s: %d", route.Method, path, w.Code)
		}
	}
	if w := ask(b, gate, "HEAD", "/api/v1/status", ""); w.Code != 401 {
		t.Errorf("HEAD passed: %d", w.Code)
	}
	if len(b.did) != 0 {
		t.Errorf("the device was asked %v", b.did)
	}
}

// Who is known may do what his role says, and no more.
func TestRoles(t *testing.T) {
	for _, tt := range []struct {
		role   Role
		method string
		path   string
		want   int
	}{
		{Scraper, "GET", "/metrics", 200},
		{Scraper, "GET", "/api/v1/status", 401},
		{User, "GET", "/metrics", 200},
		{User, "GET", "/api/v1/status", 200},
		{User, "POST", "/api/v1/drain", 403},
		{Admin, "POST", "/api/v1/drain", 202},
	} {
		if w := ask(&box{}, knownAs{Name: "x", Role: tt.role}, tt.method, tt.path, ""); w.Code != tt.want {
			t.Errorf("%s at %s %s: %d, want %d", tt.role, tt.method, tt.path, w.Code, tt.want)
		}
	}
}

// A gate may refuse a request whatever it asks for.
func TestTheGateRefuses(t *testing.T) {
	if w := ask(&box{}, refusal{}, "GET", "/healthz", ""); w.Code != 421 {
		t.Errorf("%d, want 421", w.Code)
	}
}

type refusal struct{}

func (refusal) Visitor(*http.Request) (Visitor, *Problem) { return Visitor{}, problem(421, "who?") }

// A page asks in the name of its visitor.
func TestAsk(t *testing.T) {
	b := &box{}
	a := New(b, nil, quiet)
	var line Line
	a.HandlePages(func(w http.ResponseWriter, r *http.Request, p *Problem) { http.Error(w, "page: "+p.Error(), p.Status) },
		Route{"GET", "/page", User, func(w http.ResponseWriter, r *http.Request) {
			if err := a.Ask(r, Question{Path: "/api/v1/lines/1"}).Into(&line); err != nil {
				t.Error(err)
			}
			refused := a.Ask(r, Question{Method: "POST", Path: "/api/v1/drain", Body: strings.NewReader("{}")})
			fmt.Fprint(w, refused.Status, refused.Problem.Title)
		}})
	w := httptest.NewRecorder()
	a.Behind(knownAs{Name: "x", Role: User}).ServeHTTP(w, httptest.NewRequest("GET", "/page", nil))
	if got := w.Body.String(); got != "403Forbidden" || line.AOR != "sip:1001@pbx.example" || line.ServerAddr == "" {
		t.Errorf("%q %+v", got, line)
	}
	w = httptest.NewRecorder()
	a.Behind(knownAs{}).ServeHTTP(w, httptest.NewRequest("GET", "/page", nil))
	if got := w.Body.String(); w.Code != 401 || !strings.HasPrefix(got, "page: ") {
		t.Errorf("%d %q", w.Code, got)
	}
}

func TestRoutesOfOthers(t *testing.T) {
	a := New(&box{}, nil, quiet)
	a.Handle(Route{"GET", "/api/v1/faxes/{id}/pages/{n}.png", User, nil},
		Route{"GET", "/api/v1/things/{id}/{n}", User, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.PathValue("id"), "+", r.PathValue("n"))
		}})
	w := httptest.NewRecorder()
	a.Behind(Open{}).ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/things/a%2Fb/7", nil))
	if w.Body.String() != "a/b+7" {
		t.Errorf("got %q", w.Body)
	}
}

func TestMetrics(t *testing.T) {
	var set metrics.Set
	set.Counters("tipring_sip_retransmissions_total", "Requests sent again.", "line", "method").With("1", "INVITE").Add(3)
	w := httptest.NewRecorder()
	New(&box{}, &set, quiet).Behind(Open{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); got != metrics.ContentType {
		t.Errorf("Content-Type %q", got)
	}
	text, _ := io.ReadAll(w.Body)
	for _, want := range []string{
		`tipring_build_info{version="1.0"} 1`,
		`tipring_uptime_seconds 7`,
		`tipring_draining 0`,
		`tipring_line_registered{line="1",server="primary"} 0`,
		`tipring_line_registered{line="1",server="backup"} 1`,
		`tipring_line_state{line="3",state="disabled"} 1`,
		`tipring_line_failovers_total{line="1"} 2`,
		`tipring_line_failbacks_total{line="1"} 1`,
		`tipring_line_calls{line="1"} 1`,
		`tipring_port_card{port="1"} 1`,
		`tipring_port_off_hook{port="2"} 0`,
		`tipring_calls{state="connected"} 1`,
		`tipring_sip_retransmissions_total{line="1",method="INVITE"} 3`,
	} {
		if !strings.Contains(string(text), "\n"+want+"\n") {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

func TestSnapshotsSurviveTheWire(t *testing.T) {
	b := &box{}
	text, err := json.Marshal(b.Status())
	if err != nil {
		t.Fatal(err)
	}
	var got Status
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(got)
	if string(again) != string(text) {
		t.Errorf("got\n%s\nwant\n%s", again, text)
	}
	if got.Lines[1].ServerAddr != "" || !got.Lines[1].Since.IsZero() || got.Lines[1].ExpiresS != nil {
		t.Errorf("what was null is now %+v", got.Lines[1])
	}
}
