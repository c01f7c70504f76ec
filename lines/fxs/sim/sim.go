// Package sim is a telephone without hardware. A Telephone is lifted, dials, speaks,
// listens and recognises tones in the time of its own samples. It can be plugged in
// twice: a Driver is one inside the agent (driver = sim), which does nothing until told
// and answers calls as its rule says; a Phone connects to a line-card socket as the
// program of a real card would (lines/fxs/socket), for tests, benchmarks and the demo.
package sim

import (
	"sync"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// Driver is a port with a telephone of its own.
type Driver struct {
	Telephone
	frame int
	pace  Pace

	cards  chan fxs.Card
	wake   chan struct{} // holds one token
	closed chan struct{}
	close  sync.Once
	work   sync.WaitGroup
}

var _ fxs.Driver = (*Driver)(nil)

// Pace is how a telephone's time passes.
type Pace uint8

const (
	RealTime Pace = iota // as fast as on a wall
	Fast                 // only while somebody waits for it, and then as fast as can be: for when nothing else is real
)

// Config is a simulated telephone.
type Config struct {
	Country *fxs.Country // whose tones it knows
	Answer  Answer
	Pace    Pace
	Frame   int // samples; 160 when 0
}

const defaultFrame = 160

// New makes a telephone that is on-hook.
func New(cfg Config) *Driver {
	d := &Driver{
		frame: cfg.Frame, pace: cfg.Pace,
		cards: make(chan fxs.Card), wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	if d.frame == 0 {
		d.frame = defaultFrame
	}
	d.init(cfg.Country)
	d.set.answer = cfg.Answer
	d.nudge = d.stir
	d.work.Add(1)
	go d.offer()
	return d
}

// Cards delivers the telephone, and again after it was closed.
func (d *Driver) Cards() <-chan fxs.Card { return d.cards }

// Close ends the driver.
func (d *Driver) Close() error {
	d.close.Do(func() {
		close(d.closed)
		d.work.Wait()
		close(d.cards)
		d.unplug(ErrUnplugged)
	})
	return nil
}

// offer hands the card out, one at a time.
func (d *Driver) offer() {
	defer d.work.Done()
	for {
		c := &card{driver: d, ended: make(chan struct{}), pcm: make([]int16, max(d.frame, idleFrame))}
		select {
		case d.cards <- c:
		case <-d.closed:
			return
		}
		select {
		case <-c.ended:
		case <-d.closed:
			return
		}
	}
}

// stir ends the wait of whoever waits for the next frame.
func (d *Driver) stir() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// card is the telephone as the port's owner has it.
type card struct {
	driver *Driver
	ended  chan struct{}
	close  sync.Once
	due    time.Time // when the last frame was over, in real time
	pcm    []int16
}

// A telephone that nobody has used for a while takes its time in long frames, so that it
// wakes the machine five times a second and not fifty. It can fall so far behind the
// clock before it gives up catching up.
const (
	idleAfter = 60 * dsp.SampleRate
	idleFrame = 1600
	hopeless  = time.Second
)

// Read waits until a frame's time has passed and returns what was said in it.
func (c *card) Read() ([]int16, fxs.Loop, error) {
	loop, n := fxs.LoopSame, c.driver.frame
	c.driver.with(func(h *handset) {
		if loop = h.loop(); h.now-h.active > idleAfter {
			n = idleFrame
		}
	})
	if loop != fxs.LoopSame {
		return nil, loop, nil
	}
	if passed, err := c.pass(n); !passed || err != nil {
		return nil, fxs.LoopSame, err
	}
	c.driver.with(func(h *handset) { h.say(c.pcm[:n]) })
	return c.pcm[:n], fxs.LoopSame, nil
}

// pass waits for the end of a frame of n samples. It reports false if something else
// happened before.
func (c *card) pass(n int) (passed bool, err error) {
	select {
	case <-c.ended:
		return false, ErrUnplugged
	default:
	}
	var over <-chan time.Time
	due := c.due
	switch {
	case c.driver.pace == RealTime:
		now := time.Now()
		if due = due.Add(time.Duration(n) * time.Second / dsp.SampleRate); now.Sub(due) > hopeless {
			due = now
		}
		timer := time.NewTimer(due.Sub(now))
		defer timer.Stop()
		over = timer.C
	case c.driver.awaited():
		return true, nil
	}
	select {
	case <-over:
		c.due = due
		return true, nil
	case <-c.driver.wake:
		return false, nil
	case <-c.driver.closed:
	case <-c.ended:
	}
	return false, ErrUnplugged
}

// Write is what the telephone hears.
func (c *card) Write(pcm []int16) error {
	c.driver.with(func(h *handset) { h.hear(pcm) })
	return nil
}

// Ring and the others are what the port does with the line.
func (c *card) Ring(on bool) error { return c.change(func(h *handset) { h.ring(on) }) }
func (c *card) Reverse(on bool) error {
	return c.change(func(h *handset) { h.reversed = on })
}
func (c *card) Lamp(on bool) error  { return c.change(func(h *handset) { h.lamp = on }) }
func (c *card) Power(on bool) error { return c.change(func(h *handset) { h.unpowered = !on }) }

func (c *card) change(f func(h *handset)) error {
	c.driver.with(f)
	return nil
}

// Wake ends a Read that waits.
func (c *card) Wake() { c.driver.stir() }

// Close gives the telephone back; it can be had again from Cards.
func (c *card) Close() error {
	c.close.Do(func() {
		c.driver.with(func(h *handset) { h.unplugged() })
		close(c.ended)
	})
	return nil
}
