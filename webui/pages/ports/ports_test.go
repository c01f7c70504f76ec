package ports

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A device has a mailbox besides the ports of the fixture, and a dial plan.
type device struct {
	*fixture.Device
	refuse  error
	handset *handset // nil: the device knows no features
}

func (d *device) Ports() []api.Port {
	list := d.Device.Ports()
	list[3].Warning = "listen: <denied>"
	return append(list, api.Port{Port: 5, Kind: "fax", Line: 1, Driver: "none", Hook: "on", State: "idle"})
}

func (d *device) Call(ctx context.Context, port int, to string) (string, error) {
	if d.refuse != nil {
		return "", d.refuse
	}
	return d.Device.Call(ctx, port, to)
}

func (d *device) TestDialPlan(_ int, digits string) (api.DialResult, error) {
	switch digits {
	case "911":
		return api.DialResult{State: "complete", Number: "911", Emergency: true}, nil
	case "0":
		return api.DialResult{State: "blocked"}, nil
	case "55":
		return api.DialResult{State: "matched", Number: "155", WaitS: api.Number(4)}, nil
	}
	return api.DialResult{}, fmt.Errorf("%.40q are no digits: %w", digits, api.ErrInvalid)
}

func (d *device) visit(gate api.Gate, r *http.Request) *httptest.ResponseRecorder {
	a := api.New(d, nil, slog.New(slog.DiscardHandler))
	a.HandleFaxes(d)
	if d.handset != nil {
		a.HandleTelephones(d.handset)
	}
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse, append(Routes(site), api.Route{Method: "GET", Path: "/ports/{n}", For: api.Admin, Handle: http.NotFound})...)
	w := httptest.NewRecorder()
	a.Behind(gate).ServeHTTP(w, r)
	return w
}

func newDevice() *device { return &device{Device: fixture.New(time.Now())} }

func (d *device) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.visit(fixture.User, r)
}

// card is what a page says of one port.
func card(t *testing.T, w *httptest.ResponseRecorder, n int) string {
	t.Helper()
	_, text, ok := strings.Cut(w.Body.String(), fmt.Sprintf(`<div id="port-%d"`, n))
	if !ok {
		t.Fatalf("no port %d in %d %.300s", n, w.Code, w.Body)
	}
	text, _, _ = strings.Cut(text, fmt.Sprintf(`<div id="port-%d"`, n+1))
	return text
}

func has(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("lacks %s:\n%s", w, text)
		}
	}
}

func lacks(t *testing.T, text string, unwanted ...string) {
	t.Helper()
	for _, u := range unwanted {
		if strings.Contains(text, u) {
			t.Errorf("has %s", u)
		}
	}
}

func TestPorts(t *testing.T) {
	d := newDevice()
	w := d.visit(fixture.Admin, httptest.NewRequest("GET", "/ports", nil))
	if w.Code != 200 {
		t.Fatal(w.Code)
	}
	has(t, card(t, w, 1), `data-live="port/1"`, `data-attr="hook" data-state="off"`, "In a call", `href="/line/1/sip"`, "unix:/run/tipring/port1.sock", `href="/calls/c1"`, `action="/ports/1/hang-up"`,
		`<div data-if="!call" hidden><form method="post" action="/ports/1/call"`, `href="/ports/1">Settings`, `data-ask="/api/v1/ports/1/dial-plan"`, `data-answer role="status"`)
	has(t, card(t, w, 2), "Ringing voltage on", `data-attr="ring" data-state="true"`)
	has(t, card(t, w, 3), "Fax machine", `href="/fax?by=port+3"`, `<label for="to-3">`)
	has(t, card(t, w, 4), "listen: &lt;denied&gt;", "No line card")
	has(t, card(t, w, 5), "Mailbox for faxes")
	lacks(t, card(t, w, 5), "/ports/5/call", "Line card")
	w = d.visit(fixture.User, httptest.NewRequest("GET", "/ports", nil))
	lacks(t, card(t, w, 1), "Settings", " open>")
	if w = d.visit(fixture.Nobody, httptest.NewRequest("GET", "/ports", nil)); w.Code != http.StatusSeeOther {
		t.Errorf("without a login: %d", w.Code)
	}
	if got := d.Did(); len(got) != 0 {
		t.Errorf("looking did %v", got)
	}
}

func TestCalls(t *testing.T) {
	d := newDevice()
	if w := d.post("/ports/3/call", url.Values{"to": {"600"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/ports#port-3" {
		t.Errorf("call: %d %v", w.Code, w.Header())
	}
	if w := d.post("/ports/1/hang-up", nil); w.Code != http.StatusSeeOther {
		t.Errorf("hang up: %d", w.Code)
	}
	if w := d.post("/ports/3/hang-up", nil); w.Code != http.StatusSeeOther { // there is no call any more
		t.Errorf("hang up nothing: %d", w.Code)
	}
	if got := fmt.Sprint(d.Did()); got != "[call 600 from port 3 hang up c1]" {
		t.Errorf("did %s", got)
	}
	d.refuse = fmt.Errorf("the dial plan bars %q: %w", "<0>", api.ErrInvalid)
	w := d.post("/ports/3/call", url.Values{"to": {"<0>"}})
	has(t, card(t, w, 3), `role="alert"`, "the dial plan bars &#34;&lt;0&gt;&#34;", `value="&lt;0&gt;"`)
	lacks(t, card(t, w, 4), `role="alert"`)
	if w.Code != 422 {
		t.Errorf("refused by %d", w.Code)
	}
	for _, path := range []string{"/ports/9/call", "/ports/x/call", "/ports/9/hang-up", "/ports/9/dial-plan"} {
		if w := d.post(path, url.Values{"to": {"1"}, "digits": {"1"}}); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestDialPlan(t *testing.T) {
	for _, tt := range []struct {
		digits string
		status int
		wants  []string
	}{
		{"911", 200, []string{` data-state="complete">`, ">911<", "is sent at once", `<div data-if="emergency"><p`, `<div data-if="wait_s" hidden`}},
		{"55", 200, []string{` data-state="matched">`, ">155<", `<div data-if="wait_s"><p`, ">4<", `<div data-if="emergency" hidden`, `value="55"`, "<details class=\"more\" open>"}},
		{"0", 200, []string{` data-state="blocked">`, "bars this number"}},
		{"abc<", 422, []string{`role="alert"`, "are no digits", `value="abc&lt;"`}},
	} {
		d := newDevice()
		w := d.post("/ports/2/dial-plan", url.Values{"digits": {tt.digits}})
		has(t, card(t, w, 2), tt.wants...)
		if w.Code != tt.status || len(d.Did()) != 0 {
			t.Errorf("%s: %d, did %v", tt.digits, w.Code, d.Did())
		}
		lacks(t, card(t, w, 3), ` open>`)
	}
	d := newDevice()
	w := d.visit(fixture.User, httptest.NewRequest("GET", "/ports/2/dial-plan", nil))
	has(t, card(t, w, 2), " open>")
}
