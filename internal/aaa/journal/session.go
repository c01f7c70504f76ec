package journal

import (
	"fmt"
	"os"
)

// A session has a file from its beginning on. Its methods are jobs of the disk.
type session struct {
	journal *Journal
	n       uint64 // of the file; 0: there is none
}

// begin keeps what is to be told if there is no end.
func (s *session) begin(e entry) {
	j := s.journal
	err := j.admit()
	if err == nil {
		if err = writeRecord(j.path(e.n, begun), e); err != nil {
			j.count(-1, 0)
		}
	}
	if err != nil {
		j.cfg.Log.Error("accounting session not kept", "session", e.session(), "err", err)
		return
	}
	s.n = e.n
}

// end keeps what is to be told instead, and has it sent. At each moment there is one file: what
// the session began with, or its end; under its old name, or under the one that stands behind
// those of the sessions that ended earlier.
func (s *session) end(e entry) {
	j := s.journal
	if s.n == 0 {
		s.begin(e)
	} else if err := writeRecord(j.path(s.n, begun), e); err != nil {
		j.cfg.Log.Error("accounting record not kept: a server learns that the session was, and not how it ended", "session", e.session(), "err", err)
		j.count(0, 1)
	}
	if s.n == 0 {
		j.count(0, 1)
		return
	}
	if err := os.Rename(j.path(s.n, begun), j.path(e.n, over)); err != nil {
		j.cfg.Log.Error("accounting record not sent before the next start", "session", e.session(), "err", err)
		return
	}
	if err := syncFolder(j.cfg.Dir); err != nil {
		j.cfg.Log.Warn("accounting folder not on the disk", "err", err)
	}
	j.queue(e.n)
}

// admit makes room for a session's file.
func (j *Journal) admit() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.kept)+j.begun >= MaxRecords {
		return fmt.Errorf("%d accounting records wait for a server", MaxRecords)
	}
	j.begun++
	return nil
}

// count adds to what has begun and what was lost.
func (j *Journal) count(begun, lost int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun += begun
	j.lost += lost
}

// queue has the file of a session that is over sent.
func (j *Journal) queue(n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun--
	j.kept = append(j.kept, n)
	j.tell()
}
