package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"tipring/internal/faxback/lookup"
)

// An oracle answers what it is told to.
type oracle struct {
	asked lookup.Question
	err   error
}

func (o *oracle) Lookup(_ context.Context, q lookup.Question) (lookup.Answer, error) {
	o.asked = q
	code, server := "Access-Reject", "192.0.2.1:1812"
	return lookup.Answer{Code: &code, Server: &server, Attributes: []lookup.Attribute{{Name: "Reply-Message", Value: "no"}}, NotNumbered: []string{}}, o.err
}

func (o *oracle) Radius() Radius {
	return Radius{Servers: []RadiusServer{{Address: "192.0.2.1:1812", State: "alive", Requests: 2, Answers: 1, LastAnswerMS: Number(12)}}, AccountState: "found", Account: "8005551000"}
}

func TestHowServersAre(t *testing.T) {
	a := New(&box{}, nil, slog.New(slog.DiscardHandler))
	a.HandleRadius(new(oracle))
	w := httptest.NewRecorder()
	a.Behind(Open{}).ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/radius", nil))
	want := `{"servers":[{"address":"192.0.2.1:1812","tls":false,"legacy":false,"state":"alive","since":null,"requests":2,"answers":1,"timeouts":0,"refused":0,"last_answer_ms":12}],` +
		`"account_state":"found","account":"8005551000","accounting":{"servers":[],"waiting":0,"lost":0}}`
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want {
		t.Errorf("%d %s", w.Code, got)
	}
}

func TestLookups(t *testing.T) {
	const answer = `200 {"code":"Access-Reject","server":"192.0.2.1:1812","attributes":[{"name":"Reply-Message","value":"no"}],"not_numbered":[]}`
	known := "wanted account, call-ahead, dids, did or login"
	for _, tt := range []struct {
		body string
		err  error
		want string // status and a part of the body
		as   lookup.Question
	}{
		{`{"command":"account","mac":"00908F1D37F0"}`, nil, answer, lookup.Question{Command: "account", MAC: "00908F1D37F0"}},
		{`{"command":"account","serial":"1"}`, nil, answer, lookup.Question{Command: "account", Serial: "1"}},
		{`{"command":"call-ahead","number":"600"}`, nil, answer, lookup.Question{Command: "call-ahead", Number: "600"}},
		{`{"command":"did","number":"600"}`, nil, answer, lookup.Question{Command: "did", Number: "600"}},
		{`{"command":"dids","account":"a"}`, nil, answer, lookup.Question{Command: "dids", Account: "a"}},
		{`{"command":"login"}`, nil, answer, lookup.Question{Command: "login"}},
		{`{"command":"login"}`, fmt.Errorf("[radius] has no servers: %w", ErrConflict), "409 [radius] has no servers", lookup.Question{Command: "login"}},
		{`{"command":"login"}`, fmt.Errorf("192.0.2.1: %w", ErrNoAnswer), "504 192.0.2.1: no answer", lookup.Question{Command: "login"}},
		{`{"command":"account","mac":"1"}`, fmt.Errorf("User-Name: %w", ErrInvalid), "422 User-Name", lookup.Question{Command: "account", MAC: "1"}},
		{``, nil, "422 " + known, lookup.Question{}},
		{`{"command":"reboot"}`, nil, "422 #/command", lookup.Question{}},
		{`{"command":"account"}`, nil, "422 #/mac", lookup.Question{}},
		{`{"command":"account","mac":"1","serial":"2"}`, nil, "422 either mac or serial", lookup.Question{}},
		{`{"command":"dids"}`, nil, "422 #/account", lookup.Question{}},
		{`{"command":"did","number":""}`, nil, "422 #/number", lookup.Question{}},
		{`{"command":"did","number":"1","mac":"2"}`, nil, "422 #/mac", lookup.Question{}},
		{`{"command":"login","account":"a"}`, nil, "422 #/account", lookup.Question{}},
		{`{"command":7}`, nil, "400 #/command", lookup.Question{}},
		{`{"comand":"login"}`, nil, "400 #/comand", lookup.Question{}},
	} {
		o := &oracle{err: tt.err}
		a := New(&box{}, nil, slog.New(slog.DiscardHandler))
		a.HandleRadius(o)
		w := httptest.NewRecorder()
		a.Behind(Open{}).ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/radius/lookup", strings.NewReader(tt.body)))
		status, part, _ := strings.Cut(tt.want, " ")
		if fmt.Sprint(w.Code) != status || !strings.Contains(w.Body.String(), part) || o.asked != tt.as {
			t.Errorf("%s: %d %sasked %+v, want %s", tt.body, w.Code, w.Body, o.asked, tt.want)
		}
	}
}
