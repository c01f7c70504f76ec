// T38dump tells what was said in the T.38 fax calls of a packet capture.
//
//	t38dump [-port N] [-all] FILE
//
// It finds the calls by what their datagrams look like, or takes those of a UDP port as
// such. For each call it writes a line for every indicator, every T.30 frame with its
// parameters in words, every run of image data and every packet that was lost; with
// -all one for every IFP packet and every datagram that came again, too:
//
//	SECONDS DIRECTION SEQUENCE WHAT
//
// "+" behind the number marks a packet that came only as redundancy of a later one. At
// the end it counts for each direction what the network did.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	port := flag.Uint("port", 0, "the UDP port of the calls; 0: find them")
	all := flag.Bool("all", false, "write a line for every packet")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: t38dump [-port N] [-all] FILE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || *port > 65535 {
		flag.Usage()
		os.Exit(2)
	}
	if err := dump(flag.Arg(0), uint16(*port), *all); err != nil {
		fmt.Fprintf(os.Stderr, "t38dump: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func dump(name string, port uint16, all bool) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out := bufio.NewWriter(os.Stdout)
	err = write(out, in, port, all)
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return err
}

// write reads a capture and writes its calls. What can be read of a capture that is cut
// off is written before the error is returned.
func write(out io.Writer, in io.Reader, port uint16, all bool) error {
	calls, err := read(in, port)
	if len(calls) == 0 && err == nil {
		fmt.Fprintln(out, "no T.38 in this capture")
	}
	for _, c := range calls {
		c.write(out, all)
	}
	return err
}
