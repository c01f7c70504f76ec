package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/webui/api"
)

// A tracer has traces of calls whose id is not c0.
type tracer struct{}

func (tracer) Ladder(id string) (api.Ladder, error) {
	if id == "c0" {
		return api.Ladder{}, fmt.Errorf("call c0: %w: nothing was kept", api.ErrConflict)
	}
	return failover(), nil
}

func (t tracer) Capture(id string) ([]byte, error) {
	_, err := t.Ladder(id)
	return []byte("pcap of " + id), err
}

func (tracer) Registrations(int) api.Ladder { return api.Ladder{} }

// failover is a call whose primary is silent.
func failover() api.Ladder {
	at := func(n, ms int, from, to, kind, summary string, again bool) api.LadderMessage {
		return api.LadderMessage{N: n, Time: api.At(time.Date(2026, 3, 1, 9, 0, 0, ms*1e6, time.Local)), AfterMS: ms, From: api.Text(from), To: api.Text(to), Kind: kind, Summary: summary, Retransmission: again}
	}
	return api.Ladder{
		Call: "c1", Dropped: 1,
		Participants: []api.Participant{{ID: "device", Name: "this device", Address: "192.0.2.10:5060"}, {ID: "p1", Name: "primary", Address: "192.0.2.1:5060"}, {ID: "p2", Name: "backup", Address: "192.0.2.2:5060"}},
		Messages: []api.LadderMessage{
			at(1, 0, "device", "p1", "request", "INVITE sip:600@pbx.example (audio PCMU PCMA)", false),
			at(2, 500, "device", "p1", "request", "INVITE sip:600@pbx.example (audio PCMU PCMA)", true),
			at(3, 7500, "device", "p1", "event", "primary: INVITE at udp:192.0.2.1:5060: no response to INVITE after 4 sends in 7.5s; the backup is asked", false),
			at(4, 7501, "device", "p2", "request", "INVITE sip:600@pbx.example (audio PCMU PCMA)", false),
			at(5, 7520, "p2", "device", "response", "200 OK\x1b[2J (audio PCMU)", false),
			at(6, 7521, "device", "p9", "request", "ACK sip:600@192.0.2.9", false),
		},
	}
}

const drawn = `began 2026-03-01 09:00:00.000
      this device                                   primary                                   backup
    192.0.2.10:5060                             192.0.2.1:5060                        192.0.2.2:5060
+0.000     |--- INVITE sip:600@pbx.example (audi... -->|                                           |
+0.500     |--- INVITE sip:600@pbx.example (audi... -->|                                           |
+7.500     | * primary: INVITE at udp:192.0.2.1:5060: no response to INVITE after 4 sends in 7.5s; |
           |   the backup is asked                     |                                           |
+7.501     |-------------------- INVITE sip:600@pbx.example (audio PCMU PCMA) -------------------->|
+7.520     |<------------------------------ 200 OK?[2J (audio PCMU) -------------------------------|
+7.521     | * device > p9: ACK sip:600@192.0.2.9      |                                           |
1 message between them had no room
`

func TestDrawLadder(t *testing.T) {
	if got := drawLadder(failover()); got != drawn {
		t.Errorf("got\n%s\nwant\n%s", got, drawn)
	}
	if got := drawLadder(api.Ladder{}); got != "nothing was said, or nothing is kept of it\n" {
		t.Errorf("got %q", got)
	}
}

// However wide what is said, and however many say it, a row has at most 100 columns.
func TestLadderIsNarrow(t *testing.T) {
	l := failover()
	for n := range 8 {
		l.Participants = append(l.Participants, api.Participant{ID: fmt.Sprint("q", n), Name: strings.Repeat("n", 200), Address: api.Text(strings.Repeat("é", 100))})
		for _, kind := range []string{"event", "request"} {
			l.Messages = append(l.Messages, api.LadderMessage{From: api.Text(fmt.Sprint("q", n)), To: "device", Kind: kind, AfterMS: 1e8, Summary: strings.Repeat("w", 300) + strings.Repeat("ü", 20)})
		}
		for line := range strings.Lines(drawLadder(l)) {
			if len(line) > 101 {
				t.Fatalf("%d columns: %s", len(line), line)
			}
		}
	}
}

// A history is a box that has an older call, too.
type history struct{ *box }

func (h history) Calls() []api.Call { return append(h.box.Calls(), api.Call{ID: "c0", State: "ended"}) }

func serveTraces(t *testing.T) (dir string) {
	dir, err := os.MkdirTemp("", "tipring")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	log := slog.New(slog.DiscardHandler)
	routes := api.New(history{&box{}}, nil, log)
	routes.HandleTraces(tracer{})
	socket, err := api.ServeSocket(nil, dir, routes.Behind(api.Open{}), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(context.Background()) })
	return dir
}

func TestTrace(t *testing.T) {
	dir := serveTraces(t)
	file := filepath.Join(t.TempDir(), "a.pcap")
	for _, tt := range []struct {
		args   string
		status int
		out    string
	}{
		{"trace c1", 0, drawn},
		{"trace c1 --json", 0, `{"call":"c1","line":null,"participants":`},
		{"trace", 0, "CALL  LINE  WAY  PEER"},
		{"trace --json", 0, `[{"id":"c1",`},
		{"trace --line 1", 0, "nothing was said"},
		{"trace c1 --pcap " + file, 0, ""},
		{"trace c1 --pcap -", 0, "pcap of c1"},
		{"trace c0", 1, "nothing was kept"},
		{"trace c9", 1, "there is no call c9"},
		{"trace --line 9", 1, "there is no line 9"},
		{"trace --pcap x", 2, "the capture of which call?"},
		{"trace c1 --line 1", 2, "--line stands alone"},
		{"trace c1 --pcap x --json", 2, "a capture is no JSON"},
	} {
		var out, errs strings.Builder
		status := Main(append(strings.Fields(tt.args), "--state-dir", dir), &out, &errs, Hooks{})
		if text := out.String() + errs.String(); status != tt.status || !strings.Contains(text, tt.out) {
			t.Errorf("%s: %d %s, want %d %s", tt.args, status, text, tt.status, tt.out)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "pcap of c1" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}
