package status

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve is the page of a device, with more routes.
func serve(d api.Device, gate api.Gate, more ...api.Route) http.Handler {
	var a *api.API
	if f, ok := d.(*fixture.Device); ok {
		a = f.API()
	} else {
		a = api.New(d, nil, nil)
	}
	a.Handle(more...)
	s := &frame.Site{API: a}
	a.HandlePages(s.Refuse, Routes(s)...)
	return a.Behind(gate)
}

func get(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w
}

func whole() *fixture.Device { return fixture.New(time.Now()) }

// What a person wants to know stands on the page before any script has run, and is marked
// for the script to keep up to date.
func TestPageTells(t *testing.T) {
	d := whole()
	page := get(serve(d, fixture.Admin, fixture.Replies(d)...)).Body.String()
	for what, want := range map[string]string{
		"a line at its backup":               `<div class="route" data-attr="server" data-state="backup"`,
		"why it is there":                    `<p class="why" data-field="why">registered at the backup server, because the primary failed`,
		"the next refresh":                   `data-countdown="refresh_in_s">17:26</span>`,
		"the probe counting down":            `data-countdown="failback_in_s">4:05</span>`,
		"the next try of a line that failed": `data-countdown="retry_in_s">0:28</span>`,
		"no probe of a line at home":         `<div data-if="failback_in_s" hidden>`,
		"the last error":                     `<span data-field="last_error">REGISTER sip:202@pbx.example at 192.0.2.7:5060: no answer for 7.5 s</span>`,
		"a line to be registered now":        `name="line" value="2"`,
		"a ringing port":                     `<span class="machine" data-attr="ring" data-state="true">`,
		"a lifted telephone":                 `<svg class="phone" data-attr="hook" data-state="off"`,
		"a fax machine":                      `<svg class="fax" data-attr="hook" data-state="on"`,
		"a running call":                     `data-live="call/c1" data-key="c1"`,
		"its loss":                           `<span data-field="quality.loss_pct" data-format="pct">0.4 %</span>`,
		"its round trip":                     `<span data-field="quality.rtt_ms" data-format="ms">38 ms</span>`,
		"a fax that runs":                    `data-live="fax/f2" data-key="f2"`,
		"and its page, when there is one":    `data-src="/api/v1/faxes/{id}/pages/{progress.page}.png?scale=8&rows={progress.rows}"`,
		"a warning and what to do":           `Check the user name and the password with the provider.`,
		"and the way there":                  `<a href="/line/3/sip#auth_password" data-href="link" data-field="label">Settings of line 3: Authentication Password</a>`,
		"a message that can be deleted":      `<button class="button small quiet" name="id" value="text-4" data-value="id">Delete</button>`,
		"a mailbox":                          `<span data-field="new">2</span>`,
		"a message, as text":                 `Back at &lt;b&gt;three&lt;/b&gt;.`,
		"settings on trial":                  `data-time="trial.until"`,
		"the address on the label":           `00:04:F2:A1:B2:C3`,
		"uptime":                             `3 d 1:04:05`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page lacks %s", what, want)
		}
	}
	for what, no := range map[string]string{"a call that has ended": `call/c0`, "a fax that was sent long ago": `fax/f0`, "a setting as files call it": `[port1]`} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %s", what)
		}
	}
}

// What a device does not tell is not shown; without warnings it says that all is well.
func TestWhatIsNotThere(t *testing.T) {
	if page := get(serve(whole(), fixture.Admin)).Body.String(); strings.Contains(page, `data-list="warning"`) || strings.Contains(page, "<h3>Messages</h3>") {
		t.Error("the page shows warnings or messages of a device that has neither")
	}
	page := get(serve(whole(), fixture.Admin, fixture.Reply("GET", "/api/v1/warnings", api.User, "[]"))).Body.String()
	if !strings.Contains(page, `<p class="allwell" data-empty>`) {
		t.Error("the page does not say that all is well")
	}
}

type bare struct{ api.Device }

func (bare) Status() api.Status {
	return api.Status{Version: "1.0", Faults: []string{`[sip1] port = "x"`}}
}
func (bare) Calls() []api.Call { return nil }

type draining struct{ bare }

func (draining) Status() api.Status { return api.Status{Draining: true} }

// That a device drains is said once: by its warning, which is live, where it tells warnings.
func TestDraining(t *testing.T) {
	const said = "takes no new calls or faxes"
	warns := fixture.Reply("GET", "/api/v1/warnings", api.User, `[{"id":"draining","severity":"warning","text":"The device takes no new calls and faxes."}]`)
	if page := get(serve(draining{}, fixture.Admin)).Body.String(); !strings.Contains(page, said) {
		t.Error("nothing says that it drains")
	}
	if page := get(serve(draining{}, fixture.Admin, warns)).Body.String(); strings.Contains(page, said) {
		t.Error("it is said twice")
	}
}

