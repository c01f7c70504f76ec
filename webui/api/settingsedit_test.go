package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A slowKeeper notes what it is handed; the settings behind it are nobody's.
type slowKeeper struct{ Settings }

func (slowKeeper) SetLocal(context.Context, []byte, string) (Accepted, error) { return Accepted{}, nil }
func (slowKeeper) EditLocal(context.Context, []Edit, string) (Accepted, error) {
	return Accepted{}, nil
}
func (slowKeeper) CheckLocal([]byte, *http.Request) (Proposal, error) { return Proposal{}, nil }
func (slowKeeper) CheckEdits([]Edit, *http.Request) (Proposal, error) { return Proposal{}, nil }

// A deadliner notes until when it may read.
type deadliner struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *deadliner) SetReadDeadline(t time.Time) error { w.until = t; return nil }

// The body has its time to come, and the answer what it takes: others may be at the settings.
func TestNoDeadlineBehindSettings(t *testing.T) {
	for _, tt := range []struct{ method, path, media, body string }{
		{"PUT", "", "text/plain", "[sip1]\n"}, {"PATCH", "", MergePatch, "{}"}, {"POST", "/check", "text/plain", ""}, {"POST", "/check", MergePatch, "{}"},
	} {
		a := New(nil, nil, quiet)
		a.HandleSettings(slowKeeper{})
		r := httptest.NewRequest(tt.method, "/api/v1/config"+tt.path, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.media)
		w := &deadliner{httptest.NewRecorder(), time.Now()}
		if a.Behind(Open{}).ServeHTTP(w, r); w.Code >= 300 || !w.until.IsZero() {
			t.Errorf("%+v: %d, may read until %v", tt, w.Code, w.until)
		}
	}
}

// Whatever is sent as a patch: it is edits, each with a name, or a problem that says why not;
// and what it sets is what the JSON says.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{`{"sip1":{"register_addr":"x","backup_addr":null},"sip3":null}`, `{"sip1":{"a":1,"b":true,"c":-0}}`, `{"a":{}}`, `{"a":{"":1}}`, `[]`, `{"a":{"b":{}}}`, `{"a":{"b":"\u000a"}} x`, `{"a/~":5}`, "null", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		edits, p := parsePatch(text)
		if p != nil {
			if p.Status != 400 || p.Detail == "" {
				t.Fatalf("%+v", p)
			}
			return
		}
		var all map[string]map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatalf("%q is taken: %v", text, err)
		}
		for _, e := range edits {
			section, there := all[e.Section]
			value, set := section[e.Key]
			if !there || e.Key == "" && e.Remove != (section == nil) || e.Key != "" && (!set || e.Remove != (value == nil)) {
				t.Fatalf("%q: edit %+v", text, e)
			}
			if s, ok := value.(string); ok && s != e.Value {
				t.Fatalf("%q: edit %+v", text, e)
			}
		}
	})
}
