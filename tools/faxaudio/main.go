// Faxaudio is a fax machine on a stream of samples:
//
//	faxaudio (--send F or --recv F.tif) (--listen ADDR or --connect ADDR) [--fast]
//	         [--ecm 0/1] [--rate N] [--ident S] [--timeout S]
//
// ADDR is HOST:PORT or unix:/PATH. The stream has frames of 20 ms: 320 octets, 160
// samples of 16 bits, little endian, 8000 a second, either way. With --fast the machine writes
// one and reads one, without a clock: the other side is to do so too. Else it keeps real time by
// the frames that come, and is 100 ms ahead of them, so that a network may be between.
//
// It calls if it sends. What it sends may be TIFF, PDF, PNG or JPEG. The last line on standard
// output is JSON: ok, code, text, pages, rate, ecm, ecm_retries, bad_rows, remote_ident.
// The exit status is 0 if ok, 1 if not, and 2 if the command line makes no sense.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"tipring/tools/internal/faxjob"
)

// options are those of the command line.
type options struct {
	faxjob.Options
	listen, connect string
	fast            bool
}

func parse(args []string, help io.Writer) (o options, err error) {
	f := flag.NewFlagSet("faxaudio", flag.ContinueOnError)
	f.SetOutput(help)
	o.Flags(f)
	f.StringVar(&o.listen, "listen", "", "HOST:PORT or unix:/PATH to wait on for the other side")
	f.StringVar(&o.connect, "connect", "", "HOST:PORT or unix:/PATH of the other side")
	f.BoolVar(&o.fast, "fast", false, "write one frame, read one, without a clock")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is not known", f.Arg(0))
	case (o.listen == "") == (o.connect == ""):
		return o, errors.New("want --listen ADDR or --connect ADDR")
	}
	return o, o.Check()
}

func main() { faxjob.Main(run) }

func run(ctx context.Context, args []string, out, notes io.Writer) (status int) {
	return faxjob.Status("faxaudio", func() (faxjob.Report, error) {
		o, err := parse(args, notes)
		if err != nil {
			return faxjob.Report{}, err
		}
		return o.fax(ctx, notes), nil
	}, out, notes)
}
