package call

import (
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// modem has the far end say the answer tone of a modem.
func (c *farCall) modem() {
	c.source = dsp.NewANSam(-12)
}

// An answer tone whose phase is reversed makes a call one of data, for as long as it lasts; one
// without does not, and nothing does where that is switched off.
func TestDataMode(t *testing.T) {
	for _, tt := range []struct {
		name, mode string
		tone       interface{ Read([]int16) }
		near       bool
		want       bool
	}{
		{"far modem", "auto", dsp.NewANSam(-12), false, true},
		{"far modem of V.25", "auto", dsp.NewANS(-12), false, true},
		{"near modem", "auto", dsp.NewANSam(-12), true, true},
		{"fax machine", "auto", dsp.NewANS(-12).WithoutReversals(), false, false},
		{"off", "off", dsp.NewANSam(-12), false, false},
		{"on", "on", nil, false, true},
	} {
		inRig(t, settings{config: func(c *Config) { c.DataMode, c.EchoCanceller = tt.mode, true }}, func(r *rig) {
			ph := r.phone()
			ph.dial("600")
			r.run(200 * time.Millisecond)
			if tt.near {
				ph.source = tt.tone
			} else {
				r.far.last().source = tt.tone
			}
			r.run(3 * time.Second)
			ph.source, r.far.last().source = nil, nil
			r.run(time.Second)
			c := ph.port.now
			if c.data != tt.want || c.session.Data() != tt.want || ph.port.hybrid.data != tt.want {
				t.Errorf("%s: data %v, media %v, canceller %v", tt.name, c.data, c.session.Data(), ph.port.hybrid.data)
			}
			if heard := tt.mode == "auto"; ph.port.hybrid.linear != heard {
				t.Errorf("%s: what is left of an echo is covered: %v", tt.name, heard)
			}
			ph.flash() // a modem's hook bounces
			r.run(300 * time.Millisecond)
			want := fxs.Dialling
			if tt.want {
				want = fxs.Talking
			}
			if got := ph.port.Snapshot().State; got != want {
				t.Errorf("%s: a flash leads to %v", tt.name, got)
			}
		})
	}
}

// What the telephone hears does not come back to the far end, and the canceller keeps what it
// has learned.
func TestEchoIsCancelled(t *testing.T) {
	inRig(t, settings{config: func(c *Config) { c.EchoCanceller = true }}, func(r *rig) {
		ph := r.phone()
		ph.echo = 4
		ph.dial("600")
		r.run(200 * time.Millisecond)
		far := r.far.last()
		far.speak(farVoice)
		r.run(3 * time.Second)
		if got := far.hears(); got != nothing {
			t.Errorf("the far end hears %d Hz of itself", got)
		}
		far.says = nil
		ph.speak()
		r.run(500 * time.Millisecond)
		if got := far.hears(); got != nearVoice {
			t.Errorf("the far end hears %d Hz", got)
		}
	})
}
