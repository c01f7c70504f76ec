package fax

import (
	"bytes"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/lines"
)

// Half an hour of fax, in which the session is refreshed every 45 s (RFC 4028), goes by T.38
// to its end.
func TestSessionRefreshes(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.MaxRate = 2400 }), func(t *testing.T, r *rig) {
		refreshed, sound := 0, 0
		count := func(m *sipmsg.Message) (int, string) {
			if m.To.Tag() != "" && (m.Method == sipmsg.UPDATE || m.Method == sipmsg.INVITE) {
				refreshed++
				if bytes.Contains(m.Body, []byte("m=audio")) && !bytes.Contains(m.Body, []byte("m=audio 0")) {
					sound++
				}
			}
			return 0, ""
		}
		r.near.instead, r.far.instead = count, count
		box := newMailbox(t)
		r.far.sink = box
		begun := time.Now()
		out := r.send(letter(t, 100), nil).wait()
		took := time.Since(begun)
		mustSend(t, out, r.took(), 100, "t38")
		box.mustHold(t, 0, 99)
		if took < 30*time.Minute || refreshed < 30 || sound > 0 {
			t.Errorf("%v, %d refreshes, %d of them for sound", took, refreshed, sound)
		}
	})
}

// What a gateway to the telephone network tells of the end is the error code.
func TestCauseOfTheEnd(t *testing.T) {
	because := func(m *sipmsg.Message) { m.Header.Add("Reason", `Q.850;cause=41;text="Temporary failure"`) }
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.near.instead = func(m *sipmsg.Message) (int, string) {
			if m.Method == sipmsg.BYE {
				because(m)
			}
			return 0, ""
		}
		r.far.sink = newMailbox(t)
		s := r.send(letter(t, 3), nil)
		time.Sleep(12 * time.Second)
		r.far.current().Hangup()
		out := s.wait()
		if out.Cause != 41 || out.ErrorCode != 29184+41 || out.CalledResult != FaxError || out.Permanent {
			t.Errorf("%+v", out)
		}
		contains(t, out.Reason, "Q.850")
	})
}

// Datagrams of strangers, and what is no T.38, change nothing.
func TestStrangersOnThePort(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		stranger := netip.MustParseAddrPort("203.0.113.5:4000")
		r.filter(func(from, to netip.AddrPort, b []byte) bool {
			r.packets.Send([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, stranger, to)
			r.packets.Send(bytes.Repeat([]byte{0xFF}, 1600), stranger, to)
			r.packets.Send([]byte{0xAA, 0x55, 0x80, 0xFF, 0xFF}, from, to)
			return true
		})
		box := newMailbox(t)
		r.far.sink = box
		mustSend(t, r.send(letter(t, 1), nil).wait(), r.took(), 1, "t38")
		box.mustHold(t, 0, 0)
	})
}

// While a call only rings, nothing runs: the next thing that happens by itself is the end of the
// time to answer.
func TestNothingRunsBeforeTheAnswer(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		c := r.near.engine.newCall(usual(), mustListen(t, r.near), nil, nil)
		defer c.session.Close()
		if !c.deadline().IsZero() {
			t.Errorf("something is due in %v", time.Until(c.deadline()))
		}
		c.answerBy = time.Now().Add(answerTime)
		if got := time.Until(c.deadline()); got != answerTime {
			t.Errorf("something is due in %v", got)
		}
	})
}

// A line that ends without a word leaves no call behind.
func TestLineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, usual(), "127.0.0.1", "127.0.0.2")
		r.far.sink = newMailbox(t)
		s := r.send(letter(t, 3), nil)
		time.Sleep(10 * time.Second)
		r.cancel()
		r.work.Wait()
		begun := time.Now()
		out := s.wait()
		if took := time.Since(begun); out.OK || took > 15*time.Second {
			t.Errorf("after %v: %+v", took, out)
		}
		if again := r.send(letter(t, 1), nil).wait(); again.OK || again.Answered || again.Reason == "" {
			t.Errorf("a call of a line that is closed: %+v", again)
		}
		r.close()
	})
}

// handlers of calls are what lines take for a fax.
var _ lines.FaxHandler = (*told)(nil)
