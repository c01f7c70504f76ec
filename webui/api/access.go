package api

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"

	"tipring/webui/access"
)

// The cookies that a browser carries, as they are called over HTTP; see CookieOf.
const (
	SessionCookie = "tipring_session" // opens the device
	DeviceCookie  = "tipring_device"  // shows that somebody logged in with this browser before
)

// CookieOf is the name of a cookie as a request's way has it. Over TLS it is one of its own, which
// only this device over TLS can set (RFC 6265bis section 4.1.3.2): browsers let no plain answer take
// the place of a secure cookie, and whoever logged in by HTTPS could not log in by HTTP any more.
func CookieOf(r *http.Request, name string) string {
	if r.TLS != nil {
		return "__Host-" + name
	}
	return name
}

// Unclaimed is the type of the problem that there is no password yet.
const Unclaimed = "urn:tipring:unclaimed"

// HandleAccess adds the routes of logging in, of users and of tokens.
func (a *API) HandleAccess(desk *access.Desk) {
	const v1 = "/api/v1"
	h := accessRoutes{a, desk}
	a.Handle(
		Route{"POST", v1 + "/session", Anyone, h.logIn},
		Route{"GET", v1 + "/session", Anyone, h.whoAmI},
		Route{"DELETE", v1 + "/session", User, h.logOut},
		Route{"PUT", v1 + "/password", Anyone, h.putPassword},
		Route{"GET", v1 + "/users", Admin, h.getUsers},
		Route{"POST", v1 + "/users", Admin, h.addUser},
		Route{"PUT", v1 + "/users/{name}", Admin, h.changeUser},
		Route{"DELETE", v1 + "/users/{name}", Admin, h.removeUser},
		Route{"GET", v1 + "/tokens", Admin, h.getTokens},
		Route{"POST", v1 + "/tokens", Admin, h.addToken},
		Route{"DELETE", v1 + "/tokens/{id}", Admin, h.removeToken},
	)
}

type accessRoutes struct {
	*API
	desk *access.Desk
}

// A Session is /session: who asks.
type Session struct {
	User Text   `json:"user"` // or the token's name; null on the control socket
	Role string `json:"role"`
	Via  string `json:"via"` // session token socket
}

func (h accessRoutes) logIn(w http.ResponseWriter, r *http.Request) {
	var user, password string
	if !h.read(w, r, field{"user", &user}, field{"password", &password}) {
		return
	}
	login, err := h.desk.LogIn(r.Context(), tryOf(r), user, password)
	if err != nil {
		h.refused(w, r, "", err)
		return
	}
	if v := VisitorOf(r.Context()); v.Via == "session" {
		h.desk.LogOut(v.Since)
	}
	h.log.Info("logged in", "user", login.Name, "from", tryOf(r).From)
	setCookie(w, r, SessionCookie, login.Secret, 0)
	setCookie(w, r, DeviceCookie, login.Device, access.DeviceLifeS)
	h.answer(w, r, http.StatusOK, Session{User: Text(login.Name), Role: string(login.Role), Via: "session"})
}

// tryOf is what a request shows besides a password.
func tryOf(r *http.Request) access.Try {
	var t access.Try
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		t.From = from.Addr()
	}
	if c, err := r.Cookie(CookieOf(r, DeviceCookie)); err == nil {
		t.Device = c.Value
	}
	return t
}

// setCookie has the browser keep a cookie for so many seconds; 0: until it ends; -1: no more.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: CookieOf(r, name), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

// refused answers what the desk says no to. what is what the path names, for 404.
func (h accessRoutes) refused(w http.ResponseWriter, r *http.Request, what string, err error) {
	p := accessProblem(what, err)
	var wait *access.WaitError
	if errors.As(err, &wait) {
		w.Header().Set("Retry-After", strconv.Itoa(wait.Seconds()))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		h.log.Warn("login refused", "from", tryOf(r).From, "status", p.Status, "why", err)
	case http.StatusTooManyRequests: // as many as somebody likes to send, where Warn is bounded by the lanes
		h.log.Debug("login refused", "from", tryOf(r).From, "status", p.Status, "why", err)
	}
	h.fail(w, r, p)
}

