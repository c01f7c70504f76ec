// Faxt38 is a T.38 terminal on UDPTL, in real time:
//
//	faxt38 (--send F or --recv F.tif) --lport N --remote HOST:PORT
//	       [--redundancy-control N] [--redundancy-image N] [--fec SPAN,ENTRIES] [--version 0/3]
//	       [--seq0 N] [--ecm 0/1] [--rate N] [--ident S] [--timeout S] [--pcap F] [--speed N]
//
// It calls if it sends. Without --redundancy-control, --redundancy-image and --fec it
// sends as many secondaries as what it meets calls for. Datagrams of others than the remote
// are not taken. With --speed at both sides the call is faster than real time. The last line on standard output is JSON: ok, code, text, pages, rate, ecm,
// ecm_retries, bad_rows, remote_ident. The exit status is 0 if ok, 1 if not, and 2 if the
// command line makes no sense.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tipring/t38/convey"
	"tipring/t38/udptl"
	"tipring/tools/internal/faxjob"
	"tipring/tools/internal/udpline"
)

// options are those of the command line.
type options struct {
	job     faxjob.Options
	net     udpline.Options
	link    convey.LinkConfig
	capture string
}

func parse(args []string, help io.Writer) (o options, err error) {
	f := flag.NewFlagSet("faxt38", flag.ContinueOnError)
	f.SetOutput(help)
	o.job.Flags(f)
	o.net.Flags(f)
	fec := f.String("fec", "", "parity instead of secondaries: SPAN,ENTRIES, with a product of at most 31")
	seq0 := f.Uint("seq0", 0, "sequence number to begin with: 0 to 65535")
	f.IntVar(&o.link.Version, "version", 0, "of T.38: 0 or 3")
	f.StringVar(&o.capture, "pcap", "", "the file to capture datagrams in")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is not known", f.Arg(0))
	case o.link.Version != 0 && o.link.Version != 3:
		return o, fmt.Errorf("--version %d: want 0 or 3", o.link.Version)
	case *seq0 > 65535:
		return o, fmt.Errorf("--seq0 %d: want 0 to 65535", *seq0)
	}
	if err := o.parity(*fec); err != nil {
		return o, err
	}
	o.link.First, o.link.Control, o.link.Image, o.link.Alive = uint16(*seq0), o.net.Control, o.net.Image, convey.KeepAlive
	if err := o.job.Check(); err != nil {
		return o, err
	}
	return o, o.net.Check()
}

func (o *options) parity(words string) error {
	if words == "" {
		return nil
	}
	span, entries, _ := strings.Cut(words, ",")
	var bad [2]error
	o.link.Span, bad[0] = strconv.Atoi(span)
	o.link.Entries, bad[1] = strconv.Atoi(entries)
	if s, e := o.link.Span, o.link.Entries; errors.Join(bad[:]...) != nil || s < 1 || e < 1 || s > udptl.MaxParity || s*e > udptl.MaxParity {
		return fmt.Errorf("--fec %s: want SPAN,ENTRIES, each at least 1, with a product of at most %d", words, udptl.MaxParity)
	}
	return nil
}

func main() { faxjob.Main(run) }

func run(ctx context.Context, args []string, out, notes io.Writer) (status int) {
	return faxjob.Status("faxt38", func() (faxjob.Report, error) {
		o, err := parse(args, notes)
		if err != nil {
			return faxjob.Report{}, err
		}
		return o.call(ctx, notes), nil
	}, out, notes)
}
