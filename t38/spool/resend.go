package spool

import (
	"fmt"
	"io"
	"path/filepath"
)

// Resend takes the pages of a fax that is over to be sent as another one, as they are kept.
// ErrState refuses one that is not over, ErrNoPages one whose pages are not kept.
func (s *Store) Resend(id string, m Meta) (Record, error) {
	r, err := s.Get(id)
	switch {
	case err != nil:
		return Record{}, err
	case !r.State.Finished():
		return Record{}, fmt.Errorf("fax %s is %s: %w", id, r.State, ErrState)
	}
	d, err := s.OpenDocument(id)
	if err != nil {
		return Record{}, err
	}
	defer d.Close()
	e, err := s.admit(m.record())
	if err != nil {
		return Record{}, err
	}
	err = s.accept(e, func(dir string) error { return s.copyDocument(e, dir, d, r.PageCount) })
	if err != nil {
		return Record{}, err
	}
	return s.accepted(e), nil
}

// copyDocument makes a fax one that waits for its delivery, with the n pages of another.
func (s *Store) copyDocument(e *entry, dir string, d Document, n int) error {
	out, err := s.fs.Create(filepath.Join(dir, documentFile))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(bounded{out, s, e}, 0), io.NewSectionReader(d, 0, d.Size()))
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	s.queued(e, n)
	return nil
}

// queued makes a fax one that waits for its delivery, of n pages.
func (s *Store) queued(e *entry, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.PageCount, e.Accepted, e.State, e.NextTry = n, true, Queued, e.Created
}
