package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"tipring/t38/convey"
	"tipring/t38/modem"
	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
	"tipring/tools/peers/fax/audio"
	"tipring/tools/peers/fax/t38"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// A maker is one of the implementations that are compared.
type maker struct {
	name   string
	listen func(ctx context.Context, modem, train string) (ears, error)
	speed  func(modem string) (spandsp.Speed, error)

	// detect makes ears that return the tones of a recording: "SECONDS NAME"; nil where
	// there are none.
	detect func(ctx context.Context) (ears, error)

	// fax makes an audio fax machine, terminal a T.38 terminal on UDPTL; nil where there
	// is none.
	fax      func(ctx context.Context, o order) (faxEnd, error)
	terminal func(ctx context.Context, o order) (t38End, error)
}

// An order is what a machine is to do.
type order struct {
	mode  mode
	sends bool
	file  string     // TIFF to send or to make
	guard correction // of a T.38 terminal
}

// A faxEnd is a fax machine in a call; Result is complete once it has hung up.
type faxEnd interface {
	lockstep.PCMEnd
	Result() (spandsp.Result, error)
}

// A t38End is a T.38 terminal in a call.
type t38End interface {
	lockstep.IFPEnd
	Result() (spandsp.Result, error)
}

// ears are a receiver that hears one recording after the other, each as if it were the
// first, and returns the bits of each burst as a string of 0 and 1.
type ears interface {
	Hear(samples []int16) ([]string, error)
	Close() error
}

var makers = []maker{
	{name: "spandsp", listen: listenSpandsp, speed: spandsp.Bench, detect: detectSpandsp, fax: faxSpandsp, terminal: terminalSpandsp},
	{name: "tipring", listen: listenTipring, speed: speedTipring, detect: detectTipring, fax: faxTipring, terminal: terminalTipring},
}

func makersNamed(list string) ([]maker, error) {
	var found []maker
	for _, name := range strings.Split(list, ",") {
		before := len(found)
		for _, m := range makers {
			if m.name == name {
				found = append(found, m)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("-makers %s: want spandsp and tipring", list)
		}
	}
	return found, nil
}

func listenSpandsp(ctx context.Context, modem, train string) (ears, error) {
	return spandsp.StartReceiver(ctx, modem, train)
}

func detectSpandsp(ctx context.Context) (ears, error) { return spandsp.StartDetector(ctx) }

// options are an order's as the programs of tools/spandsp take them.
func (o order) options() []string {
	list := []string{"--ecm", "0", "--coding", o.mode.coding, "--rate", strconv.Itoa(o.mode.rate)}
	if o.mode.ecm {
		list[1] = "1"
	}
	if o.sends {
		return append(list, "--send", o.file)
	}
	return append(list, "--recv", o.file)
}

func faxSpandsp(ctx context.Context, o order) (faxEnd, error) {
	return spandsp.StartFax(ctx, o.options()...)
}

func faxTipring(ctx context.Context, o order) (faxEnd, error) {
	return audio.NewFax(ctx, o.job(), o.limit)
}

func terminalSpandsp(ctx context.Context, o order) (t38End, error) {
	list := append(o.options(), "--wire", "udptl")
	if o.guard.span > 0 {
		list = append(list, "--fec", fmt.Sprintf("%d,%d", o.guard.span, o.guard.entries))
	}
	depth := strconv.Itoa(o.guard.secondaries)
	return spandsp.StartTerminal(ctx, append(list, "--redundancy-control", depth, "--redundancy-image", depth)...)
}

// job is an order as our machines take it.
func (o order) job() faxjob.Options {
	j := faxjob.Options{Rate: o.mode.rate, TimeoutS: int(callLimit.Seconds())}
	if o.mode.ecm {
		j.ECM = 1
	}
	if o.sends {
		j.Send = o.file
	} else {
		j.Recv = o.file
	}
	return j
}

// limit keeps our machine from a better coding than was ordered.
func (o order) limit(c *t30.Config) {
	switch o.mode.coding {
	case "mh":
		c.Codings = t30.Codings(t30.MH)
	case "mr":
		c.Codings = t30.Codings(t30.MR)
	}
}

func terminalTipring(ctx context.Context, o order) (t38End, error) {
	g := o.guard
	link := convey.LinkConfig{Control: g.secondaries, Image: g.secondaries, Span: g.span, Entries: g.entries}
	return t38.NewTerminal(ctx, o.job(), link, o.limit)
}

// tipringEars is our receiver, restarted for each burst as a fax machine does.
type tipringEars struct {
	mode  modem.Mode
	train []string
	lines []string
	open  *strings.Builder // the burst that is being heard
	ended bool
}

func listenTipring(_ context.Context, name, train string) (ears, error) {
	mode, err := modem.ParseMode(name)
	return &tipringEars{mode: mode, train: strings.Split(train, ",")}, err
}

func (e *tipringEars) Close() error { return nil }

// Hear is faxmodem rx.
func (e *tipringEars) Hear(samples []int16) ([]string, error) {
	e.lines, e.open, e.ended = nil, nil, false
	r := modem.NewReceiver()
	r.Start(e.mode, e.short(), e)
	for at := 0; at < len(samples); at += 160 {
		r.Feed(samples[at:min(at+160, len(samples))])
		if e.ended {
			e.ended = false
			r.Start(e.mode, e.short(), e)
		}
	}
	e.endBurst()
	return e.lines, nil
}

// short says whether the next burst is to have the short training.
func (e *tipringEars) short() bool {
	return e.train[min(len(e.lines), len(e.train)-1)] == "short"
}

// PutBit implements modem.BitSink.
func (e *tipringEars) PutBit(bit int) {
	if e.open != nil {
		e.open.WriteByte('0' + byte(bit))
	}
}

// Status implements modem.BitSink.
func (e *tipringEars) Status(s modem.Status) {
	switch s {
	case modem.TrainingSucceeded:
		e.open = &strings.Builder{}
	case modem.CarrierDown:
		e.endBurst()
		e.ended = true
	}
}

func (e *tipringEars) endBurst() {
	if e.open != nil && e.open.Len() > 0 {
		e.lines = append(e.lines, e.open.String())
	}
	e.open = nil
}
