package spool

import (
	"cmp"
	"fmt"
	"sort"
)

// prune takes away finished faxes: those that are older than they are kept, and the oldest
// ones until there is room. What was received here may be somebody's only copy: it goes
// when room is wanted, and not before its time. Called with mu.
func (s *Store) prune(faxes int, octets int64) {
	short := func() bool {
		return len(s.faxes)+faxes > s.cfg.MaxFaxes || s.octets+octets > s.cfg.MaxOctets
	}
	for _, e := range s.prunable() {
		old := s.cfg.Now().Sub(e.Ended) > s.cfg.KeepFor
		if only := e.onlyCopy(); short() && (old || !only) || old && !only {
			s.discard(e)
		}
	}
}

// onlyCopy tells a fax that came in over a line and has not got any further.
func (r *Record) onlyCopy() bool {
	return r.PageCount > 0 && (r.Kind == Mailbox || r.Kind == ToMachine && r.State != Received)
}

// prunable lists what is finished and of no more use here, the oldest first.
func (s *Store) prunable() (list []*entry) {
	for _, e := range s.faxes {
		if e.State.Finished() && !e.busy && !e.NoticeDue {
			list = append(list, e)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		return cmp.Or(a.Ended.Compare(b.Ended), inOrder(a.Record, b.Record)) < 0
	})
	return list
}

// discard removes a fax without waiting for the disk. Called with mu.
func (s *Store) discard(e *entry) {
	s.forget(e)
	if s.closed {
		return
	}
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		if err := s.remove(e); err != nil {
			s.cfg.Log.Warn("old fax not removed", "err", err)
		}
	}()
}

// bounded is a document that is being written. It counts its octets, and ends at the
// limits of the store.
type bounded struct {
	file
	store *Store
	entry *entry
}

// WriteAt implements io.WriterAt.
func (b bounded) WriteAt(p []byte, at int64) (int, error) {
	if err := b.store.extend(b.entry, at+int64(len(p))); err != nil {
		return 0, err
	}
	return b.file.WriteAt(p, at)
}

// extend accounts for a document that becomes so long.
func (s *Store) extend(e *entry, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := size - e.Octets
	if more <= 0 {
		return nil
	}
	if size > s.cfg.MaxDocument {
		return fmt.Errorf("%w: more than %d octets", ErrTooLarge, s.cfg.MaxDocument)
	}
	if s.prune(0, more); s.octets+more > s.cfg.MaxOctets {
		return fmt.Errorf("%w: %d of %d octets", ErrFull, s.octets, s.cfg.MaxOctets)
	}
	e.Octets = size
	s.octets += more
	return nil
}
