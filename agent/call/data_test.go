package call

import (
	"math"
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

// Both ends are heard as loud as the port wants it, but in data mode; a tone of the port's stays.
func TestGains(t *testing.T) {
	level := func(pcm []int16) (sum float64) {
		for _, s := range pcm[len(pcm)-4000:] {
			sum += float64(s) * float64(s)
		}
		return sum
	}
	var tone, near, far [3]float64 // what each hears: without, with gains, in data mode
	for i, s := range []settings{
		{},
		{config: func(c *Config) { c.RxGainDB, c.TxGainDB = 6, -6 }},
		{config: func(c *Config) { c.RxGainDB, c.TxGainDB, c.DataMode = 6, -6, "on" }},
	} {
		inRig(t, s, func(r *rig) {
			ph := r.phone()
			ph.lift()
			r.run(time.Second)
			ph.want(fxs.Dialling, dialTone)
			tone[i] = level(ph.ear)
			ph.dial("600")
			r.run(200 * time.Millisecond)
			ph.speak()
			r.far.last().speak(farVoice)
			r.run(2 * time.Second)
			near[i], far[i] = level(ph.ear), level(r.far.last().ear)
		})
	}
	for i, want := range []float64{1, 2, 1} {
		if rx, tx := math.Sqrt(near[i]/near[0]), math.Sqrt(far[i]/far[0]); math.Abs(rx-want) > 0.1 || math.Abs(tx-1/want) > 0.1 || tone[i] != tone[0] {
			t.Errorf("%d: the telephone hears %.2f, the far end %.2f of what they would", i, rx, tx)
		}
	}
}
