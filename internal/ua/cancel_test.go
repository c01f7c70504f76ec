package ua

import (
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

// cancelAfter sends an INVITE and gives it up after a while; what becomes of the CANCEL is
// noted.
func (w *world) cancelAfter(d time.Duration, p transport.Proto) {
	r := w.request(sipmsg.INVITE, p)
	w.send(r)
	time.AfterFunc(d, func() {
		w.e.Post(func(now time.Time) {
			w.e.Cancel(now, r, 3, func(_ time.Time, a Answer) {
				if a.Response != nil {
					w.note("CANCEL %d", a.Response.StatusCode)
				} else {
					w.note("CANCEL %s", reason(a.Err))
				}
			})
		})
	})
}

// RFC 3261 section 9.1: a CANCEL waits for a provisional response; what the INVITE ends
// by is told either way.
func TestCancel(t *testing.T) {
	// ring answers an INVITE with 180 after a while, and takes a CANCEL.
	ring := func(w *world, after time.Duration) {
		w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
			switch m.Method {
			case sipmsg.INVITE:
				time.AfterFunc(after, func() { w.peer.reply(f, m, 180) })
			case sipmsg.CANCEL:
				w.peer.reply(f, m, 200)
				invite, f := w.peer.last(sipmsg.INVITE)
				w.peer.reply(f, invite, 487)
			}
		})
	}
	tests := []struct {
		name  string
		setup func(w *world)
		after time.Duration
		told  string
		heard string
	}{
		{"while it rings", func(w *world) { ring(w, 0) }, time.Second,
			"180 +0s, CANCEL 200 +1s, 487 +1s", "INVITE +0s, CANCEL +1s, ACK +1s"},
		{"before any response", func(w *world) { ring(w, 400*time.Millisecond) }, 100 * time.Millisecond,
			"180 +400ms, CANCEL 200 +400ms, 487 +400ms", "INVITE +0s, CANCEL +400ms, ACK +400ms"},
		{"no response ever", func(w *world) { w.peer.host.Fail(memnet.Silent) }, time.Second,
			"CANCEL no response +7.5s, no response +7.5s", ""},
		{"the CANCEL is not answered", func(w *world) {
			w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
				if m.Method == sipmsg.INVITE {
					w.peer.reply(f, m, 180)
				}
			})
		}, time.Second, "180 +0s, CANCEL no response +8.5s, no response +33s", "INVITE +0s, CANCEL +1s, CANCEL +1.5s, CANCEL +2.5s, CANCEL +4.5s"},
		{"it crosses a 200", func(w *world) {
			w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
				switch m.Method {
				case sipmsg.INVITE:
					w.peer.reply(f, m, 180)
				case sipmsg.CANCEL:
					invite, f := w.peer.last(sipmsg.INVITE)
					w.peer.reply(f, invite, 200)
					w.peer.reply(f, m, 481)
				}
			})
		}, time.Second, "180 +0s, 200 +1s, CANCEL 481 +1s", "INVITE +0s, CANCEL +1s"},
		{"after the answer it does nothing", func(w *world) { w.peer.answers(200) }, time.Second,
			"200 +0s", "INVITE +0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				tt.setup(w)
				w.cancelAfter(tt.after, transport.UDP)
				w.after(10 * time.Minute)
				w.want("told", w.heard(), tt.told)
				w.want("peer heard", w.peer.heard(), tt.heard)
			})
		})
	}
}

// Given up while it waits for its connection, an INVITE never leaves.
func TestCancelWhileConnecting(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.net.Path(w.host, w.peer.host).Delay(time.Second)
		w.cancelAfter(500*time.Millisecond, transport.TCP)
		w.after(time.Minute)
		w.want("told", w.heard(), "CANCEL cancelled +500ms, cancelled +500ms")
		w.want("peer heard", w.peer.heard(), "")
	})
}

// The CANCEL names the transaction of the INVITE: its branch, To and CSeq number.
func TestCancelNamesTheInvite(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.answers(180)
		w.cancelAfter(time.Second, transport.UDP)
		w.after(2 * time.Second)
		invite, _ := w.peer.last(sipmsg.INVITE)
		cancel, _ := w.peer.last(sipmsg.CANCEL)
		if cancel.Branch() != invite.Branch() || cancel.CSeq.Seq != invite.CSeq.Seq || cancel.To.Tag() != "" ||
			cancel.RequestURI.String() != invite.RequestURI.String() || cancel.From.Tag() != invite.From.Tag() {
			t.Errorf("CANCEL %+v\nINVITE %+v", cancel, invite)
		}
	})
}

// What a server answers to an INVITE that was given up as unanswered leaves no telephone
// ringing: a late 1xx is cancelled, a late refusal acknowledged, a late 2xx told.
func TestLateAnswers(t *testing.T) {
	tests := []struct {
		name  string
		codes []int
		told  string
		heard string
	}{
		{"180", []int{180}, "", "CANCEL +10s"},
		{"180 again and again", []int{180, 180, 183}, "", "CANCEL +10s"},
		{"180, then 487", []int{180, 487}, "", "CANCEL +10s, ACK +10s"},
		{"486, repeated", []int{486, 486}, "", "ACK +10s, ACK +10s"},
		{"200, repeated", []int{200, 200}, "late 200 +10s, late 200 +10s", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.send(w.request(sipmsg.INVITE, transport.UDP))
				w.after(10 * time.Second)
				w.want("told", w.heard(), "no response +7.5s")
				w.peer.heard()
				m, f := w.peer.last(sipmsg.INVITE)
				w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
					if m.Method == sipmsg.CANCEL {
						w.peer.reply(f, m, 200)
					}
				})
				for _, code := range tt.codes {
					w.peer.reply(f, m, code)
				}
				w.after(0)
				w.want("told", w.heard(), tt.told)
				w.want("peer heard", w.peer.heard(), tt.heard)
			})
		})
	}
}

// It is remembered for 64*T1 and then no more.
func TestLateAnswersEndSometime(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.send(w.request(sipmsg.INVITE, transport.UDP))
		w.after(7500*time.Millisecond + 32*time.Second + time.Millisecond)
		m, f := w.peer.last(sipmsg.INVITE)
		w.peer.heard()
		w.peer.reply(f, m, 180)
		w.after(time.Second)
		w.want("peer heard", w.peer.heard(), "")
		if n := w.stack.Counts.StrayResponses.Load(); n != 1 {
			t.Errorf("%d strays, want 1", n)
		}
	})
}
