package calls

import (
	"testing"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/sipp"
	"tipring/tools/peers/site"
)

// sipp asks a fax port for T.38, by way of kamailio: before its 200 is through, in the call, and
// again and again as session refreshes and holds do. Every answer is of T.38 until sound is asked
// for; tshark reads all of it.
func TestSippT38(t *testing.T) {
	for _, tt := range []struct {
		scenario string
		last     string // codec when it has run its course
	}{
		{"uas_t38", "pcmu"},
		{"uas_t38_early", "t38"},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, site.Options{})
			l.Config.Set("port1", "kind", "fax").Set("port1", "fax_mode", "relay")
			s := sipp.Serve(t, l.Far, tt.scenario, 1)
			l.Run()
			l.Dial(1, "600")
			l.codec("t38")
			l.codec(tt.last)
			l.Phones[1].OnHook()
			s.Passed(patience)
			l.Agent.WaitPort(patience, 1, "idle")
			l.WellFormed()
		})
	}
}

// codec waits until the only call is of that codec.
func (l *lab) codec(want string) {
	l.T.Helper()
	last := ""
	if !netlab.Until(patience, func() bool {
		for _, c := range l.Agent.Calls() {
			last = c.Codec
		}
		return last == want
	}) {
		l.T.Fatalf("call of %q, want %s", last, want)
	}
}
