package audio

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tipring/tools/peers/fax"
	"tipring/tools/peers/fax/t38"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// viaGateways lets the call happen through two of our gateways, and over lines between them
// and the machines; back they are perfect.
func (c *call) viaGateways(from, to end, first, second lockstep.Line) (sender, receiver spandsp.Result) {
	c.t.Helper()
	a, b := c.Gateway("first gateway", t38.NewGateway(t38.Adaptive)), c.Gateway("second gateway", t38.NewGateway(t38.Adaptive))
	c.Line(c.Machine("sender", from), a, first, nil)
	c.Network(a, b, lockstep.Network{}, lockstep.Network{})
	c.Line(b, c.Machine("receiver", to), second, nil)
	c.must(c.Run(callLimit))
	return c.result(from), c.result(to)
}

// Behind FTT comes a training check at the next rate, with the long training, also through a
// gateway: whichever side of the network the bad line is on.
func TestFailedTrainingThroughGateways(t *testing.T) {
	for _, m := range withECM {
		for _, near := range []bool{true, false} {
			for _, weSend := range []bool{true, false} {
				t.Run(fmt.Sprintf("%v, near the sender %v, we send %v", m, near, weSend), func(t *testing.T) {
					t.Parallel()
					c := newCall(t, fax.Text(2, 400)...)
					from, to, our := c.pair(weSend, m)
					var first, second lockstep.Line
					if checks := (&checkSpoiler{rnd: rand.New(rand.NewPCG(1, 1))}); near {
						first = checks
					} else {
						second = checks
					}
					s, r := c.viaGateways(from, to, first, second)
					if f := our.T30.Result().Failures; !s.OK || !r.OK || s.Rate != 12000 || r.Rate != 12000 || f != 1 {
						t.Errorf("sender %+v, receiver %+v, failures %d", s, r, f)
					}
					if d := c.same(); d != "" {
						t.Error(d)
					}
				})
			}
		}
	}
}

func TestResolutionsThroughGateways(t *testing.T) {
	for _, m := range withECM {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, we send %v", m, weSend), func(t *testing.T) {
				t.Parallel()
				c := newLeaves(t, mixed()...)
				from, to, our := c.pair(weSend, m)
				s, r := c.viaGateways(from, to, nil, nil)
				if f := our.T30.Result().Failures; !s.OK || !r.OK || s.Rate != 14400 || r.Rate != 14400 || f > 0 {
					t.Errorf("sender %+v, receiver %+v, failures %d", s, r, f)
				}
				if d := c.same(); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// A checkSpoiler drowns the first training check of a way: the second burst on it that is
// longer than any tone, from where its zeros begin.
type checkSpoiler struct {
	rnd    *rand.Rand
	length int // of the burst that is on, in ticks
	quiet  int // ticks since it
	bursts int
}

const (
	longestTone  = 35 // ticks: CNG has half a second
	shortestGap  = 3
	beforeChecks = 75 // the longest training, that of V.17, has 1.39 s
)

func (s *checkSpoiler) Append(out, in []int16) []int16 {
	if slices.Max(in) < 100 {
		if s.quiet++; s.quiet == shortestGap {
			if s.length > longestTone {
				s.bursts++
			}
			s.length = 0
		}
	} else {
		s.length++
		s.quiet = 0
	}
	for _, v := range in {
		if s.bursts == 1 && s.length > beforeChecks {
			v = drowned(v, s.rnd)
		}
		out = append(out, v)
	}
	return out
}
