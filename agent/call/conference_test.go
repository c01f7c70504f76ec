package call

import (
	"math"
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/lines/fxs"
)

// consulting sets up a call that is held, and a second one behind it.
func consulting(r *rig) (ph *telephone, first, second *farCall) {
	r.t.Helper()
	ph, first = talking(r)
	ph.flash()
	r.run(300 * time.Millisecond)
	ph.press("601#")
	r.run(300 * time.Millisecond)
	second = r.far.last()
	second.speak(otherVoice)
	ph.speak()
	r.run(300 * time.Millisecond)
	ph.want(fxs.Talking, otherVoice)
	if second.hears() != nearVoice || first.hears() != nothing || first.direction != offer.RecvOnly {
		r.t.Fatalf("first is %v and hears %d Hz, second hears %d Hz", first.direction, first.hears(), second.hears())
	}
	return ph, first, second
}

// sounds reports that the last 80 ms hold a frequency, at about the level that voices have.
func sounds(pcm []int16, hz float64) bool {
	pcm = pcm[max(0, len(pcm)-640):]
	re, im := 0.0, 0.0
	for i, s := range pcm {
		phase := 2 * math.Pi * hz * float64(i) / dsp.SampleRate
		re += float64(s) * math.Cos(phase)
		im += float64(s) * math.Sin(phase)
	}
	peak := 2 * math.Hypot(re, im) / float64(len(pcm))
	want := float64(dsp.Peak(-15))
	return peak > want*0.7 && peak < want*1.4
}

// conferring makes three of them hear one another.
func conferring(r *rig) (ph *telephone, first, second *farCall) {
	r.t.Helper()
	ph, first, second = consulting(r)
	ph.flash()
	ph.speak()
	r.run(600 * time.Millisecond)
	wantConference(r, ph, first, second)
	return ph, first, second
}

func wantConference(r *rig, ph *telephone, first, second *farCall) {
	r.t.Helper()
	for _, x := range []struct {
		who   string
		ear   []int16
		hears [2]float64
		not   float64
	}{
		{"telephone", ph.ear, [2]float64{farVoice, otherVoice}, nearVoice},
		{"first", first.ear, [2]float64{nearVoice, otherVoice}, farVoice},
		{"second", second.ear, [2]float64{nearVoice, farVoice}, otherVoice},
	} {
		if !sounds(x.ear, x.hears[0]) || !sounds(x.ear, x.hears[1]) || sounds(x.ear, x.not) {
			r.t.Fatalf("%s hears %v: %v, %v: %v; itself: %v", x.who, x.hears[0], sounds(x.ear, x.hears[0]), x.hears[1], sounds(x.ear, x.hears[1]), sounds(x.ear, x.not))
		}
	}
	if s := ph.port.Snapshot(); !s.Joined || s.Call == "" || s.Held == "" {
		r.t.Fatalf("%+v", s)
	}
}

// Flash, dial, flash: three hear one another; each far end by its own codec. The next flash
// drops the second.
func TestConference(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, first, second := conferring(r)
		ph.press("5")
		r.run(200 * time.Millisecond)
		if first.events != "5" || second.events != "5" {
			t.Errorf("keys: %q and %q", first.events, second.events)
		}
		ph.flash()
		ph.speak()
		r.run(500 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if !second.over || first.hears() != nearVoice || r.rtp.InUse() != 1 {
			t.Errorf("second over: %v, first hears %d Hz, %d RTP ports", second.over, first.hears(), r.rtp.InUse())
		}
	})
}

func TestConferenceOfTwoCodecs(t *testing.T) {
	inRig(t, settings{line: []string{"codecs = g722,pcma,pcmu"}}, func(r *rig) {
		r.far.codecs = []offer.Codec{offer.G722}
		ph, first := talking(r)
		r.far.codecs = []offer.Codec{offer.PCMA}
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("601#")
		r.run(300 * time.Millisecond)
		second := r.far.last()
		second.speak(otherVoice)
		ph.flash()
		ph.speak()
		r.run(600 * time.Millisecond)
		wantConference(r, ph, first, second)
	})
}

// One of three leaves; the others go on.
func TestOneLeavesAConference(t *testing.T) {
	for _, first := range []bool{true, false} {
		inRig(t, settings{}, func(r *rig) {
			ph, a, b := conferring(r)
			stays, voice := b, otherVoice
			if first {
				a.hangUp()
			} else {
				b.hangUp()
				stays, voice = a, farVoice
			}
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, voice)
			if stays.hears() != nearVoice || r.rtp.InUse() != 1 || ph.port.Snapshot().Held != "" {
				t.Errorf("who stays hears %d Hz, %d RTP ports, %+v", stays.hears(), r.rtp.InUse(), ph.port.Snapshot())
			}
			ph.flash() // it is a call like any other
			r.run(300 * time.Millisecond)
			ph.want(fxs.Dialling, dialTone)
		})
	}
}

// The telephone hangs up: both end, or are left to each other.
func TestHangUpInAConference(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph, first, second := conferring(r)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if !first.over || !second.over {
			t.Errorf("over: %v, %v", first.over, second.over)
		}
	})
	inRig(t, settings{config: func(c *Config) { c.ConferenceTransfers = true }}, func(r *rig) {
		ph, first, second := conferring(r)
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
		if first.referTo == "" || first.over {
			t.Fatalf("first was referred to %q, over %v", first.referTo, first.over)
		}
		first.tell(200)
		r.run(200 * time.Millisecond)
		if !first.over || !second.over {
			t.Errorf("over: %v, %v", first.over, second.over)
		}
	})
}

// *23: who is called joins as soon as it answers.
func TestConferenceByCode(t *testing.T) {
	inRig(t, coded(&codes{}, settings{}), func(r *rig) {
		ph, first := talking(r)
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.press("*23601#")
		r.run(300 * time.Millisecond)
		second := r.far.last()
		second.speak(otherVoice)
		ph.speak()
		r.run(600 * time.Millisecond)
		wantConference(r, ph, first, second)
	})
}

// Two at full level do not wrap around.
func TestMixSaturates(t *testing.T) {
	sum := make([]int16, 4)
	add(sum, []int16{30000, -30000, 100, -1 << 15}, []int16{30000, -30000, -200, -1 << 15})
	if want := [4]int16{1<<15 - 1, -1 << 15, -100, -1 << 15}; [4]int16(sum) != want {
		t.Errorf("%v, want %v", sum, want)
	}
}
