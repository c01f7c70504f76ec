package provisioning

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

// A device has settings, and a state of its provisioning.
type device struct {
	api.Device
	api.Settings
	now  api.Provisioning
	test api.Proposal
	own  bool // the last one was
	err  error
	did  string

	waiting []api.Waiting
}

func (d *device) Status() api.Status { return api.Status{Provisioning: d.now, Waiting: d.waiting} }

func (d *device) Provision(context.Context) (int, error) {
	d.did = "provision"
	return 1, d.err
}

func (d *device) TryProvision(context.Context) (api.Proposal, error) {
	d.did = "try"
	return d.test, d.err
}

func (d *device) Explain() []api.Setting {
	return []api.Setting{
		{Section: "provisioning", Key: "order", Value: "radius,static", Source: "file:/etc/tipring/tipring.ini", Line: api.Number(3)},
		{Section: "sip1", Key: "auth_password", Value: "********", Source: "https://p.example/f", Line: api.Number(2)},
		{Section: "sip1", Key: "register_addr", Value: "pbx<b>.example", Source: "local"},
		{Section: "sip1", Key: "transport", Value: "0", Source: "built-in"},
	}
}

func (d *device) Keys() []api.Section {
	return []api.Section{{Name: "sip", Numbered: true, Keys: []api.Key{
		{Name: "register_addr", Label: "Server Address"},
		{Name: "transport", Label: "Transport Protocol", Choices: []api.Choice{{Value: "0", Label: "UDP"}, {Value: "1", Label: "TCP"}}},
	}}}
}

func (d *device) Generations() []api.Generation {
	if d.own {
		return []api.Generation{{Generation: 8, By: "page", Verdict: "bad"}, {Generation: 7, By: "provision", Verdict: "bad"}}
	}
	return []api.Generation{{Generation: 5, By: "reset", Verdict: "good"}, {Generation: 6, By: "provision", Verdict: "bad"}, {Generation: 7, By: "restore", Verdict: "trial", Running: true}}
}

func (d *device) CheckGeneration(n int, _ *http.Request) (api.Proposal, error) {
	if n != 5 {
		return api.Proposal{}, api.ErrNotFound
	}
	return d.test, nil
}

func (d *device) Rollback(_ context.Context, _, n int) (api.Accepted, error) {
	d.did = fmt.Sprint("rollback to ", n)
	return api.Accepted{Generation: n}, d.err
}

func (d *device) open(method, target string, form url.Values) *httptest.ResponseRecorder {
	a := api.New(d, nil, slog.New(slog.DiscardHandler))
	a.HandleSettings(d)
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse, Routes(site)...)
	w := httptest.NewRecorder()
	a.Behind(fixture.Admin).ServeHTTP(w, fixture.Form(method, target, form))
	return w
}

// sees opens a page and looks for what must, and with a minus before it must not, stand there.
func (d *device) sees(t *testing.T, target string, parts ...string) {
	t.Helper()
	w := d.open("GET", target, nil)
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	for _, part := range parts {
		part, not := strings.CutPrefix(part, "-")
		if strings.Contains(w.Body.String(), part) == not {
			t.Errorf("%s: %q: %v", target, part, not)
		}
	}
}

func TestState(t *testing.T) {
	d := &device{now: api.Provisioning{
		State: "trial", Source: "radius:192.0.2.1:1812", URL: "https://p.example/f", Trial: &api.Trial{Generation: 7, State: "trial", Until: api.At(time.Now().Add(time.Minute))}, Generation: api.Number(7), AccountState: "found",
		Sources:       []api.Source{{Name: "radius", Result: "details", Text: "8005551000"}},
		NotUnderstood: []api.NotUnderstood{{Source: "https://p.example/f", Line: api.Number(9), Text: "colour = <green>"}},
	}}
	d.sees(t, path, "On trial", "https://p.example/f", "Has details", "8005551000", "Fixed address", "Not asked yet", "-DHCP", "colour = &lt;green&gt;", "/provisioning/settings", `data-live="provisioning"`,
		"-Not in force yet", `data-live="provisioning" data-reload="finished state error" data-seen="0,trial,"`, `<div id="order" class="stack" data-renew>`, `data-time="trial.until"`)
}

// What waits is named as people call it.
func TestWhatWaits(t *testing.T) {
	d := &device{waiting: []api.Waiting{{Section: "sip2", For: "the end of the calls of line 2"}}}
	d.now.State = "idle"
	d.sees(t, path, "Line 2: waits for the end of the calls of line 2", "-[sip2]", "Nothing fetched")
}

// What somebody changed here is not for the source to correct.
func TestOwnChangeTakenBack(t *testing.T) {
	d := &device{own: true, now: api.Provisioning{State: "rolled_back", Error: "found bad"}}
	d.sees(t, path, "Correct what was changed here", "-at their source")
}

