// Package users shows who may use the device: users and the tokens of programs, for
// administrators, and to everybody the change of his own password.
package users

import (
	"context"
	"net/http"
	"net/url"

	"tipring/webui/access"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/words"
)

const (
	usersPath    = "/system/users"
	passwordPath = "/system/password"
)

// Routes are those of the pages.
func Routes(site *frame.Site) []api.Route {
	p := page{site}
	return []api.Route{
		{Method: "GET", Path: usersPath, For: api.Admin, Handle: p.get},
		{Method: "POST", Path: usersPath, For: api.Admin, Handle: p.post},
		{Method: "GET", Path: usersPath + "/{name}", For: api.Admin, Handle: p.getOne},
		{Method: "POST", Path: usersPath + "/{name}", For: api.Admin, Handle: p.postOne},
		{Method: "GET", Path: passwordPath, For: api.User, Handle: p.getPassword},
		{Method: "POST", Path: passwordPath, For: api.User, Handle: p.postPassword},
	}
}

type page struct{ *frame.Site }

// A view is what the pages are drawn with.
type view struct {
	frame.View
	frame.Refused
	users   []api.Account
	tokens  []api.Token
	account api.Account // of a page about one user

	values url.Values
	again  string     // what is wrong with the repeated password
	made   *api.Token // with its secret
	done   bool       // what the form wanted
}

// value is what stood in a field of a form that was refused.
func (v view) value(form, name string) string {
	if v.Form != form {
		return ""
	}
	return v.values.Get(name)
}

// isOwn tells whether a page about one user is about its visitor.
func (v view) isOwn() bool { return v.Visitor.Via == "session" && v.Visitor.Name == v.account.Name }

func (p page) get(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, view{}) }

func (p page) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	if !p.Get(w, r, "/api/v1/users", &v.users) || !p.Get(w, r, "/api/v1/tokens", &v.tokens) {
		return
	}
	v.View = p.view(r, words.T(r.Context(), "Users and tokens"), frame.Link{Href: "/system", Text: words.T(r.Context(), "System")})
	p.Show(w, r, status, both(v))
}

func (p page) view(r *http.Request, title string, up frame.Link) frame.View {
	v := p.View(r, title)
	v.Up = up
	return v
}

// post does what a form of the page wants.
func (p page) post(w http.ResponseWriter, r *http.Request) {
	var reply api.Reply
	form := r.PostFormValue("form")
	switch form {
	case "user":
		reply = p.tell(r, http.MethodPost, "/api/v1/users", "name", "role", "password")
	case "token":
		p.addToken(w, r)
		return
	case "remove-user":
		reply = p.tell(r, http.MethodDelete, "/api/v1/users/"+url.PathEscape(r.PostFormValue("name")))
	case "remove-token":
		reply = p.tell(r, http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(r.PostFormValue("id")))
	default:
		reply.Problem = &api.Problem{Type: "about:blank", Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest, Detail: "there is no such form"}
	}
	if reply.Problem != nil {
		p.show(w, r, reply.Problem.Status, view{Refused: frame.Refused{Form: form, Problem: reply.Problem}, values: r.PostForm})
		return
	}
	http.Redirect(w, r, usersPath, http.StatusSeeOther)
}

// addToken shows the secret of the token that it made: this answer is the only one that has it.
func (p page) addToken(w http.ResponseWriter, r *http.Request) {
	reply := p.tell(r, http.MethodPost, "/api/v1/tokens", "name", "role")
	var made api.Token
	if err := reply.Into(&made); err != nil {
		problem := api.ProblemOf(err)
		p.show(w, r, problem.Status, view{Refused: frame.Refused{Form: "token", Problem: problem}, values: r.PostForm})
		return
	}
	p.show(w, r, http.StatusCreated, view{made: &made})
}

// tell asks a route, with the fields of the form in the body; none: without a body.
func (p page) tell(r *http.Request, method, path string, fields ...string) api.Reply {
	q := api.Question{Method: method, Path: path, Header: http.Header{"Cookie": r.Header["Cookie"]}}
	if len(fields) > 0 {
		body := map[string]string{}
		for _, name := range fields {
			body[name] = r.PostFormValue(name)
		}
		q.JSON = body
	}
	return p.API.Ask(r, q)
}

func (p page) getOne(w http.ResponseWriter, r *http.Request) { p.showOne(w, r, http.StatusOK, view{}) }

func (p page) showOne(w http.ResponseWriter, r *http.Request, status int, v view) {
	if !p.Get(w, r, "/api/v1/users", &v.users) {
		return
	}
	name := r.PathValue("name")
	for _, u := range v.users {
		if u.Name == name {
			v.account = u
		}
	}
	if v.account.Name == "" {
		p.Refuse(w, r, &api.Problem{Type: "about:blank", Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: api.Text("there is no user " + name)})
		return
	}
	v.View = p.view(r, words.T(r.Context(), "User %s", name), frame.Link{Href: usersPath, Text: words.T(r.Context(), "Users and tokens")})
	p.Show(w, r, status, one(v))
}

// postOne changes a user's role, and his password if there is one in the form.
func (p page) postOne(w http.ResponseWriter, r *http.Request) {
	reply := p.tell(r, http.MethodPut, "/api/v1/users/"+url.PathEscape(r.PathValue("name")), "role", "password")
	if reply.Problem != nil {
		p.showOne(w, r, reply.Problem.Status, view{Refused: frame.Refused{Form: "account", Problem: reply.Problem}, values: r.PostForm})
		return
	}
	http.Redirect(w, r, usersPath, http.StatusSeeOther)
}

func (p page) getPassword(w http.ResponseWriter, r *http.Request) {
	p.showPassword(w, r, http.StatusOK, view{done: r.URL.Query().Has("done")})
}

func (p page) showPassword(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.View = p.view(r, words.T(r.Context(), "Your password"), frame.Link{Href: "/system", Text: words.T(r.Context(), "System")})
	p.Show(w, r, status, password(v))
}

// postPassword changes the visitor's own password.
func (p page) postPassword(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("new") != r.PostFormValue("again") {
		p.showPassword(w, r, http.StatusUnprocessableEntity, view{Refused: frame.Refused{Form: "password"}, again: words.T(r.Context(), "The two passwords are not the same.")})
		return
	}
	reply := p.tell(r, http.MethodPut, "/api/v1/password", "old", "new")
	if reply.Problem != nil {
		if wait := reply.Header.Get("Retry-After"); wait != "" {
			w.Header().Set("Retry-After", wait)
		}
		p.showPassword(w, r, reply.Problem.Status, view{Refused: frame.Refused{Form: "password", Problem: reply.Problem}})
		return
	}
	http.Redirect(w, r, passwordPath+"?done", http.StatusSeeOther)
}

func roles(ctx context.Context) []frame.Option {
	return []frame.Option{{Value: string(access.User), Text: roleWords.Of(ctx, "user")}, {Value: string(access.Admin), Text: roleWords.Of(ctx, "admin")}}
}

// roleWords are what the interface calls roles, in words for people.
var roleWords = frame.Words{{"admin", words.N("Administrator")}, {"user", words.N("User")}}
