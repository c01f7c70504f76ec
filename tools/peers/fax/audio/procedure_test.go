package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"tipring/internal/dsp/line"
	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/tiff"
	"tipring/tools/peers/fax/t38"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// newLeaves is newCall for pages that have each its own resolution.
func newLeaves(t *testing.T, pages ...spandsp.Page) *call {
	t.Helper()
	c := newCall(t, pages...)
	out, err := os.Create(c.sent)
	c.must(err)
	defer out.Close()
	w, err := tiff.NewWriter(out)
	c.must(err)
	for _, p := range pages {
		c.must(w.BeginPage(tiff.PageConfig{Columns: p.Width, XDPI: p.X, YDPI: p.Y, Coding: t4.MMR}))
		for row := range slices.Chunk(p.Pixels, p.Width/8) {
			c.must(w.WriteRow(row))
		}
		c.must(w.EndPage())
	}
	c.must(w.Close())
	return c
}

// mixed is a document whose pages are of several resolutions: each change is a return to
// phase B, with DCS and a training check of its own.
func mixed() []spandsp.Page {
	return []spandsp.Page{spandsp.TextPage(400, 98, 1), spandsp.TextPage(800, 196, 2), spandsp.TextPage(810, 196, 3), spandsp.TextPage(300, 98, 4), spandsp.TextPage(1000, 391, 5)}
}

// A return to phase B in mid-fax lowers no rate, and T1, which runs from the beginning of a
// call to its first DCS, does not end it.
func TestResolutionsInOneCall(t *testing.T) {
	for _, m := range withECM {
		for _, from := range []string{"ours", "theirs", "both ours"} {
			t.Run(fmt.Sprintf("%v %s", m, from), func(t *testing.T) {
				t.Parallel()
				c := newLeaves(t, mixed()...)
				var a, b end
				if from == "theirs" {
					a = c.theirs(true, m.options()...)
				} else {
					a = c.ours(true, m)
				}
				if from == "ours" {
					b = c.theirs(false, m.options()...)
				} else {
					b = c.ours(false, m)
				}
				c.well(a, b, nil, nil)
				for _, e := range []end{a, b} {
					if r := c.result(e); r.Rate != 14400 || r.Pages != 5 {
						t.Errorf("%+v", r)
					}
					if our, ok := e.(*Fax); ok {
						if r := our.T30.Result(); r.Failures > 0 || r.Repeats > 0 || r.Trainings < 4 {
							t.Errorf("%+v", r)
						}
					}
				}
			})
		}
	}
}

// A hybrid is one way of a line whose far end sends back what it hears: on this way comes, beside
// what is said there, an echo of what goes the other way.
type hybrid struct {
	gain  float64
	said  *[]int16 // on the other way, as much as the echo is late
	keeps *[]int16 // what is said on this way, for the other's echo
}

// hybrids makes the two ways of a line on which an end hears itself, so much later and weaker;
// the ways that are nil have no echo.
func hybrids(ms int, dB float64) (there, back *hybrid) {
	a, b := make([]int16, ms*8), make([]int16, ms*8)
	gain := math.Pow(10, -dB/20)
	return &hybrid{gain, &b, &a}, &hybrid{gain, &a, &b}
}

func (h *hybrid) Append(out, in []int16) []int16 {
	*h.keeps = append(*h.keeps, in...)
	for i, v := range in {
		out = append(out, int16(max(math.MinInt16, min(math.MaxInt16, float64(v)+h.gain*float64((*h.said)[i])))))
	}
	*h.said = append((*h.said)[:0], (*h.said)[len(in):]...)
	return out
}

// mute is the other way of a line of which one end alone hears itself.
func (h *hybrid) mute() *hybrid {
	h.gain = 0
	return h
}

// An echo of our own commands and answers is taken for none of the other end's.
func TestEcho(t *testing.T) {
	for _, m := range withECM {
		for _, ms := range []int{20, 60, 150, 300, 600} {
			for _, dB := range []float64{10, 20} {
				for _, who := range []string{"sender", "receiver", "both"} {
					if ms > 300 && who != "sender" {
						continue // the echo of a confirmation would fall upon the page
					}
					t.Run(fmt.Sprintf("%v %d ms -%v dB %s", m, ms, dB, who), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, text(2, 300)...)
						there, back := hybrids(ms, dB)
						var from, to end
						switch who {
						case "sender":
							there.mute()
							from, to = c.ours(true, m), c.theirs(false, m.options()...)
						case "receiver":
							back.mute()
							from, to = c.theirs(true, m.options()...), c.ours(false, m)
						default:
							from, to = c.ours(true, m), c.ours(false, m)
						}
						c.well(from, to, there, back)
					})
				}
			}
		}
	}
}

// All that a line does at once, as far as receivers must bear it, and a sender that protects
// against talker echo.
func TestWornLine(t *testing.T) {
	for _, m := range []mode{{true, t30.MMR, 14400}, {false, t30.MR, 14400}, {false, t30.MH, 9600}, {true, t30.MMR, 4800}, {false, t30.MR, 2400}} {
		for _, tep := range []string{"0", "1"} {
			for _, sign := range []float64{-1, 1} {
				t.Run(fmt.Sprintf("%v TEP %s %+.0f", m, tep, sign), func(t *testing.T) {
					t.Parallel()
					c := newCall(t, text(2, 300)...)
					worn := func(seed uint64) *line.Line {
						return line.New(line.Model{SkewPPM: sign * 100, OffsetHz: sign * 7, Band: true, GainDB: -12, Law: line.ULaw,
							Noise: line.Noise{When: line.Always, DBm0: -58}, Seed: seed})
					}
					c.well(c.theirs(true, append(m.options(), "--tep", tep)...), c.ours(false, m), worn(1), worn(2))
				})
			}
		}
	}
}

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

// pair is our machine and theirs, in the order of sender and receiver.
func (c *call) pair(weSend bool, m mode) (from, to end, our *Fax) {
	c.t.Helper()
	our = c.ours(weSend, m)
	if weSend {
		return our, c.theirs(false, m.options()...), our
	}
	return c.theirs(true, m.options()...), our, our
}

// Behind FTT comes a training check at the next rate, with the long training, also through a
// gateway: whichever side of the network the bad line is on.
func TestFailedTrainingThroughGateways(t *testing.T) {
	for _, m := range withECM {
		for _, near := range []bool{true, false} {
			for _, weSend := range []bool{true, false} {
				t.Run(fmt.Sprintf("%v, near the sender %v, we send %v", m, near, weSend), func(t *testing.T) {
					t.Parallel()
					c := newCall(t, text(2, 400)...)
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
