package fax

import (
	"context"
	"slices"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/lines"
	"tipring/t38/t30"
)

// asking makes the far end ask before it answers.
func (r *rig) asking(open func(ctx context.Context) (string, t30.Sink, int), page func(Page)) {
	e := r.far
	e.answer = func(c *lines.Call) (lines.Handler, int) {
		return e.engine.Receive(c, Incoming{Settings: e.settings, Open: open, Page: page, Ended: func(o Outcome) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.received = append(e.received, o)
		}})
	}
}

// A call is answered when Open has told under which identification, and who takes the pages; each
// page is told at both ends when it is over.
func TestOpenAndPages(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		box := newMailbox(t)
		var told [2][]int
		r.asking(func(context.Context) (string, t30.Sink, int) {
			time.Sleep(3 * time.Second)
			return "222", box, 0
		}, func(p Page) { told[1] = append(told[1], p.N) })
		s := r.send(letter(t, 3), func(o *Outgoing) { o.Page = func(p Page) { told[0] = append(told[0], p.N) } })
		mustSend(t, s.wait(), r.took(), 3, "t38")
		box.mustHold(t, 0, 2)
		for i, name := range []string{"sent", "received"} {
			if !slices.Equal(told[i], []int{1, 2, 3}) {
				t.Errorf("%s: %v", name, told[i])
			}
		}
	})
}

// Open refuses the call.
func TestOpenRefuses(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.asking(func(context.Context) (string, t30.Sink, int) { return "", nil, 603 }, nil)
		out := r.send(letter(t, 1), nil).wait()
		if in := r.took(); in.OK || in.Answered || in.Reason == "" || out.Code != 603 || !out.Permanent {
			t.Errorf("%+v, %+v", out, in)
		}
	})
}

// A caller that gives up while Open still asks, and an Engine that ends, leave nothing behind.
func TestEndWhileOpenAsks(t *testing.T) {
	for _, who := range []string{"caller", "engine"} {
		inBubble(t, usual(), func(t *testing.T, r *rig) {
			box := newMailbox(t)
			r.asking(func(ctx context.Context) (string, t30.Sink, int) {
				select {
				case <-ctx.Done():
				case <-time.After(3 * time.Second):
				}
				return "222", box, 0
			}, nil)
			s := r.send(letter(t, 1), nil)
			time.Sleep(time.Second)
			if who == "caller" {
				s.cancel()
			} else {
				r.far.engine.Close()
			}
			out, in := s.wait(), r.took()
			if out.OK || in.OK || in.Begun || in.ErrorCode == 0 {
				t.Errorf("%s: %+v, %+v", who, out, in)
			}
		})
	}
}

// A call that the far end answers with nothing that can be used is no fax, and ends.
func TestAnswerWithoutMedia(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		const nothing = "v=0\r\no=- 1 2 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
		r.far.instead = func(m *sipmsg.Message) (int, string) {
			if m.Method == sipmsg.INVITE {
				m.To = m.To.WithTag("x")
				return 200, nothing
			}
			return 0, ""
		}
		begun := time.Now()
		out := r.send(letter(t, 1), nil).wait()
		if took := time.Since(begun); out.OK || out.Begun || out.Reason == "" || out.ErrorCode == 0 || took > 2*time.Second {
			t.Errorf("after %v: %+v", took, out)
		}
	})
}
