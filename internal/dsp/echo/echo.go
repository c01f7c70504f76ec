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
	mind  mind
	cover cover
	noise background

	farPCM, nearPCM, errPCM []int16 // of the block, and before it the tail and what whitening needs
	at                      int     // samples of the block so far
	taps                    int
}

// New makes a canceller for echo that comes back within tailMS milliseconds, the delays of
// the driver included; beyond MinTailMS or MaxTailMS the nearest of these is taken.
func New(tailMS int) *Canceller {
	taps := min(max(tailMS, MinTailMS), MaxTailMS) * rate
	c := &Canceller{
		taps:    taps,
		farPCM:  make([]int16, taps+order+block),
		nearPCM: make([]int16, order+block),
		errPCM:  make([]int16, order+block),
		front:   front{far: newWindow(taps), taps: make([]int16, taps)},
		back:    back{far: newWindow(taps), taps: make([]int16, taps), fine: make([]int32, taps)},
		mind:    mind{levels: make([]uint64, taps/block+2)},
	}
	c.Reset()
	return c
}

// Reset forgets the echo path, as for another telephone or another call.
func (c *Canceller) Reset() {
	clear(c.farPCM)
	clear(c.nearPCM)
	clear(c.errPCM)
	c.front.reset()
	c.back.reset()
	c.mind.reset()
	c.cover.reset()
	c.noise.reset()
	c.at = 0
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
	if c.mind.left == 0 {
		return 0
	}
	return max(0, 10*math.Log10(float64(c.mind.came)/float64(c.mind.left)))
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
	copy(c.farPCM[c.taps+order+from:], far)
	copy(c.nearPCM[order+from:], near)
	for i := from; i < to; i++ {
		x := c.farPCM[:c.taps+order+i+1]
		c.front.far.add(int32(x[len(x)-1]))
		c.back.far.add(c.back.white.flatten(x))
	}
	for i := from; i < to; i += strip {
		n := min(strip, to-i)
		errs := c.errPCM[order+i : order+i+n]
		c.front.cancel(errs, c.nearPCM[order+i:order+i+n], i)
		c.back.learn(c.nearPCM[:order+i+n], c.errPCM[:order+i+n], i, n)
		c.mind.watch(c.nearPCM[order+i:order+i+n], errs)
		c.cover.pass(near[i-from:i-from+n], errs, far[i-from:i-from+n], &c.noise)
	}
	if c.at = to; to == block {
		c.at = 0
		c.decide()
	}
}

// next moves on to another block.
func (c *Canceller) next() {
	copy(c.farPCM, c.farPCM[block:])
	copy(c.nearPCM, c.nearPCM[block:])
	copy(c.errPCM, c.errPCM[block:])
	c.front.far.next()
	c.back.far.next()
	if c.mind.whitens() {
		c.back.whiten(c.farPCM[:c.taps+order])
	}
}

func saturate(v int32) int16 { return int16(max(math.MinInt16, min(v, math.MaxInt16))) }
