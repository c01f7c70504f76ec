package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"tipring/lines/fxs"
)

// card is one connection of a line card.
type card struct {
	driver *Driver
	conn   net.Conn
	frames *Reader
	pcm    []int16
	out    []byte
	until  time.Time // the next samples must have come by then
	graced bool      // that has been put off, see grace
	ended  sync.Once
}

// graceTime is what a deadline is put off by that this process may have slept through.
const graceTime = 100 * time.Millisecond

var errSilent = errors.New("no samples for too long")

// Read returns what the card says next. It is called by the port's owner, who so sleeps
// in the kernel until the very frame comes, or until Wake.
func (c *card) Read() ([]int16, fxs.Loop, error) {
	for {
		t, payload, err := c.frames.Next()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if time.Now().Before(c.until) {
				return nil, fxs.LoopSame, c.woken()
			}
			if c.grace() {
				continue
			}
			err = errSilent
		}
		if err != nil {
			return nil, fxs.LoopSame, c.fail(err)
		}
		switch t {
		case Audio:
			c.pcm = Samples(c.pcm, payload)
			if err := c.live(); err != nil {
				return nil, fxs.LoopSame, c.fail(err)
			}
			return c.pcm, fxs.LoopSame, nil
		case Hook, Pulse:
			loop, err := loopOf(t, payload[0])
			if err != nil {
				return nil, fxs.LoopSame, c.fail(err)
			}
			return nil, loop, nil
		}
		// A second HELLO, or what only an agent says, is no harm.
	}
}

// live grants the card the time for its next samples, and for taking the answer.
func (c *card) live() error {
	c.until, c.graced = time.Now().Add(c.driver.audioTime), false
	return c.conn.SetDeadline(c.until)
}

// grace puts the deadline off, once: where it was this process that had no time, the card is not
// to blame, and its samples have come long ago.
func (c *card) grace() bool {
	if c.graced {
		return false
	}
	c.until, c.graced = time.Now().Add(graceTime), true
	return c.conn.SetReadDeadline(c.until) == nil
}

// woken puts the deadline back that Wake took away.
func (c *card) woken() error {
	if err := c.conn.SetReadDeadline(c.until); err != nil {
		return c.fail(err)
	}
	return nil
}

func loopOf(t Type, value byte) (fxs.Loop, error) {
	switch {
	case t == Pulse && value <= 9:
		return fxs.LoopPulses(value), nil
	case t == Hook && value == 0:
		return fxs.LoopOpen, nil
	case t == Hook && value == 1:
		return fxs.LoopClosed, nil
	case t == Hook && value == 2:
		return fxs.LoopFlash, nil
	}
	return fxs.LoopSame, fmt.Errorf("%v of %d", t, value)
}

func (c *card) Write(pcm []int16) error {
	c.out = AppendAudio(c.out[:0], pcm)
	return c.send()
}

func (c *card) Ring(on bool) error          { return c.tell(Ring, on) }
func (c *card) Reverse(reversed bool) error { return c.tell(Polarity, reversed) }
func (c *card) Lamp(on bool) error          { return c.tell(Lamp, on) }
func (c *card) Power(on bool) error         { return c.tell(Power, on) }

func (c *card) tell(t Type, on bool) error {
	value := byte(0)
	if on {
		value = 1
	}
	c.out = Append(c.out[:0], t, value)
	return c.send()
}

func (c *card) send() error {
	n, err := c.conn.Write(c.out)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.conn.SetWriteDeadline(time.Now().Add(graceTime)) == nil {
		_, err = c.conn.Write(c.out[n:])
	}
	if err != nil {
		return c.fail(err)
	}
	return nil
}

// Wake ends a Read that waits for samples, by a deadline that is over: what a call wants of
// the telephone, its bell above all, need not wait for the next frame. Should Read put its own
// deadline over this one, then because samples came, with which it returns as well.
func (c *card) Wake() {
	_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed has no Read to end
}

// Close ends the connection at the owner's wish.
func (c *card) Close() error {
	c.end("closed")
	return nil
}

// fail ends the connection for a reason.
func (c *card) fail(err error) error {
	c.end(err.Error())
	return err
}

func (c *card) end(reason string) {
	c.ended.Do(func() {
		c.driver.log.Info("line card gone", "reason", reason)
		c.driver.release(c.conn)
	})
}
