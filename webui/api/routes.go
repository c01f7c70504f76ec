package api

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// deviceRoutes is the table of the routes that need nothing but a Device.
func (a *API) deviceRoutes() []Route {
	const v1 = "/api/v1"
	return []Route{
		{"GET", v1 + "/status", User, a.getStatus},
		{"GET", v1 + "/lines", User, a.getLines},
		{"GET", v1 + "/lines/{n}", User, a.getLine},
		{"POST", v1 + "/lines/{n}/register", Admin, a.register},
		{"GET", v1 + "/ports", User, a.getPorts},
		{"GET", v1 + "/ports/{n}", User, a.getPort},
		{"POST", v1 + "/ports/{n}/call", User, a.call},
		{"POST", v1 + "/ports/{n}/dial-plan", User, a.testDialPlan},
		{"GET", v1 + "/calls", User, a.getCalls},
		{"GET", v1 + "/calls/{id}", User, a.getCall},
		{"DELETE", v1 + "/calls/{id}", User, a.hangUp},
		{"POST", v1 + "/drain", Admin, a.drain},
		{"GET", v1 + "/openapi.json", User, a.getDescription},
		{"GET", "/healthz", Anyone, a.healthz},
		{"GET", "/readyz", Anyone, a.readyz},
		{"GET", "/metrics", Scraper, a.getMetrics},
	}
}

func (a *API) getStatus(w http.ResponseWriter, r *http.Request) {
	s := a.device.Status()
	s.Lines, s.Ports = list(s.Lines), list(s.Ports)
	s.Faults, s.Waiting = list(s.Faults), list(s.Waiting)
	s.Provisioning.NotUnderstood, s.Provisioning.Sources = list(s.Provisioning.NotUnderstood), list(s.Provisioning.Sources)
	a.answer(w, r, http.StatusOK, s)
}

func (a *API) getLines(w http.ResponseWriter, r *http.Request) {
	a.answer(w, r, http.StatusOK, list(a.device.Lines()))
}

func (a *API) getPorts(w http.ResponseWriter, r *http.Request) {
	a.answer(w, r, http.StatusOK, list(a.device.Ports()))
}

func (a *API) getCalls(w http.ResponseWriter, r *http.Request) {
	a.answer(w, r, http.StatusOK, list(a.device.Calls()))
}

// list is s, but never null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func (a *API) getLine(w http.ResponseWriter, r *http.Request) {
	if line, ok := a.line(w, r); ok {
		a.answer(w, r, http.StatusOK, line)
	}
}

func (a *API) getPort(w http.ResponseWriter, r *http.Request) {
	if port, ok := a.port(w, r); ok {
		a.answer(w, r, http.StatusOK, port)
	}
}

func (a *API) getCall(w http.ResponseWriter, r *http.Request) {
	if call, ok := a.callByID(w, r); ok {
		a.answer(w, r, http.StatusOK, call)
	}
}

// line finds the line that the path names, or answers that there is none.
func (a *API) line(w http.ResponseWriter, r *http.Request) (Line, bool) {
	name := r.PathValue("n")
	for _, l := range a.device.Lines() {
		if strconv.Itoa(l.Line) == name {
			return l, true
		}
	}
	a.fail(w, r, problem(http.StatusNotFound, "there is no line "+name))
	return Line{}, false
}

func (a *API) port(w http.ResponseWriter, r *http.Request) (Port, bool) {
	name := r.PathValue("n")
	for _, p := range a.device.Ports() {
		if strconv.Itoa(p.Port) == name {
			return p, true
		}
	}
	a.fail(w, r, problem(http.StatusNotFound, "there is no port "+name))
	return Port{}, false
}

func (a *API) callByID(w http.ResponseWriter, r *http.Request) (Call, bool) {
	id := r.PathValue("id")
	for _, c := range a.device.Calls() {
		if c.ID == id {
			return c, true
		}
	}
	a.fail(w, r, problem(http.StatusNotFound, "there is no call "+id))
	return Call{}, false
}

func (a *API) register(w http.ResponseWriter, r *http.Request) {
	line, ok := a.line(w, r)
	if !ok || !a.read(w, r) {
		return
	}
	if err := a.device.Register(r.Context(), line.Line); err != nil {
		a.fail(w, r, ProblemOf(err))
		return
	}
	if line, ok = a.line(w, r); ok {
		a.answer(w, r, http.StatusAccepted, line)
	}
}

func (a *API) call(w http.ResponseWriter, r *http.Request) {
	port, ok := a.port(w, r)
	if !ok {
		return
	}
	var to string
	if !a.read(w, r, field{"to", &to}) {
		return
	}
	if to == "" {
		a.fail(w, r, problem(http.StatusUnprocessableEntity, `to is missing: wanted {"to":"NUMBER"}`))
		return
	}
	id, err := a.device.Call(r.Context(), port.Port, to)
	if err != nil {
		a.fail(w, r, ProblemOf(err))
		return
	}
	a.answer(w, r, http.StatusAccepted, struct {
		ID Text `json:"id"`
	}{Text(id)})
}

func (a *API) testDialPlan(w http.ResponseWriter, r *http.Request) {
	port, ok := a.port(w, r)
	if !ok {
		return
	}
	var digits *string
	if !a.read(w, r, field{"digits", &digits}) {
		return
	}
	if digits == nil {
		a.fail(w, r, problem(http.StatusUnprocessableEntity, `digits is missing: wanted {"digits":"DIGITS"}`))
		return
	}
	result, err := a.device.TestDialPlan(port.Port, *digits)
	if err != nil {
		a.fail(w, r, ProblemOf(err))
		return
	}
	a.answer(w, r, http.StatusOK, result)
}

func (a *API) hangUp(w http.ResponseWriter, r *http.Request) {
	call, ok := a.callByID(w, r)
	if !ok {
		return
	}
	if call.State == "ended" {
		a.fail(w, r, problem(http.StatusConflict, "call "+call.ID+" has ended"))
		return
	}
	if err := a.device.HangUp(r.Context(), call.ID); err != nil {
		a.fail(w, r, ProblemOf(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) drain(w http.ResponseWriter, r *http.Request) {
	var resume bool
	if !a.read(w, r, field{"resume", &resume}) {
		return
	}
	if err := a.device.Drain(resume); err != nil {
		a.fail(w, r, ProblemOf(err))
		return
	}
	a.answer(w, r, http.StatusAccepted, struct {
		Draining bool `json:"draining"`
	}{!resume})
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		a.fail(w, r, problem(http.StatusInternalServerError, err.Error()))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}

func (a *API) healthz(w http.ResponseWriter, r *http.Request) { plain(w, http.StatusOK, "ok") }

// readyz answers ok or not; with ?verbose, which is not open, why not, and what of the
// configuration waits.
func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	status, words := http.StatusOK, []string{"ok"}
	err := a.device.Ready()
	if err != nil {
		status, words[0] = http.StatusServiceUnavailable, "not"
	}
	if isVerbose(r) {
		if err != nil {
			words = append(words, err.Error())
		}
		for _, waiting := range a.device.Status().Waiting {
			words = append(words, "["+waiting.Section+"] waits for "+waiting.For)
		}
		words = append(words, "") // it is for people
	}
	plain(w, status, strings.Join(words, "\n"))
}

// isVerbose reports a request for more than an open route tells everybody.
func isVerbose(r *http.Request) bool { return r.URL.Query().Has("verbose") }

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
