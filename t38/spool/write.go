package spool

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// Meta is what is known of a fax before its first page.
type Meta struct {
	Kind       Kind
	Port, Line int    // 0: none
	Peer       string // the number to dial; of a received fax the number that was called here
	CallerID   string // of a received fax

	Session, Related, CDRInfo, ANI, CSID string // as in Record

	NotifyDn, NotifyNdn bool
}

func (m Meta) record() Record {
	return Record{
		Kind: m.Kind, Direction: m.Kind.direction(), Port: m.Port, Line: m.Line, Peer: m.Peer, CallerID: m.CallerID,
		Session: m.Session, Related: m.Related, CDRInfo: m.CDRInfo, ANI: m.ANI, CSID: m.CSID,
		NotifyDn: m.NotifyDn, NotifyNdn: m.NotifyNdn,
	}
}

// admit makes room for a fax and gives it its name. It is not seen until it is whole, or
// being received.
func (s *Store) admit(r Record) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.refusing && r.Kind != Notice:
		return nil, ErrDraining
	}
	if s.prune(1, 0); len(s.faxes) >= s.cfg.MaxFaxes {
		return nil, fmt.Errorf("%w: %d faxes", ErrFull, len(s.faxes))
	}
	r = r.fit()
	r.Created = s.cfg.Now().UTC()
	r.Seq = s.next
	s.next++
	r.ID = newID(r)
	for s.faxes[r.ID] != nil {
		r.ID = newID(r)
	}
	e := &entry{Record: r, handed: true, busy: true}
	s.faxes[r.ID] = e
	return e, nil
}

// newID is the time and three octets by chance.
func newID(r Record) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return r.Created.Format("20060102-150405-") + hex.EncodeToString(b[:])
}

// accept puts a new fax on the disk, whole or not at all: its folder gets its name when all
// that write puts into it is there. The record is that of the entry as write leaves it.
func (s *Store) accept(e *entry, write func(dir string) error) error {
	made := s.path(e.ID + newSuffix)
	_, err := s.fs.Mkdir(made)
	if err == nil {
		err = write(made)
	}
	if err == nil {
		err = s.name(e, made)
	}
	if err != nil {
		_ = s.clear(made) // Open does it otherwise
		s.mu.Lock()
		s.forget(e)
		s.mu.Unlock()
		return err
	}
	s.mu.Lock()
	e.handed = false
	s.mu.Unlock()
	return nil
}

// name is the last step of accept.
func (s *Store) name(e *entry, made string) error {
	s.mu.Lock()
	r := e.clone()
	s.mu.Unlock()
	data, err := r.encode()
	if err != nil {
		return err
	}
	if err := create(s.fs, s.path(e.ID+newSuffix, recordFile), data); err != nil {
		return err
	}
	if err := s.fs.SyncDir(made); err != nil {
		return err
	}
	if err := s.fs.Rename(made, s.path(e.ID)); err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		_ = s.fs.Rename(s.path(e.ID), made) // nobody was told of it
		return err
	}
	return nil
}

// change changes a record in memory, quickly, and tells of it.
func (s *Store) change(id string, f func(*Record)) (Record, error) { return s.alter(id, f, true) }

// note changes what the disk need not know as long as the fax goes on.
func (s *Store) note(id string, f func(*Record)) (Record, error) { return s.alter(id, f, false) }

func (s *Store) alter(id string, f func(*Record), lasting bool) (Record, error) {
	s.mu.Lock()
	e := s.faxes[id]
	if e == nil {
		s.mu.Unlock()
		return Record{}, fmt.Errorf("fax %.40q: %w", id, ErrUnknown)
	}
	was, untried := e.State, e.Untried
	f(&e.Record)
	e.stale = e.stale || lasting || e.State.Finished()
	r := e.clone()
	s.mu.Unlock()
	s.cfg.Changed(r)
	if (r.State != was || r.Untried > untried) && (r.State.Finished() || r.State == Queued && (r.Untried <= untried || r.Untried == 1)) {
		s.log(r)
	}
	return r, nil
}

// log tells of a fax that came, waits for another try or is over. One that waits for a line or
// a machine is told of once.
func (s *Store) log(r Record) {
	attrs := []any{"fax", r.ID, "state", r.State, "kind", r.Kind, "port", r.Port, "line", r.Line, "peer", r.Peer, "tries", r.Tries, "pages", r.PageCount}
	if r.Direction == In {
		attrs = append(attrs, "from", r.CallerID)
	}
	if r.SIPCallID != "" {
		attrs = append(attrs, "call", r.SIPCallID)
	}
	if r.Error != "" {
		attrs = append(attrs, "error", r.Error)
	}
	s.cfg.Log.Info("fax", attrs...)
}

// save puts a record on the disk, durably.
func (s *Store) save(id string) error {
	s.mu.Lock()
	e := s.faxes[id]
	s.mu.Unlock()
	if e == nil {
		return fmt.Errorf("fax %.40q: %w", id, ErrUnknown)
	}
	e.write.Lock()
	defer e.write.Unlock()
	if e.gone {
		return nil
	}
	s.mu.Lock()
	r, was := e.clone(), e.stale
	e.stale, e.saving = false, false
	s.mu.Unlock()
	if !was {
		return nil
	}
	data, err := r.encode()
	if err == nil {
		err = replace(s.fs, s.path(id, recordFile), data)
	}
	if err == nil {
		return nil
	}
	s.mu.Lock()
	e.stale = true
	s.mu.Unlock()
	s.cfg.Log.Error("fax record not written", "fax", id, "err", err)
	return fmt.Errorf("fax %s: %w", id, err)
}

// saveSoon saves a record without making the caller wait.
func (s *Store) saveSoon(id string) {
	s.mu.Lock()
	e := s.faxes[id]
	if e == nil || e.saving || s.closed {
		s.mu.Unlock()
		return
	}
	e.saving = true
	s.work.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.work.Done()
		_ = s.save(id) // logged, and tried again by SaveStale
	}()
}

// SaveStale writes the records that could not be written before.
func (s *Store) SaveStale() error {
	var first error
	for _, id := range s.stale() {
		if err := s.save(id); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// stale lists the faxes whose file does not say all that the record does.
func (s *Store) stale() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.faxes {
		if e.stale && !e.saving && !e.handed {
			ids = append(ids, id)
		}
	}
	return ids
}

// wake tells the Queue that there is something to do.
func (s *Store) wake() {
	s.mu.Lock()
	waiting := s.waiting
	s.mu.Unlock()
	if waiting != nil {
		waiting()
	}
}
