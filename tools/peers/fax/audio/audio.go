// Package audio is our audio fax machine as an end of a lock-step call. Its tests hold it
// against spandsp's: pages, pixel by pixel, in every mode and over bad lines.
package audio

import (
	"context"
	"io"

	"tipring/t38"
	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// linger is the silence behind a call, so that the other end hears all that was said.
const linger = lockstep.SampleRate

// A Fax is a t38.Machine that sends or makes a TIFF file. It implements lockstep.PCMEnd.
type Fax struct {
	*t38.Machine

	job    *faxjob.Job
	report faxjob.Report
	closed bool
	left   int       // of linger
	dcs    float64   // seconds until the first DCS; -1: none
	ends   []float64 // and until each page was confirmed
}

// NewFax makes a machine of options. change has the last word on what it may do; nil: none.
func NewFax(ctx context.Context, o faxjob.Options, change func(*t30.Config)) (*Fax, error) {
	f := &Fax{left: linger, dcs: -1}
	var err error
	f.job, err = o.Open(ctx, func(c *t30.Config) {
		if change != nil {
			change(c)
		}
		f.watch(c)
	})
	if err != nil {
		return nil, err
	}
	f.Machine = t38.NewMachine(f.job.T30, t38.DefaultLevel)
	f.Start()
	return f, nil
}

// watch notes when things happen.
func (f *Fax) watch(c *t30.Config) {
	state, page := c.OnState, c.OnPage
	c.OnState = func(now int64, s t30.State) {
		if s == t30.Commanding && f.dcs < 0 {
			f.dcs = seconds(now)
		}
		if state != nil {
			state(now, s)
		}
	}
	c.OnPage = func(p t30.Page) {
		if p.Confirmed {
			f.ends = append(f.ends, seconds(f.T30.Now()))
		}
		if page != nil {
			page(p)
		}
	}
}

func seconds(samples int64) float64 { return float64(samples) / t30.SampleRate }

// Exchange implements lockstep.PCMEnd.
func (f *Fax) Exchange(in, out []int16) error {
	if f.Done() {
		if f.left -= len(in); f.left <= 0 {
			return io.EOF
		}
	}
	f.Machine.Exchange(in, out)
	return nil
}

// Result hangs up if the call is still on, and says how it went.
func (f *Fax) Result() (spandsp.Result, error) {
	if !f.closed {
		f.closed, f.report = true, f.job.Close()
	}
	r := f.report
	return spandsp.Result{
		OK: r.OK, Code: int(r.Code), Text: r.Text, Pages: r.Pages, Rate: r.Rate, ECM: r.ECM, ECMRetries: r.ECMRetries,
		BadRows: r.BadRows, RemoteIdent: r.RemoteIdent, Coding: f.T30.Result().Format.Coding.String(),
		DCS: f.dcs, Call: seconds(f.T30.Now()), PageEnds: f.ends,
	}, nil
}
