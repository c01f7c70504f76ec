package call

import (
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/lines"
	"tipring/lines/fxs"
)

// talking sets up a call with sound both ways.
func talking(r *rig) (*telephone, *farCall) {
	r.t.Helper()
	ph := r.phone()
	ph.dial("600")
	r.run(200 * time.Millisecond)
	far := r.far.last()
	far.speak(farVoice)
	ph.speak()
	r.run(300 * time.Millisecond)
	ph.want(fxs.Talking, farVoice)
	if got := far.hears(); got != nearVoice {
		r.t.Fatalf("the far end hears %d Hz", got)
	}
	return ph, far
}

// A flash holds the far end, which hears nothing any more, and gives a dial tone for another
// call; the next one takes it back.
func TestHoldByFlash(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		ph.flash()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone)
		s := ph.port.Snapshot()
		if far.direction != offer.RecvOnly || far.hears() != nothing || s.Call != "" || r.owner.info(s.Held).State != lines.Held {
			t.Errorf("far end is %v and hears %d Hz; %+v", far.direction, far.hears(), s)
		}
		ph.press("5")
		r.run(200 * time.Millisecond)
		if far.events != "" || far.inBand != "" {
			t.Errorf("the held far end hears keys: %q, in band %q", far.events, far.inBand)
		}
		ph.flash()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if far.direction != offer.SendRecv || far.hears() != nearVoice {
			t.Errorf("far end is %v and hears %d Hz", far.direction, far.hears())
		}
	})
}

func TestHeldFarEndHangsUp(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		ph.flash()
		far.hangUp()
		r.run(400 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone) // for another call
		ph.flash()
		r.run(400 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone)
		ph.press("601#")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
	})
}

// A flash while the far end is still being called, or the answer is on its way, holds
// nobody, and leaves nothing inverted.
func TestFlashBeforeTheCallIsUp(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(c *farCall) { c.ring() }
		ph.dial("600")
		r.run(200 * time.Millisecond)
		ph.flash()
		far := r.far.last()
		far.answer()
		far.speak(farVoice)
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if far.direction != offer.SendRecv {
			t.Errorf("far end is %v", far.direction)
		}
	})
}

// The far end holds the call: silence here, and the call goes on.
func TestHeldByTheFarEnd(t *testing.T) {
	for _, how := range []offer.Direction{offer.SendOnly, offer.Inactive} {
		inRig(t, settings{}, func(r *rig) {
			ph, far := talking(r)
			far.says = nil
			far.reinvite(how)
			r.run(time.Minute)
			ph.want(fxs.Talking, nothing)
			if i := r.owner.info(ph.call()); i.State != lines.Held || far.status() != 200 {
				t.Errorf("%v: %+v, far end has %v", how, i, far.statuses)
			}
			far.ear = nil
			r.run(100 * time.Millisecond)
			if far.hears() != nothing {
				t.Errorf("%v: hears %d Hz while it holds", how, far.hears())
			}
			far.speak(farVoice)
			far.reinvite(offer.SendRecv)
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
			if far.hears() != nearVoice {
				t.Errorf("%v: hears %d Hz after it", how, far.hears())
			}
		})
	}
}

// Music on hold is heard.
func TestMusicOnHold(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		far.speak(otherVoice)
		far.reinvite(offer.SendOnly)
		r.run(500 * time.Millisecond)
		ph.want(fxs.Talking, otherVoice)
	})
}

// Somebody else takes the far end's place (RFC 3891): the same telephone goes on with
// the new call.
func TestReplacedCall(t *testing.T) {
	for _, held := range []bool{false, true} {
		inRig(t, settings{}, func(r *rig) {
			ph, far := talking(r)
			first := ph.call()
			if held {
				ph.flash()
			}
			other := replaceBy(r, far)
			other.speak(otherVoice)
			r.run(500 * time.Millisecond)
			if held { // it is held, as the one before it was
				if other.direction != offer.RecvOnly {
					t.Errorf("the new far end is %v", other.direction)
				}
				ph.flash()
				other.ear = nil
				r.run(500 * time.Millisecond)
			}
			ph.want(fxs.Talking, otherVoice)
			if other.status() != 200 || other.hears() != nearVoice {
				t.Errorf("held %v: the new far end has %v and hears %d Hz", held, other.statuses, other.hears())
			}
			if !far.over || far.heard()[len(far.heard())-3:] != "BYE" {
				t.Errorf("held %v: the old far end got %s", held, far.heard())
			}
			if id := ph.call(); id == first || r.owner.info(id).State != lines.Connected {
				t.Errorf("held %v: call %s after %s: %+v", held, id, first, r.owner.info(id))
			}
			if st, ok := ph.port.Quality(first); !ok || st.PacketsSent == 0 {
				t.Errorf("quality of the replaced call: %v, %+v", ok, st)
			}
			ph.hangUp()
			if !strings.HasSuffix(other.heard(), "BYE") || r.rtp.InUse() != 0 {
				t.Errorf("held %v: the new far end got %s", held, other.heard())
			}
		})
	}
}

func replaceBy(r *rig, far *farCall) *farCall {
	return r.far.callWith(func(m *sipmsg.Message) {
		m.Header.Add("Replaces", sipmsg.Replaces{CallID: far.d.CallID, ToTag: far.d.RemoteTag, FromTag: far.d.LocalTag}.String())
	})
}

// The telephone is hung up at the moment its call is replaced.
func TestHungUpWhileReplaced(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, far := talking(r)
		ph.putDown()
		r.run(360 * time.Millisecond)
		other := replaceBy(r, far)
		r.run(500 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
		if !far.over || !other.over {
			t.Errorf("over: %v, %v", far.over, other.over)
		}
	})
}
