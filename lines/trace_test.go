package lines

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/capture"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
)

// traced has what crosses the stack of a world taken into its ladders, as the agent does.
func (w *world) traced() *capture.Store {
	s := capture.New()
	w.trace = s
	w.stack.SetTap(func(x ua.Sight) {
		m := capture.Message{
			At: x.At, Line: x.Owner, Out: x.Out, Local: x.Local, Remote: x.From, Err: x.Err,
			CallID: x.Message().CallID, Method: x.Message().CSeq.Method, Text: x.Text(),
		}
		if x.Out {
			m.Remote = x.Flow.Target().Addr
		}
		s.Message(m)
	})
	return s
}

// rows shows a ladder: seconds, who, and what.
func rows(l capture.Ladder) string {
	names := map[string]string{"": "", "device": ">"}
	for _, p := range l.Participants[1:] {
		names[p.ID] = p.Name
	}
	var b strings.Builder
	for _, s := range l.Steps {
		text, again := s.Summary, ""
		if s.Kind != capture.Event {
			text, _, _ = strings.Cut(text, " (")
		}
		if s.Retransmission {
			again = " again"
		}
		fmt.Fprintf(&b, "%.1f %s%s %s%s\n", s.At.Sub(l.Steps[0].At).Seconds(), names[s.From], names[s.To], text, again)
	}
	return b.String()
}

// A failover is read from the ladder, whatever it was that the primary did.
func TestFailoverOnTheLadder(t *testing.T) {
	for _, tt := range []struct {
		name   string
		strike func(s *fakeServer)
		want   string
	}{
		{"silent", func(s *fakeServer) { s.host.Fail(memnet.Silent) }, `
0.0 >primary INVITE sip:600@10.0.0.2
0.5 >primary INVITE sip:600@10.0.0.2 again
1.5 >primary INVITE sip:600@10.0.0.2 again
3.5 >primary INVITE sip:600@10.0.0.2 again
7.5 >primary primary: INVITE at udp:10.0.0.2:5060: no response to INVITE after 4 sends in 7.5s; the backup is asked
7.5 > the call waits until the line is registered at the backup
7.5 >backup INVITE sip:600@10.0.0.3`},
		{"refusing", func(s *fakeServer) { s.host.Fail(memnet.Refusing) }, `
0.0 >primary INVITE sip:600@10.0.0.2
0.0 >primary primary: INVITE at udp:10.0.0.2:5060: connection refused: ICMP port unreachable (type 3 code 3) from 10.0.0.2; the backup is asked
0.0 > the call waits until the line is registered at the backup
0.0 >backup INVITE sip:600@10.0.0.3`},
		{"503", func(s *fakeServer) { s.fails(503) }, `
0.0 >primary INVITE sip:600@10.0.0.2
0.0 primary> 503 Service Unavailable
0.0 >primary ACK sip:600@10.0.0.2
0.0 >primary primary: INVITE at udp:10.0.0.2:5060: 503 Service Unavailable; the backup is asked
0.0 > the call waits until the line is registered at the backup
0.0 >backup INVITE sip:600@10.0.0.3`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := makeWorld(t)
				s := w.traced()
				w.start()
				w.after(time.Second)
				tt.strike(w.primary)
				for _, server := range []*fakeServer{w.primary, w.backup} { // no answer is seen before its question
					w.net.Path(server.host, w.agent).Delay(time.Millisecond)
				}
				w.dial("600")
				w.after(20 * time.Second)
				l, ok := s.Ladder(s.Traced()[0])
				if got := strings.TrimSpace(rows(l)); !ok || !strings.HasPrefix(got, strings.TrimSpace(tt.want)) {
					t.Errorf("the ladder:\n%s\nwant\n%s\n...", got, strings.TrimSpace(tt.want))
				}
				if got := rows(s.Registrations(1)); !strings.Contains(got, "primary") || !strings.Contains(got, ">backup REGISTER") {
					t.Errorf("the ladder of the line:\n%s", got)
				}
			})
		})
	}
}
