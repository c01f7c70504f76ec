package call

import (
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/lines/fxs"
)

func etsi(c *Config) { c.FlashStyle, c.CallWaiting = ETSI, true }

// Flash behind a second call that is not answered goes back to the first.
func TestFlashWhileTheSecondRings(t *testing.T) {
	for _, answer := range []func(*farCall){(*farCall).ring, func(c *farCall) { c.refuse(486) }} {
		inRig(t, settings{}, func(r *rig) {
			ph, _ := talking(r)
			r.far.onInvite = answer
			ph.flash()
			r.run(200 * time.Millisecond)
			ph.press("601#")
			r.run(300 * time.Millisecond)
			second := r.far.last()
			ph.flash()
			r.run(400 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
			if !second.over || r.rtp.InUse() != 1 {
				t.Errorf("second over: %v, %d RTP ports", second.over, r.rtp.InUse())
			}
		})
	}
}

// A flash and a digit, as ETSI has it, in a second call.
func TestETSICommands(t *testing.T) {
	for _, tt := range []struct {
		key         string
		hears       int
		first, over bool // is over; and the second
	}{
		{"0", otherVoice, true, false},
		{"1", farVoice, false, true},
		{"2", farVoice, false, false},
		{"3", -1, false, false},
		{"9", otherVoice, false, false},
		{"", otherVoice, false, false},
	} {
		inRig(t, settings{config: etsi}, func(r *rig) {
			ph, first, second := consulting(r)
			ph.says = nil
			ph.port.cfg.DTMFType = "inband"
			ph.flash()
			r.run(300 * time.Millisecond)
			if ph.hears() != dialTone || second.hears() != nothing {
				t.Errorf("R%s: hears %d Hz, the far end %d Hz", tt.key, ph.hears(), second.hears())
			}
			if tt.key == "" {
				r.run(7 * time.Second)
			}
			ph.press(tt.key)
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, tt.hears)
			if first.over != tt.first || second.over != tt.over || second.events+first.events+second.inBand+first.inBand != "" {
				t.Errorf("R%s: over %v, %v; keys %q, %q", tt.key, first.over, second.over, first.events, second.events)
			}
			if tt.key == "3" {
				ph.speak()
				r.run(500 * time.Millisecond)
				wantConference(r, ph, first, second)
				ph.flash()
				r.run(200 * time.Millisecond)
				ph.press("2")
				r.run(500 * time.Millisecond)
				ph.want(fxs.Talking, otherVoice)
				if first.direction != offer.RecvOnly {
					t.Errorf("first is %v after the conference", first.direction)
				}
			}
		})
	}
}

// R0 in a conference drops the first of the two; the other is a call like any other, which its far end
// can send on.
func TestETSIDropsTheFirstOfAConference(t *testing.T) {
	inRig(t, settings{config: etsi}, func(r *rig) {
		ph, first, second := consulting(r)
		for _, key := range []string{"3", "0"} {
			ph.flash()
			r.run(200 * time.Millisecond)
			ph.press(key)
			r.run(300 * time.Millisecond)
		}
		ph.want(fxs.Talking, otherVoice)
		if !first.over || second.over {
			t.Fatalf("over %v, %v", first.over, second.over)
		}
		second.refer("700")
		r.run(300 * time.Millisecond)
		if second.status() != 202 || r.far.last().invite.RequestURI.User != "700" {
			t.Errorf("REFER %d", second.status())
		}
	})
}

// And with a call that waits.
func TestETSICommandsForAWaitingCall(t *testing.T) {
	for _, tt := range []struct {
		key          string
		hears        int
		first, waits bool // are over
	}{
		{"0", farVoice, false, true},
		{"1", otherVoice, true, false},
		{"2", otherVoice, false, false},
	} {
		inRig(t, settings{config: etsi}, func(r *rig) {
			ph, first := talking(r)
			other := r.far.call()
			other.speak(otherVoice)
			r.run(200 * time.Millisecond)
			ph.flash()
			r.run(200 * time.Millisecond)
			ph.press(tt.key)
			r.run(600 * time.Millisecond)
			ph.want(fxs.Talking, tt.hears)
			if first.over != tt.first || other.over != tt.waits {
				t.Errorf("R%s: over %v, %v", tt.key, first.over, other.over)
			}
			if tt.key == "0" && other.status() != 486 {
				t.Errorf("the caller has %v", other.statuses)
			}
		})
	}
}

// R4 connects both without the telephone, which waits for the outcome.
func TestETSITransfer(t *testing.T) {
	for _, status := range []int{200, 404} {
		inRig(t, settings{config: etsi}, func(r *rig) {
			ph, first, second := consulting(r)
			ph.flash()
			r.run(200 * time.Millisecond)
			ph.press("4")
			r.run(200 * time.Millisecond)
			if first.referTo == "" {
				t.Fatal("no REFER")
			}
			first.tell(status)
			r.run(600 * time.Millisecond)
			if status == 200 {
				ph.want(fxs.Dialling, dialTone)
				return
			}
			ph.want(fxs.Talking, otherVoice)
			if first.over || second.over || ph.port.Snapshot().Held == "" {
				t.Errorf("over %v, %v; %+v", first.over, second.over, ph.port.Snapshot())
			}
		})
	}
}
