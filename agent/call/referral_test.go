package call

import (
	"slices"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/lines"
	"tipring/lines/fxs"
)

// The far end sends the telephone to somebody else (RFC 5589 section 6): ringback, the
// new voice, and the old call ends.
func TestReferred(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		first := ph.call()
		r.far.onInvite = func(c *farCall) { c.ring() }
		far.refer("700")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Calling, ringbackTone)
		other := r.far.last()
		if to := other.invite.RequestURI.User; to != "700" || far.status() != 202 || ph.call() == first {
			t.Fatalf("called %s, REFER %d, call %s after %s", to, far.status(), ph.call(), first)
		}
		if far.over || r.rtp.InUse() != 2 {
			t.Errorf("before the answer: old call over %v, %d RTP ports", far.over, r.rtp.InUse())
		}
		other.answer()
		other.speak(otherVoice)
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
		if !slices.Equal(far.notified, []int{100, 180, 200}) || !far.over {
			t.Errorf("who referred was notified %v, over: %v", far.notified, far.over)
		}
		if i := r.owner.info(first); i.State != lines.Ended || r.rtp.InUse() != 1 || other.hears() != nearVoice {
			t.Errorf("%+v, %d RTP ports, the new far end hears %d Hz", i, r.rtp.InUse(), other.hears())
		}
		if st, ok := ph.port.Quality(first); !ok || st.PacketsSent == 0 {
			t.Errorf("quality of the old call: %v, %+v", ok, st)
		}
		ph.hangUp()
		if other.heard() != "ACK BYE" {
			t.Errorf("the new far end got %s", other.heard())
		}
	})
}

// The new call fails: the telephone is back where it was, and may be referred again.
func TestReferredInVain(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		first := ph.call()
		r.far.onInvite = func(c *farCall) { c.refuse(486) }
		for range 2 {
			far.notified = nil
			far.refer("700")
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
			if !slices.Equal(far.notified, []int{100, 486}) || ph.call() != first || far.hears() != nearVoice {
				t.Errorf("notified %v, call %s, hears %d Hz", far.notified, ph.call(), far.hears())
			}
			if r.rtp.InUse() != 1 {
				t.Errorf("%d RTP ports", r.rtp.InUse())
			}
		}
		far.hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
	})
}

// Most telephones that transfer hang up as soon as the REFER is accepted.
func TestWhoReferredHangsUpAtOnce(t *testing.T) {
	for _, code := range []int{200, 486} {
		inRig(t, settings{}, func(r *rig) {
			ph, far := talking(r)
			r.far.onInvite = func(c *farCall) { c.ring() }
			far.refer("700")
			r.run(100 * time.Millisecond)
			far.hangUp()
			r.run(100 * time.Millisecond)
			ph.want(fxs.Calling, ringbackTone)
			if r.rtp.InUse() != 1 {
				t.Errorf("%d RTP ports", r.rtp.InUse())
			}
			other := r.far.last()
			if code != 200 {
				other.refuse(code)
				r.run(100 * time.Millisecond)
				ph.want(fxs.Parked, busyTone)
				return
			}
			other.answer()
			other.speak(otherVoice)
			r.run(300 * time.Millisecond)
			ph.want(fxs.Talking, otherVoice)
		})
	}
}

func TestHungUpWhileReferred(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		r.far.onInvite = func(c *farCall) { c.ring() }
		far.refer("700")
		r.run(200 * time.Millisecond)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if other := r.far.last(); !far.over || !other.over || r.rtp.InUse() != 0 {
			t.Errorf("over: %v and %v, %d RTP ports", far.over, other.over, r.rtp.InUse())
		}
	})
}

// A call that a program has placed can be referred too, and ends as one.
func TestReferredOnHook(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.place("600")
		r.run(200 * time.Millisecond)
		r.far.last().refer("700")
		r.run(300 * time.Millisecond)
		if s := ph.port.Snapshot(); s.State != fxs.Talking || len(r.far.calls) != 2 || r.far.running() != 1 {
			t.Fatalf("%+v, %d calls", s, len(r.far.calls))
		}
		r.far.last().hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
	})
}

func TestReferralRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		set   func(r *rig)
		pairs int
		later int // the answer to a second REFER, when the cause is gone
	}{
		{"drains", func(r *rig) { r.drains.Store(true) }, 2, 202},
		{"no line", func(r *rig) { r.noLine.Store(true) }, 2, 202},
		{"no RTP port", func(*rig) {}, 1, 603},
	} {
		inRig(t, settings{rtpPairs: tt.pairs}, func(r *rig) {
			ph, far := talking(r)
			tt.set(r)
			far.refer("700")
			r.run(200 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
			if far.status() != 603 || len(r.far.calls) != 1 {
				t.Errorf("%s: REFER %d, %d calls", tt.name, far.status(), len(r.far.calls))
			}
			r.drains.Store(false)
			r.noLine.Store(false)
			far.refer("700")
			r.run(200 * time.Millisecond)
			if far.status() != tt.later {
				t.Errorf("%s: second REFER %d", tt.name, far.status())
			}
		})
	}
}

// A REFER that wants no NOTIFY leaves room for a second one (RFC 4488): one is followed
// at a time.
func TestReferredTwice(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		r.far.onInvite = func(c *farCall) { c.ring() }
		quiet := func(to string) {
			far.ask(sipmsg.REFER, func(m *sipmsg.Message) {
				m.Header.Add("Refer-To", "<sip:"+to+"@127.0.0.2>")
				m.Header.Add("Refer-Sub", "false")
				m.Header.Add("Supported", "norefersub")
			})
		}
		quiet("700")
		r.run(100 * time.Millisecond)
		quiet("701")
		r.run(100 * time.Millisecond)
		if !slices.Equal(far.statuses, []int{202, 603}) || r.far.last().invite.RequestURI.User != "700" {
			t.Errorf("REFERs %v, called %s", far.statuses, r.far.last().invite.RequestURI.User)
		}
		ph.want(fxs.Calling, ringbackTone)
	})
}

// The telephone is hung up when the REFER has been accepted and not been looked at yet.
func TestReferredTooLate(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		ph.putDown()
		r.run(400 * time.Millisecond)
		far.refer("700")
		r.still(40 * time.Millisecond)
		if r.rtp.InUse() != 2 {
			t.Fatalf("%d RTP ports: the REFER has not come", r.rtp.InUse())
		}
		r.run(200 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
		if len(r.far.calls) != 1 || r.rtp.InUse() != 0 {
			t.Errorf("%d calls, %d RTP ports", len(r.far.calls), r.rtp.InUse())
		}
	})
}

// A far end sends the telephone nowhere while another call is held or waits; when that is over, it may.
func TestReferredWithTwoCalls(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(r *rig, ph *telephone) (other *farCall)
	}{
		{"another is held", func(r *rig, ph *telephone) *farCall {
			held := r.far.last()
			ph.flash()
			r.run(300 * time.Millisecond)
			ph.press("601#")
			return held
		}},
		{"another waits", func(r *rig, _ *telephone) *farCall { return r.far.call() }},
	} {
		inRig(t, settings{config: callWaiting}, func(r *rig) {
			ph, far := talking(r)
			other := tt.set(r, ph)
			r.run(300 * time.Millisecond)
			if other == far {
				far = r.far.last()
			}
			calls := len(r.far.calls)
			far.refer("700")
			r.run(300 * time.Millisecond)
			if far.status() != 603 || len(r.far.calls) != calls {
				t.Errorf("%s: REFER %d, %d calls", tt.name, far.status(), len(r.far.calls))
			}
			other.hangUp()
			r.run(300 * time.Millisecond)
			far.refer("700")
			r.run(300 * time.Millisecond)
			if far.status() != 202 {
				t.Errorf("%s, which is over: REFER %d", tt.name, far.status())
			}
		})
	}
}

// A flash comes before the REFER is looked at, which was accepted: the far end hears that nobody
// follows it, and may ask again.
func TestReferredAtTheSameMomentAsAFlash(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		ph.loop(fxs.LoopOpen)
		r.run(200 * time.Millisecond)
		ph.loop(fxs.LoopClosed)
		far.refer("700")
		r.still(40 * time.Millisecond)
		if far.status() != 202 {
			t.Fatalf("REFER %v", far.statuses)
		}
		r.run(300 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone)
		if !slices.Equal(far.notified, []int{100, 487}) || r.rtp.InUse() != 1 {
			t.Errorf("notified %v, %d RTP ports", far.notified, r.rtp.InUse())
		}
		ph.flash()
		far.refer("700")
		r.run(300 * time.Millisecond)
		if far.status() != 202 || r.far.last().invite.RequestURI.User != "700" {
			t.Errorf("asked again: REFER %v", far.statuses)
		}
	})
}
