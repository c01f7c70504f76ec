package lines

import (
	"testing"
	"time"
)

// Who was called in an emergency reaches the telephone in spite of DND: for half an hour whoever
// calls, and at any time where a server of the line says so, and nobody else.
func TestEmergencyCallback(t *testing.T) {
	for _, tt := range []struct {
		name     string
		called   bool // an emergency number
		after    time.Duration
		priority string
		stranger bool
		setting  string
		want     string // news of the telephone
	}{
		{"no emergency", false, 0, "", false, "", ""},
		{"a moment after", true, time.Minute, "", false, "", "started"},
		{"later", true, 29 * time.Minute, "", false, "", "started"},
		{"half an hour after", true, 31 * time.Minute, "", false, "", ""},
		{"so the server says", false, 0, "psap-callback", false, "", "started"},
		{"so a stranger says", false, 0, "psap-callback", true, "", ""},
		{"so the server says, who is not believed", false, 0, "psap-callback", false, "psap_callback = 0", ""},
		{"a moment after, without belief in servers", true, time.Minute, "", false, "psap_callback = 0", "started"},
		{"another priority", false, 0, "urgent", false, "", ""},
	} {
		inWorld(t, []string{"enable_dnd = 1", "accept_from = any", tt.setting}, func(w *world) {
			if tt.called {
				w.dialEmergency("112")
				w.after(time.Second)
				w.phone.call().Hangup()
			}
			w.after(tt.after)
			w.phone.news()
			from := w.primary
			if tt.stranger {
				from = w.newServer("10.0.0.66:5060")
				from.note("REGISTER", w.primary.last("REGISTER"))
			}
			change := with("Priority", tt.priority)
			if tt.priority == "" {
				change = with("Subject", "x")
			}
			far := from.callLine(change)
			w.after(time.Second)
			w.wantNews(tt.want)
			if tt.want == "" {
				if got := far.news(); got != "486" {
					t.Errorf("%s: the caller hears %q", tt.name, got)
				}
				return
			}
			if !w.phone.call().Info().Callback {
				t.Errorf("%s: not told", tt.name)
			}
			port := 0
			if tt.called {
				port = 1
			}
			if got := w.line.dev.Emergencies.Port(1, time.Now()); got != port {
				t.Errorf("%s: port %d called for help, want %d", tt.name, got, port)
			}
			w.phone.call().Hangup()
			w.after(time.Minute)
			w.wantIdle()
		})
	}
}
