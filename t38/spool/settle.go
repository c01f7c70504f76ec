package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Report is what Open found that an operator should know.
type Report struct {
	Damaged     []string // faxes that were set aside, and why
	Newer       []string // faxes of a later version of this program, left alone
	Unread      []string // faxes that could not be read for now, left alone
	Unwritten   []string // what could not be put in order on the disk
	Interrupted []string // faxes whose delivery or reception the end of the program cut short
	Aside       int      // faxes that were set aside now or earlier
}

// Lines are the report as sentences.
func (r Report) Lines() (lines []string) {
	for _, part := range []struct {
		what string
		list []string
	}{
		{"a damaged fax is set aside: ", r.Damaged}, {"a fax is left alone: ", r.Newer}, {"a fax cannot be read: ", r.Unread},
		{"a fax is not put in order: ", r.Unwritten}, {"a fax was cut short: ", r.Interrupted},
	} {
		for _, s := range part.list {
			lines = append(lines, part.what+s)
		}
	}
	return lines
}

// mostInterrupted is how many tries of a fax the end of the program may cut short: one that
// takes the program with it each time is not tried for ever.
const mostInterrupted = 8

// settle reads the store, and puts in order what a cut left.
func (s *Store) settle() (r Report, err error) {
	made, err := s.fs.Mkdir(s.dir)
	if err != nil {
		return r, err
	}
	if made {
		if err := s.fs.SyncDir(filepath.Dir(s.dir)); err != nil {
			return r, err
		}
	}
	names, err := s.fs.List(s.dir)
	if err != nil {
		return r, err
	}
	slices.Sort(names)
	for _, name := range names {
		base, suffix, _ := strings.Cut(name, ".")
		switch {
		case !validID(base):
		case suffix == newSuffix[1:] || suffix == goneSuffix[1:]:
			if err := s.clear(s.path(name)); err != nil {
				r.Unwritten = append(r.Unwritten, err.Error())
			}
		case suffix == badSuffix[1:]:
			r.Aside++
		case suffix == "":
			s.load(name, &r)
		}
	}
	return r, nil
}

// load takes a fax into the store.
func (s *Store) load(id string, r *Report) {
	e, err := s.read(id)
	switch {
	case err == nil:
	case errors.Is(err, ErrNewer):
		r.Newer = append(r.Newer, fmt.Sprintf("%s: %v", id, err))
		return
	case errors.Is(err, ErrBroken), errors.Is(err, fs.ErrNotExist), errors.Is(err, errTooLong):
		s.setAside(id, err, r)
		return
	default:
		r.Unread = append(r.Unread, fmt.Sprintf("%s: %v", id, err))
		return
	}
	s.tidy(e, r)
	if why := e.recover(s); why != "" {
		r.Interrupted = append(r.Interrupted, fmt.Sprintf("%s: %s", id, why))
		if err := s.rewrite(e); err != nil {
			r.Unwritten = append(r.Unwritten, err.Error())
		}
	}
	s.faxes[id] = e
	s.octets += e.Octets
	s.next = max(s.next, e.Seq+1)
}

// setAside keeps what cannot be used out of the way, for somebody to look at.
func (s *Store) setAside(id string, why error, r *Report) {
	r.Damaged = append(r.Damaged, fmt.Sprintf("%s: %v", id, why))
	if err := s.fs.Rename(s.path(id), s.path(id+badSuffix)); err != nil {
		r.Unwritten = append(r.Unwritten, err.Error())
		return
	}
	r.Aside++
}

