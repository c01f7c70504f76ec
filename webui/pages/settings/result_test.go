package settings

import (
	"strings"
	"testing"

	"tipring/webui/api"
)

// What has become of a change, also while the settings before it run to show whose fault it is.
func TestResult(t *testing.T) {
	onTrial := func(n int) api.Provisioning { return api.Provisioning{Trial: &api.Trial{Generation: n}} }
	for _, tt := range []struct {
		name string
		r    result
		tone string
		text string
	}{
		{"on trial", result{generation: 3, verdict: "trial", running: true, now: onTrial(3)}, "info", "on trial"},
		{"gone back for a minute", result{generation: 3, verdict: "trial", now: onTrial(3)}, "warn", "No line has registered with the change."},
		{"good", result{generation: 3, verdict: "good", running: true}, "good", "is kept"},
		{"bad", result{generation: 3, verdict: "bad"}, "bad", "taken back"},
		{"followed by another on trial", result{generation: 3, verdict: "trial", now: onTrial(4)}, "warn", "Other settings are in force by now."},
		{"followed by another", result{generation: 3, verdict: "good"}, "warn", "Other settings are in force by now."},
	} {
		if text := tt.r.text(t.Context()); tt.r.tone() != tt.tone || !strings.Contains(text, tt.text) {
			t.Errorf("%s: %s %q, want %s %q", tt.name, tt.r.tone(), text, tt.tone, tt.text)
		}
	}
}
