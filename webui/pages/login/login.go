// Package login is the page on which everybody arrives who is not known: at the first visit it
// asks for the claim code and sets the first password, later it asks who is there.
package login

import (
	"net/http"
	"net/url"
	"strings"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

// Routes are those of the page.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: "/login", For: api.Anyone, Handle: p.get},
		{Method: "POST", Path: "/login", For: api.Anyone, Handle: p.post},
		{Method: "POST", Path: "/logout", For: api.User, Handle: p.logOut},
	}
}

type page struct{ *frame.Site }

// A view is what the page is drawn with.
type view struct {
	frame.View
	first   bool   // there is no password yet
	user    string // as it was typed
	next    string // where to go then
	problem *api.Problem
	again   string // what is wrong with the repeated password
}

func (p page) get(w http.ResponseWriter, r *http.Request) {
	next := own(r.URL.Query().Get("next"))
	first, known := p.ask(r)
	if known {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	p.show(w, r, http.StatusOK, view{first: first, next: next})
}

// ask tells whether there is a password yet, and whether the visitor is known.
func (p page) ask(r *http.Request) (first, known bool) {
	reply := p.API.Ask(r, api.Question{Path: "/api/v1/session"})
	return reply.Problem != nil && reply.Problem.Type == api.Unclaimed, reply.Problem == nil
}

// own is where a link leads if it stays on this device, else the first page: a login must not
// be a way to somebody else's.
func own(next string) string {
	at, err := url.Parse(next)
	if err != nil || at.Scheme != "" || at.Host != "" || at.User != nil || at.Opaque != "" ||
		!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\t\r\n") ||
		at.Path == "/login" || at.Path == "/logout" || len(next) > 500 {
		return "/"
	}
	return next
}

func (p page) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	title := words.T(r.Context(), "Log in")
	if v.first {
		title = words.T(r.Context(), "Welcome")
	}
	v.View = p.View(r, title)
	p.Show(w, r, status, form(v))
}

func (p page) post(w http.ResponseWriter, r *http.Request) {
	next := own(r.PostFormValue("next"))
	first, _ := p.ask(r)
	if first && r.PostForm.Has("new") {
		p.claim(w, r, next)
		return
	}
	p.logIn(w, r, r.PostFormValue("user"), r.PostFormValue("password"), view{first: first, next: next})
}

// claim sets the first password, and logs in with it.
func (p page) claim(w http.ResponseWriter, r *http.Request, next string) {
	v := view{first: true, next: next}
	password := r.PostFormValue("new")
	if password != r.PostFormValue("again") {
		v.again = words.T(r.Context(), "The two passwords are not the same.")
		p.show(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	reply := p.tell(r, http.MethodPut, "/api/v1/password", map[string]string{"claim": r.PostFormValue("claim"), "new": password})
	if reply.Problem != nil {
		p.failed(w, r, reply, v)
		return
	}
	p.logIn(w, r, "admin", password, view{next: next})
}

func (p page) logIn(w http.ResponseWriter, r *http.Request, user, password string, v view) {
	v.user = user
	reply := p.tell(r, http.MethodPost, "/api/v1/session", map[string]string{"user": user, "password": password})
	if reply.Problem != nil {
		p.failed(w, r, reply, v)
		return
	}
	takeCookies(w, reply)
	http.Redirect(w, r, v.next, http.StatusSeeOther)
}

// tell asks a route with the visitor's cookies.
func (p page) tell(r *http.Request, method, path string, body map[string]string) api.Reply {
	return p.API.Ask(r, api.Question{Method: method, Path: path, JSON: body, Header: http.Header{"Cookie": r.Header["Cookie"]}})
}

func takeCookies(w http.ResponseWriter, reply api.Reply) {
	for _, c := range reply.Header.Values("Set-Cookie") {
		w.Header().Add("Set-Cookie", c)
	}
}

// failed shows the form once more, with what is wrong.
func (p page) failed(w http.ResponseWriter, r *http.Request, reply api.Reply, v view) {
	v.problem = reply.Problem
	if wait := reply.Header.Get("Retry-After"); wait != "" {
		w.Header().Set("Retry-After", wait)
	}
	p.show(w, r, reply.Status, v)
}

func (p page) logOut(w http.ResponseWriter, r *http.Request) {
	reply := p.API.Ask(r, api.Question{Method: http.MethodDelete, Path: "/api/v1/session"})
	if reply.Problem != nil {
		p.Refuse(w, r, reply.Problem)
		return
	}
	takeCookies(w, reply)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// wrong is what is wrong with one field; empty: nothing.
func (v view) wrong(name string) string {
	if v.problem == nil {
		return ""
	}
	for _, e := range v.problem.Errors {
		if e.Pointer == "#/"+name {
			return sentence(e.Detail)
		}
	}
	return ""
}

// general is what is wrong with no field in particular.
func (v view) general() string {
	if v.problem == nil || len(v.problem.Errors) > 0 {
		return ""
	}
	return sentence(v.problem.Error())
}

// sentence is a text with a capital letter and a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}
