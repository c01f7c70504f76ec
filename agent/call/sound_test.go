package call

import (
	"testing"
	"time"

	"tipring/lines/fxs"
)

// While a referral is tried the call that it came from goes on: what its far end says is taken,
// and silence goes there, so that nothing comes in a burst when the telephone is back.
func TestReferrerGoesOnWhileReferred(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		first := ph.port.now
		r.far.onInvite = func(c *farCall) { c.ring() }
		far.refer("700")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Calling, ringbackTone)
		before, heard := first.session.Stats(), far.media.Stats()
		r.run(2 * time.Second)
		if st := first.session.Stats().Since(before); st.PacketsSent < 90 || st.PacketsReceived < 90 {
			t.Errorf("in two seconds %d packets were sent, %d received", st.PacketsSent, st.PacketsReceived)
		}
		if n := far.media.Stats().Since(heard).PacketsReceived; n < 90 {
			t.Errorf("the far end had %d packets", n)
		}
		r.far.last().refuse(486)
		r.run(500 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
	})
}

// The figures of a call that took another's place (RFC 3891) are its own, but for half a second.
func TestFiguresOfAReplacedCall(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		first := ph.call()
		r.run(5 * time.Second)
		other := replaceBy(r, far)
		other.speak(otherVoice)
		r.run(2 * time.Second)
		second := ph.call()
		was, _ := ph.port.Quality(first)
		if now, _ := ph.port.Quality(second); was.PacketsSent < 240 || now.PacketsSent > 130 || now.PacketsReceived > 130 {
			t.Errorf("the first: %+v; the second: %+v", was, now)
		}
		ph.hangUp()
		if st, ok := ph.port.Quality(second); !ok || st.PacketsSent < 50 || st.PacketsSent > 130 {
			t.Errorf("the second when it has ended: %+v", st)
		}
	})
}
