// Package t38 is our T.38 terminal and our T.38 gateway as ends of a lock-step call, each
// with datagrams of UDPTL. Its tests hold them against spandsp's: pages, pixel by pixel, in
// every mode.
package t38

import (
	"bytes"
	"context"
	"io"

	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// linger is the time behind a call, so that the other end hears all that was said: samples.
const linger = lockstep.SampleRate

// step is how long nothing is asked for within a tick, samples.
const step = lockstep.Tick / 4

// Adaptive leaves the depth of redundancy to what the call meets.
var Adaptive = convey.LinkConfig{Control: convey.Adaptive, Image: convey.Adaptive}

// A Terminal is a convey.Station that sends or makes a TIFF file. It implements
// lockstep.IFPEnd.
type Terminal struct {
	*convey.Station

	job    *faxjob.Job
	left   int // of linger
	dcs    float64
	ends   []float64
	report *faxjob.Report
}

// NewTerminal makes a terminal that does a job; it calls if it sends. change, if it is not
// nil, has the last word on what it may do.
func NewTerminal(ctx context.Context, o faxjob.Options, c convey.LinkConfig, change func(*t30.Config)) (*Terminal, error) {
	e := &Terminal{left: linger, dcs: -1}
	job, err := o.Open(ctx, func(c *t30.Config) {
		c.OnState, c.OnPage = e.state, e.page
		if change != nil {
			change(c)
		}
	})
	if err != nil {
		return nil, err
	}
	e.job, e.Station = job, convey.NewStation(job.T30, c)
	e.Start()
	return e, nil
}

func (e *Terminal) state(now int64, s t30.State) {
	if s == t30.Commanding && e.dcs < 0 {
		e.dcs = seconds(now)
	}
}

func (e *Terminal) page(p t30.Page) {
	if p.Confirmed {
		e.ends = append(e.ends, seconds(e.Now()))
	}
}

func seconds(samples int64) float64 { return float64(samples) / t30.SampleRate }

// Exchange implements lockstep.IFPEnd.
func (e *Terminal) Exchange(in []lockstep.Packet) (out []lockstep.Packet, err error) {
	if e.Done() {
		if e.left -= lockstep.Tick; e.left <= 0 {
			return nil, io.EOF
		}
	}
	for _, p := range in {
		_ = e.Hear(p.Octets) // counted
	}
	for range lockstep.Tick / step {
		e.Advance(step)
		out = said(out, e.Say)
	}
	return out, nil
}

// said adds the datagrams that are due to a list.
func said(list []lockstep.Packet, say func() ([]byte, bool)) []lockstep.Packet {
	for d, ok := say(); ok; d, ok = say() {
		list = append(list, lockstep.Packet{Copies: 1, Octets: bytes.Clone(d)})
	}
	return list
}

// Result hangs up if the call is still on, and says how it went.
func (e *Terminal) Result() (spandsp.Result, error) {
	if e.report == nil {
		r := e.job.Close()
		e.report = &r
	}
	r, met := e.report, e.Link.Counters()
	return spandsp.Result{
		OK: r.OK, Code: int(r.Code), Text: r.Text, Pages: r.Pages, Rate: r.Rate, ECM: r.ECM, ECMRetries: r.ECMRetries,
		BadRows: r.BadRows, RemoteIdent: r.RemoteIdent, Coding: e.T30.Result().Format.Coding.String(),
		DCS: e.dcs, Call: seconds(e.Now()), PageEnds: e.ends,
		Lost: int(met.Lost), Recovered: int(met.Recovered), Malformed: int(met.Malformed) + e.Link.Receiver.Malformed(),
	}, nil
}

// A Gateway is a t38.Gateway as a lockstep.GatewayEnd.
type Gateway struct{ *t38.Gateway }

// NewGateway makes a gateway.
func NewGateway(c convey.LinkConfig) Gateway {
	return Gateway{t38.NewGateway(c, t38.DefaultLevel)}
}

// Exchange implements lockstep.GatewayEnd.
func (g Gateway) Exchange(pcmIn, pcmOut []int16, in []lockstep.Packet) (out []lockstep.Packet, err error) {
	for _, p := range in {
		_ = g.Hear(p.Octets) // counted
	}
	for at := 0; at < len(pcmIn); at += step {
		g.Gateway.Exchange(pcmIn[at:at+step], pcmOut[at:at+step])
		out = said(out, g.Say)
	}
	return out, nil
}