// read reads a fax, and holds its document against its record.
func (s *Store) read(id string) (*entry, error) {
	data, err := s.fs.Read(s.path(id, recordFile), maxRecord)
	if err != nil {
		return nil, err
	}
	e := &entry{}
	if e.Record, err = decode(id, data); err != nil {
		return nil, err
	}
	if e.PageCount == 0 {
		e.Octets = 0
		return e, nil
	}
	pages, octets, err := countPages(s.fs, s.Path(id))
	if err == nil && pages == e.PageCount {
		e.Octets = octets
		return e, nil
	}
	// What is behind the pages that the record tells of was not confirmed, and is of no use.
	if err := cut(s.fs, s.Path(id), e.PageCount); err != nil {
		return nil, fmt.Errorf("document: %w", broken(err))
	}
	pages, e.Octets, err = countPages(s.fs, s.Path(id))
	if err == nil && pages != e.PageCount {
		err = fmt.Errorf("%w: %d pages, wanted %d", ErrBroken, pages, e.PageCount)
	}
	if err != nil {
		return nil, fmt.Errorf("document: %w", broken(err))
	}
	return e, nil
}

// broken tells a file that is not what it should be from one that the disk does not give.
func broken(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) || errors.Is(err, ErrBroken) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// tidy removes what a cut left in the folder of a fax.
func (s *Store) tidy(e *entry, r *Report) {
	names, err := s.fs.List(s.path(e.ID))
	for _, name := range names {
		if strings.HasSuffix(name, newSuffix) || name == uploadFile || name == documentFile && e.PageCount == 0 {
			err = errors.Join(err, s.fs.Remove(s.path(e.ID, name)))
		}
	}
	if err != nil {
		r.Unwritten = append(r.Unwritten, err.Error())
	}
}

// recover is what becomes of a fax that the end of the program met under way; why is empty
// if it was not.
func (e *entry) recover(s *Store) (why string) {
	switch {
	case e.State == Receiving && e.Accepted:
		e.received(s)
		return "it was received whole"
	case e.State == Receiving:
		e.fail(s, "the device stopped while the fax was being received")
		return e.Error
	case e.State == Queued && e.NextTry.After(s.cfg.Now().Add(longestWait)): // the clock was wrong
		e.NextTry = s.cfg.Now().UTC()
		return ""
	case !e.State.underWay():
		return ""
	}
	if e.advance(); e.PageCount > 0 && e.FirstPage == e.PageCount {
		e.delivered(s)
		return "its last page was confirmed"
	}
	e.Uncertain = e.Uncertain || e.Committing
	e.Committing = false
	e.Interrupted++
	e.Tries = max(e.Tries-1, 0)
	if e.Interrupted > mostInterrupted {
		e.fail(s, fmt.Sprintf("the device stopped %d times during the fax", e.Interrupted))
		return e.Error
	}
	e.State, e.NextTry = Queued, s.cfg.Now().UTC()
	if e.Uncertain {
		return "it may be delivered twice"
	}
	return "it is tried again"
}

// received makes a fax that is whole wait for its delivery, or be at its end.
func (r *Record) received(s *Store) {
	if r.Kind == Mailbox {
		r.finish(s, Received)
		return
	}
	r.State, r.NextTry = Queued, s.cfg.Now().UTC()
	r.Taken, r.Pages = r.Pages, nil
	r.Sender = r.RemoteID
	r.Rate, r.ECM, r.Transport, r.RemoteID, r.Error = 0, false, "", "", ""
}

// delivered makes a fax one whose pages are all confirmed.
func (r *Record) delivered(s *Store) {
	r.FirstPage, r.Error = r.PageCount, ""
	r.finish(s, r.Kind.done())
	r.NoticeDue = r.NotifyDn && r.Port > 0 && r.Direction == Out
}

// fail ends a fax for good.
func (r *Record) fail(s *Store, why string) {
	r.Error = why
	r.finish(s, Failed)
	r.NoticeDue = r.NotifyNdn && r.Port > 0 && r.Direction == Out && r.Accepted
}

func (r *Record) finish(s *Store, state State) {
	r.State, r.Ended, r.Committing = state, s.cfg.Now().UTC(), false
	r.NextTry = time.Time{}
}

// rewrite puts the record of a fax on the disk that is not in the store yet.
func (s *Store) rewrite(e *entry) error {
	data, err := e.encode()
	if err == nil {
		err = replace(s.fs, s.path(e.ID, recordFile), data)
	}
	e.stale = err != nil
	return err
}
