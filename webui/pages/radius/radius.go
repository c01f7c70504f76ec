// Package radius is the page about the provider's RADIUS servers: how they are, and what they
// answer to a question.
package radius

import (
	"net/http"

	"tipring/internal/faxback/lookup"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

const path = "/radius"

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: path, For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) {
			p.show(w, r, http.StatusOK, view{question: question{ask: "mac"}})
		}},
		{Method: "POST", Path: path, For: api.Admin, Handle: p.ask},
	}
}

type page struct{ *frame.Site }

// A view is what the page is drawn with.
type view struct {
	frame.View
	now      api.Radius
	device   api.Names
	question question
	answer   *lookup.Answer
	problem  *api.Problem
}

// A question is the form: what is asked by which of the questions, and about what.
type question struct{ ask, about string }

// The questions, as the form has them: the command of the interface and its member.
var questions = []struct{ ask, command, member, text string }{
	{"mac", "account", "mac", words.N("Whose device has this MAC address?")},
	{"serial", "account", "serial", words.N("Whose device has this serial number?")},
	{"dids", "dids", "account", words.N("Which numbers has this account?")},
	{"did", "did", "number", words.N("Whose is this number, and on which line?")},
	{"call-ahead", "call-ahead", "number", words.N("Is this number called before a fax is taken for it?")},
	{"login", "login", "", words.N("May this device log in?")},
}

// body is what the interface is asked.
func (q question) body() map[string]string {
	for _, known := range questions {
		if known.ask == q.ask {
			body := map[string]string{"command": known.command}
			if known.member != "" {
				body[known.member] = q.about
			}
			return body
		}
	}
	return map[string]string{"command": q.ask}
}

func (p page) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	var s api.Status
	if !p.Get(w, r, "/api/v1/radius", &v.now) || !p.Get(w, r, "/api/v1/status", &s) {
		return
	}
	ctx := r.Context()
	v.device = s.Device
	if v.question.about == "" && v.question.ask == "mac" {
		v.question.about = string(v.device.MAC)
	}
	v.View = p.View(r, words.T(ctx, "RADIUS"))
	v.Lead = words.T(ctx, "The provider's servers, which know whose this device is, what its numbers are, and where its settings are.")
	p.Show(w, r, status, whole(v))
}

// ask asks the servers, and shows what they say.
func (p page) ask(w http.ResponseWriter, r *http.Request) {
	v := view{question: question{r.PostFormValue("command"), r.PostFormValue("about")}}
	reply := p.API.Ask(r, api.Question{Method: http.MethodPost, Path: "/api/v1/radius/lookup", JSON: v.question.body()})
	if v.problem = reply.Problem; v.problem != nil {
		p.show(w, r, reply.Status, v)
		return
	}
	if err := reply.Into(&v.answer); err != nil {
		v.problem, v.answer = api.ProblemOf(err), nil
	}
	p.show(w, r, http.StatusOK, v)
}

// wrong is what is wrong with what was asked about.
func (v view) wrong() string {
	if v.problem == nil || len(v.problem.Errors) == 0 {
		return ""
	}
	return v.problem.Errors[0].Detail
}

// general is what went wrong besides.
func (v view) general() string {
	if v.problem == nil || len(v.problem.Errors) > 0 {
		return ""
	}
	return v.problem.Error()
}
