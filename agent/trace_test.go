package agent

import (
	"maps"
	"strings"
	"testing"

	"tipring/internal/capture"
	"tipring/internal/media"
	"tipring/lines"
	"tipring/webui/api"
)

// What captures hold is changed at once: neither lines nor calls notice.
func TestCapturesAreChangedAtOnce(t *testing.T) {
	server := newRegistry(t)
	text := base + line(1, server.port)
	r := start(t, text)
	r.until("line registered", func() bool { return r.registered(1) })
	before := r.Agent.sip.Load()
	if !r.traces.Takes(capture.UDPTL) || r.traces.Takes(capture.RTP) {
		t.Error("media are not captured as they should be without a setting")
	}
	r.reload(strings.Replace(text, "[sip]", "[sip]\ncapture_media = all\ncapture_digits = 1\njitter_buffer = fixed\njitter_start_ms = 60\nrtp_dscp = 0", 1))
	if r.Agent.sip.Load() != before || r.waits() != "[]" {
		t.Errorf("the lines began anew, or wait: %s", r.waits())
	}
	if !r.traces.Takes(capture.RTP) {
		t.Error("sound is not captured")
	}
	l := tracing{r.Agent}.Registrations(1)
	if len(l.Messages) < 2 || l.Messages[0].Method != "REGISTER" || len(l.Participants) != 2 || l.Participants[1].Name != "primary" {
		t.Errorf("the ladder of the line: %+v", l)
	}
	if _, err := (tracing{r.Agent}).Ladder("77"); api.ProblemOf(err).Status != 409 {
		t.Errorf("a call that nobody made: %v", err)
	}
}

// What became of packets is counted over all calls, once for each, however often it is told.
func TestPacketsOfCallsAreCounted(t *testing.T) {
	l := newCallList()
	l.ended = []lines.Info{{ID: "1", State: lines.Ended}, {ID: "2", State: lines.Ended}}
	l.measured("1", media.Stats{PacketsSent: 100, PacketsReceived: 90, Lost: 8, Late: 2})
	l.measured("1", media.Stats{PacketsSent: 110, PacketsReceived: 99, Lost: 8, Late: 3})
	l.measured("2", media.Stats{PacketsSent: 10, Duplicates: 1, Foreign: 5})
	got := map[string]float64{}
	l.packetTotals(func(n float64, labels ...string) { got[labels[0]] = n })
	want := map[string]float64{"sent": 120, "received": 99, "lost": 8, "late": 3, "duplicate": 1, "reordered": 0, "foreign": 5, "malformed": 0}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The figures of a call stay as long as the call is shown, and go with it.
func TestFiguresStayWithTheCall(t *testing.T) {
	l := newCallList()
	l.ended = []lines.Info{{ID: "1", State: lines.Ended}}
	if !l.measured("1", media.Stats{PacketsReceived: 7}) || l.measured("2", media.Stats{}) {
		t.Error("figures are kept of other calls than those that are shown")
	}
	if st, ok := l.figures("1"); !ok || st.PacketsReceived != 7 {
		t.Errorf("figures %+v, %v", st, ok)
	}
}
