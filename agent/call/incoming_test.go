package call

import (
	"testing"
	"time"

	"tipring/lines"
	"tipring/lines/fxs"
)

func TestIncomingCall(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		far := r.far.call()
		far.speak(farVoice)
		r.run(100 * time.Millisecond)
		ph.want(fxs.Ringing, nothing)
		id := ph.call()
		if i := r.owner.info(id); !ph.card.ringing || far.status() != 180 || i.State != lines.Ringing || i.Peer != "600" {
			t.Fatalf("bell %v, far end has %v, call %q %+v", ph.card.ringing, far.statuses, id, i)
		}
		if n := r.rtp.InUse(); n != 1 {
			t.Errorf("%d RTP ports before the answer: want one reserved", n)
		}
		ph.lift()
		ph.speak()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if far.status() != 200 || far.hears() != nearVoice || ph.card.ringing || ph.call() != id {
			t.Errorf("far end has %v and hears %d Hz, bell %v, call %q", far.statuses, far.hears(), ph.card.ringing, ph.call())
		}
		if i := r.owner.info(id); i.State != lines.Connected || i.Port != 1 {
			t.Errorf("%+v", i)
		}
		ph.hangUp()
		if far.heard() != "BYE" {
			t.Errorf("far end got %s", far.heard())
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	inRig(t, settings{ports: 2}, func(r *rig) {
		far := r.far.call()
		r.run(100 * time.Millisecond)
		far.giveUp()
		r.run(100 * time.Millisecond)
		for _, ph := range r.phones {
			ph.want(fxs.Idle, nothing)
			if ph.card.ringing {
				t.Error("rings on")
			}
		}
		if far.status() != 487 {
			t.Errorf("far end has %v", far.statuses)
		}
	})
}

// Who calls in vain learns whether there is no telephone or one in use.
func TestRefusedForLackOfATelephone(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(r *rig)
		want int
	}{
		{"no card", func(r *rig) { r.phones[0].unplug(); r.phones[1].unplug() }, 480},
		{"one off-hook, one without a card", func(r *rig) { r.phones[0].lift(); r.phones[1].unplug() }, 486},
		{"both off-hook", func(r *rig) { r.phones[0].lift(); r.phones[1].lift() }, 486},
		{"both called", func(r *rig) { r.far.call() }, 486},
	} {
		inRig(t, settings{ports: 2}, func(r *rig) {
			tt.set(r)
			far := r.far.call()
			r.run(100 * time.Millisecond)
			if got := far.status(); got != tt.want {
				t.Errorf("%s: far end has %v, want %d", tt.name, far.statuses, tt.want)
			}
		})
	}
}

// The call is offered to a port that has not looked at it yet, and which is no longer
// free when it does.
func TestNoLongerFreeWhenItIsToRing(t *testing.T) {
	for _, tt := range []struct {
		name string
		then func(ph *telephone)
		want int
	}{
		{"lifted", (*telephone).lift, 486},
		{"unplugged", (*telephone).unplug, 480},
		{"closed", func(ph *telephone) {
			if err := ph.port.Close(); err != nil {
				t.Error(err)
			}
		}, 480},
		{"called for", func(ph *telephone) {
			ph.port.post(func() { ph.port.lift("601", func(string, error) {}) })
			ph.port.mail[0], ph.port.mail[1] = ph.port.mail[1], ph.port.mail[0]
		}, 486},
	} {
		inRig(t, settings{}, func(r *rig) {
			far := r.far.call()
			r.still(40 * time.Millisecond)
			if !r.phone().offered() {
				t.Fatal("not offered")
			}
			tt.then(r.phone())
			r.run(100 * time.Millisecond)
			if got := far.status(); got != tt.want {
				t.Errorf("%s: far end has %v, want %d", tt.name, far.statuses, tt.want)
			}
		})
	}
}

