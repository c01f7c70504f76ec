package api

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// handset is a Telephones with port 1.
type handset struct {
	set    Features
	forgot bool
	err    error
}

func (h *handset) Features(port int) (Features, error) {
	if port != 1 {
		return Features{}, fmt.Errorf("port %d has no telephone: %w", port, ErrNotFound)
	}
	h.set.Port = port
	return h.set, nil
}

func (h *handset) ChangeFeatures(_ int, c FeatureChange) error {
	if h.err != nil {
		return h.err
	}
	if c.ForwardAll != nil {
		h.set.ForwardAll = *c.ForwardAll
	}
	if c.NoAnswerS != nil {
		h.set.NoAnswerS = *c.NoAnswerS
	}
	if c.DND != nil {
		h.set.DND = *c.DND
	}
	for digit, number := range c.SpeedDials {
		h.set.SpeedDials = map[string]string{digit: string(number)}
	}
	return nil
}

func (h *handset) Missed() []MissedCall { return []MissedCall{{Line: 1, Name: "Ann", At: At(began)}} }
func (h *handset) ForgetMissed() error  { h.forgot = true; return h.err }

func (h *handset) ask(role Role, method, path, body string) *httptest.ResponseRecorder {
	a := New(&box{}, nil, quiet)
	a.HandleTelephones(h)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	a.Behind(same{Visitor{Role: role}}).ServeHTTP(w, r)
	return w
}

// What a telephone has set is told whole, and changed piece by piece.
func TestFeatures(t *testing.T) {
	const empty = `{"port":1,"forward_all":null,"forward_busy":null,"forward_no_answer":null,"no_answer_s":0,"dnd":false,"hide_number":false,` +
		`"reject_anonymous":false,"call_waiting":false,"speed_dials":{},"last_caller":null,"last_dialled":null,"star_codes":"","codes":[]}`
	for _, tt := range []struct {
		method, path, body string
		err                error
		status             int
		want               string // what the answer is, or holds
	}{
		{"GET", "/ports/1/features", "", nil, 200, empty},
		{"GET", "/ports/2/features", "", nil, 404, "port 2"},
		{"PATCH", "/ports/1/features", `{"forward_all":"5551234","dnd":true}`, nil, 200, strings.NewReplacer(`"forward_all":null`, `"forward_all":"5551234"`, `"dnd":false`, `"dnd":true`).Replace(empty)},
		{"PATCH", "/ports/1/features", `{"forward_all":null}`, nil, 200, empty},
		{"PATCH", "/ports/1/features", `{"no_answer_s":30,"speed_dials":{"2":"601"}}`, nil, 200, strings.NewReplacer(`"no_answer_s":0`, `"no_answer_s":30`, `"speed_dials":{}`, `"speed_dials":{"2":"601"}`).Replace(empty)},
		{"PATCH", "/ports/1/features", `{"dnd":null}`, nil, 400, "wanted true or false"},
		{"PATCH", "/ports/1/features", `{"no_answer_s":"x"}`, nil, 400, "wanted a whole number"},
		{"PATCH", "/ports/1/features", `{"forward_all":7}`, nil, 400, "wanted a text in quotes, or null"},
		{"PATCH", "/ports/1/features", `{"speed_dials":[]}`, nil, 400, "wanted an object of texts"},
		{"PATCH", "/ports/1/features", `{"forward":"1"}`, nil, 400, "there is no field"},
		{"PATCH", "/ports/1/features", `{"dnd":true}`, fmt.Errorf("no: %w", ErrInvalid), 422, "no"},
		{"GET", "/missed", "", nil, 200, `[{"line":1,"number":null,"name":"Ann","at":"2026-03-01T10:00:00.000Z"}]`},
		{"DELETE", "/missed", "", nil, 204, ""},
		{"DELETE", "/missed", "", ErrUnavailable, 503, ""},
	} {
		h := &handset{err: tt.err}
		w := h.ask(User, tt.method, tt.path, tt.body)
		got := strings.TrimSpace(w.Body.String())
		if w.Code != tt.status || tt.status == 200 && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %s: %d\n%s\nwant %d\n%s", tt.method, tt.path, tt.body, w.Code, got, tt.status, tt.want)
		}
		if tt.status == 204 && !h.forgot {
			t.Error("the list was not emptied")
		}
		if w := h.ask(Anyone, tt.method, tt.path, tt.body); w.Code < 400 {
			t.Errorf("%s %s for anyone: %d", tt.method, tt.path, w.Code)
		}
	}
}