func accessProblem(what string, err error) *Problem {
	var invalid *access.InvalidError
	var wait *access.WaitError
	switch {
	case errors.As(err, &invalid):
		p := memberProblem(invalid.Field, invalid.Text)
		p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
		return p
	case errors.As(err, &wait):
		return problem(http.StatusTooManyRequests, wait.Error())
	case errors.Is(err, access.ErrUnclaimed):
		p := problem(http.StatusConflict, err.Error())
		p.Type = Unclaimed
		return p
	case errors.Is(err, access.ErrWrongOld):
		p := memberProblem("old", err.Error())
		p.Status, p.Title = http.StatusForbidden, http.StatusText(http.StatusForbidden)
		return p
	case errors.Is(err, access.ErrWrongCode):
		p := memberProblem("claim", err.Error())
		p.Status, p.Title = http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized)
		return p
	case errors.Is(err, access.ErrUnknown):
		return problem(http.StatusNotFound, "there is no "+what)
	}
	for _, known := range []struct {
		err    error
		status int
	}{
		{access.ErrWrong, http.StatusUnauthorized},
		{access.ErrClaimed, http.StatusConflict},
		{access.ErrTaken, http.StatusConflict},
		{access.ErrLastAdmin, http.StatusConflict},
		{access.ErrFull, http.StatusConflict},
		{access.ErrDamaged, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, known.err) {
			return problem(known.status, err.Error())
		}
	}
	return ProblemOf(err)
}

// whoAmI tells a visitor who he is; to nobody it tells, too, that there is no password yet.
func (h accessRoutes) whoAmI(w http.ResponseWriter, r *http.Request) {
	v := VisitorOf(r.Context())
	if v.Role < User {
		p := problem(http.StatusUnauthorized, "log in first, or send a token")
		if !h.desk.Claimed() {
			p.Type, p.Detail = Unclaimed, Text(access.ErrUnclaimed.Error())
		}
		h.fail(w, r, p)
		return
	}
	h.answer(w, r, http.StatusOK, Session{User: Text(v.Name), Role: v.Role.String(), Via: v.Via})
}

