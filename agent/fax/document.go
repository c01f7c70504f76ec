package fax

import (
	"io"

	"tipring/t38/t30"
)

// A rest is a document without its first pages.
type rest struct {
	t30.Source
	first int
}

// from is a document from a page on, counted from 0.
func from(s t30.Source, first int) t30.Source {
	if first == 0 {
		return s
	}
	return rest{s, first}
}

// Page implements t30.Source.
func (r rest) Page(n int) (t30.Form, bool) { return r.Source.Page(r.first + n) }

// Open implements t30.Source.
func (r rest) Open(n int, f t30.Format) (io.Reader, error) { return r.Source.Open(r.first+n, f) }

// Rows is how many rows the page has that was opened last; 0: not known.
func (r rest) Rows() int { return rowsOf(r.Source) }

// rowsOf is how many rows the page has that was opened last; 0: not known.
func rowsOf(s t30.Source) int {
	if r, ok := s.(interface{ Rows() int }); ok {
		return r.Rows()
	}
	return 0
}

// A shelf is a Sink that has pages already.
type shelf struct {
	t30.Sink
	first int
}

// behind is a Sink that takes pages behind those that it has.
func behind(s t30.Sink, have int) t30.Sink {
	if have == 0 {
		return s
	}
	return shelf{s, have}
}

// Open implements t30.Sink.
func (s shelf) Open(n int, f t30.Format) (t30.PageWriter, error) { return s.Sink.Open(s.first+n, f) }

// Busy implements t30.Busy.
func (s shelf) Busy() bool {
	b, ok := s.Sink.(t30.Busy)
	return ok && b.Busy()
}

// Keep implements t30.Keeper.
func (s shelf) Keep(last bool) error {
	if k, ok := s.Sink.(t30.Keeper); ok {
		return k.Keep(last)
	}
	return nil
}
