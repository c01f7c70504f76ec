// Package echo takes out of the signal that comes from a telephone what comes back of the
// signal that goes to it: the echo of the hybrid between four wires and two, and of the
// line behind it (ITU-T G.168). The far party would hear it as his own voice, late.
//
// A Canceller models the echo path with a linear filter and subtracts what that predicts.
// Two filters do this. The one in front makes the output and is never adapted; the one
// behind it always learns, on signals whose spectrum is flattened, and is copied forward
// when it has been the better one for a while. So what leads adaptation astray, a near
// party who talks, a tone, a line that is gone, costs the filter behind, which then starts
// again from the one in front. What the filter leaves of the echo, because telephone and
// codec are not linear, a nonlinear processor covers with noise like the background
// (G.168 clause 3.18), unless the near party talks.
//
// Everything is integer arithmetic. Nothing here knows of ports or calls, reads a clock,
// or allocates once a Canceller is made.
package echo

import "math"

const (
	block = 80 // samples between two decisions: 10 ms
	strip = 8  // samples between two steps of adaptation
	rate  = 8  // samples in a millisecond

	// MinTailMS and MaxTailMS bound the echo path that can be asked for.
	MinTailMS, MaxTailMS = 8, 64
)

// Canceller cancels the echo of one telephone.
type Canceller struct {
	data  bool
	front front
	back  back
	judge judge
	cover cover
	noise background

	farDirect, nearDirect direct

	// Of this block, and before it what the back filter needs to flatten them: the whole
	// tail of far, few samples of the other two.
	far, near, left []int16
	at              int // samples of the block so far
	blocks          int
	levels          levels
	taps            int
}

// New makes a canceller for echo that comes back within tailMS milliseconds, the delays of
// the driver included; beyond MinTailMS or MaxTailMS the nearest of these is taken.
func New(tailMS int) *Canceller {
	taps := (min(max(tailMS, MinTailMS), MaxTailMS)*rate + spread - 1) / spread * spread
	c := &Canceller{
		taps:   taps,
		far:    make([]int16, order+taps+block),
		near:   make([]int16, order+block),
		left:   make([]int16, order+block),
		front:  front{far: newWindow(taps), taps: make([]int16, taps)},
		back:   back{far: newWindow(taps), taps: make([]int16, taps), fine: make([]int32, taps)},
		levels: levels{blocks: make([]uint64, taps/block+2)},
	}
	c.Reset()
	return c
}

// Reset forgets the echo path, as for another telephone or another call.
func (c *Canceller) Reset() {
	clear(c.far)
	clear(c.near)
	clear(c.left)
	c.levels.reset()
	c.front.reset()
	c.back.reset()
	c.judge.reset()
	c.cover.reset()
	c.noise.reset()
	c.farDirect, c.nearDirect = direct{}, direct{}
	c.at, c.blocks = 0, 0
}

// SetData turns the canceller off (on true), for modems and fax machines that asked for
// this with the phase reversals of their answer tone (G.168 clause 7, G.165): samples pass
// untouched. What was learnt is kept for when it is turned on again.
func (c *Canceller) SetData(on bool) { c.data = on }

// SetNLP turns the nonlinear processor on, as it is at first, or off: an answer tone
// without phase reversals wants only that (G.164, G.168 clause 7).
func (c *Canceller) SetNLP(on bool) { c.cover.off = !on }

// ERLE returns by how many decibels the filter has lately weakened the echo (G.168 clause
// 3.13), without the nonlinear processor; 0 before it has been able to tell.
func (c *Canceller) ERLE() float64 {
	if c.judge.residue == 0 {
		return 0
	}
	return max(0, 10*math.Log10(float64(c.judge.echo)/float64(c.judge.residue)))
}

// Process takes what was played to the telephone, and takes its echo out of what was
// recorded from the telephone meanwhile. Both have the same length, which may be any and
// may change.
func (c *Canceller) Process(far, near []int16) {
	if c.data {
		return
	}
	for n := 0; len(near) > 0; far, near = far[n:], near[n:] {
		n = min(block-c.at, len(near))
		c.run(far[:n], near[:n])
	}
}

// run takes a part of a block.
func (c *Canceller) run(far, near []int16) {
	if c.at == 0 {
		c.next()
	}
	from, to := c.at, c.at+len(near)
	played := c.far[:order+c.taps+to]
	news := played[order+c.taps+from:]
	c.farDirect.block(news, far)
	c.nearDirect.block(c.near[order+from:order+to], near)
	for i := len(played) - len(news); i < len(played); i++ {
		c.front.far.add(int32(played[i]))
		c.back.far.add(c.back.white.flatten(played[:i+1]))
	}
	for i := from; i < to; i += strip {
		end := min(i+strip, to)
		left := c.left[order+i : order+end]
		c.front.cancel(left, c.near[order+i:order+end], i)
		c.back.learn(c.near[:order+end], c.left[:order+end], i, end-i)
		c.cover.pass(near[i-from:end-from], c.near[order+i:order+end], left, news[i-from:end-from], &c.noise)
	}
	if c.at = to; to == block {
		c.at = 0
		c.decide()
	}
}

// next moves on to another block.
func (c *Canceller) next() {
	copy(c.far, c.far[block:])
	copy(c.near, c.near[block:])
	copy(c.left, c.left[block:])
	c.front.far.next()
	c.back.far.next()
	if c.blocks++; c.blocks&1 == 0 && !c.levels.silent() {
		c.back.whiten(c.far[:order+c.taps])
	}
}

// decide draws the conclusions from a block.
func (c *Canceller) decide() {
	came, left := energy(c.near[order:]), energy(c.left[order:])
	c.levels.add(energy(c.far[order+c.taps:]))
	silent, steady := c.levels.silent(), c.levels.steady()
	if !c.back.still {
		c.judge.compare(&c.front, &c.back, came, left, c.levels.loudest(), steady)
	}
	c.back.begin(silent)
	c.noise.listen(c.left[order:], left, silent)
	c.cover.look(left, c.levels.loudest(), steady, &c.noise)
}

func energy(pcm []int16) (sum uint64) {
	for _, v := range pcm {
		d := int32(v)
		sum += uint64(uint32(d * d))
	}
	return sum
}

func saturate(v int32) int16 { return int16(max(math.MinInt16, min(v, math.MaxInt16))) }
