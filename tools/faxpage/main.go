// Faxpage makes test pages, turns documents into fax pages, and compares TIFF files pel
// by pel:
//
//	faxpage make -o F.tif [-kind text] [-pages 1] [-paper a4] [-resolution fine] [-coding mmr] …
//	faxpage convert -o F.tif|F.pdf|F.png [-page N] [-header TEXT] … DOCUMENT
//	faxpage compare A.tif B.tif
//
// Compare prints a line for each page that differs. The exit status is 0 if all went well, 1 if
// not or if pages differ, and 2 if the command line makes no sense.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"tipring/t38/t4"
	"tipring/t38/t4/testpage"
)

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, errDiffer) && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "faxpage:", err)
	}
	os.Exit(status(err))
}

// A usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// status is the exit status.
func status(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(usageError)):
		return 2
	}
	return 1
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return usageError{errors.New("want make, convert or compare")}
	}
	switch args[0] {
	case "make":
		return makePages(args[1:])
	case "convert":
		return convert(ctx, args[1:])
	case "compare":
		if len(args) != 3 {
			return usageError{errors.New("compare: want two TIFF files")}
		}
		return compare(out, args[1], args[2])
	}
	return usageError{fmt.Errorf("%s: want make, convert or compare", args[0])}
}

// parse reads the options of a command, and how pages are to be.
func (s *style) parse(f *flag.FlagSet, args []string) (format, error) {
	if err := f.Parse(args); err != nil {
		return format{}, usageError{err}
	}
	how, err := s.format()
	if err != nil {
		return how, usageError{err}
	}
	return how, nil
}

// style is what pages are like, and how they are written.
type style struct {
	output, paper, resolution, coding, order string
	columns, rows, k, strip                  int
	align                                    bool
}

func (s *style) flags(f *flag.FlagSet) {
	f.StringVar(&s.output, "o", "", "the `file` to write")
	f.StringVar(&s.paper, "paper", "a4", "a4, b4, a3, letter or legal")
	f.StringVar(&s.resolution, "resolution", "fine", "standard, fine, superfine, 300 or r16")
	f.IntVar(&s.columns, "columns", 0, "pels in a row; 0: those of the paper")
	f.IntVar(&s.rows, "rows", 0, "rows of a page, or the most of one that is converted; 0: those of the paper, or any number")
	f.StringVar(&s.coding, "coding", "mmr", "mh, mr or mmr")
	f.IntVar(&s.k, "k", 4, "rows of MR of which one is coded by itself")
	f.StringVar(&s.order, "order", "lsb", "the bit of an octet that comes first: lsb or msb")
	f.IntVar(&s.strip, "strip", 0, "rows in a strip; 0: all")
	f.BoolVar(&s.align, "align", false, "EOLs end with an octet")
}

// format is a style that has been understood.
type format struct {
	style
	resolution t4.Resolution
	coding     t4.Coding
	order      t4.BitOrder
	paperRows  int
}

func (s style) format() (f format, err error) {
	f.style = s
	if s.output == "" {
		return f, errors.New("want -o")
	}
	if f.resolution, err = t4.ParseResolution(s.resolution); err != nil {
		return f, err
	}
	paper, err := t4.ParsePaper(s.paper)
	if err != nil {
		return f, err
	}
	if f.columns == 0 {
		f.columns = paper.Columns(f.resolution)
	}
	f.paperRows = paper.Rows(f.resolution)
	switch strings.ToLower(s.coding) {
	case "mh":
		f.coding = t4.MH
	case "mr":
		f.coding = t4.MR
	case "mmr":
		f.coding = t4.MMR
	default:
		return f, fmt.Errorf("coding %q: want mh, mr or mmr", s.coding)
	}
	switch s.order {
	case "lsb":
		f.order = t4.LSBFirst
	case "msb":
		f.order = t4.MSBFirst
	default:
		return f, fmt.Errorf("order %q: want lsb or msb", s.order)
	}
	return f, nil
}

func makePages(args []string) error {
	var s style
	f := flag.NewFlagSet("make", flag.ContinueOnError)
	s.flags(f)
	kind := f.String("kind", "text", fmt.Sprint("one of ", testpage.Kinds()))
	pages := f.Int("pages", 1, "how many")
	seed := f.Uint64("seed", 1, "of the first page; the others have the next")
	how, err := s.parse(f, args)
	if err != nil {
		return err
	}
	if *pages < 1 {
		return usageError{fmt.Errorf("-pages %d: want 1 or more", *pages)}
	}
	x, y := how.resolution.DPI()
	c := testpage.Config{Kind: testpage.Kind(*kind), Columns: how.columns, Rows: how.rows, XDPI: x, YDPI: y, Seed: *seed}
	if c.Rows == 0 {
		c.Rows = how.paperRows
	}
	if _, err := testpage.New(c); err != nil {
		return usageError{err}
	}
	out, err := create(how)
	if err != nil {
		return err
	}
	for range *pages {
		r, err := testpage.New(c)
		if err == nil {
			err = out.page(r, how.columns, c.Rows)
		}
		if err != nil {
			return out.giveUp(err)
		}
		c.Seed++
	}
	return out.close()
}
