package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
	"tipring/tools/internal/udpline"
)

// linger is the time behind the call, so that what was lost of its end is said again: samples.
const linger = t30.SampleRate

// call does what the options say.
func (o *options) call(ctx context.Context, notes io.Writer) faxjob.Report {
	job, err := o.job.Open(ctx, nil)
	if err != nil {
		return faxjob.Failed(err)
	}
	socket, err := o.net.Open(ctx, o.capture)
	if err != nil {
		job.Close()
		return faxjob.Failed(err)
	}
	c := call{station: convey.NewStation(job.T30, o.link), socket: socket, rate: time.Duration(t30.SampleRate * o.net.Speed)}
	c.run(ctx)
	if err := socket.Close(); err != nil {
		fmt.Fprintln(notes, "faxt38: --pcap:", err)
	}
	return job.Close()
}

// A call is a station and its socket.
type call struct {
	station *convey.Station
	socket  *udpline.Socket
	rate    time.Duration // samples a second
	began   time.Time
}

// run lets the call happen. When ctx ends the terminal says DCN, if it can.
func (c *call) run(ctx context.Context) {
	c.began = time.Now()
	c.station.Start()
	stopped := ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ended := int64(-1); ended < 0 || c.now() < ended+linger; {
		c.advance()
		if c.station.Done() && ended < 0 {
			ended = c.now()
		}
		timer.Reset(c.wait())
		select {
		case <-timer.C:
		case d := <-c.socket.Datagrams:
			c.advance()
			_ = c.station.Hear(d) // one that is malformed is dropped
		case <-stopped:
			stopped = nil
			c.station.T30.Stop()
		}
	}
}

// now is the clock's time, samples.
func (c *call) now() int64 { return int64(time.Since(c.began) * c.rate / time.Second) }

// advance brings the station up to the clock, and sends what is due on the way.
func (c *call) advance() {
	now := c.now()
	for {
		c.say()
		left := now - c.station.Now()
		if left <= 0 {
			return
		}
		if at, ok := c.station.Deadline(); ok {
			left = min(left, max(at, 1))
		}
		c.station.Advance(int(left))
	}
}

func (c *call) say() {
	for d, ok := c.station.Say(); ok; d, ok = c.station.Say() {
		c.socket.Send(d)
	}
}

// wait is how long nothing is due.
func (c *call) wait() time.Duration {
	samples, ok := c.station.Deadline()
	if !ok || samples > linger {
		samples = linger
	}
	at := c.began.Add(time.Duration(c.station.Now()+samples+1) * time.Second / c.rate)
	return max(time.Until(at), 0)
}
