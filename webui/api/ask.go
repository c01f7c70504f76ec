package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Reply is what a route answered a page with.
type Reply struct {
	Status  int
	Header  http.Header
	Body    []byte
	Problem *Problem // of a Status of 400 and more; else nil
}

// Into takes the JSON of a reply.
func (p Reply) Into(v any) error {
	if p.Problem != nil {
		return p.Problem
	}
	return json.Unmarshal(p.Body, v)
}

// A Question is what a page asks a route.
type Question struct {
	Method string // empty: GET
	Path   string // with its query
	Type   string // of the body; empty: application/json
	Body   io.Reader
	JSON   any         // instead of Body: what is written as JSON in it
	Header http.Header // besides
}

// Ask has a route answer a question in the name of whoever sent r, with no more rights than
// they have. It is for short answers: a page links to long ones.
func (a *API) Ask(r *http.Request, q Question) Reply {
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	if q.JSON != nil {
		text, err := json.Marshal(q.JSON)
		if err != nil {
			return failed(problem(http.StatusInternalServerError, err.Error()))
		}
		q.Body = bytes.NewReader(text)
	}
	inner, err := http.NewRequestWithContext(r.Context(), q.Method, q.Path, q.Body)
	if err != nil {
		return failed(problem(http.StatusInternalServerError, err.Error()))
	}
	for name, values := range q.Header {
		inner.Header[name] = values
	}
	if q.Body != nil {
		inner.Header.Set("Content-Type", "application/json")
		if q.Type != "" {
			inner.Header.Set("Content-Type", q.Type)
		}
	}
	inner.Host, inner.RemoteAddr, inner.TLS = r.Host, r.RemoteAddr, r.TLS
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := &recorder{reply: Reply{Header: http.Header{}}}
	a.Behind(same{VisitorOf(r.Context())}).ServeHTTP(w, inner)
	return w.done()
}

// same is the gate behind which a visitor stays who he is.
type same struct{ visitor Visitor }

func (s same) Visitor(*http.Request) (Visitor, *Problem) { return s.visitor, nil }

func failed(p *Problem) Reply { return Reply{Status: p.Status, Header: http.Header{}, Problem: p} }

// A recorder keeps what a route answers.
type recorder struct {
	reply Reply
	body  bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.reply.Header }

func (w *recorder) WriteHeader(status int) {
	if w.reply.Status == 0 {
		w.reply.Status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// SetReadDeadline does nothing: the body is there.
func (w *recorder) SetReadDeadline(time.Time) error { return nil }

func (w *recorder) done() Reply {
	w.WriteHeader(http.StatusOK)
	w.reply.Body = w.body.Bytes()
	if w.reply.Status < 400 {
		return w.reply
	}
	w.reply.Problem = new(Problem)
	if !strings.HasPrefix(w.reply.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(w.reply.Body, w.reply.Problem) != nil {
		w.reply.Problem = problem(w.reply.Status, fmt.Sprintf("%.200s", w.reply.Body))
	}
	return w.reply
}
