package call

import (
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/lines/fxs"
)

func rtpTimeout(c *Config) { c.RTPTimeoutS = 5 }

// A call from which nothing comes any more ends, and the telephone hears that it has.
func TestCallEndsWithoutRTP(t *testing.T) {
	inRig(t, settings{config: rtpTimeout}, func(r *rig) {
		ph, far := talking(r)
		r.run(10 * time.Second)
		ph.want(fxs.Talking, farVoice)
		far.dead = true
		r.run(4 * time.Second)
		ph.want(fxs.Talking, nothing)
		id := ph.call()
		r.run(1500 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		if i := r.owner.info(id); !far.over || i.Reason != "no sound has come for 5 s" {
			t.Errorf("over %v: %s", far.over, i.Reason)
		}
	})
}

// Who is held, or holds, need not send anything; and the time begins anew behind it.
func TestHeldCallNeedsNoRTP(t *testing.T) {
	inRig(t, settings{config: rtpTimeout}, func(r *rig) {
		ph, far := talking(r)
		far.dead = true
		ph.flash()
		r.run(10 * time.Second)
		ph.flash()
		r.run(4 * time.Second)
		ph.want(fxs.Talking, nothing)
		for _, held := range []offer.Direction{offer.SendOnly, offer.Inactive, offer.SendRecv} {
			far.reinvite(held)
			r.run(10 * time.Second)
			if far.over != (held == offer.SendRecv) {
				t.Errorf("%v: over %v", held, far.over)
			}
		}
	})
}

// Without the setting a call lasts.
func TestSilentCallLasts(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		far.dead = true
		r.run(20 * time.Second)
		ph.want(fxs.Talking, nothing)
	})
}
