// Faxmodem is the modems and tone detectors of the fax stack on recordings.
//
//	faxmodem rx -m MODEM [--train long,short] FILE.wav
//	faxmodem tx -m MODEM [--train long,short] [--level DBM0] -o OUT.wav BITS.txt [BITS2.txt ...]
//	faxmodem detect FILE.wav
//
// MODEM is v21, v27ter-2400, v27ter-4800, v29-7200, v29-9600, v17-7200, v17-9600, v17-12000
// or v17-14400. A recording is a WAV file of 8000 Hz, 16 bit, mono.
//
// rx writes the bits after training, as the characters 0 and 1, a line for each burst. tx
// makes of each file of such characters a burst, 1 s apart. The words after --train say
// which training the first, second and following bursts have; the last one stands for all
// others. detect writes a line for each tone that is heard: when, in seconds since the
// beginning, and cng, ced, ansam or preamble.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"tipring/t38/modem"
)

const usage = `usage: faxmodem rx -m MODEM [--train long,short] FILE.wav
       faxmodem tx -m MODEM [--train long,short] [--level DBM0] -o OUT.wav BITS.txt [BITS2.txt ...]
       faxmodem detect FILE.wav
`

const defaultDBm0 = -14

var commands = map[string]func(args []string, out io.Writer) error{"rx": rx, "tx": tx, "detect": detect}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "faxmodem:", err)
		var u usageError
		if errors.As(err, &u) {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return usageError("want rx, tx or detect")
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError(fmt.Sprintf("%q: want rx, tx or detect", args[0]))
	}
	return command(args[1:], out)
}

// usageError is a command line that makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

// plan says which bursts have the short training.
type plan []bool

func (p plan) short(burst int) bool { return len(p) > 0 && p[min(burst, len(p)-1)] }

func (p *plan) Set(words string) error {
	*p = nil
	for _, w := range strings.Split(words, ",") {
		if w != "long" && w != "short" {
			return fmt.Errorf("want long and short, with commas between")
		}
		*p = append(*p, w == "short")
	}
	return nil
}

func (p *plan) String() string { return "" }

// options are those of rx and tx.
type options struct {
	mode  modem.Mode
	train plan
	level float64
	out   string
}

// parse takes the options that a command knows off its arguments.
func parse(command string, args []string, sends bool) (o options, files []string, err error) {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	name := f.String("m", "", "")
	f.Var(&o.train, "train", "")
	if sends {
		f.Float64Var(&o.level, "level", defaultDBm0, "")
		f.StringVar(&o.out, "o", "", "")
	}
	if err := f.Parse(args); err != nil {
		return o, nil, usageError(command + ": " + err.Error())
	}
	if o.mode, err = modem.ParseMode(*name); err != nil {
		return o, nil, usageError(fmt.Sprintf("%s: -m: %v", command, err))
	}
	if sends && !(o.level >= -43 && o.level <= 0) {
		return o, nil, usageError(fmt.Sprintf("%s: --level %v: want -43 to 0 dBm0", command, o.level))
	}
	return o, f.Args(), nil
}
