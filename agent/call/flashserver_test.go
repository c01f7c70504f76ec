package call

import (
	"testing"
	"time"

	"tipring/lines/fxs"
)

// Where the server holds and transfers, it is told of a flash, and the call goes on; a call that
// waits here is taken.
func TestFlashToTheServer(t *testing.T) {
	for _, tt := range []struct {
		style  string
		events bool // the far end takes events
		flash  int  // event that came
		info   string
	}{
		{ByEvent, true, flashEvent, ""},
		{ByEvent, false, 0, "16"},
		{ByInfo, true, 0, "16"},
	} {
		inRig(t, settings{config: func(c *Config) { c.FlashStyle, c.CallWaiting = tt.style, true }}, func(r *rig) {
			r.far.events = tt.events
			ph, far := talking(r)
			ph.flash()
			ph.speak()
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, farVoice)
			if far.flashes != tt.flash || far.infos != tt.info || far.hears() != nearVoice {
				t.Errorf("%s, takes events %v: event %d, INFO %q, hears %d Hz", tt.style, tt.events, far.flashes, far.infos, far.hears())
			}
			other := r.far.call()
			other.speak(otherVoice)
			r.run(200 * time.Millisecond)
			ph.flash()
			r.run(500 * time.Millisecond)
			ph.want(fxs.Talking, otherVoice)
		})
	}
}

// A flash behind a star code begins anew: what the code asked for is forgotten.
func TestFlashForgetsACode(t *testing.T) {
	f := &codes{}
	inRig(t, coded(f, settings{}), func(r *rig) {
		ph := r.phone()
		ph.lift()
		ph.press("*67")
		r.run(200 * time.Millisecond)
		asked := f.asked
		ph.flash()
		r.run(200 * time.Millisecond)
		ph.want(fxs.Dialling, dialTone)
		if f.asked != asked+1 {
			t.Errorf("asked for the codes %d times", f.asked-asked)
		}
	})
}
