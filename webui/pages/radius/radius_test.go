package radius

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/faxback/lookup"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A provider answers what it is told to.
type provider struct {
	now    api.Radius
	asked  lookup.Question
	answer lookup.Answer
	err    error
}

func (p *provider) Radius() api.Radius { return p.now }

func (p *provider) Lookup(_ context.Context, q lookup.Question) (lookup.Answer, error) {
	p.asked = q
	return p.answer, p.err
}

func (p *provider) open(method string, form url.Values) *httptest.ResponseRecorder {
	a := fixture.New(time.Now()).API()
	a.HandleRadius(p)
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse, Routes(site)...)
	w := httptest.NewRecorder()
	a.Behind(fixture.Admin).ServeHTTP(w, fixture.Form(method, path, form))
	return w
}

var two = api.Radius{
	Servers: []api.RadiusServer{
		{Address: "192.0.2.1:1812", State: "alive", Requests: 9, Answers: 8, LastAnswerMS: api.Number(12)},
		{Address: "192.0.2.2:1812", State: "dead", Legacy: true, Refused: 3},
	},
	Accounting: api.RadiusAccounting{Servers: []api.RadiusServer{{Address: "192.0.2.1:1813", State: "unknown"}}, Waiting: 7},
}

func TestServers(t *testing.T) {
	got := (&provider{now: two}).open("GET", nil).Body.String()
	for _, part := range []string{
		"192.0.2.1:1812", "Answers", "last answer in 12 ms", "Does not answer", "shared secret differs", "take ;legacy away", "They are kept until a server acknowledges them", "Not asked yet", `value="0004F2A1B2C3"`,
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if got := new(provider).open("GET", nil).Body.String(); !strings.Contains(got, "No server is set") {
		t.Error(got)
	}
}

// What is asked for each choice, and what the answer means.
func TestQuestions(t *testing.T) {
	yes, no, server := "Access-Accept", "Access-Reject", "192.0.2.1:1812"
	answer := func(code *string, pairs ...string) lookup.Answer {
		a := lookup.Answer{Code: code, Server: &server, NotNumbered: []string{"FB-Line-Num"}}
		for i := 0; i < len(pairs); i += 2 {
			a.Attributes = append(a.Attributes, lookup.Attribute{Name: pairs[i], Value: pairs[i+1]})
		}
		return a
	}
	for _, tt := range []struct {
		ask, about string
		want       lookup.Question
		answer     lookup.Answer
		says       string
	}{
		{"mac", "A1", lookup.Question{Command: "account", MAC: "A1"}, answer(&yes, "User-Name", "acct", "FB-Provisioning-Arg", "https://p.example/<x>"), "belongs to the account acct and fetches its settings from https://p.example/&lt;x&gt;."},
		{"mac", "A1", lookup.Question{Command: "account", MAC: "A1"}, answer(&yes, "User-Name", "acct", "FB-Provisioning-Arg", "sip1.username=1"), "gets settings in the answer itself"},
		{"mac", "A1", lookup.Question{Command: "account", MAC: "A1"}, answer(&yes, "User-Name", "acct", "FB-Provisioning-Arg", "zone7"), "zone7 goes into the address"},
		{"mac", "A1", lookup.Question{Command: "account", MAC: "A1"}, answer(&yes, "User-Name", "acct"), "Where its settings are is not said."},
		{"mac", "A1", lookup.Question{Command: "account", MAC: "A1"}, answer(&yes), "name no account"},
		{"serial", "77", lookup.Question{Command: "account", Serial: "77"}, answer(&no, "Reply-Message", "who?"), "They say: who?"},
		{"dids", "acct", lookup.Question{Command: "dids", Account: "acct"}, answer(&yes, "FB-DID", "1", "FB-DID", "2"), "has 2 numbers: 1, 2."},
		{"dids", "acct", lookup.Question{Command: "dids", Account: "acct"}, answer(&yes), "has no numbers"},
		{"did", "1", lookup.Question{Command: "did", Number: "1"}, answer(&yes, "User-Name", "acct"), "belongs to the account acct"},
		{"call-ahead", "600", lookup.Question{Command: "call-ahead", Number: "600"}, answer(&yes, "FB-Call-Ahead-Mode", "0"), "taken at once"},
		{"call-ahead", "600", lookup.Question{Command: "call-ahead", Number: "600"}, answer(&yes, "FB-Call-Ahead-Mode", "2"), "is called before"},
		{"call-ahead", "600", lookup.Question{Command: "call-ahead", Number: "600"}, answer(&yes), "does not say it"},
		{"login", "", lookup.Question{Command: "login"}, answer(&yes), "may log in"},
	} {
		p := &provider{now: two, answer: tt.answer}
		w := p.open("POST", url.Values{"command": {tt.ask}, "about": {tt.about}})
		got := w.Body.String()
		if w.Code != 200 || p.asked != tt.want || !strings.Contains(got, tt.says) || !strings.Contains(got, *tt.answer.Code) || !strings.Contains(got, "FB-Line-Num") || !strings.Contains(got, "Answered by 192.0.2.1:1812") {
			t.Errorf("%s: %d %+v\n%s", tt.ask, w.Code, p.asked, got)
		}
	}
}

func TestQuestionsThatAreNotAnswered(t *testing.T) {
	for _, tt := range []struct {
		ask, about string
		err        error
		status     int
		want       string
	}{
		{"mac", "", nil, 422, "either mac or serial is wanted"},
		{"login", "x", nil, 504, "192.0.2.1 is silent"},
		{"nothing", "x", nil, 422, "wanted account"},
	} {
		p := &provider{now: two, err: fmt.Errorf("192.0.2.1 is silent: %w", api.ErrNoAnswer)}
		if w := p.open("POST", url.Values{"command": {tt.ask}, "about": {tt.about}}); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s", tt.ask, w.Code, w.Body)
		}
	}
}
