// Faxbench measures what the modems of t38/modem survive: for each modem the
// signal-to-noise ratios at which it trains, at which the error rate falls to 1e-3, 1e-4
// and 1e-5 and at which every trial is free of errors, over a good line and bad ones, or
// with -axis how far one impairment may go.
//
//	faxbench [-m MODEM,...] [-trials N] [-bits N] [-lines clean,ulaw,...] [-axis NAME]
//
// The ratio is that of the burst's power to that of white noise from 0 to 4000 Hz.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"tipring/internal/dsp/line"
	"tipring/t38/modem"
)

// lines are the conditions of a table, by name.
var lines = []struct {
	name  string
	model line.Model
}{
	{"clean", line.Model{}},
	{"ulaw", line.Model{Law: line.ULaw}},
	{"200ppm", line.Model{SkewPPM: 200}},
	{"-200ppm", line.Model{SkewPPM: -200}},
	{"7Hz", line.Model{OffsetHz: 7}},
	{"band", line.Model{Band: true}},
	{"all", line.Model{Law: line.ULaw, SkewPPM: 200, OffsetHz: -7, Band: true}},
}

func main() {
	names := flag.String("m", "", "modems, separated by commas; all but v21 if empty")
	trials := flag.Int("trials", 10, "bursts a point")
	bits := flag.Int("bits", 50000, "bits a burst")
	on := flag.String("lines", "clean,ulaw,200ppm,7Hz,all", "lines to measure on")
	axis := flag.String("axis", "", "measure one impairment instead: "+axisNames())
	snr := flag.Float64("snr", 30, "signal-to-noise ratio for -axis, dB")
	level := flag.Float64("level", -14, "level of the sender, dBm0")
	short := flag.Bool("short", false, "short training, after a long one")
	flag.Parse()
	modes, err := parseModes(*names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "faxbench:", err)
		os.Exit(2)
	}
	for _, m := range modes {
		t := trial{mode: m, dBm0: *level, bits: *bits, short: *short}
		if *axis != "" {
			measureAxis(t, *axis, *snr, *trials)
			continue
		}
		for _, l := range lines {
			if strings.Contains(","+*on+",", ","+l.name+",") {
				t.model = l.model
				measureSNR(t, l.name, *trials)
			}
		}
	}
}

func parseModes(names string) ([]modem.Mode, error) {
	if names == "" {
		return modem.Modes()[1:], nil
	}
	var modes []modem.Mode
	for _, n := range strings.Split(names, ",") {
		m, err := modem.ParseMode(n)
		if err != nil {
			return nil, err
		}
		modes = append(modes, m)
	}
	return modes, nil
}
