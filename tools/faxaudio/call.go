package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"tipring/t38"
	"tipring/tools/internal/faxjob"
)

const (
	frame     = 160 // samples
	frameTime = 20 * time.Millisecond

	lead   = 5                // frames that this side is ahead in real time
	linger = 50               // frames behind the call, so that the other side hears all of it
	stall  = 30 * time.Second // of the other side, by the clock, or --timeout if that is shorter
)

// fax does what the options say.
func (o *options) fax(ctx context.Context, notes io.Writer) faxjob.Report {
	job, err := o.Open(ctx, nil)
	if err != nil {
		return faxjob.Failed(err)
	}
	conn, err := o.dial(ctx, notes)
	if err != nil {
		job.Close()
		return faxjob.Failed(err)
	}
	defer conn.Close()
	c := newCall(conn, t38.NewMachine(job.T30, t38.DefaultLevel), min(stall, time.Duration(o.TimeoutS)*time.Second))
	if o.fast {
		err = c.run(ctx, func() {})
	} else {
		err = c.runPaced(ctx)
	}
	report := job.Close()
	report.Explain(err)
	return report
}

// A call is a machine and its stream.
type call struct {
	machine *t38.Machine
	conn    net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	stall   time.Duration

	in, out [frame]int16
	octets  [2 * frame]byte
}

// readAhead has room for what an other side sends that is a second ahead.
const readAhead = 50 * 2 * frame

func newCall(conn net.Conn, m *t38.Machine, stall time.Duration) *call {
	return &call{machine: m, conn: conn, r: bufio.NewReaderSize(conn, readAhead), w: bufio.NewWriter(conn), stall: stall}
}

// runPaced is run by the clock: a frame each 20 ms, but sooner if more wait than this side is
// ahead, for then the other side's clock is the faster one.
func (c *call) runPaced(ctx context.Context) error {
	for range lead {
		if err := c.write(); err != nil {
			return err
		}
	}
	due := time.Now()
	return c.run(ctx, func() {
		due = due.Add(frameTime)
		if c.r.Buffered() > 2*lead*len(c.octets) {
			due = time.Now()
			return
		}
		if late := time.Since(due); late < 0 {
			time.Sleep(-late)
		} else if late > time.Second { // the other side had stopped
			due = time.Now()
		}
	})
}

// run exchanges frames until the machine has ended, and a little longer. pace waits until the
// next is due. An other side that hangs up before the end is an error.
func (c *call) run(ctx context.Context, pace func()) error {
	c.machine.Start()
	for n, left := 0, linger; left > 0; n++ {
		if n%linger == 0 {
			_ = c.conn.SetDeadline(time.Now().Add(c.stall)) // fails as the next read will
		}
		if ctx.Err() != nil {
			c.machine.T30.Stop()
		}
		err := c.exchange()
		switch {
		case c.machine.Done():
			if left--; err != nil {
				return nil
			}
		case err != nil:
			return err
		}
		pace()
	}
	return nil
}

// exchange writes a frame and reads one.
func (c *call) exchange() error {
	if err := c.write(); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.r, c.octets[:]); err != nil {
		return c.explain(err)
	}
	for i := range c.in {
		c.in[i] = int16(binary.LittleEndian.Uint16(c.octets[2*i:]))
	}
	c.machine.Exchange(c.in[:], c.out[:])
	return nil
}

func (c *call) write() error {
	for i, v := range c.out {
		binary.LittleEndian.PutUint16(c.octets[2*i:], uint16(v))
	}
	_, _ = c.w.Write(c.octets[:]) // Flush has the error
	return c.explain(c.w.Flush())
}

// explain says in a user's words why the stream ended.
func (c *call) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the other side did not answer for %v", c.stall)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return errors.New("the other side hung up")
	}
	return err
}
