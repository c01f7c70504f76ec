package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/header"
	"tipring/t38/t4/pdf"
)

// convert makes fax pages of a document.
func convert(ctx context.Context, args []string) error {
	var s style
	f := flag.NewFlagSet("convert", flag.ContinueOnError)
	s.flags(f)
	only := f.Int("page", 0, "the only page; 0: all")
	text := f.String("header", "", "the middle of a header line; the page's number stands at its right")
	above := f.Bool("above", false, "the header line makes the page longer, instead of covering its top")
	how, err := s.parse(f, args)
	if err != nil {
		return err
	}
	if f.NArg() != 1 {
		return usageError{errors.New("convert: want a document")}
	}
	if *only < 0 {
		return usageError{fmt.Errorf("-page %d: want 1 or more, or 0 for all", *only)}
	}
	d, err := document.Open(ctx, f.Arg(0), pdf.Poppler{})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if *only > d.Pages() {
		return fmt.Errorf("%s: no page %d: it has %d", f.Arg(0), *only, d.Pages())
	}
	out, err := create(how)
	if err != nil {
		return err
	}
	for n := range d.Pages() {
		if *only != 0 && n+1 != *only {
			continue
		}
		if err := convertPage(ctx, out, d, n, *text, *above); err != nil {
			return out.giveUp(fmt.Errorf("%s: page %d: %w", f.Arg(0), n+1, err))
		}
	}
	return out.close()
}

func convertPage(ctx context.Context, out *output, d *document.Document, n int, text string, above bool) error {
	p, err := d.Page(ctx, n, document.Options{Columns: out.how.columns, Resolution: out.how.resolution, MaxRows: out.how.rows})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	var r t4.RowReader = p
	rows := p.Rows
	if text != "" {
		x, y := out.how.resolution.DPI()
		l := header.Line{Middle: text, Right: fmt.Sprintf("p. %d/%d", n+1, d.Pages())}
		strip, err := header.Draw(l, p.Columns, x, y)
		if err != nil {
			return err
		}
		if above {
			r, rows = header.Above(p, strip), rows+strip.Rows()
		} else {
			r = header.Over(p, strip)
		}
	}
	return out.page(r, p.Columns, rows)
}
