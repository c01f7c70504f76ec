package call

import (
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/lines/fxs"
)

// A call comes in during another: the caller hears ringback, a flash answers it and holds the
// first, and each further flash changes between them.
func TestCallWaiting(t *testing.T) {
	inRig(t, settings{config: callWaiting}, func(r *rig) {
		ph, far := talking(r)
		other := r.far.call()
		other.speak(otherVoice)
		r.run(300 * time.Millisecond)
		if s := ph.port.Snapshot(); other.status() != 180 || s.Waiting == "" || s.Call == s.Waiting {
			t.Fatalf("%+v, caller has %v", s, other.statuses)
		}
		third := r.far.call()
		r.run(200 * time.Millisecond)
		if third.status() != 486 {
			t.Errorf("a third caller has %v", third.statuses)
		}
		for range 2 {
			ph.flash()
			ph.speak()
			far.ear, other.ear = nil, nil
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, otherVoice)
			if far.direction != offer.RecvOnly || far.hears() != nothing || other.hears() != nearVoice {
				t.Errorf("first is %v and hears %d Hz, second hears %d Hz", far.direction, far.hears(), other.hears())
			}
			ph.flash()
			ph.speak()
			far.ear, other.ear = nil, nil
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
			if other.direction != offer.RecvOnly || other.hears() != nothing || far.hears() != nearVoice {
				t.Errorf("second is %v and hears %d Hz, first hears %d Hz", other.direction, other.hears(), far.hears())
			}
		}
		// The held one rings the telephone that is hung up.
		ph.hangUp()
		ph.want(fxs.Ringing, nothing)
		if !far.over || other.over {
			t.Errorf("over: %v, %v", far.over, other.over)
		}
		ph.lift()
		r.run(500 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
	})
}

// Flash and 1 for a caller who gives up in the same moment: the telephone hears that nobody is there.
func TestWaitingCallerGivesUpWhileItIsTaken(t *testing.T) {
	inRig(t, settings{config: func(c *Config) { c.CallWaiting, c.FlashStyle = true, ETSI }}, func(r *rig) {
		ph, far := talking(r)
		other := r.far.call()
		r.run(300 * time.Millisecond)
		ph.flash()
		other.giveUp()
		r.still(40 * time.Millisecond) // the line knows it, and no frame has told the port
		ph.loop(fxs.LoopPulses(1))
		r.run(300 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		if !far.over || r.rtp.InUse() != 0 {
			t.Errorf("first over %v, %d RTP ports", far.over, r.rtp.InUse())
		}
	})
}

// Who hangs up while a call waits is rung for it.
func TestHangUpWhileACallWaits(t *testing.T) {
	inRig(t, settings{config: callWaiting}, func(r *rig) {
		ph, far := talking(r)
		other := r.far.call()
		other.speak(otherVoice)
		r.run(200 * time.Millisecond)
		ph.hangUp()
		ph.want(fxs.Ringing, nothing)
		if !far.over || other.over {
			t.Errorf("over: %v, %v", far.over, other.over)
		}
		ph.lift()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
	})
}

// The caller gives up, or the first call ends, before anybody did anything.
func TestEndsWhileACallWaits(t *testing.T) {
	inRig(t, settings{config: callWaiting}, func(r *rig) {
		ph, far := talking(r)
		other := r.far.call()
		r.run(200 * time.Millisecond)
		other.giveUp()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if s := ph.port.Snapshot(); s.Waiting != "" {
			t.Errorf("%+v", s)
		}
		other = r.far.call()
		other.speak(otherVoice)
		r.run(200 * time.Millisecond)
		far.hangUp()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		ph.flash()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
	})
}

// The far end hangs up while a call waits: the loop current is off for a moment, as at the end of
// every call, and the call that waits rings behind a hang-up, or is taken by a flash.
func TestFarEndHangsUpWhileACallWaits(t *testing.T) {
	for _, flash := range []bool{false, true} {
		inRig(t, settings{config: func(c *Config) { c.CallWaiting, c.Telephone.DisconnectMS = true, 500 }}, func(r *rig) {
			ph, far := talking(r)
			other := r.far.call()
			other.speak(otherVoice)
			r.run(200 * time.Millisecond)
			far.hangUp()
			r.run(100 * time.Millisecond)
			if !ph.card.unpowered {
				t.Error("the loop has current")
			}
			r.run(time.Second)
			ph.want(fxs.Parked, reorderTone)
			if ph.card.unpowered || ph.port.Snapshot().Waiting == "" {
				t.Errorf("%+v", ph.port.Snapshot())
			}
			if flash {
				ph.flash()
			} else {
				ph.hangUp()
				ph.want(fxs.Ringing, nothing)
				ph.lift()
			}
			r.run(300 * time.Millisecond)
			ph.want(fxs.Talking, otherVoice)
		})
	}
}

// When no call is announced: switched off, for this call, in an emergency, in data.
func TestNoCallWaiting(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    func(c *Config)
		number string
		modem  bool
	}{
		{"off", func(c *Config) { c.CallWaiting = false }, "600#", false},
		{"*70", nil, "*70600#", false},
		{"emergency", nil, "112#", false},
		{"modem", nil, "600#", true},
		{"data_mode = on", func(c *Config) { c.DataMode = "on" }, "600#", false},
	} {
		inRig(t, coded(&codes{}, settings{config: func(c *Config) {
			c.CallWaiting, c.DataMode = true, "auto"
			if tt.set != nil {
				tt.set(c)
			}
		}}), func(r *rig) {
			ph := r.phone()
			ph.lift()
			ph.press(tt.number)
			r.run(300 * time.Millisecond)
			ph.want(fxs.Talking, nothing)
			if tt.modem {
				r.far.last().modem()
				r.run(2 * time.Second)
			}
			c := r.far.call()
			r.run(200 * time.Millisecond)
			if c.status() != 486 {
				t.Errorf("%s: the caller has %v", tt.name, c.statuses)
			}
		})
	}
}

