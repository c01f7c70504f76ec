package calls

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(d *fixture.Device, gate api.Gate, more ...api.Route) http.Handler {
	a := d.API()
	a.Handle(more...)
	s := &frame.Site{API: a}
	a.HandlePages(s.Refuse, Routes(s)...)
	return a.Behind(gate)
}

func do(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestList(t *testing.T) {
	page := do(serve(fixture.New(time.Now()), fixture.User), "GET", "/calls").Body.String()
	for what, want := range map[string]string{
		"a running call": `data-live="call/c2" data-key="c2"`,
		"an ended call":  `<a href="/calls/c0" data-href="/calls/{id}" data-field="peer">601</a>`,
		"its length":     `1:30`,
		"a missed call":  `Missed`,
		"who called":     `Anna &lt;204&gt;`,
		"a busy number":  `486 Busy Here`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page lacks %s", what, want)
		}
	}
}

func TestOutcome(t *testing.T) {
	at := api.At(time.Unix(1e9, 0))
	for _, tt := range []struct {
		call api.Call
		want outcome
	}{
		{api.Call{State: "ringing"}, runningNow},
		{api.Call{State: "ended", Answered: at, Direction: "in", Reason: "the far end hung up"}, talked},
		{api.Call{State: "ended", Direction: "in", Reason: "the caller gave up"}, missed},
		{api.Call{State: "ended", Direction: "out", Reason: "486 Busy Here"}, busy},
		{api.Call{State: "ended", Direction: "out", Reason: "404 Not Found"}, noSuch},
		{api.Call{State: "ended", Direction: "out", Reason: "nobody answered"}, noAnswer},
		{api.Call{State: "ended", Direction: "out", Reason: "given up here"}, noAnswer},
		{api.Call{State: "ended", Direction: "out", Reason: "503 Service Unavailable"}, refused},
		{api.Call{State: "ended", Direction: "out"}, refused},
	} {
		if got := outcomeOf(tt.call); got != tt.want {
			t.Errorf("%+v: got %v, want %v", tt.call, got, tt.want)
		}
	}
}

// The ladder has an arrow for each message, from who sent it to who it was for, with its
// text folded, and no arrow for an event.
func TestLadder(t *testing.T) {
	d := fixture.New(time.Now())
	page := do(serve(d, fixture.Admin, fixture.Replies(d)...), "GET", "/calls/c0").Body.String()
	for what, want := range map[string]string{
		"an arrow to the right": `x1="25.00%" x2="75.00%" y1="33" y2="33"></line> <svg x="75.00%" y="33" overflow="visible"><path class="head" d="M0 0l-9-5v10z">`,
		"an arrow to the left":  `x1="75.00%" x2="25.00%" y1="33" y2="33"></line> <svg x="25.00%" y="33" overflow="visible"><path class="head" d="M0 0l9-5v10z">`,
		"a repetition":          `class="arrow again"`,
		"who sent it, in words": `from this device to primary`,
		"when":                  `<span class="at">+0.512</span>`,
		"a question, not a no":  `<li data-tone="provisional"><details><summary><span class="at">+0.512`,
		"a refusal":             `<li data-tone="bad">`,
		"an event, not to open": `<li data-tone="event"><div class="rung">`,
		"its text":              `INVITE sip:601@pbx.example SIP/2.0`,
		"what was not kept":     `2 messages were not kept`,
		"the capture":           `href="/api/v1/calls/c0/trace.pcap"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page lacks %s", what, want)
		}
	}
	if n := strings.Count(page, `class="head"`); n != 11 {
		t.Errorf("%d arrows, want 11", n)
	}
}

// What a message says stands above its arrow, and the style sheet knows where that is.
func TestLean(t *testing.T) {
	style, err := os.ReadFile("../../static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lanes    int
		from, to api.Text
		want     string
	}{
		{2, "0", "1", "0"}, {3, "0", "1", "-33"}, {3, "2", "0", "0"}, {3, "1", "2", "33"},
		{4, "1", "0", "-50"}, {4, "0", "2", "-25"}, {4, "3", "1", "25"}, {4, "2", "3", "50"}, {3, "0", "", "0"},
	} {
		var l ladder
		for i := range tt.lanes {
			l.Participants = append(l.Participants, api.Participant{ID: strconv.Itoa(i)})
		}
		got := l.lean(api.LadderMessage{From: tt.from, To: tt.to})
		if got != tt.want || got != "0" && !strings.Contains(string(style), `[data-lean="`+got+`"]`) {
			t.Errorf("%d lanes, %s to %s: leans by %s, want %s", tt.lanes, tt.from, tt.to, got, tt.want)
		}
	}
}

// A line shows how it registered, to who may change it.
func TestRegistrations(t *testing.T) {
	d := fixture.New(time.Now())
	for _, tt := range []struct {
		who    fixture.KnownAs
		path   string
		status int
		says   string
	}{
		{fixture.Admin, "/line/1/messages", 200, "401 Unauthorized"},
		{fixture.Admin, "/line/2/messages", 404, "there is no /api/v1/lines/2/ladder"},
		{fixture.User, "/line/1/messages", 403, "for admin"},
	} {
		if w := do(serve(d, tt.who, fixture.Replies(d)...), "GET", tt.path); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.who.Name, tt.path, w.Code, w.Body)
		}
	}
}

// A ladder that makes no sense is drawn as far as it does.
func TestOddLadders(t *testing.T) {
	for _, text := range []string{
		`{"participants":[],"messages":[]}`, `null`, `{}`, `{"messages":[{"from":"x","to":"y","summary":"<b>"}]}`, `[]`,
		`{"participants":[{"id":"a","name":"<i>"},{"id":"b"}],"messages":[{"from":"a","to":"a","summary":"s","status":700,"after_ms":-5}]}`,
	} {
		h := serve(fixture.New(time.Now()), fixture.Admin, fixture.Reply("GET", "/api/v1/calls/c0/ladder", api.User, text))
		if w := do(h, "GET", "/calls/c0"); w.Code != 200 || strings.Contains(w.Body.String(), "<b>") || strings.Contains(w.Body.String(), "<i>") {
			t.Errorf("%s: %d %s", text, w.Code, w.Body)
		}
	}
}

func TestHangUp(t *testing.T) {
	for _, tt := range []struct {
		who    fixture.KnownAs
		id     string
		status int
		did    string
		says   string
	}{
		{fixture.User, "c1", http.StatusSeeOther, "hang up c1", ""},
		{fixture.User, "c0", http.StatusConflict, "", "call c0 has ended"},
		{fixture.User, "nothing", http.StatusNotFound, "", "nothing"},
		{fixture.Nobody, "c1", http.StatusUnauthorized, "", "log in first"},
	} {
		d := fixture.New(time.Now())
		w := do(serve(d, tt.who), "POST", "/calls/"+tt.id)
		if w.Code != tt.status || strings.Join(d.Did(), ", ") != tt.did || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s hangs up %s: %d, did %q\n%s", tt.who.Name, tt.id, w.Code, d.Did(), w.Body)
		}
	}
}

// Only a running call can be hung up.
func TestHangUpIsOffered(t *testing.T) {
	h := serve(fixture.New(time.Now()), fixture.User)
	for id, want := range map[string]bool{"c1": true, "c0": false} {
		if got := strings.Contains(do(h, "GET", "/calls/"+id).Body.String(), "Hang up"); got != want {
			t.Errorf("%s: offered %v, want %v", id, got, want)
		}
	}
}
