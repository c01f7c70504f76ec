package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp/line"
	"tipring/t38/t30"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/lockstep"
)

// The faults of spandsp 0.0.6 that whole calls show; ours passes each. spandsp sends, unless
// it is the end that loses the call.

// withECM are the two ways to send a page, at 14400 bit/s.
var withECM = []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400)}

// well fails unless both ends say that the call went well and every page arrived as it was.
func (c *call) well(from, to end, there, back lockstep.Line) {
	c.t.Helper()
	s, r := c.run(from, to, there, back)
	if !s.OK || !r.OK {
		c.t.Errorf("sender %+v, receiver %+v", s, r)
	}
	if d := c.same(); d != "" {
		c.t.Errorf("%s: receiver %+v", d, r)
	}
}

// Short training at each level: calls at 14 to 22 dB of loss.
func TestLoss(t *testing.T) {
	for dB := 4; dB <= 30; dB++ {
		for _, m := range withECM {
			t.Run(fmt.Sprintf("%d dB %v", dB, m), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, fax.Text(2, 300)...)
				lossy := line.Model{GainDB: -float64(dB), Law: line.ULaw}
				from, to := c.theirs(true, m.Options()...), c.ours(false, m)
				c.well(from, to, line.New(lossy), line.New(lossy))
				if r := c.result(to); r.Rate != 14400 {
					t.Errorf("at %d bit/s", r.Rate)
				}
			})
		}
	}
}

// Noise on the line at all times.
func TestLineNoise(t *testing.T) {
	for _, dBm0 := range []float64{-55, -50, -48, -46, -44, -42, -40} {
		for _, m := range withECM {
			t.Run(fmt.Sprintf("%v dBm0 %v", dBm0, m), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, fax.Text(2, 300)...)
				c.well(c.theirs(true, m.Options()...), c.ours(false, m), noisy(dBm0, 1), nil)
			})
		}
	}
}

func noisy(dBm0 float64, seed uint64) *line.Line {
	return line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: dBm0}, Law: line.ULaw, Seed: seed})
}

func TestLineNoiseAtBothEnds(t *testing.T) {
	for _, dBm0 := range []float64{-48, -44, -40, -36} {
		for _, m := range withECM {
			t.Run(fmt.Sprintf("%v dBm0 %v", dBm0, m), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, fax.Text(2, 300)...)
				c.well(c.ours(true, m), c.ours(false, m), noisy(dBm0, 1), noisy(dBm0, 2))
			})
		}
	}
}

// A spoiler drowns what passes a line in noise while on says so.
type spoiler struct {
	on  func() bool
	rnd *rand.Rand
}

func (s *spoiler) Append(out, in []int16) []int16 {
	for _, v := range in {
		if s.on() {
			v = drowned(v, s.rnd)
		}
		out = append(out, v)
	}
	return out
}

// drowned is a sample in noise as loud as a fax machine.
func drowned(v int16, rnd *rand.Rand) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, float64(v)+rnd.NormFloat64()*3000)))
}