// The telephone that is free rings; those that talk are left alone.
func TestCallWaitingIsTheLastResort(t *testing.T) {
	inRig(t, settings{ports: 2, config: callWaiting}, func(r *rig) {
		ph, _ := talking(r)
		c := r.far.call()
		r.run(200 * time.Millisecond)
		if ph.port.Snapshot().Waiting != "" || !r.phones[1].card.ringing {
			t.Errorf("%+v", ph.port.Snapshot())
		}
		r.phones[1].lift()
		r.run(200 * time.Millisecond)
		if c.status() != 200 {
			t.Errorf("%v", c.statuses)
		}
		c = r.far.call()
		r.run(200 * time.Millisecond)
		if r.phones[0].port.Snapshot().Waiting == "" || r.phones[1].port.Snapshot().Waiting == "" {
			t.Error("a call does not wait for both")
		}
		r.phones[1].flash()
		r.run(300 * time.Millisecond)
		if c.status() != 200 || r.phones[0].port.Snapshot().Waiting != "" {
			t.Errorf("%v, %+v", c.statuses, r.phones[0].port.Snapshot())
		}
	})
}

// Who calls decides how the telephone rings, before what the server asks for.
func TestRingByNumber(t *testing.T) {
	for number, want := range map[string]string{"600": "bellcore-dr3", "6001": "bellcore-dr2", "+491": "bellcore-dr4", "+492": "bellcore-dr5", "+43": "bellcore-dr2", "alice": "bellcore-dr2"} {
		inRig(t, settings{config: func(c *Config) {
			c.RingByNumber = []string{"600=bellcore-dr3", "+491=bellcore-dr4", "+49*=bellcore-dr5"}
		}}, func(r *rig) {
			r.far.callWith(func(m *sipmsg.Message) {
				m.From.URI.User = number
				m.Header.Add("Alert-Info", "info=ring2")
			})
			r.run(200 * time.Millisecond)
			if got := r.phone().port.now.incoming().Alert; got != want {
				t.Errorf("%s: %s, want %s", number, got, want)
			}
		})
	}
}

// What a telephone shows of a caller.
func TestCallerIsShown(t *testing.T) {
	for _, tt := range []struct {
		change func(m *sipmsg.Message)
		want   fxs.Caller
		alert  string
	}{
		{func(*sipmsg.Message) {}, fxs.Caller{Number: "600", Name: "Far"}, ""},
		{func(m *sipmsg.Message) { m.Header.Add("Privacy", "id") }, fxs.Caller{Private: true}, ""},
		{func(m *sipmsg.Message) { m.From.URI.User = "alice"; m.From.Display = "" }, fxs.Caller{Name: "alice", Unavailable: true}, ""},
		{func(m *sipmsg.Message) { m.Header.Add("Alert-Info", "info=ring2") }, fxs.Caller{Number: "600", Name: "Far"}, "bellcore-dr2"},
	} {
		inRig(t, settings{}, func(r *rig) {
			r.far.callWith(tt.change)
			r.run(200 * time.Millisecond)
			got := r.phone().port.now.incoming()
			if got.Caller.At.IsZero() || got.Alert != tt.alert {
				t.Errorf("%+v", got)
			}
			if got.Caller.At = (time.Time{}); got.Caller != tt.want {
				t.Errorf("%+v, want %+v", got.Caller, tt.want)
			}
		})
	}
}