// A device that nobody has set up says what to do.
func TestNothingSetUp(t *testing.T) {
	page := get(serve(bare{}, fixture.Admin)).Body.String()
	for _, want := range []string{"No line is set up.", `href="/line/1/sip"`, `href="/ports/1"`, "No call is running.", "No fax is on its way.", "The configuration was refused: [sip1] port = &#34;x&#34;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestRegisterNow(t *testing.T) {
	for _, tt := range []struct {
		who    fixture.KnownAs
		line   string
		status int
		did    string
		says   string
	}{
		{fixture.Admin, "2", http.StatusSeeOther, "register line 2", ""},
		{fixture.Admin, "9", http.StatusNotFound, "", "there is no line 9"},
		{fixture.Admin, "../ports/1", http.StatusNotFound, "", "there is no line"},
		{fixture.Admin, "", http.StatusNotFound, "", "there is no"},
		{fixture.User, "2", http.StatusForbidden, "", "for admin"},
		{fixture.Nobody, "2", http.StatusUnauthorized, "", `<a href="/login">Log in</a>`},
	} {
		d := whole()
		w := httptest.NewRecorder()
		serve(d, tt.who).ServeHTTP(w, fixture.Form("POST", "/", url.Values{"line": {tt.line}}))
		if w.Code != tt.status || strings.Join(d.Did(), ", ") != tt.did || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s registers line %q: %d, did %q\n%s", tt.who.Name, tt.line, w.Code, d.Did(), w.Body)
		}
	}
}

// Only who may have a line registered is offered to.
func TestUserIsOfferedNoButton(t *testing.T) {
	page := get(serve(whole(), fixture.User)).Body.String()
	if strings.Contains(page, "Register now") || !strings.Contains(page, `data-events="line port call fax warning message"`) {
		t.Error("a user is offered what only an administrator may")
	}
}

// Nor led to where he may not go.
func TestUserIsLedNowhereClosed(t *testing.T) {
	for _, who := range []fixture.KnownAs{fixture.User, fixture.Admin} {
		pages := get(serve(bare{}, who)).Body.String() + get(serve(whole(), who)).Body.String()
		for _, path := range []string{"/provisioning", "/line/1/sip"} {
			if got, want := strings.Contains(pages, `href="`+path+`"`), who.Role == api.Admin; got != want {
				t.Errorf("%s is led to %s: %v, want %v", who.Name, path, got, want)
			}
		}
	}
}

// Looking changes nothing.
func TestGetDoesNothing(t *testing.T) {
	d := whole()
	get(serve(d, fixture.Admin))
	if did := d.Did(); !slices.Equal(did, nil) {
		t.Errorf("did %q", did)
	}
}

// A port that has no machine lacks no line card: it is a mailbox.
func TestAMailboxLacksNothing(t *testing.T) {
	d := mailbox{whole()}
	page := get(serve(d, fixture.Admin)).Body.String()
	for want, n := range map[string]int{"Mailbox for faxes": 1, "No machine: what comes in is kept": 1, "No line card is connected.": 1} {
		if got := strings.Count(page, want); got != n {
			t.Errorf("the page says %q %d times, want %d", want, got, n)
		}
	}
}

type mailbox struct{ *fixture.Device }

// Status has a mailbox, and a telephone without its line card.
func (d mailbox) Status() api.Status {
	s := d.Device.Status()
	s.Ports = []api.Port{{Port: 5, Kind: "fax", Line: 1, Driver: "none", Hook: "on", State: "idle"}, {Port: 6, Kind: "phone", Line: 1, Driver: "unix:/run/p6", Hook: "on", State: "idle"}}
	return s
}

// Everybody may delete a message; one that somebody else has deleted is gone all the same.
func TestDeleteAMessage(t *testing.T) {
	for answer, want := range map[string]int{"": 303, `{"status":404}`: 303} {
		var asked string
		r := api.Route{Method: "DELETE", Path: "/api/v1/messages/{id}", For: api.User, Handle: func(w http.ResponseWriter, r *http.Request) {
			if asked = r.PathValue("id"); answer != "" {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(answer))
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}}
		w := httptest.NewRecorder()
		serve(whole(), fixture.User, r).ServeHTTP(w, fixture.Form("POST", "/messages", url.Values{"id": {"text-4"}}))
		if w.Code != want || asked != "text-4" || w.Header().Get("Location") != "/" {
			t.Errorf("%q: %d, asked for %q", answer, w.Code, asked)
		}
	}
}
