package call

import (
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/dsp/talker"
	"tipring/internal/sipmsg"
	"tipring/lines/fxs"
)

// withDTMF is a port, and its line, of that dtmf_type.
func withDTMF(kind string) settings {
	return settings{line: []string{"dtmf_type = " + kind}, config: func(c *Config) { c.DTMFType = kind }}
}

const everyKey = "159#0*742A83D6"

// Each key reaches the far end once, in the way that dtmf_type and the far end allow, and
// in no second one.
func TestKeysToTheFarEnd(t *testing.T) {
	for _, tt := range []struct {
		kind                 string
		takes                bool // the far end takes events
		events, info, inBand string
	}{
		{"auto", true, everyKey, "", ""},
		{"rfc4733", true, everyKey, "", ""},
		{"info", true, "", "15911010742A83D6", ""}, // dtmf_sip_info_mode is 10/11
		{"inband", true, "", "", everyKey},
		{"auto", false, "", "", everyKey},
		{"rfc4733", false, "", "", everyKey},
	} {
		inRig(t, withDTMF(tt.kind), func(r *rig) {
			r.far.events = tt.takes
			ph := r.phone()
			ph.dial("600")
			r.run(300 * time.Millisecond)
			ph.want(fxs.Talking, nothing)
			ph.press(everyKey)
			r.run(500 * time.Millisecond)
			far := r.far.last()
			if far.events != tt.events || far.infos != tt.info || far.inBand != tt.inBand {
				t.Errorf("%s, far end takes events %v: events %q, INFO %q, in band %q",
					tt.kind, tt.takes, far.events, far.infos, far.inBand)
			}
		})
	}
}

// However a key lies in the frames, so little of it is left in the sound that no receiver
// takes it for a second one: at most 20 ms, where 40 ms make a digit (ITU-T Q.24).
func TestKeysLeakLittleIntoTheSound(t *testing.T) {
	inRig(t, withDTMF("auto"), func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(300 * time.Millisecond)
		far := r.far.last()
		for offset := range 16 {
			far.ear = nil
			ph.shift = offset * 10
			ph.keys.Press(everyKey[offset%len(everyKey)], 800, 800)
			r.run(600 * time.Millisecond)
			loud := 0
			for _, s := range far.ear {
				if s > 500 || s < -500 {
					loud++
				}
			}
			// Of a steady sound, most samples are loud.
			if ms := loud * 1000 / dsp.SampleRate; ms > 20 {
				t.Errorf("%d samples into a frame: %d ms of the key are heard in band", offset*10, ms)
			}
		}
		if len(far.events) != 16 || far.inBand != "" {
			t.Errorf("events %q, in band %q", far.events, far.inBand)
		}
	})
}

// A key lasts as long for the far end as for the telephone.
func TestLongKey(t *testing.T) {
	inRig(t, withDTMF("auto"), func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(300 * time.Millisecond)
		far := r.far.last()
		ph.keys.Press('5', 8000, 800)
		r.run(800 * time.Millisecond)
		if !ph.port.now.session.SendingEvent() {
			t.Error("the event is over before the key")
		}
		r.run(600 * time.Millisecond)
		if ph.port.now.session.SendingEvent() || far.events != "5" {
			t.Errorf("events %q", far.events)
		}
	})
}

// Keys are sent before the answer too, to an announcement that wants some.
func TestKeysDuringEarlyMedia(t *testing.T) {
	inRig(t, withDTMF("auto"), func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(c *farCall) { c.earlyMedia() }
		ph.dial("600")
		r.run(300 * time.Millisecond)
		ph.press("42")
		r.run(300 * time.Millisecond)
		if far := r.far.last(); far.events != "42" || far.inBand != "" {
			t.Errorf("events %q, in band %q", far.events, far.inBand)
		}
		ph.want(fxs.Calling, nothing)
	})
}