func (h accessRoutes) logOut(w http.ResponseWriter, r *http.Request) {
	v := VisitorOf(r.Context())
	if v.Via != "session" {
		h.fail(w, r, problem(http.StatusConflict, "there is no session to end: you came by "+v.Via))
		return
	}
	h.desk.LogOut(v.Since)
	h.log.Info("logged out", "user", v.Name)
	setCookie(w, r, SessionCookie, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

// did notes in the log what was done to who may use the device, by whom and from where.
func (h accessRoutes) did(r *http.Request, what string, about ...any) {
	v := VisitorOf(r.Context())
	if v.Name != "" {
		about = append(about, "by", v.Name)
	}
	if v.Via != "" {
		about = append(about, "via", v.Via)
	}
	if from := tryOf(r).From; from.IsValid() {
		about = append(about, "from", from)
	}
	h.log.Info(what, about...)
}

// putPassword sets the first password with a claim code, a user's own with the old one, or at
// the control socket anybody's.
func (h accessRoutes) putPassword(w http.ResponseWriter, r *http.Request) {
	var user, claim, old, next string
	if !h.read(w, r, field{"user", &user}, field{"claim", &claim}, field{"old", &old}, field{"new", &next}) {
		return
	}
	v := VisitorOf(r.Context())
	var err error
	what := "password changed"
	switch {
	case next == "":
		err = &access.InvalidError{Field: "new", Text: "The new password is missing."}
	case v.Via == "socket" && claim == "":
		if user == "" {
			user = access.Owner
		}
		err = h.desk.SetPassword(r.Context(), user, next)
	case !h.desk.Claimed():
		user, what = access.Owner, "the first password was set"
		err = h.desk.Claim(r.Context(), tryOf(r), claim, next)
	case v.Role < User:
		if claim != "" {
			err = access.ErrClaimed
			break
		}
		h.fail(w, r, problem(http.StatusUnauthorized, "log in first"))
		return
	case v.Via != "session" || user != "" && user != v.Name:
		h.fail(w, r, problem(http.StatusForbidden, "this changes the password of who has logged in: that of others is changed at /api/v1/users/{name}"))
		return
	default:
		user = v.Name
		err = h.desk.ChangePassword(r.Context(), tryOf(r), v.Name, old, next, v.Since)
	}
	if err != nil {
		h.refused(w, r, "user "+user, err)
		return
	}
	h.did(r, what, "user", user)
	w.WriteHeader(http.StatusNoContent)
}

// An Account is one of /users.
type Account struct {
	Name    string `json:"name"`
	Role    string `json:"role"`    // admin user
	Changed Time   `json:"changed"` // the password
}

func (h accessRoutes) getUsers(w http.ResponseWriter, r *http.Request) {
	all := []Account{}
	for _, u := range h.desk.Users() {
		all = append(all, Account{u.Name, string(u.Role), At(u.Changed)})
	}
	h.answer(w, r, http.StatusOK, all)
}

func (h accessRoutes) addUser(w http.ResponseWriter, r *http.Request) {
	var name, role, password string
	if !h.read(w, r, field{"name", &name}, field{"role", &role}, field{"password", &password}) {
		return
	}
	if err := h.desk.AddUser(r.Context(), name, access.Role(role), password); err != nil {
		h.refused(w, r, "user "+name, err)
		return
	}
	h.did(r, "user made", "user", name, "role", role)
	h.answerAccount(w, r, http.StatusCreated, name)
}

func (h accessRoutes) answerAccount(w http.ResponseWriter, r *http.Request, status int, name string) {
	for _, u := range h.desk.Users() {
		if u.Name == name {
			h.answer(w, r, status, Account{u.Name, string(u.Role), At(u.Changed)})
			return
		}
	}
	h.refused(w, r, "user "+name, access.ErrUnknown)
}

// changeUser sets a user's role, his password, or both.
func (h accessRoutes) changeUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var role, password string
	if !h.read(w, r, field{"role", &role}, field{"password", &password}) {
		return
	}
	if v := VisitorOf(r.Context()); v.Via == "session" && v.Name == name && password != "" {
		p := memberProblem("password", "your own password is changed with the old one, at /api/v1/password")
		p.Status, p.Title = http.StatusForbidden, http.StatusText(http.StatusForbidden)
		h.fail(w, r, p)
		return
	}
	if err := h.desk.ChangeUser(r.Context(), name, access.Role(role), password); err != nil {
		h.refused(w, r, "user "+name, err)
		return
	}
	h.did(r, "user changed", "user", name, "role", role, "password", password != "")
	h.answerAccount(w, r, http.StatusOK, name)
}

func (h accessRoutes) removeUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if err := h.desk.RemoveUser(name); err != nil {
		h.refused(w, r, "user "+name, err)
		return
	}
	h.did(r, "user removed", "user", name)
	w.WriteHeader(http.StatusNoContent)
}

// A Token is one of /tokens.
type Token struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Role   string `json:"role"` // admin user
	Made   Time   `json:"created"`
	Used   Time   `json:"used"`             // null: never
	Secret string `json:"secret,omitempty"` // in the answer that made it alone
}

func tokenOf(t access.Token) Token {
	return Token{ID: t.ID, Name: t.Name, Role: string(t.Role), Made: At(t.Made), Used: At(t.Used)}
}

func (h accessRoutes) getTokens(w http.ResponseWriter, r *http.Request) {
	all := []Token{}
	for _, t := range h.desk.Tokens() {
		all = append(all, tokenOf(t))
	}
	h.answer(w, r, http.StatusOK, all)
}

func (h accessRoutes) addToken(w http.ResponseWriter, r *http.Request) {
	var name, role string
	if !h.read(w, r, field{"name", &name}, field{"role", &role}) {
		return
	}
	made, secret, err := h.desk.AddToken(name, access.Role(role))
	if err != nil {
		h.refused(w, r, "token "+name, err)
		return
	}
	h.did(r, "token made", "token", made.ID, "name", name, "role", role)
	t := tokenOf(made)
	t.Secret = secret
	h.answer(w, r, http.StatusCreated, t)
}

func (h accessRoutes) removeToken(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := h.desk.RemoveToken(id); err != nil {
		h.refused(w, r, "token "+id, err)
		return
	}
	h.did(r, map[bool]string{true: "token replaced", false: "token removed"}[id == access.BuiltIn], "token", id)
	w.WriteHeader(http.StatusNoContent)
}
