// Package ports is the page of the analog ports: what each does now, calls from it, and a
// tester of its dial plan.
package ports

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: "/ports", For: api.User, Handle: p.get},
		{Method: "POST", Path: "/ports/{n}/call", For: api.User, Handle: p.call},
		{Method: "POST", Path: "/ports/{n}/hang-up", For: api.User, Handle: p.hangUp},
		{Method: "GET", Path: "/ports/{n}/dial-plan", For: api.User, Handle: p.get},
		{Method: "POST", Path: "/ports/{n}/dial-plan", For: api.User, Handle: p.try},
		{Method: "GET", Path: "/ports/{n}/features", For: api.User, Handle: p.back},
		{Method: "POST", Path: "/ports/{n}/features", For: api.User, Handle: p.set},
	}
}

type page struct{ *frame.Site }

// A sight is what the page shows.
type sight struct {
	ports  []api.Port
	phones map[int]*telephone // what telephones have set, by the port
	setup  bool               // there are settings of ports, and they are the visitor's to see

	// Of a form that came back.
	port   int // it was about
	to     string
	digits string
	typed  *telephone // features that were refused
	result *api.DialResult
	wrong  *api.Problem
}

func (p page) get(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.PathValue("n")) // of a tester; 0: none is open
	p.show(w, r, http.StatusOK, sight{port: n})
}

func (p page) show(w http.ResponseWriter, r *http.Request, status int, s sight) {
	if !p.Get(w, r, "/api/v1/ports", &s.ports) {
		return
	}
	if s.wrong != nil && s.wrong.Status == http.StatusNotFound && !slices.ContainsFunc(s.ports, func(x api.Port) bool { return x.Port == s.port }) {
		p.Refuse(w, r, s.wrong)
		return
	}
	s.setup = p.opens(r, "/ports/{n}")
	s.phones = p.telephones(r, s.ports)
	v := p.View(r, words.T(r.Context(), "Ports"))
	v.Path = "/ports"
	if s.setup && len(s.ports) > 0 {
		v.Actions = frame.ButtonLink("plain", words.T(r.Context(), "Add a port"), "/ports/"+strconv.Itoa(s.free()))
	}
	v.Lead = words.T(r.Context(), "The telephones and fax machines of this device, as they are now.")
	p.Show(w, r, status, portsPage(v, s))
}

// free is the first number that no port has.
func (s sight) free() int {
	n := 1
	for slices.ContainsFunc(s.ports, func(x api.Port) bool { return x.Port == n }) {
		n++
	}
	return n
}

// opens tells whether there is a page that the visitor may see.
func (p page) opens(r *http.Request, path string) bool {
	role := api.VisitorOf(r.Context()).Role
	return slices.ContainsFunc(p.API.Routes(), func(x api.Route) bool { return x.Method == "GET" && x.Path == path && role >= x.For })
}

// call makes a call as if the port's telephone had dialled.
func (p page) call(w http.ResponseWriter, r *http.Request) {
	s := about(r)
	s.to = r.PostFormValue("to")
	reply := p.ask(r, "/call", map[string]string{"to": s.to})
	if s.wrong = reply.Problem; s.wrong != nil {
		p.show(w, r, reply.Status, s)
		return
	}
	http.Redirect(w, r, "/ports#port-"+strconv.Itoa(s.port), http.StatusSeeOther)
}

// hangUp ends the call of the port.
func (p page) hangUp(w http.ResponseWriter, r *http.Request) {
	s := about(r)
	var port api.Port
	err := p.API.Ask(r, api.Question{Path: "/api/v1/ports/" + url.PathEscape(r.PathValue("n"))}).Into(&port)
	if err == nil && port.Call != "" {
		if reply := p.API.Ask(r, api.Question{Method: http.MethodDelete, Path: "/api/v1/calls/" + url.PathEscape(string(port.Call))}); reply.Problem != nil && reply.Status != http.StatusConflict && reply.Status != http.StatusNotFound {
			err = reply.Problem // a call that has ended meanwhile is what was wanted
		}
	}
	if err != nil {
		s.wrong = api.ProblemOf(err)
		p.show(w, r, s.wrong.Status, s)
		return
	}
	http.Redirect(w, r, "/ports#port-"+strconv.Itoa(s.port), http.StatusSeeOther)
}

// try shows what the dial plan makes of digits. It changes nothing.
func (p page) try(w http.ResponseWriter, r *http.Request) {
	s := about(r)
	s.digits = r.PostFormValue("digits")
	reply := p.ask(r, "/dial-plan", map[string]string{"digits": s.digits})
	var result api.DialResult
	if err := reply.Into(&result); err != nil {
		s.wrong = api.ProblemOf(err)
		p.show(w, r, s.wrong.Status, s)
		return
	}
	s.result = &result
	p.show(w, r, http.StatusOK, s)
}

// about is a sight of the form that a request carries.
func about(r *http.Request) sight {
	n, _ := strconv.Atoi(r.PathValue("n")) // what is none is refused by the route that is asked
	return sight{port: n}
}

// ask posts to a route of the port.
func (p page) ask(r *http.Request, route string, body map[string]string) api.Reply {
	return p.API.Ask(r, api.Question{Method: http.MethodPost, Path: "/api/v1/ports/" + url.PathEscape(r.PathValue("n")) + route, Body: object(body)})
}

func object(members map[string]string) io.Reader {
	text, _ := json.Marshal(members) // of texts: cannot fail
	return bytes.NewReader(text)
}
