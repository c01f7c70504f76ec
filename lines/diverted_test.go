package lines

import (
	"strings"
	"testing"
	"time"
)

// A call that was sent on too often, or by this line already, goes round and is not sent on again.
func TestCallsThatGoRound(t *testing.T) {
	many := func(n int) string {
		return strings.TrimSuffix(strings.Repeat("<sip:7@pbx>;reason=user-busy, ", n), ", ")
	}
	history := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(`"A, B" <sip:7@pbx?Reason=SIP%3Bcause%3D302>;index=1.1, `, n), ", ")
	}
	for _, tt := range []struct {
		name, header, value, want string
	}{
		{"from nowhere else", "Diversion", "", "302"},
		{"four times", "Diversion", many(4), "302"},
		{"five times", "Diversion", many(5), "480"},
		{"once, which counts five", "Diversion", "<sip:7@pbx>;counter=5", "480"},
		{"once, which counts four", "Diversion", "<sip:7@pbx>;counter=4", "302"},
		{"by this line", "Diversion", "<sip:1001@10.0.0.2>;reason=unconditional", "480"},
		{"by a namesake", "Diversion", "<sip:1001@pbx>;reason=unconditional", "302"},
		{"what nobody can read", "Diversion", "<", "302"},
		{"five times by History-Info", "History-Info", history(6), "480"},
		{"four times by History-Info", "History-Info", history(5), "302"},
	} {
		inWorld(t, nil, func(w *world) {
			far := w.primary.callLine(with(tt.header, tt.value))
			w.after(time.Second)
			w.phone.call().Redirect("0170123", DivertAlways)
			w.after(time.Second)
			if got := far.news(); got != "100 "+tt.want {
				t.Errorf("%s: the caller hears %q, want 100 and %s", tt.name, got, tt.want)
			}
			w.after(time.Minute)
			w.wantIdle()
		})
	}
}
