package t38

import (
	"math"
	"testing"

	"tipring/t38/t30"
)

// callMenu is what a machine of Super G3 says to begin V.8: CM (V.8) in V.21
// channel 1, ten ones, a mark, the call function of a fax that sends and the modulations, again and again.
func callMenu(samples int) []int16 {
	const bits = "1111111111" + "0000001111" + "0100000111" + "0010100001" + "0000010001"
	out := make([]int16, samples)
	turns := 0.0
	for i := range out {
		hz := 1180.0
		if bits[i*300/t30.SampleRate%len(bits)] == '1' {
			hz = 980
		}
		turns += hz / t30.SampleRate
		out[i] = int16(6000 * math.Sin(2*math.Pi*turns))
	}
	return out
}

// A gateway tells the network nothing of it.
func TestGatewayIgnoresCallMenus(t *testing.T) {
	c := &cable{}
	g := newGateway(c, DefaultLevel)
	var out [tick]int16
	for pcm := callMenu(6 * t30.SampleRate); len(pcm) > 0; pcm = pcm[tick:] {
		g.Exchange(pcm[:tick], out[:])
		if g.ear.busy() {
			t.Fatal("takes it for a signal of fax")
		}
	}
	if len(c.queue) > 0 {
		t.Errorf("tells the network %d things", len(c.queue))
	}
}

// A machine that is called by one goes on as with any other, once the caller gives V.8 up.
func TestCallMenuIsIgnored(t *testing.T) {
	doc, got := leaflet{t, 1, 100}, &tray{t: t}
	a := NewMachine(terminal(t, t30.Config{Calling: true, Source: doc, ECM: true}), DefaultLevel)
	b := NewMachine(terminal(t, t30.Config{Sink: got, ECM: true}), DefaultLevel)
	menu := callMenu(4 * t30.SampleRate)
	var toA, toB, fromA, fromB [tick]int16
	a.Start()
	b.Start()
	for now := 0; !a.Done() || !b.Done(); now += tick {
		if now > 120*t30.SampleRate {
			t.Fatalf("%v and %v", a.T30.State(), b.T30.State())
		}
		a.Exchange(toA[:], fromA[:])
		b.Exchange(toB[:], fromB[:])
		toA, toB = fromB, fromA
		if len(menu) > 0 {
			copy(toB[:], menu)
			menu = menu[tick:]
		}
	}
	if r := b.T30.Result(); r.Code != t30.OK || r.BitRate != 14400 || r.Repeats > 0 {
		t.Errorf("%v: %+v", r.Code, r)
	}
	got.same(doc)
}
