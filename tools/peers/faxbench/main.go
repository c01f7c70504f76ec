// Command faxbench measures our fax stack beside spandsp, in one run, on the same
// recordings and the same packets, and prints the tables of docs/fax.md. It asserts
// nothing: tests do that.
//
//	go run ./faxbench -only v17-14400,snr -trials 10
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"tipring/tools/peers/spandsp"
)

// A bench is what one run was asked to measure, and with whom.
type bench struct {
	ctx     context.Context
	makers  []maker
	modems  []string
	trials  int
	bits    int // of a trial, V.21 has less
	source  string
	train   string // of the bursts whose errors are counted: long, or long,short
	workers int
}

// parts are the tables there are, in their order.
var parts = []struct {
	name, what string
	print      func(*bench) error
}{
	{"snr", "signal-to-noise ratio in dB at which a receiver does what the column says", printSNR},
	{"axes", "how far a receiver goes along one axis without an error", printAxes},
	{"marks", "trials that pass where a mark of a receiver is: all are to", printMarks},
	{"tones", "what the detectors of tones tell, with noise before, during and after the tone", printTones},
	{"speed", "processor time in ns a sample, best of five", printSpeed},
	{"pages", "page times in seconds from the first DCS to the page's confirmation", printPages},
	{"t38", "T.38 calls between terminals: bandwidth, and calls and pages that survive loss", printT38},
	{"port", "a fax machine on a port, its gateway and a T.38 terminal: bandwidth, and calls and pages that survive a network", printPort},
}

func main() {
	b := &bench{workers: runtime.GOMAXPROCS(0)}
	only := flag.String("only", "", "comma-separated parts ("+partNames()+") and modems or beginnings of their names (v17); empty: all")
	makers := flag.String("makers", "spandsp,tipring", "whose implementations to measure")
	flag.IntVar(&b.trials, "trials", 40, "trials of a point, seeds of a call; part axes has fewer, and port at least 50")
	flag.IntVar(&b.bits, "bits", 50000, "bits of a trial; V.21 has 4000 at most")
	flag.StringVar(&b.source, "source", "spandsp", "whose transmitter makes the recordings: spandsp or tipring")
	flag.StringVar(&b.train, "train", "long", "training before the bits of part snr: long, or with V.17 long,short")
	flag.Parse()
	var stop context.CancelFunc
	b.ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(*only, *makers); err != nil {
		fmt.Fprintln(os.Stderr, "faxbench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(only, makers string) error {
	chosen, err := b.choose(only)
	if err != nil {
		return err
	}
	if b.makers, err = makersNamed(makers); err != nil {
		return err
	}
	for _, p := range parts {
		if !slices.Contains(chosen, p.name) {
			continue
		}
		start := time.Now()
		fmt.Printf("## %s\n\n%s.\n\n", p.name, strings.ToUpper(p.what[:1])+p.what[1:])
		if err := p.print(b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("\n(%d trials, recordings by %s, %.0f s)\n\n", b.trials, b.source, time.Since(start).Seconds())
	}
	return nil
}

func partNames() string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return strings.Join(names, " ")
}

// choose sorts the words of -only into parts and modems; where none is of a kind, all are.
func (b *bench) choose(only string) (chosen []string, err error) {
	for _, word := range strings.FieldsFunc(only, func(r rune) bool { return r == ',' }) {
		before := len(chosen) + len(b.modems)
		for _, p := range parts {
			if p.name == word {
				chosen = append(chosen, word)
			}
		}
		for _, m := range spandsp.Modems {
			if strings.HasPrefix(m, word) {
				b.modems = append(b.modems, m)
			}
		}
		if len(chosen)+len(b.modems) == before {
			return nil, fmt.Errorf("-only %s: no part or modem is called that", word)
		}
	}
	if len(chosen) == 0 {
		for _, p := range parts {
			chosen = append(chosen, p.name)
		}
	}
	if len(b.modems) == 0 {
		b.modems = spandsp.Modems
	}
	return chosen, nil
}

// printRow writes one line of a table.
func printRow(cells ...string) { fmt.Println("| " + strings.Join(cells, " | ") + " |") }

func printHead(cells ...string) {
	printRow(cells...)
	fmt.Println("|" + strings.Repeat(" --- |", len(cells)))
}