// Each failure says what to do about it.
func TestWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		p    api.Provisioning
		want string
	}{
		{api.Provisioning{State: "rolled_back", Error: "found bad"}, "when they have changed"},
		{api.Provisioning{State: "unproven", Error: "no line registers"}, "servers of the lines are up"},
		{api.Provisioning{State: "failed", AccountState: "rejected", Error: "radius: rejected"}, "MAC address or serial number"},
		{api.Provisioning{State: "failed", Error: "static: it holds secrets that were sent in clear"}, "sealed"},
		{api.Provisioning{State: "failed", Error: "static: tls: x509: unknown authority"}, "CA file"},
		{api.Provisioning{State: "failed", Error: "static: 404 Not Found"}, "no file of this name"},
		{api.Provisioning{State: "failed", Error: "static: connection refused"}, "Check the network"},
		{api.Provisioning{State: "failed", Error: "the settings have faults"}, "every fault"},
		{api.Provisioning{State: "failed", Error: "something else"}, "tried again by itself"},
	} {
		(&device{now: tt.p}).sees(t, path, string(tt.p.Error), tt.want)
	}
}

func TestLook(t *testing.T) {
	d := new(device)
	if w := d.open("POST", path, nil); w.Code != 303 || w.Header().Get("Location") != path || d.did != "provision" {
		t.Errorf("%d %v %s", w.Code, w.Header(), d.did)
	}
	now, then := "0", "1"
	d.test = api.Proposal{
		Source: "static", Changes: []api.Change{{Section: "sip1", Kind: "changed", Keys: []string{"transport"}, Values: []api.Value{{Key: "transport", From: &now, To: &then}}, Disturbs: "Line 1 registers anew."}},
		Warnings: []api.Fault{{Text: "f:3: unknown key"}},
	}
	w := d.open("POST", path, url.Values{"dry_run": {"1"}})
	for _, part := range []string{"With warnings", "<h2>Line 1</h2>", "Transport Protocol", ">UDP<", ">TCP<", "Line 1 registers anew.", "f:3: unknown key"} {
		if !strings.Contains(w.Body.String(), part) || w.Code != 200 || d.did != "try" {
			t.Errorf("%d %s: %q is missing", w.Code, d.did, part)
		}
	}
	d.err = fmt.Errorf("nobody answers: %w", api.ErrConflict)
	if w := d.open("POST", path, url.Values{"dry_run": {"1"}}); w.Code != 409 || !strings.Contains(w.Body.String(), "The test ended without settings: nobody answers") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestExplain(t *testing.T) {
	d := new(device)
	d.sees(t, explainPath, "auth_password", "********", "pbx&lt;b&gt;.example", `<span class="path" translate="no">https://p.example/</span>f, line 2`, "-transport", "3 of 4 values")
	d.sees(t, explainPath+"?source=*", "transport", "4 of 4 values")
	d.sees(t, explainPath+"?source=local", "register_addr", "-auth_password")
	d.sees(t, explainPath+"?q=SIP1+addr", "register_addr", "-auth_password", "1 of 4 values")
	d.sees(t, explainPath+"?q=transport", "transport")
	d.sees(t, explainPath+"?q=moon", "No value is like this.")
}

func TestGenerations(t *testing.T) {
	d := &device{now: api.Provisioning{Trial: &api.Trial{Generation: 7, Until: api.At(time.Now())}}}
	d.sees(t, generationsPath, "in force", "A backup", "Generation 7 is on trial", generationsPath+"/5/rollback", "-/6/rollback", "-/7/rollback")
	if w := d.open("GET", generationsPath+"/5/rollback", nil); w.Code != 200 || d.did != "" || !strings.Contains(w.Body.String(), "Go back to generation 5?") {
		t.Errorf("%d %s %s", w.Code, d.did, w.Body)
	}
	// What it would change stands there before it does.
	d.sees(t, generationsPath+"/5/rollback", "nothing would change")
	now, then := "a.example", "b.example"
	d.test = api.Proposal{Changes: []api.Change{{Section: "sip1", Kind: "changed", Values: []api.Value{{Key: "register_addr", From: &now, To: &then}}, Disturbs: "Line 1 is set up anew."}}, Warnings: []api.Fault{{Text: "This shuts you out."}}}
	d.sees(t, generationsPath+"/5/rollback", "What would change", "Server Address", "a.example", "b.example", "Line 1 is set up anew.", "This shuts you out.", ">Go back<", "-nothing would change")
	d.test = api.Proposal{Faults: []api.Fault{{Text: "register_addr: a name"}}}
	d.sees(t, generationsPath+"/5/rollback", "cannot be put in force", "register_addr: a name", "->Go back<")
	if w := d.open("POST", generationsPath+"/5/rollback", nil); w.Code != 303 || d.did != "rollback to 5" {
		t.Errorf("%d %s", w.Code, d.did)
	}
	d.err = fmt.Errorf("generation 5 is gone: %w", api.ErrConflict)
	if w := d.open("POST", generationsPath+"/5/rollback", nil); w.Code != 409 || !strings.Contains(w.Body.String(), "generation 5 is gone") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := d.open("POST", generationsPath+"/99/rollback", nil); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
}
