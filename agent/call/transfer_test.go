package call

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/lines/fxs"
)

func transfers(c *Config) { c.TransferOnHangup = true }

// Who hangs up in a second call connects the first with it.
func TestAttendedTransfer(t *testing.T) {
	inRig(t, settings{config: transfers}, func(r *rig) {
		ph, first, second := consulting(r)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if !strings.Contains(first.referTo, "Replaces=") || !strings.Contains(first.referTo, url.QueryEscape(second.d.CallID)) {
			t.Fatalf("referred to %q", first.referTo)
		}
		// Meanwhile the telephone takes calls.
		third := r.far.call()
		r.run(200 * time.Millisecond)
		if third.status() != 180 {
			t.Errorf("a caller meanwhile has %v", third.statuses)
		}
		first.tell(200)
		r.run(300 * time.Millisecond)
		if !first.over || !second.over || third.over {
			t.Errorf("over: %v, %v, %v", first.over, second.over, third.over)
		}
	})
}

// The transfer fails: the telephone rings for the call that was held.
func TestAttendedTransferFails(t *testing.T) {
	for _, busy := range []bool{false, true} {
		inRig(t, settings{config: transfers}, func(r *rig) {
			ph, first, second := consulting(r)
			ph.hangUp()
			if busy {
				ph.lift()
				r.run(100 * time.Millisecond)
			}
			first.tell(486)
			r.run(300 * time.Millisecond)
			if busy {
				if !first.over || !second.over || ph.port.Snapshot().State != fxs.Dialling {
					t.Errorf("over: %v, %v; %+v", first.over, second.over, ph.port.Snapshot())
				}
				return
			}
			ph.want(fxs.Ringing, nothing)
			if first.over || !second.over {
				t.Errorf("over: %v, %v", first.over, second.over)
			}
			ph.lift()
			r.run(400 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
		})
	}
}

// Hung up before the second has answered: the first is sent to its number.
func TestTransferWhileItRings(t *testing.T) {
	inRig(t, settings{config: transfers}, func(r *rig) {
		ph, first := talking(r)
		r.far.onInvite = (*farCall).ring
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("601#")
		r.run(300 * time.Millisecond)
		ph.want(fxs.Calling, ringbackTone)
		second := r.far.last()
		ph.hangUp()
		if !second.over || !strings.Contains(first.referTo, "sip:601@") || strings.Contains(first.referTo, "Replaces") {
			t.Errorf("second over: %v, referred to %q", second.over, first.referTo)
		}
		first.tell(200)
		r.run(200 * time.Millisecond)
	})
}

// Without transfer on hang-up the second call ends, and the held one rings.
func TestHeldCallRingsBack(t *testing.T) {
	for _, lift := range []bool{true, false} {
		inRig(t, settings{}, func(r *rig) {
			ph, first, second := consulting(r)
			ph.hangUp()
			ph.want(fxs.Ringing, nothing)
			if !second.over || first.over {
				t.Errorf("over: %v, %v", first.over, second.over)
			}
			if c := r.far.call(); true {
				r.run(100 * time.Millisecond)
				if c.status() != 486 {
					t.Errorf("a caller meanwhile has %v", c.statuses)
				}
			}
			if lift {
				ph.lift()
				r.run(400 * time.Millisecond)
				ph.want(fxs.Talking, farVoice)
				if first.direction != offer.SendRecv {
					t.Errorf("first is %v", first.direction)
				}
				return
			}
			r.run(61 * time.Second) // nobody lifts it
			ph.want(fxs.Idle, nothing)
			if !first.over {
				t.Error("the held call goes on")
			}
		})
	}
}

// The telephone is lifted in the very moment in which it has rung long enough for the held call: too late.
func TestHeldCallIsLiftedForTooLate(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, first := talking(r)
		ph.flash()
		ph.hangUp()
		r.until("a frame before the end", func() bool {
			ph.port.recallBy = min(ph.port.recallBy, ph.port.fx.Now()+320)
			return ph.port.recallBy-ph.port.fx.Now() <= 160
		})
		ph.lift()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		if !first.over {
			t.Error("the held call goes on")
		}
	})
}

// It hangs up while it rings.
func TestHeldCallGivesUp(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, first := talking(r)
		ph.flash()
		ph.hangUp()
		ph.want(fxs.Ringing, nothing)
		first.hangUp()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
	})
}

// Flash, *98, number: the held call is sent there, with tones that tell how it goes.
func TestBlindTransfer(t *testing.T) {
	for _, tt := range []struct {
		status int
		state  fxs.State
		hears  int
	}{
		{200, fxs.Dialling, dialTone},
		{486, fxs.Talking, farVoice},
	} {
		inRig(t, coded(&codes{}, settings{}), func(r *rig) {
			ph, first := talking(r)
			ph.flash()
			r.run(200 * time.Millisecond)
			ph.press("*98602#")
			r.run(200 * time.Millisecond)
			ph.want(fxs.Calling, nothing)
			if !strings.Contains(first.referTo, "sip:602@") {
				t.Fatalf("referred to %q", first.referTo)
			}
			first.tell(180)
			r.run(200 * time.Millisecond)
			ph.want(fxs.Calling, ringbackTone)
			first.tell(tt.status)
			r.run(600 * time.Millisecond)
			ph.want(tt.state, tt.hears)
			if first.over != (tt.status == 200) {
				t.Errorf("over: %v", first.over)
			}
		})
	}
}

// The far end that is to be transferred hangs up first.
func TestTransferOfWhoHasHungUp(t *testing.T) {
	inRig(t, coded(&codes{}, settings{}), func(r *rig) {
		ph, first := talking(r)
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("*98")
		first.hangUp()
		ph.press("602#")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
	})
}

// In an emergency call nobody is held or sent away, and who called for help is not rung for
// another call afterwards.
func TestEmergencyBehindAHeldCall(t *testing.T) {
	inRig(t, settings{config: func(c *Config) { c.TransferOnHangup, c.CallWaiting = true, true }}, func(r *rig) {
		ph, first := talking(r)
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("112#")
		r.run(300 * time.Millisecond)
		help := r.far.last()
		help.speak(otherVoice)
		r.run(200 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
		ph.flash()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if !first.over || !help.over || first.referTo != "" {
			t.Errorf("over: %v, %v; referred to %q", first.over, help.over, first.referTo)
		}
	})
}

// There is no RTP port left: the held call makes room for an emergency.
func TestEmergencyTakesTheHeldCallsPlace(t *testing.T) {
	inRig(t, settings{rtpPairs: 1}, func(r *rig) {
		ph, first := talking(r)
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("601#")
		r.run(300 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		ph.flash()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("112#")
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
		if !first.over || r.far.last().invite.RequestURI.User != "112" {
			t.Errorf("first over: %v", first.over)
		}
	})
}
