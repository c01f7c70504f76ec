package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"tipring/internal/faxback/lookup"
)

// A Directory is the provider's, as it is asked by hand. Errors are as for a Device, and
// ErrNoAnswer; an Access-Reject is an answer.
type Directory interface {
	Lookup(ctx context.Context, q lookup.Question) (lookup.Answer, error)
	Radius() Radius
}

// Radius is /radius: the provider's servers, and how they are.
type Radius struct {
	Servers      []RadiusServer   `json:"servers"`       // in their order
	AccountState Text             `json:"account_state"` // as in Provisioning
	Account      Text             `json:"account"`
	Accounting   RadiusAccounting `json:"accounting"`
}

// RadiusServer is one server; its counters begin again with a change of [radius].
type RadiusServer struct {
	Address      string `json:"address"` // host:port
	TLS          bool   `json:"tls"`
	Legacy       bool   `json:"legacy"` // answers without Message-Authenticator are believed
	State        string `json:"state"`  // unknown alive dead; unknown: it has not been asked
	Since        Time   `json:"since"`
	Requests     int    `json:"requests"`
	Answers      int    `json:"answers"`  // that were believed
	Timeouts     int    `json:"timeouts"` // requests without one
	Refused      int    `json:"refused"`  // answers that were not believed
	LastAnswerMS *int   `json:"last_answer_ms"`
}

// RadiusAccounting is how the accounts of faxes get on.
type RadiusAccounting struct {
	Servers []RadiusServer `json:"servers"`
	Waiting int            `json:"waiting"` // records that no server has acknowledged
	Lost    int            `json:"lost"`    // records that could not be kept
}

// HandleRadius adds the routes of the RADIUS servers.
func (a *API) HandleRadius(d Directory) {
	a.Handle(Route{"GET", "/api/v1/radius", Admin, func(w http.ResponseWriter, r *http.Request) {
		v := d.Radius()
		v.Servers, v.Accounting.Servers = list(v.Servers), list(v.Accounting.Servers)
		a.answer(w, r, http.StatusOK, v)
	}})
	a.Handle(Route{"POST", "/api/v1/radius/lookup", Admin, func(w http.ResponseWriter, r *http.Request) {
		var q lookup.Question
		if !a.read(w, r, field{"command", &q.Command}, field{"mac", &q.MAC}, field{"serial", &q.Serial}, field{"number", &q.Number}, field{"account", &q.Account}) {
			return
		}
		if p := unasked(q); p != nil {
			a.fail(w, r, p)
			return
		}
		answer, err := d.Lookup(r.Context(), q)
		if err != nil {
			a.fail(w, r, ProblemOf(err))
			return
		}
		a.answer(w, r, http.StatusOK, answer)
	}})
}

// unasked tells what a question lacks, or has too much.
func unasked(q lookup.Question) *Problem {
	if !lookup.Known(q.Command) {
		return wrong("command", fmt.Sprintf("command is %.40q: wanted account, call-ahead, dids, did or login", q.Command))
	}
	wants := map[string][]string{"account": {"mac", "serial"}, "call-ahead": {"number"}, "did": {"number"}, "dids": {"account"}}[q.Command]
	given := 0
	for _, m := range []struct{ name, value string }{{"mac", q.MAC}, {"serial", q.Serial}, {"number", q.Number}, {"account", q.Account}} {
		switch {
		case m.value == "":
		case !slices.Contains(wants, m.name):
			return wrong(m.name, fmt.Sprintf("%s does not go with the command %s", m.name, q.Command))
		default:
			given++
		}
	}
	switch {
	case given == min(len(wants), 1):
		return nil
	case len(wants) == 2:
		return wrong(wants[0], "account: either mac or serial is wanted")
	}
	return wrong(wants[0], fmt.Sprintf("%s: %s is wanted", q.Command, wants[0]))
}

// wrong is a member of the body whose value will not do.
func wrong(member, detail string) *Problem {
	p := memberProblem(member, detail)
	p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
	return p
}