// Noise over the training itself is answered with FTT, and the rate goes down; the sender's
// repeated DCS is understood.
func TestNoiseOverTraining(t *testing.T) {
	for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400), fax.Plain(t30.MH, 9600), fax.ECM(t30.MMR, 4800)} {
		for _, bad := range []int{1, 2} {
			if m.Rate == 4800 && bad > 1 {
				continue
			}
			t.Run(fmt.Sprintf("%v, %d failures", m, bad), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, fax.Text(2, 300)...)
				to := c.ours(false, m)
				noise := &spoiler{func() bool { return to.T30.Listening().Fast == t30.TCF && to.T30.Result().Failures < bad }, rand.New(rand.NewPCG(1, 1))}
				c.well(c.theirs(true, m.Options()...), to, noise, nil)
				if r := to.T30.Result(); r.Failures != bad || r.BitRate >= m.Rate {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// cuts silences pieces of a line, counted in samples since the receiver's n-th page began.
type cuts struct {
	to     *Fax
	page   int
	at     []int // samples
	length int

	began int64 // when that page's signal began
	pages int
	was   bool
}

func (c *cuts) Append(out, in []int16) []int16 {
	now := c.to.T30.Now()
	is := c.to.T30.State() == t30.AwaitPage && c.to.T30.Listening().Fast > t30.TCF
	if is && !c.was {
		if c.pages++; c.pages == c.page {
			c.began = now
		}
	}
	c.was = is
	for i, v := range in {
		if c.began > 0 {
			for _, at := range c.at {
				if d := now + int64(i) - c.began - int64(at); d >= 0 && d < int64(c.length) {
					v = 0
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// Lost audio within a page loses no call, and no damaged page is told as good.
func TestHolesInPages(t *testing.T) {
	for _, m := range withECM {
		for _, ms := range []int{20, 40, 60, 100} {
			for _, weSend := range []bool{false, true} {
				for i := range 4 {
					first := 4000 + 4300*i
					t.Run(fmt.Sprintf("%v %d ms at %d we send %v", m, ms, first, weSend), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, fax.Text(2, 600)...)
						to := c.ours(false, m)
						hole := &cuts{to: to, page: 1, at: []int{first, first + 15000}, length: ms * 8}
						var sender end
						if weSend {
							sender = c.ours(true, m)
						} else {
							sender = c.theirs(true, m.Options()...)
						}
						s, r := c.run(sender, to, hole, nil)
						c.unharmed(s.OK && r.OK, r.BadRows, m.ECM)
					})
				}
			}
		}
	}
}

// The same upon the training of a page, and upon its end, where rows are lost that have none to
// be missed between.
func TestHolesAtTheEdgesOfPages(t *testing.T) {
	m := fax.Plain(t30.MR, 14400)
	var at []int
	for i := range 10 {
		at = append(at, 240*i, 31400+160*i)
	}
	for _, ms := range []int{20, 100} {
		for _, first := range at {
			t.Run(fmt.Sprintf("%d ms at %d", ms, first), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, fax.Text(2, 300)...)
				to := c.ours(false, m)
				hole := &cuts{to: to, page: 1, at: []int{first}, length: ms * 8}
				s, r := c.run(c.theirs(true, m.Options()...), to, hole, nil)
				c.unharmed(s.OK && r.OK, r.BadRows, false)
			})
		}
	}
}

// unharmed fails unless the call went well and the pages are exact; without ECM, or have bad
// rows that were told.
func (c *call) unharmed(ok bool, badRows int, ecm bool) {
	c.t.Helper()
	d := c.same()
	if !ok || d != "" && (ecm || badRows == 0) {
		c.t.Errorf("ok %v, %d bad rows, %q", ok, badRows, d)
	}
}

// Fax over G.711, ours at both ends.
func TestG711(t *testing.T) {
	for _, law := range []line.Law{line.ULaw, line.ALaw} {
		for _, m := range withECM {
			for _, pct := range []float64{0, 0.03, 0.1, 0.3} {
				for seed := range uint64(3) {
					if pct == 0 && seed > 0 {
						continue
					}
					t.Run(fmt.Sprintf("%v law %v loss %v seed %v", m, law, pct, seed), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, fax.Text(2, 1100)...)
						lossy := func(seed uint64) *line.Line { return line.New(line.Model{Law: law, LossPct: pct, Seed: seed}) }
						from, to := c.ours(true, m), c.ours(false, m)
						s, r := c.run(from, to, lossy(2*seed+1), lossy(2*seed+2))
						c.unharmed(s.OK && r.OK, r.BadRows, m.ECM)
						t.Logf("%.0f s, %d repairs, %d bad rows", s.Call, s.ECMRetries, r.BadRows)
					})
				}
			}
		}
	}
}
