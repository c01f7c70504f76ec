// Faxgw is a T.38 gateway between a stream of samples and UDPTL, in real time:
//
//	faxgw --listen ADDR --lport N --remote HOST:PORT
//	      [--redundancy-control N] [--redundancy-image N] [--speed N]
//
// ADDR is HOST:PORT or unix:/PATH, where a fax machine connects whose frames are those of
// faxaudio. Without the options of redundancy it sends as many secondaries as what it meets
// calls for. A call of faxaudio --fast and of faxt38 may be faster than real time: --speed at all
// programs of it. Datagrams of others than the remote are not taken. It ends when the fax machine
// hangs up: with status 0, with 1 if the machine fails otherwise, and 2 if the command line makes
// no sense.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tipring/t38"
	"tipring/t38/convey"
	"tipring/tools/internal/pcm"
	"tipring/tools/internal/udpline"
)

const (
	linger = 50               // frames behind the machine's end, for what is still to be said
	stall  = 30 * time.Second // of the machine
)

// options are those of the command line.
type options struct {
	listen string
	net    udpline.Options
}

func parse(args []string, help io.Writer) (o options, err error) {
	f := flag.NewFlagSet("faxgw", flag.ContinueOnError)
	f.SetOutput(help)
	f.StringVar(&o.listen, "listen", "", "HOST:PORT or unix:/PATH to wait on for the fax machine")
	o.net.Flags(f)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is not known", f.Arg(0))
	case o.listen == "":
		return o, errors.New("want --listen ADDR")
	}
	return o, o.net.Check()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, notes io.Writer) (status int) {
	o, err := parse(args, notes)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil:
		status = 2
	default:
		if err = o.carry(ctx, notes); err != nil {
			status = 1
		}
	}
	if err != nil {
		fmt.Fprintln(notes, "faxgw:", err)
	}
	return status
}

// carry is the gateway's life: one call.
func (o *options) carry(ctx context.Context, notes io.Writer) error {
	socket, err := o.net.Open(ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }() // it has no capture
	conn, err := pcm.Await(ctx, o.listen, notes)
	if err != nil {
		return err
	}
	defer conn.Close()
	link := convey.LinkConfig{Control: o.net.Control, Image: o.net.Image, Alive: convey.KeepAlive}
	w := &work{gateway: t38.NewGateway(link, t38.DefaultLevel), socket: socket, frame: pcm.FrameTime / time.Duration(o.net.Speed)}
	if err := w.until(ctx, pcm.New(conn, stall)); !errors.Is(err, pcm.ErrHungUp) {
		return err
	}
	w.finish()
	return nil
}

// until works until the call ends, which is an error in any case.
func (w *work) until(ctx context.Context, s *pcm.Stream) error {
	if err := s.Lead(); err != nil {
		return err
	}
	p := s.NewPacer()
	p.Every = w.frame
	for ctx.Err() == nil {
		if err := s.Exchange(w.exchange); err != nil {
			return err
		}
		p.Wait()
	}
	return ctx.Err()
}

// work is a gateway between two frames and the datagrams of the same time.
type work struct {
	gateway *t38.Gateway
	socket  *udpline.Socket
	frame   time.Duration // of a frame
}

// step is how long nothing is sent, samples.
const step = pcm.Frame / 4

func (w *work) exchange(in, out []int16) {
	w.hear()
	for at := 0; at < len(in); at += step {
		w.gateway.Exchange(in[at:at+step], out[at:at+step])
		for d, ok := w.gateway.Say(); ok; d, ok = w.gateway.Say() {
			w.socket.Send(d)
		}
	}
}

func (w *work) hear() {
	for {
		select {
		case d := <-w.socket.Datagrams:
			_ = w.gateway.Hear(d) // one that is malformed is dropped
		default:
			return
		}
	}
}

// finish lets the network hear what the machine said last.
func (w *work) finish() {
	var in, out [pcm.Frame]int16
	for range linger {
		w.exchange(in[:], out[:])
		time.Sleep(w.frame)
	}
}