// Digits of the far end are heard by the telephone, however they come, each once.
func TestKeysFromTheFarEnd(t *testing.T) {
	for _, kind := range []string{"auto", "rfc4733", "info", "inband"} {
		inRig(t, withDTMF(kind), func(r *rig) {
			ph := r.phone()
			ph.echo = 4 // and what is heard comes back from the hybrid
			ph.dial("600")
			r.run(300 * time.Millisecond)
			far := r.far.last()
			ph.heard = ""
			switch kind {
			case "auto", "rfc4733":
				for _, code := range []uint8{1, 5, 9, 11} {
					far.media.SendEvent(code, 100)
					r.run(300 * time.Millisecond)
				}
			case "info":
				for _, d := range []byte("159#") {
					far.info(d)
					r.run(300 * time.Millisecond)
				}
			case "inband":
				keys := dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0)
				for _, d := range []byte("159#") {
					keys.Press(d, 800, 800)
				}
				far.keys = keys
				r.run(time.Second)
			}
			r.run(500 * time.Millisecond)
			if ph.heard != "159#" {
				t.Errorf("%s: the telephone heard %q", kind, ph.heard)
			}
			if far.events != "" || far.infos != "" {
				t.Errorf("%s: came back as events %q, INFO %q", kind, far.events, far.infos)
			}
		})
	}
}

// Digits of the far end in its sound come back from the hybrid, 6 dB weaker, and are none of the
// telephone's: neither before a canceller knows the hybrid nor after, nor without one.
func TestKeysInBandFromTheFarEndAreNotSentBack(t *testing.T) {
	for _, late := range []int{0, 100, 240, 300} {
		keysInBand(t, true, late)
		keysInBand(t, false, late)
	}
}

// keysInBand has the far end press keys, at a telephone whose hybrid gives them back so many samples later.
func keysInBand(t *testing.T, canceller bool, late int) {
	set := withDTMF("auto")
	set.config = func(c *Config) { c.EchoCanceller = canceller }
	inRig(t, set, func(r *rig) {
		ph := r.phone()
		ph.echo, ph.late = 2, late
		ph.dial("600")
		r.run(300 * time.Millisecond)
		far := r.far.last()
		for _, talk := range []time.Duration{0, 2 * time.Second} {
			far.source = talker.New(1, talker.Config{LevelDBm0: -16})
			r.run(talk)
			far.keys = dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0)
			ph.heard = ""
			for _, d := range []byte(everyKey) {
				far.keys.Press(d, 400, 800)
			}
			r.until("all digits heard", func() bool { return !far.keys.Busy() })
			r.run(200 * time.Millisecond)
			if ph.heard != everyKey || far.events != "" {
				t.Errorf("canceller %v, %d samples late, after %v of speech: the telephone heard %q, events went back: %q", canceller, late, talk, ph.heard, far.events)
			}
			far.keys = nil
		}
		if !canceller {
			return // no telephone's digits are heard under such an echo
		}
		ph.press(everyKey)
		r.run(300 * time.Millisecond)
		if far.events != everyKey {
			t.Errorf("%d samples late: of digits during the far end's speech came %q", late, far.events)
		}
	})
}

// What the far end sends is not always a digit.
func TestNoKeysFromTheFarEnd(t *testing.T) {
	inRig(t, withDTMF("auto"), func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(300 * time.Millisecond)
		far := r.far.last()
		ph.heard = ""
		far.media.SendEvent(16, 100) // flash
		far.ask(sipmsg.INFO, func(m *sipmsg.Message) {
			m.SetBody("application/dtmf-relay", []byte("Signal=16\r\n"))
		})
		r.run(500 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
		if ph.heard != "" {
			t.Errorf("heard %q", ph.heard)
		}
	})
}

// Digits that still wait to be played go with the call.
func TestDigitsEndWithTheCall(t *testing.T) {
	inRig(t, withDTMF("info"), func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(300 * time.Millisecond)
		far := r.far.last()
		for range 20 {
			far.info('5')
		}
		r.run(200 * time.Millisecond)
		far.hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
	})
}
