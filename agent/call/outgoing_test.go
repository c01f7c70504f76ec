package call

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
	"tipring/registrar"
)

// inRig runs a test in a rig, hangs everything up at the end, and checks that nothing is
// left.
func inRig(t *testing.T, s settings, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, s)
		defer r.close()
		test(r)
		r.settle()
	})
}

func TestOutgoingCall(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.want(fxs.Idle, nothing)
		r.far.onInvite = func(c *farCall) {}
		ph.lift()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone)
		ph.press("600#")
		r.run(60 * time.Millisecond)
		far := r.far.last()
		if to := far.invite.RequestURI.User; to != "600" {
			t.Errorf("%s was called", to)
		}
		ph.want(fxs.Calling, nothing)
		id := ph.call()
		if i := r.owner.info(id); i.Port != 1 || i.Peer != "600" || i.Server != registrar.Primary {
			t.Errorf("call %q of the port: %+v", id, i)
		}

		far.ring()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Calling, ringbackTone)

		far.answer()
		far.speak(farVoice)
		ph.speak()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if got := far.hears(); got != nearVoice {
			t.Errorf("the far end hears %d Hz", got)
		}
		if i := r.owner.info(id); i.State != lines.Connected || i.Codec != "pcmu" || ph.call() != id {
			t.Errorf("port's call %s: %+v", ph.call(), i)
		}
		if st, ok := ph.port.Quality(id); !ok || st.PacketsSent == 0 || st.PacketsReceived == 0 {
			t.Errorf("quality of the running call: %v, %+v", ok, st)
		}

		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if got := far.heard(); got != "ACK BYE" || ph.call() != "" {
			t.Errorf("far end got %s, port's call is %q", got, ph.call())
		}
		came := far.media.Stats().PacketsReceived // all but the last, which crossed the BYE
		if st, ok := ph.port.Quality(id); !ok || st.PacketsSent < came || st.PacketsSent > came+1 {
			t.Errorf("quality of the ended call: %v, %+v; the far end has had %d packets", ok, st, came)
		}
	})
}

func TestFarEndHangsUp(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.until("the call is up", func() bool { return ph.port.Snapshot().State == fxs.Talking })
		far := r.far.last()
		far.hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		if s := ph.port.Snapshot(); s.Call != "" || !s.OffHook || r.rtp.InUse() != 0 {
			t.Errorf("after the end: %+v, %d RTP ports", s, r.rtp.InUse())
		}
		r.run(40 * time.Second)
		ph.want(fxs.Parked, howler)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
	})
}

func TestRefusedCallIsHeardByItsReason(t *testing.T) {
	for _, tt := range []struct{ code, tone int }{
		{486, busyTone}, {600, busyTone}, {603, busyTone},
		{404, reorderTone}, {480, reorderTone}, {488, reorderTone}, {503, reorderTone},
	} {
		inRig(t, settings{}, func(r *rig) {
			ph := r.phone()
			r.far.onInvite = func(c *farCall) { c.refuse(tt.code) }
			ph.dial("600")
			r.run(200 * time.Millisecond)
			if got := ph.hears(); got != tt.tone {
				t.Errorf("after %d the telephone hears %d Hz, want %d", tt.code, got, tt.tone)
			}
			if s := ph.port.Snapshot(); s.State != fxs.Parked || s.Call != "" || r.rtp.InUse() != 0 {
				t.Errorf("after %d: %+v, %d RTP ports", tt.code, s, r.rtp.InUse())
			}
			ph.hangUp()
		})
	}
}