func TestFirstToAnswerHasTheCall(t *testing.T) {
	inRig(t, settings{ports: 3}, func(r *rig) {
		far := r.far.call()
		far.speak(farVoice)
		r.run(100 * time.Millisecond)
		for _, ph := range r.phones {
			ph.want(fxs.Ringing, nothing)
		}
		r.phones[1].lift()
		r.run(200 * time.Millisecond)
		r.phones[0].want(fxs.Idle, nothing)
		r.phones[1].want(fxs.Talking, farVoice)
		r.phones[2].want(fxs.Idle, nothing)
		if i := r.owner.info(r.phones[1].call()); i.Port != 2 {
			t.Errorf("%+v", i)
		}
		other := r.far.call()
		r.run(100 * time.Millisecond)
		r.phones[0].want(fxs.Ringing, nothing)
		r.phones[1].want(fxs.Talking, farVoice)
		other.giveUp()
	})
}

// All are lifted at once: one has the call, the others a tone that asks to hang up.
func TestAllAnswerAtOnce(t *testing.T) {
	inRig(t, settings{ports: 3}, func(r *rig) {
		far := r.far.call()
		far.speak(farVoice)
		r.run(100 * time.Millisecond)
		for _, ph := range r.phones {
			ph.off = true
			ph.card.send(said{loop: fxs.LoopClosed})
		}
		r.run(200 * time.Millisecond)
		var winner *telephone
		talking := 0
		for _, ph := range r.phones {
			if ph.port.Snapshot().State != fxs.Talking {
				ph.want(fxs.Parked, reorderTone)
				continue
			}
			ph.want(fxs.Talking, farVoice)
			talking++
			winner = ph
		}
		if talking != 1 || r.rtp.InUse() != 1 {
			t.Errorf("%d have the call, %d RTP ports", talking, r.rtp.InUse())
		}
		far.hangUp()
		r.run(100 * time.Millisecond)
		winner.want(fxs.Parked, reorderTone)
		for _, ph := range r.phones {
			ph.hangUp()
		}
	})
}

// Ports that ring lose their cards one after the other; the last one refuses the call.
func TestRingingPortsLeave(t *testing.T) {
	inRig(t, settings{ports: 2}, func(r *rig) {
		far := r.far.call()
		r.run(100 * time.Millisecond)
		r.phones[0].unplug()
		r.run(100 * time.Millisecond)
		if far.status() != 180 {
			t.Fatalf("far end has %v while one telephone rings on", far.statuses)
		}
		r.phones[1].unplug()
		r.run(100 * time.Millisecond)
		if far.status() != 480 {
			t.Errorf("far end has %v", far.statuses)
		}
		r.phones[0].plug()
		r.phones[1].plug()
		again := r.far.call()
		r.run(100 * time.Millisecond)
		if again.status() != 180 || !r.phones[0].card.ringing {
			t.Errorf("with new cards the far end has %v", again.statuses)
		}
	})
}

// No telephone rings for a call that could have no sound.
func TestNoRTPPortForTheAnswer(t *testing.T) {
	inRig(t, settings{ports: 2, rtpPairs: 1}, func(r *rig) {
		r.phones[0].dial("600")
		r.run(200 * time.Millisecond)
		far := r.far.call()
		r.run(100 * time.Millisecond)
		r.phones[1].want(fxs.Idle, nothing)
		if far.status() != 503 {
			t.Errorf("far end has %v", far.statuses)
		}
		r.phones[0].hangUp()
		r.run(100 * time.Millisecond)
		far = r.far.call()
		r.run(100 * time.Millisecond)
		r.phones[1].want(fxs.Ringing, nothing)
		far.giveUp()
		r.run(100 * time.Millisecond)
		if n := r.rtp.InUse(); n != 0 {
			t.Errorf("%d RTP ports are reserved for a call that is over", n)
		}
	})
}

// The caller gives up while the handset is being lifted.
func TestLiftedTooLate(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.slow(100 * time.Millisecond)
		far := r.far.call()
		r.run(500 * time.Millisecond)
		ph.want(fxs.Ringing, nothing)
		far.giveUp()
		r.run(60 * time.Millisecond)
		ph.lift()
		r.run(time.Second)
		ph.want(fxs.Parked, reorderTone)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
	})
}

// A caller that is hung up on before its ACK comes gets the BYE after it (RFC 3261
// section 15).
func TestAnsweredAndHungUpAtOnce(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.slow(300 * time.Millisecond)
		far := r.far.call()
		r.run(time.Second)
		ph.lift()
		r.run(40 * time.Millisecond)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		r.run(2 * time.Second)
		if far.heard() != "BYE" || !far.over {
			t.Errorf("far end got %q", far.heard())
		}
	})
}
