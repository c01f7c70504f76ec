// Package audio is our audio fax machine as an end of a lock-step call. Its tests hold it
// against spandsp's: pages, pixel by pixel, in every mode and over bad lines.
package audio

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"tipring/t38"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// linger is the silence behind a call, so that the other end hears all that was said.
const linger = lockstep.SampleRate

// A Fax is a t38.Machine that sends or makes a TIFF file. It implements lockstep.PCMEnd.
type Fax struct {
	*t38.Machine

	file   *os.File
	doc    *document.Document
	source *pages.Source
	sink   *pages.Sink

	left   int // of linger
	dcs    float64
	ends   []float64
	closed bool
	err    error
}

// NewFax makes a machine that sends file, or makes it: then it waits for the call unless
// c.Calling says otherwise. The rest of c is up to the caller.
func NewFax(ctx context.Context, c t30.Config, sends bool, file string) (*Fax, error) {
	f := &Fax{left: linger, dcs: -1}
	var err error
	if sends {
		err = f.send(ctx, &c, file)
	} else {
		err = f.receive(&c, file)
	}
	if err != nil {
		return nil, err
	}
	before, page := c.OnState, c.OnPage
	c.OnState = func(now int64, s t30.State) {
		if s == t30.Commanding && f.dcs < 0 {
			f.dcs = float64(now) / t30.SampleRate
		}
		if before != nil {
			before(now, s)
		}
	}
	c.OnPage = func(p t30.Page) {
		if p.Confirmed {
			f.ends = append(f.ends, float64(f.T30.Now())/t30.SampleRate)
		}
		if page != nil {
			page(p)
		}
	}
	t, err := t30.New(c)
	if err != nil {
		return nil, err
	}
	f.Machine = t38.NewMachine(t, t38.DefaultLevel)
	f.Start()
	return f, nil
}

func (f *Fax) send(ctx context.Context, c *t30.Config, file string) (err error) {
	c.Calling = true
	if f.doc, err = document.Open(ctx, file, pdf.Poppler{}); err != nil {
		return err
	}
	f.source = pages.NewSource(ctx, f.doc)
	c.Source = f.source
	return nil
}

func (f *Fax) receive(c *t30.Config, file string) (err error) {
	if f.file, err = os.Create(file); err != nil {
		return err
	}
	f.sink, err = pages.NewSink(f.file)
	c.Sink = f.sink
	return err
}

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
	f.hangUp()
	r := f.T30.Result()
	s := spandsp.Result{
		OK: r.Code == t30.OK, Code: int(r.Code), Text: r.Code.String(), Pages: r.Sent + r.Received, Rate: r.BitRate, ECM: r.ECM,
		ECMRetries: r.Repairs, RemoteIdent: r.Peer.Ident, Coding: r.Format.Coding.String(),
		DCS: f.dcs, Call: time.Duration(f.T30.Now() * int64(time.Second) / t30.SampleRate).Seconds(), PageEnds: f.ends,
	}
	if f.sink != nil {
		s.BadRows = f.sink.BadRows()
	}
	return s, f.err
}

func (f *Fax) hangUp() {
	if f.closed {
		return
	}
	f.closed = true
	f.T30.LineLost()
	if f.source != nil {
		f.source.Close()
		f.err = f.doc.Close()
		return
	}
	if f.sink.Pages() > 0 {
		f.err = f.sink.Close()
	}
	if err := f.file.Close(); f.err == nil {
		f.err = err
	}
	if f.err != nil {
		f.err = fmt.Errorf("received file: %w", f.err)
	}
}
