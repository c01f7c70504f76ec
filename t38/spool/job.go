package spool

import (
	"context"
	"io"

	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4/document"
	"tipring/t38/t4/header"
)

// A Job is one try to deliver a fax.
type Job struct {
	Record Record // as the try began: pages from FirstPage on are to be sent
	store  *Store
}

// ID is the fax's.
func (j *Job) ID() string { return j.Record.ID }

// Path is where the document is, a TIFF file.
func (j *Job) Path() string { return j.store.Path(j.Record.ID) }

// Pages is how many pages are to be sent.
func (j *Job) Pages() int { return j.Record.PageCount - j.Record.FirstPage }

// State tells how far the try is: Probing, Dialling, Sending or Delivering. It waits for
// nothing.
func (j *Job) State(s State) {
	_, _ = j.store.change(j.Record.ID, func(r *Record) {
		if s.underWay() && r.State.underWay() {
			r.State = s
		}
	})
}

// Page tells how a page went; N counts from 1 in the whole document. A confirmed page is not
// sent again. It waits for nothing.
func (j *Job) Page(p Page) {
	_, err := j.store.change(j.Record.ID, func(r *Record) {
		r.setPage(p)
		r.Rate = max(r.Rate, p.Rate)
		r.advance()
		// The last confirmation is the end of the fax, and the Result its record; a cut between
		// the two finds it among the pages.
		r.FirstPage = min(r.FirstPage, r.PageCount-1)
	})
	if err == nil && p.Result == Confirmed {
		j.store.saveSoon(j.Record.ID)
	}
}

// Sent30 is Page for a t30.Config's OnPage of this try's Source.
func (j *Job) Sent30(p t30.Page, what string) {
	page := PageOf(p, what)
	page.N += j.Record.FirstPage
	j.Page(page)
}

// LastPageSent has to be called before the command behind the last page (EOP) goes out, if
// the try does not use Source, which does it. It returns when the disk has it: from here to
// the record of the Result a power cut leaves it open whether the fax arrived.
func (j *Job) LastPageSent() {
	_, err := j.store.change(j.Record.ID, func(r *Record) { r.Committing = true })
	if err == nil {
		_ = j.store.save(j.Record.ID) // logged; the call is not ended by that
	}
}

// notLast takes LastPageSent back.
func (j *Job) notLast() {
	_, err := j.store.change(j.Record.ID, func(r *Record) { r.Committing = false })
	if err == nil {
		j.store.saveSoon(j.Record.ID)
	}
}

// A Source is what is left to send of a fax, as a t30.Source. It belongs to one goroutine.
type Source struct {
	job    *Job
	doc    *document.Document
	pages  *pages.Source
	marked bool
}

// Source opens the pages that are left, the first of which is page FirstPage of the document.
// The header line counts as in the whole document; nil: none. ctx ends with the call.
func (j *Job) Source(ctx context.Context, h *header.Fields) (*Source, error) {
	d, err := document.Open(ctx, j.Path(), j.store.cfg.Poppler)
	if err != nil {
		return nil, err
	}
	s := &Source{job: j, doc: d, pages: pages.NewSource(ctx, d)}
	s.pages.Header = h
	return s, nil
}

// Page implements t30.Source. A Terminal that asks for the page behind the last has sent that
// one, and says next that it was the last.
func (s *Source) Page(n int) (t30.Form, bool) {
	form, ok := s.pages.Page(s.job.Record.FirstPage + n)
	if !ok && n > 0 && !s.marked {
		s.marked = true
		s.job.LastPageSent()
	}
	return form, ok
}

// Open implements t30.Source. A page that is sent once more was not confirmed.
func (s *Source) Open(n int, f t30.Format) (io.Reader, error) {
	if s.marked {
		s.marked = false
		s.job.notLast()
	}
	return s.pages.Open(s.job.Record.FirstPage+n, f)
}

// Rows is how many rows the page has that was opened last; 0: not known.
func (s *Source) Rows() int { return s.pages.Rows() }

// Err tells what was wrong with the document, when a call ended with t30.SourceError.
func (s *Source) Err() error { return s.pages.Err() }

// Close frees what the pages use.
func (s *Source) Close() error {
	s.pages.Close()
	return s.doc.Close()
}
