package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// What an action of a Device may be refused with.
var (
	ErrNotFound    = errors.New("not found")         // 404
	ErrConflict    = errors.New("not possible now")  // 409
	ErrInvalid     = errors.New("not valid")         // 422
	ErrUnavailable = errors.New("not available now") // 503: draining, or not configured
	ErrNoAnswer    = errors.New("no answer")         // 504: the server that is to be asked is silent
)

// A Problem is an error as the interface tells it (RFC 9457). As an error it may also
// be returned by a Device that wants to say more than the five above.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail Text   `json:"detail"`

	Errors []FieldError `json:"errors,omitempty"` // of single members of the body
	Faults []Fault      `json:"faults,omitempty"` // of a configuration
}

// FieldError is what is wrong with one member of a request's body.
type FieldError struct {
	Detail  string `json:"detail"`
	Pointer string `json:"pointer"` // a JSON pointer as a URI fragment (RFC 6901 section 6)
}

// Error is what happened, in a sentence.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return string(p.Detail)
	}
	return p.Title
}

// problem makes a problem without a type of its own: the status tells it all.
func problem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: Text(detail)}
}

// ProblemOf finds the status for what an action returned.
func ProblemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var faults *FaultError
	if errors.As(err, &faults) {
		text := "the configuration has a fault"
		if n := len(faults.Faults); n != 1 {
			text = fmt.Sprintf("the configuration has %d faults", n)
		}
		p = problem(http.StatusUnprocessableEntity, text)
		p.Faults = faults.Faults
		return p
	}
	status := http.StatusInternalServerError
	for _, known := range []struct {
		err    error
		status int
	}{
		{ErrNotFound, http.StatusNotFound},
		{ErrConflict, http.StatusConflict},
		{ErrInvalid, http.StatusUnprocessableEntity},
		{ErrStale, http.StatusPreconditionFailed},
		{ErrUnavailable, http.StatusServiceUnavailable},
		{ErrNoAnswer, http.StatusGatewayTimeout},
	} {
		if errors.Is(err, known.err) {
			status = known.status
		}
	}
	return problem(status, told(err))
}

// told is what a person is told of an error: an end that says what the status says is left out.
func told(err error) string {
	text := err.Error()
	for _, said := range []error{ErrConflict, ErrInvalid, ErrUnavailable} {
		if rest, ok := strings.CutSuffix(text, ": "+said.Error()); ok {
			return rest
		}
	}
	return text
}

// fail answers with a problem. What is our own fault is logged too: a client that has left is not.
func (a *API) fail(w http.ResponseWriter, r *http.Request, p *Problem) {
	if p.Status == http.StatusInternalServerError && r.Context().Err() == nil {
		a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "status", p.Status, "err", p.Detail)
	}
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	w.Write(append(body, '\n'))
}
