package main

import (
	"context"
	"io"
	"net"
	"time"

	"tipring/t38"
	"tipring/tools/internal/faxjob"
	"tipring/tools/internal/pcm"
)

const (
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

// dial finds the other side.
func (o *options) dial(ctx context.Context, notes io.Writer) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, time.Duration(o.TimeoutS)*time.Second)
	defer stop()
	if o.listen != "" {
		return pcm.Await(ctx, o.listen, notes)
	}
	return pcm.Connect(ctx, o.connect)
}

// A call is a machine and its stream.
type call struct {
	*pcm.Stream
	machine *t38.Machine
}

func newCall(conn net.Conn, m *t38.Machine, stall time.Duration) *call {
	return &call{pcm.New(conn, stall), m}
}

// runPaced is run by the clock.
func (c *call) runPaced(ctx context.Context) error {
	if err := c.Lead(); err != nil {
		return err
	}
	return c.run(ctx, c.NewPacer().Wait)
}

// run exchanges frames until the machine has ended, and a little longer. pace waits until the
// next is due. An other side that hangs up before the end is an error.
func (c *call) run(ctx context.Context, pace func()) error {
	c.machine.Start()
	for left := linger; left > 0; {
		if ctx.Err() != nil {
			c.machine.T30.Stop()
		}
		err := c.Exchange(c.machine.Exchange)
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
