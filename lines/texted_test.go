package lines

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// A message outside a call is taken from whoever may send the line anything.
func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		name, kind, body string
		settings         []string
		want             string
		header           string
		taken            bool
	}{
		{"plain", "text/plain", "The lift is out of order.", nil, "200", "", true},
		{"in another script", "text/plain;charset=UTF-8", "Aufzug außer Betrieb ☹", nil, "200", "", true},
		{"as long as may be", "text/plain", strings.Repeat("x", maxText), nil, "200", "", true},
		{"longer", "text/plain", strings.Repeat("x", maxText+1), nil, "413", "", false},
		{"empty", "text/plain", "", nil, "200", "", false},
		{"no UTF-8", "text/plain", "\xff\xfe", nil, "415", "Accept: text/plain;charset=utf-8", false},
		{"HTML", "text/html", "<b>x</b>", nil, "415", "Accept: " + acceptOf(plainType), false},
		{"compressed", "text/plain", "x", nil, "415", "Accept-Encoding: identity", false},
		{"do not disturb is about calls", "text/plain", "x", []string{"enable_dnd = 1"}, "200", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, tt.settings, func(w *world) {
				var got *sipmsg.Message
				uri := w.primary.contact()
				m := &sipmsg.Message{
					Method: sipmsg.MESSAGE, RequestURI: uri, CallID: ua.NewTag(),
					From: sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "602", Host: "pbx.example"}}.WithTag("a"), To: sipmsg.Addr{URI: uri},
					CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.MESSAGE},
				}
				m.Header.Add("Max-Forwards", "70")
				w.primary.routed(m)
				if tt.name == "compressed" {
					m.Header.Add("Content-Encoding", "gzip")
				}
				m.SetBody(tt.kind, []byte(tt.body))
				w.primary.post(func(now time.Time) {
					w.primary.e.Send(now, &ua.Request{Msg: m, Target: w.primary.wayTo(uri), On: func(_ time.Time, a ua.Answer) { got = a.Response }})
				})
				w.after(5 * time.Second)
				if got == nil || fmt.Sprint(got.StatusCode) != tt.want {
					t.Fatalf("answered %v, want %s", got, tt.want)
				}
				if name, value, _ := strings.Cut(tt.header, ": "); tt.header != "" && got.Header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
				}
				w.phone.mu.Lock()
				defer w.phone.mu.Unlock()
				if want := []Text{{"602", tt.body}}; tt.taken && (len(w.phone.texts) != 1 || w.phone.texts[0] != want[0]) || !tt.taken && len(w.phone.texts) != 0 {
					t.Errorf("told of %q", w.phone.texts)
				}
			})
		})
	}
}
