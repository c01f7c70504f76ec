package ua

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// A logBook keeps the lines of a log. It is safe for several goroutines.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// news is what was written since the last call, without times.
func (l *logBook) news() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		_, line, _ = strings.Cut(line, " ")
		lines = append(lines, strings.TrimSpace(line))
	}
	l.b.Reset()
	return lines
}

// floods sends n requests of their own Call-IDs; with a tag, in a dialog that nobody knows.
func (w *world) floods(n int, method, name, tag string) {
	for i := range n {
		req := w.peer.request(method, w.e.ContactUser(), name+strconv.Itoa(i))
		req.CallID = name + strconv.Itoa(i)
		if tag != "" {
			req.To = req.To.WithTag(tag)
		}
		w.peer.calls(req)
		w.after(time.Millisecond) // the owner keeps up
	}
}

// tally counts what the endpoint was told, and the peer was sent, since the last call.
func tally(list string) map[string]int {
	n := map[string]int{}
	for _, what := range strings.Split(list, ", ") {
		what, _, _ = strings.Cut(what, " +")
		n[what]++
	}
	return n
}

// Requests that are answered make room for others.
func TestAnsweredRequestsMakeRoom(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) { in.Respond(now, 200, "") }
		w.floods(3*maxServers, sipmsg.OPTIONS, "o", "")
		if n := tally(w.heard())["incoming OPTIONS"]; n != 3*maxServers {
			t.Errorf("%d of %d answered requests came through", n, 3*maxServers)
		}
		if c := &w.stack.Counts; c.OverloadDropped.Load()+c.OverloadRefused.Load() != 0 {
			t.Error("counted as too many")
		}
	})
}

// INVITEs that are refused and never acknowledged fill their own budget. All else gets
// through: a hold of a call that is up, CANCEL, BYE, OPTIONS and the ACK of a 2xx. An INVITE
// beyond the budget gets 503, a flood of them nothing.
func TestFloodOfInvites(t *testing.T) {
	book := &logBook{}
	inWorld(t, func(c *EndpointConfig) { c.Log = slog.New(slog.NewTextHandler(book, nil)) }, func(w *world) {
		w.handle = func(now time.Time, in *Incoming) {
			if in.Req.Method == sipmsg.INVITE {
				in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
				if in.Req.CallID != "i0" {
					in.Respond(now, 486, "")
				}
				return
			}
			in.Respond(now, 200, "")
		}
		w.floods(maxNewInvites+overloadsPerSecond+30, sipmsg.INVITE, "i", "")
		told := tally(w.heard())
		if told["incoming INVITE"] != maxNewInvites {
			t.Errorf("%d INVITEs in hand, want %d", told["incoming INVITE"], maxNewInvites)
		}
		sent := tally(w.peer.heard())
		if sent["503"] != overloadsPerSecond {
			t.Errorf("%d 503, want %d", sent["503"], overloadsPerSecond)
		}
		if c := &w.stack.Counts; c.OverloadRefused.Load() != overloadsPerSecond || c.OverloadDropped.Load() != 30 {
			t.Errorf("%d refused, %d dropped", c.OverloadRefused.Load(), c.OverloadDropped.Load())
		}
		if lines := book.news(); len(lines) != 1 || !strings.Contains(lines[0], "too many requests in hand") || !strings.Contains(lines[0], "refused=true") {
			t.Errorf("log %q", lines)
		}

		w.peer.heard()
		for _, x := range []struct{ method, branch, tag string }{
			{sipmsg.CANCEL, "i0", ""}, {sipmsg.BYE, "b", "up"}, {sipmsg.OPTIONS, "o", ""}, {sipmsg.INVITE, "hold", "up"},
		} {
			req := w.peer.request(x.method, w.e.ContactUser(), x.branch)
			if req.CallID = x.branch; x.tag != "" {
				req.To = req.To.WithTag(x.tag)
			}
			w.peer.calls(req)
		}
		ack := w.peer.request(sipmsg.ACK, w.e.ContactUser(), "a")
		w.peer.calls(ack)
		w.after(0)
		told = tally(w.heard())
		for _, what := range []string{"incoming BYE", "incoming OPTIONS", "incoming INVITE", "acknowledged"} {
			if told[what] != 1 {
				t.Errorf("%s: %d times", what, told[what])
			}
		}
		if n := tally(w.peer.heard())["487"]; n != 1 {
			t.Errorf("the CANCEL is heard %d times", n)
		}

		w.after(time.Minute) // all INVITEs are forgotten by then
		if lines := book.news(); len(lines) != 1 || !strings.Contains(lines[0], fmt.Sprintf("refused=%d dropped=30", overloadsPerSecond-1)) {
			t.Errorf("log %q", lines)
		}
		w.floods(1, sipmsg.INVITE, "later", "")
		if n := tally(w.heard())["incoming INVITE"]; n != 1 {
			t.Error("deaf after the flood")
		}
		w.after(2 * time.Minute)
		if lines := book.news(); len(lines) != 0 {
			t.Errorf("log %q", lines)
		}
	})
}

// The 503 of an INVITE says when to come again, and repetitions get the same.
func TestOverloadResponse(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.floods(maxNewInvites, sipmsg.INVITE, "i", "")
		w.peer.heard()
		req := w.peer.request(sipmsg.INVITE, w.e.ContactUser(), "late")
		req.CallID = "late"
		var tags []string
		w.peer.does(func(_ transport.Flow, m *sipmsg.Message) {
			if m.CallID == "late" {
				tags = append(tags, m.To.Tag())
				if m.StatusCode != 503 || m.Header.Get("Retry-After") != "5" {
					t.Errorf("%v Retry-After %q", m, m.Header.Get("Retry-After"))
				}
			}
		})
		w.peer.calls(req)
		w.peer.calls(req)
		w.after(0)
		if len(tags) != 2 || tags[0] == "" || tags[0] != tags[1] {
			t.Errorf("To tags %q", tags)
		}
	})
}

// A flood of INVITEs in dialogs that nobody knows leaves room for calls' other requests too.
func TestFloodInDialogs(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.floods(maxInvites+20, sipmsg.INVITE, "d", "gone")
		w.floods(1, sipmsg.BYE, "b", "up")
		told := tally(w.heard())
		if told["incoming INVITE"] != maxInvites || told["incoming BYE"] != 1 {
			t.Errorf("told %v", told)
		}
	})
}

// Requests other than INVITE that nobody answers are dropped beyond their budget.
func TestFloodOfUnansweredRequests(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.floods(maxServers+20, sipmsg.OPTIONS, "o", "")
		w.floods(1, sipmsg.INVITE, "i", "")
		told := tally(w.heard())
		if told["incoming OPTIONS"] != maxServers || told["incoming INVITE"] != 1 {
			t.Errorf("told %v", told)
		}
		if n := w.stack.Counts.OverloadDropped.Load(); n != 20 {
			t.Errorf("%d counted as dropped", n)
		}
	})
}

// Messages that find an owner with too many unread are counted.
func TestUnreadMessagesAreCounted(t *testing.T) {
	s := NewStack(nil)
	e := s.NewEndpoint(EndpointConfig{})
	defer e.Close()
	for i := range maxMail + 3 {
		m := &sipmsg.Message{Method: sipmsg.OPTIONS, RequestURI: sipmsg.URI{Scheme: "sip", User: e.ContactUser(), Host: "10.0.0.1"}, CallID: strconv.Itoa(i)}
		s.Receive(nil, netip.MustParseAddrPort("10.0.0.2:5060"), m, nil)
	}
	if n := s.Counts.Unread.Load(); n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
}