// What the caller hears before the answer: ringback by 180, unless the far end sends
// sound of its own.
func TestEarlyMediaOrRingback(t *testing.T) {
	alerted := func(c *farCall) { c.ring() }
	early := func(c *farCall) { c.earlyMedia() }
	both := func(c *farCall) { c.respond(180, true) }
	for _, tt := range []struct {
		name  string
		steps []func(*farCall)
		want  []int
	}{
		{"180", []func(*farCall){alerted, alerted}, []int{ringbackTone, ringbackTone}},
		{"183 with sound", []func(*farCall){early}, []int{farVoice}},
		{"183 with sound, then 180", []func(*farCall){early, alerted}, []int{farVoice, farVoice}},
		{"180, then sound", []func(*farCall){alerted, early}, []int{ringbackTone, farVoice}},
		{"180 with sound", []func(*farCall){both}, []int{farVoice}},
		{"183 without sound", []func(*farCall){func(c *farCall) { c.respond(183, false) }}, []int{nothing}},
	} {
		inRig(t, settings{}, func(r *rig) {
			ph := r.phone()
			r.far.onInvite = func(*farCall) {}
			ph.dial("600")
			r.run(60 * time.Millisecond)
			far := r.far.last()
			far.speak(farVoice)
			for i, step := range tt.steps {
				step(far)
				r.run(200 * time.Millisecond)
				if got := ph.hears(); got != tt.want[i] {
					t.Errorf("%s: %d Hz after step %d, want %d", tt.name, got, i+1, tt.want[i])
				}
			}
			if got := ph.port.Snapshot().State; got != fxs.Calling {
				t.Errorf("%s: state %v", tt.name, got)
			}
			far.answer()
			r.run(200 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
		})
	}
}

// A 183 that lets nobody speak is no sound to listen to.
func TestEarlyMediaWithoutSoundDoesNotStopRingback(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(*farCall) {}
		ph.dial("600")
		r.run(60 * time.Millisecond)
		far := r.far.last()
		far.ring()
		far.o.SetDirection(offer.Inactive)
		far.earlyMedia()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Calling, ringbackTone)
	})
}

// A gateway describes the sound that it will send before there is any: until then ringback is heard.
func TestRingbackUntilSoundComes(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(*farCall) {}
		ph.dial("600")
		r.run(60 * time.Millisecond)
		far := r.far.last()
		far.dead = true
		far.earlyMedia()
		far.ring()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Calling, ringbackTone)
		far.speak(farVoice)
		far.dead = false
		r.run(200 * time.Millisecond)
		ph.want(fxs.Calling, farVoice)
		far.ring()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Calling, farVoice)
	})
}

// Each fork of a call rings for itself; the tone goes on as it is.
func TestRepeatedRingingDoesNotRestartRingback(t *testing.T) {
	cadence := func(cfg *Config) {
		if err := cfg.Country.Set("ringback", "500/400,0/400"); err != nil {
			t.Fatal(err)
		}
	}
	inRig(t, settings{config: cadence}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(*farCall) {}
		ph.dial("600")
		r.run(60 * time.Millisecond)
		far := r.far.last()
		far.ring()
		r.until("ringback", func() bool { return ph.hears() == ringbackTone })
		r.until("its pause", func() bool { return ph.hears() == nothing })
		far.ring()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Calling, nothing)
	})
}

func TestHungUpBeforeTheAnswer(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(c *farCall) { c.ring() }
		ph.dial("600")
		r.run(200 * time.Millisecond)
		id := ph.call()
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if far := r.far.last(); !far.over {
			t.Error("the call was not cancelled")
		}
		if i := r.owner.info(id); i.State != lines.Ended {
			t.Errorf("%+v", i)
		}
	})
}

// The answer and the hang-up cross: the call is answered for nobody.
func TestHungUpAtTheMomentOfTheAnswer(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(c *farCall) { c.ring() }
		ph.dial("600")
		r.run(200 * time.Millisecond)
		r.slow(100 * time.Millisecond)
		ph.hangUp() // the CANCEL is on its way for 100 ms
		far := r.far.last()
		if far.over {
			t.Fatal("the CANCEL has come already")
		}
		far.answer()
		r.run(500 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
		if !far.over {
			t.Errorf("the far end got %s and is up", far.heard())
		}
	})
}

func TestCallThatCannotBeMade(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*rig)
	}{
		{"drains", func(r *rig) { r.drains.Store(true) }},
		{"no line", func(r *rig) { r.noLine.Store(true) }},
	} {
		inRig(t, settings{}, func(r *rig) {
			tt.set(r)
			ph := r.phone()
			ph.dial("600")
			r.run(100 * time.Millisecond)
			if s := ph.port.Snapshot(); s.State != fxs.Parked || ph.hears() != reorderTone || s.Call != "" {
				t.Errorf("%s: %+v, hears %d Hz", tt.name, s, ph.hears())
			}
			if len(r.far.calls) != 0 {
				t.Errorf("%s: called all the same", tt.name)
			}
			ph.hangUp()
		})
	}
}

