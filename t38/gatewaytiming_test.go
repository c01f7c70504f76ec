package t38

import (
	"fmt"
	"slices"
	"testing"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// later delays what a line carries, as a machine that takes its time to answer does.
func later(samples int) func(int64, []int16) {
	held := make([]int16, samples)
	return func(_ int64, s []int16) {
		held = append(held, s...)
		copy(s, held)
		held = append(held[:0], held[len(s):]...)
	}
}

// A machine behind a network of 500 ms each way that takes 1.5 s to answer keeps nobody
// asking again: flags tell that the answer is under way.
func TestGatewaySlowAnswers(t *testing.T) {
	for _, ecm := range []bool{true, false} {
		for _, m := range []t30.Modulation{t30.V17At14400, t30.V27ter4800} {
			t.Run(fmt.Sprintf("ECM %v, %v", ecm, m), func(t *testing.T) {
				t.Parallel()
				f := newFaxTest(t, 3, ecm)
				f.net = netmodel.Config{Delay: 4000, Jitter: 400}
				f.sends.Modulations = t30.Modulations(m, t30.V27ter2400)
				f.open(t)
				f.b.toGateway = later(t30.SampleRate * 3 / 2)
				if s, r := f.well(t); s.Repeats+r.Repeats+s.Failures > 0 {
					t.Errorf("sender %+v, receiver %+v", s, r)
				}
			})
		}
	}
}

// However late an answer is within T4 and the network, no repeat that crosses it harms the call.
func TestGatewayCollisions(t *testing.T) {
	for _, ecm := range []bool{true, false} {
		for _, n := range delays {
			for ms := 500; ms <= 4000; ms += 250 {
				t.Run(fmt.Sprintf("ECM %v, delay %d, answers after %d ms", ecm, n.Delay, ms), func(t *testing.T) {
					t.Parallel()
					f := newFaxTest(t, 2, ecm)
					f.net = n
					f.open(t)
					f.b.toGateway = later(t30.SampleRate * ms / 1000)
					f.well(t)
				})
			}
		}
	}
}

// A machine that has asked something is kept waiting by flags for less than the five seconds
// after which it would end the call, and not at all where no packet has ever come.
func TestGatewayPromisesNoMoreThanItMay(t *testing.T) {
	for _, tt := range []struct {
		name     string
		heard    bool // of the peer
		from, to int  // ms of flags
	}{
		{"a peer that was never heard", false, 0, 0},
		{"a peer that says nothing more", true, 4000, 4800},
	} {
		g := NewGateway(convey.LinkConfig{}, DefaultLevel)
		if tt.heard {
			if err := g.Hear([]byte{0, 0, 1, 0, 0, 0}); err != nil {
				t.Fatal(err)
			}
		}
		callee := NewMachine(terminal(t, t30.Config{Sink: &tray{t: t}}), DefaultLevel)
		callee.Start()
		var says, hears [tick]int16
		loud := 0
		for ms := 0; ms < 16000; ms += 1000 * tick / t30.SampleRate {
			clear(says[:])
			if ms < 7000 { // CED and one DIS
				callee.Exchange(hears[:], says[:])
			}
			g.Exchange(says[:], hears[:])
			for _, ok := g.Say(); ok; _, ok = g.Say() {
			}
			if slices.Max(hears[:]) > 500 {
				loud += 1000 * tick / t30.SampleRate
			}
			clear(hears[:])
		}
		if loud < tt.from || loud > tt.to {
			t.Errorf("%s: flags for %d ms, want %d to %d", tt.name, loud, tt.from, tt.to)
		}
	}
}
