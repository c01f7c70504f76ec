package spool

import (
	"fmt"
	"time"

	"tipring/t38/t4"
	"tipring/t38/t4/tiff"
)

// tellAll makes the notices that are due: now, since before the program began, or since the
// store was full.
func (q *Queue) tellAll() {
	q.telling.Lock()
	defer q.telling.Unlock()
	for _, r := range q.store.List() {
		if r.NoticeDue {
			q.tell(r.ID)
		}
	}
}

// tell makes the notice about a fax, once.
func (q *Queue) tell(id string) {
	r, err := q.store.Get(id)
	if err == nil && !q.told(r) {
		err = q.store.notice(r, q.zone.Load())
	}
	if err != nil {
		q.store.cfg.Log.Warn("no notice about a fax", "fax", id, "err", err)
		return
	}
	_, _ = q.store.change(id, func(r *Record) { r.NoticeDue = false })
	_ = q.store.save(id) // logged, and tried again
}

// told tells a notice that was made before its fax's record said so.
func (q *Queue) told(about Record) bool {
	for _, r := range q.store.List() {
		if r.Kind == Notice && r.About == about.ID && !r.Created.Before(about.Ended) {
			return true
		}
	}
	return false
}

// notice makes a page that tells how a fax ended, and has it wait for the machine that the
// fax came from.
func (s *Store) notice(about Record, zone *time.Location) error {
	r := Meta{Kind: Notice, Port: about.Port, Line: about.Line, Related: about.Session}.record()
	r.About = about.ID
	e, err := s.admit(r)
	if err != nil {
		return err
	}
	err = s.accept(e, func(dir string) error {
		return s.write(e, dir, func(w *tiff.Writer) (int, error) { return 1, s.drawNotice(w, about, zone) })
	})
	if err != nil {
		return err
	}
	s.accepted(e)
	return nil
}

// drawNotice draws the words, and the first page below them as far as it can be read.
func (s *Store) drawNotice(w *tiff.Writer, about Record, zone *time.Location) error {
	p := newSheet()
	words := noticeWords(about, zone)
	p.title(words[0])
	p.write(words[1:]...)
	if d, err := s.OpenDocument(about.ID); err == nil {
		defer d.Close()
		p.picture(d)
	}
	if err := w.BeginPage(s.pageConfig(p.columns, p.resolution)); err != nil {
		return err
	}
	if _, err := t4.Copy(w, p.rows(), p.columns); err != nil {
		return err
	}
	return w.EndPage()
}

// noticeWords are the lines of a notice; the first is its title.
func noticeWords(r Record, zone *time.Location) []string {
	at := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04 MST") }
	lines := []string{"Fax not delivered"} // the title
	if r.State == Sent {
		lines[0] = "Fax delivered"
	}
	lines = append(lines, "", "To:       "+r.Peer, "Accepted: "+at(r.Created), "Ended:    "+at(r.Ended))
	if r.RemoteID != "" {
		lines = append(lines, "Answered: "+r.RemoteID)
	}
	lines = append(lines, fmt.Sprintf("Pages:    %d of %d sent", r.FirstPage, r.PageCount), fmt.Sprintf("Tries:    %d", r.Tries))
	if r.State != Sent {
		lines = append(lines, "", "Reason:   "+r.Error)
	}
	if r.Uncertain {
		lines = append(lines, "", "The device stopped while the fax was being confirmed: it may have been delivered twice.")
	}
	if r.State != Sent {
		lines = append(lines, "", "Please send it again. This is its first page:", "")
	} else {
		lines = append(lines, "", "This is its first page:", "")
	}
	return lines
}