func TestEmergencyIsCalledWhileTheDeviceDrains(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		r.drains.Store(true)
		ph := r.phone()
		ph.dial("112")
		r.until("the call is up", func() bool { return ph.port.Snapshot().State == fxs.Talking })
	})
}

func TestEmergencyIsCalledWithoutRegistration(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		r.far.banned = true
		r.line.Register()
		r.run(100 * time.Millisecond)
		ph := r.phone()
		ph.dial("600")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		ph.hangUp()
		r.run(100 * time.Millisecond)
		ph.dial("112")
		r.until("the call is up", func() bool { return ph.port.Snapshot().State == fxs.Talking })
	})
}

// Every pair of RTP ports is in a call.
func TestNoRTPPortIsLeft(t *testing.T) {
	inRig(t, settings{ports: 2, rtpPairs: 1}, func(r *rig) {
		r.phones[0].dial("600")
		r.run(200 * time.Millisecond)
		r.phones[1].dial("601")
		r.run(100 * time.Millisecond)
		r.phones[0].want(fxs.Talking, nothing)
		r.phones[1].want(fxs.Parked, reorderTone)
		if n := len(r.far.calls); n != 1 {
			t.Errorf("%d calls", n)
		}
		r.phones[0].hangUp()
		r.phones[1].hangUp()
		r.phones[1].dial("601")
		r.run(200 * time.Millisecond)
		r.phones[1].want(fxs.Talking, nothing)
	})
}

// The far end moves its sound to other ports in mid-call.
func TestMediaMoves(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(200 * time.Millisecond)
		far := r.far.last()
		far.speak(farVoice)
		ph.speak()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		far.move()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		far.ear = nil
		r.run(200 * time.Millisecond)
		if got := far.hears(); got != nearVoice {
			t.Errorf("the far end hears %d Hz at its new ports", got)
		}
	})
}

// The far end ends the stream and not the call (RFC 3264 section 8.2), and begins it anew.
func TestAnswerWithoutSound(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(200 * time.Millisecond)
		far := r.far.last()
		far.speak(farVoice)
		c := ph.port.now
		listener{c}.Media(nil, nil)
		r.run(200 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
		far.reinvite(far.o.Audio().Direction)
		r.run(200 * time.Millisecond)
		if far.status() != 200 {
			t.Errorf("re-INVITE: %d", far.status())
		}
		ph.want(fxs.Talking, farVoice)
	})
}

func TestLineThatEndsTakesItsCallsWithIt(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
		r.cancel()
		synctest.Wait()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		ph.hangUp()
		ph.dial("600")
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
	})
}

func TestEveryCodec(t *testing.T) {
	for _, tt := range []struct {
		name  string
		codec offer.Codec
	}{{"pcmu", offer.PCMU}, {"pcma", offer.PCMA}, {"g722", offer.G722}} {
		inRig(t, settings{line: []string{"codecs = " + tt.name}}, func(r *rig) {
			r.far.codecs = []offer.Codec{tt.codec}
			ph, _ := talking(r)
			if i := r.owner.info(ph.call()); i.Codec != tt.name {
				t.Errorf("codec %s, want %s", i.Codec, tt.name)
			}
		})
	}
}

// The port's number is shown to who is called, also by a call that somebody else asked for.
// Each call has the number of its time.
func TestNumberOfThePort(t *testing.T) {
	number := "5551234"
	inRig(t, settings{config: func(c *Config) { c.ANI = func() string { return number } }}, func(r *rig) {
		_, far := talking(r)
		number = "5555678"
		far.refer("700")
		r.run(200 * time.Millisecond)
		var got []string
		for _, c := range r.far.calls {
			got = append(got, c.invite.RequestURI.User+" by "+c.invite.From.URI.User)
		}
		if want := []string{"600 by 5551234", "700 by 5555678"}; !slices.Equal(got, want) {
			t.Errorf("called: %q, want %q", got, want)
		}
	})
}

// RTP goes by the line's network interface or not at all.
func TestInterfaceOfRTP(t *testing.T) {
	inRig(t, settings{config: func(c *Config) { c.Interface = "lo" }}, func(r *rig) { talking(r) })
	inRig(t, settings{config: func(c *Config) { c.Interface = "tipring-none" }}, func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		if len(r.far.calls) != 0 {
			t.Error("called all the same")
		}
	})
}
