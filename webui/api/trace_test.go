package api

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// traces are of call c1 and of line 1.
type traces struct{}

func (traces) Ladder(id string) (Ladder, error) {
	if id != "c1" {
		return Ladder{}, fmt.Errorf("call %s: %w: nothing was kept", id, ErrConflict)
	}
	at := time.Unix(1, 0)
	return Ladder{Call: "c1", Dropped: 2, Participants: []Participant{{ID: "device", Name: "this device", Address: "192.0.2.10:5060"}, {ID: "p1", Name: "primary"}},
		Messages: []LadderMessage{
			{N: 1, Time: At(at), From: "device", To: "p1", Kind: "request", Method: "INVITE", Summary: "INVITE sip:600@h", Text: "INVITE …", Retransmission: true, Transport: "udp"},
			{N: 2, Time: At(at.Add(7500 * time.Millisecond)), AfterMS: 7500, From: "device", To: "p1", Kind: "event", Summary: "no response"},
			{N: 3, Time: At(at), From: "p1", To: "device", Kind: "response", Method: "INVITE", Status: Number(200), Summary: "200 OK", Text: "SIP/2.0 …", Transport: "udp"},
		}}, nil
}

func (t traces) Capture(id string) ([]byte, error) {
	_, err := t.Ladder(id)
	return []byte("pcap of " + id), err
}

func (traces) Registrations(line int) Ladder {
	return Ladder{Line: Number(line), Participants: []Participant{}, Messages: []LadderMessage{}}
}

func TestTraces(t *testing.T) {
	for _, tt := range []struct {
		path   string
		role   Role
		status int
		want   string
	}{
		{"/calls/c1/ladder", Admin, 200, `{"call":"c1","line":null,"participants":[{"id":"device","name":"this device","address":"192.0.2.10:5060"},{"id":"p1","name":"primary","address":null}],` +
			`"messages":[{"n":1,"time":"1970-01-01T00:00:01.000Z","after_ms":0,"from":"device","to":"p1","kind":"request","method":"INVITE","status":null,"summary":"INVITE sip:600@h","text":"INVITE …","retransmission":true,"transport":"udp"},` +
			`{"n":2,"time":"1970-01-01T00:00:08.500Z","after_ms":7500,"from":"device","to":"p1","kind":"event","method":null,"status":null,"summary":"no response","text":null,"retransmission":false,"transport":null},` +
			`{"n":3,"time":"1970-01-01T00:00:01.000Z","after_ms":0,"from":"p1","to":"device","kind":"response","method":"INVITE","status":200,"summary":"200 OK","text":"SIP/2.0 …","retransmission":false,"transport":"udp"}],"dropped":2}`},
		{"/calls/c1/trace.pcap", Admin, 200, "pcap of c1"},
		{"/lines/1/ladder", Admin, 200, `{"call":null,"line":1,"participants":[],"messages":[],"dropped":0}`},
		{"/calls/c0/ladder", Admin, 409, "nothing was kept"},
		{"/calls/c0/trace.pcap", Admin, 409, "nothing was kept"},
		{"/calls/c9/ladder", Admin, 404, "there is no call c9"},
		{"/calls/c9/trace.pcap", Admin, 404, "there is no call c9"},
		{"/lines/2/ladder", Admin, 404, "there is no line 2"},
		{"/calls/c1/ladder", User, 403, "is for admin"},
		{"/calls/c1/trace.pcap", User, 403, "is for admin"},
		{"/lines/1/ladder", User, 403, "is for admin"},
		{"/lines/1/ladder", Anyone, 401, "log in first"},
	} {
		a := New(&box{}, nil, quiet)
		a.HandleTraces(traces{})
		w := httptest.NewRecorder()
		a.Behind(same{Visitor{Name: "v", Role: tt.role}}).ServeHTTP(w, httptest.NewRequest("GET", "/api/v1"+tt.path, nil))
		got := strings.TrimSuffix(w.Body.String(), "\n")
		if w.Code != tt.status || tt.status == 200 && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%s as %s: %d\n got %s\nwant %s", tt.path, tt.role, w.Code, got, tt.want)
		}
		if strings.HasSuffix(tt.path, ".pcap") && w.Code == 200 {
			if kind, as := w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition"); kind != "application/vnd.tcpdump.pcap" || as != `attachment; filename="call-c1.pcap"` {
				t.Errorf("capture of type %q, %q", kind, as)
			}
		}
	}
}

func TestFileWord(t *testing.T) {
	if got, want := fileWord("../a\"b\r\n;1_-"), "___a_b___1_-"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
