package pages

import (
	"context"
	"fmt"
	"io"

	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/header"
)

// A Document is what is sent: a *document.Document, or what has its methods.
type Document interface {
	Pages() int
	Natural(n int) (t4.Paper, t4.Resolution)
	Page(ctx context.Context, n int, o document.Options) (*document.Page, error)
}

// A Source is a document as a t30.Terminal sends it.
type Source struct {
	// Header is the line above each page, whose Page and Pages are filled in. nil: none.
	Header *header.Fields

	ctx   context.Context
	doc   Document
	forms []t30.Form // of the pages asked for so far
	open  *document.Page
	ahead ahead
	rows  int // of the open page
	err   error
}

// ahead is a page that was opened to know its length.
type ahead struct {
	n       int
	options document.Options
	page    *document.Page
}

// NewSource makes a Source of a document, whose owner closes it after the Source. ctx ends
// the programs that draw its pages.
func NewSource(ctx context.Context, d Document) *Source { return &Source{ctx: ctx, doc: d} }

// Page implements t30.Source.
func (s *Source) Page(n int) (t30.Form, bool) {
	if n < 0 || n >= s.doc.Pages() {
		return t30.Form{}, false
	}
	for len(s.forms) <= n {
		s.forms = append(s.forms, s.formOf(len(s.forms)))
	}
	return s.forms[n], true
}

// formOf opens a page to know its length. What goes wrong with that will go wrong in Open.
func (s *Source) formOf(n int) t30.Form {
	paper, r := s.doc.Natural(n)
	f := t30.Form{Resolution: thirtyResolution(r), Width: widths[paper]}
	o := document.Options{Columns: paper.Columns(r), Resolution: r}
	if p, err := s.doc.Page(s.ctx, n, o); err == nil {
		f.Length = lengthOf(p.Rows, r)
		s.leave(s.ahead.page)
		s.ahead = ahead{n, o, p}
	}
	return f
}

// Open implements t30.Source.
func (s *Source) Open(n int, f t30.Format) (io.Reader, error) {
	s.leave(s.open)
	s.open = nil
	r, err := s.begin(n, f)
	if err != nil {
		return nil, s.fail(n, err)
	}
	return r, nil
}

func (s *Source) begin(n int, f t30.Format) (*coder, error) {
	form, ok := s.Page(n)
	if !ok {
		return nil, fmt.Errorf("page %d of %d", n+1, s.doc.Pages())
	}
	strip, err := s.strip(n, f)
	if err != nil {
		return nil, err
	}
	o := document.Options{Columns: f.Width.Pels(f.Resolution), Resolution: resolution(f.Resolution)}
	if f.Length < form.Length {
		o.MaxRows = rowsOf(f.Length, o.Resolution)
		if strip != nil {
			o.MaxRows -= strip.Rows()
		}
	}
	page, err := s.page(n, o)
	if err != nil {
		return nil, err
	}
	s.open, s.rows = page, page.Rows
	rows := page.RowReader
	if strip != nil {
		rows = header.Above(rows, strip)
		s.rows += strip.Rows()
	}
	return newCoder(s, n, rows, f)
}

// page takes the page that was opened to know its length, if it is the one.
func (s *Source) page(n int, o document.Options) (*document.Page, error) {
	if a := s.ahead; a.page != nil && a.n == n && a.options == o {
		s.ahead = ahead{}
		return a.page, nil
	}
	return s.doc.Page(s.ctx, n, o)
}

// strip draws the header line of a page; nil: there is none.
func (s *Source) strip(n int, f t30.Format) (*header.Strip, error) {
	if s.Header == nil {
		return nil, nil
	}
	fields := *s.Header
	fields.Page, fields.Pages = n+1, s.doc.Pages()
	x, y := dpi(f)
	return header.Draw(fields.Line(), f.Width.Pels(f.Resolution), x, y)
}

// fail remembers why a page could not be read.
func (s *Source) fail(n int, err error) error {
	s.err = OnPage(n, err)
	return s.err
}

// Rows is how many rows the page that was opened last has, with its header line.
func (s *Source) Rows() int { return s.rows }

// Err tells what was wrong with the document, when a call ended with t30.SourceError.
func (s *Source) Err() error { return s.err }

// Close frees what open pages use.
func (s *Source) Close() {
	s.leave(s.open)
	s.leave(s.ahead.page)
	s.open, s.ahead = nil, ahead{}
}

func (s *Source) leave(p *document.Page) {
	if p != nil {
		_ = p.Close() // all that was wanted of it has been read
	}
}
