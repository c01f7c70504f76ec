package t38

import (
	"fmt"
	"testing"

	"tipring/internal/dsp/line"
	"tipring/t38/t30"
)

// Two machines speak through a trunk that delays, with an echo on either side, and a tap hears both.
func TestTapKeepsTheRecord(t *testing.T) {
	for _, ecm := range []bool{true, false} {
		for _, echo := range []bool{true, false} {
			for _, delayMS := range []int{0, 100, 300} {
				t.Run(fmt.Sprintf("ECM %v, echo %v, %d ms", ecm, echo, delayMS), func(t *testing.T) {
					t.Parallel()
					doc, got := leaflet{t, 3, 200}, &tray{t: t}
					a := NewMachine(terminal(t, t30.Config{Calling: true, Source: doc, ECM: ecm, Ident: "1"}), DefaultLevel)
					b := NewMachine(terminal(t, t30.Config{Sink: got, ECM: ecm, Ident: "2"}), DefaultLevel)
					tap := tapped(t, a, b, delayMS*8/tick, echo)
					if a.T30.Result().Code != t30.OK || b.T30.Result().Code != t30.OK {
						t.Fatalf("%+v, %+v", a.T30.Result(), b.T30.Result())
					}
					r := tap.Watch.Record()
					if r.Local.Ident != "1" || r.Remote.Ident != "2" || !r.FromLocal || !r.OK() || r.Good != 3 || r.Passed != 3 || r.Trainings != 1 ||
						!r.Remote.Offered || r.Local.Offered || !r.Local.Left || r.Remote.Left || r.Local.BadFrames+r.Remote.BadFrames > 0 {
						t.Errorf("%+v", r)
					}
					for _, p := range r.Pages {
						if p.ECM != ecm || p.BitRate != 14400 || p.Result != PageConfirmed {
							t.Errorf("%v", p)
						}
					}
				})
			}
		}
	}
}

// tapped joins two machines until both are done. The tap is at the first one's end of a trunk that delays by
// so many ticks each way.
func tapped(t *testing.T, a, b *Machine, delay int, echo bool) *Tap {
	t.Helper()
	tap := NewTap()
	there, back := make([][tick]int16, delay+1), make([][tick]int16, delay+1)
	var fromA, fromB, toA [tick]int16
	add := func(to *[tick]int16, echo [tick]int16) {
		for i, v := range echo {
			to[i] += v / 8 // -18 dB
		}
	}
	a.Start()
	b.Start()
	for n := 0; !a.Done() || !b.Done(); n++ {
		if n*tick > 120*t30.SampleRate {
			t.Fatalf("%v and %v", a.T30.State(), b.T30.State())
		}
		at, next := n%(delay+1), (n+1)%(delay+1)
		toA = back[next]
		a.Exchange(toA[:], fromA[:])
		toB := there[next]
		b.Exchange(toB[:], fromB[:])
		local, remote := fromA, toA
		there[at], back[at] = fromA, fromB
		if echo { // the near line returns the far machine, the far line the near one
			add(&local, toA)
			add(&back[at], toB)
		}
		tap.Exchange(local[:], remote[:])
	}
	return tap
}

// Voices, tones and noise are no fax, and a tap allocates nothing while it hears them.
func TestTapOfOtherSounds(t *testing.T) {
	tap := NewTap()
	l := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: -20}})
	noise := l.Run(make([]int16, 30*t30.SampleRate))
	menu := callMenu(30 * t30.SampleRate)
	tap.Exchange(noise, menu)
	if r := tap.Watch.Record(); r.String() != "nothing of a fax was heard" {
		t.Errorf("%+v", r)
	}
	if n := testing.AllocsPerRun(100, func() { tap.Exchange(noise[:tick], menu[:tick]) }); n > 0 {
		t.Errorf("%v allocations a block", n)
	}
}
