package spool

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"tipring/t38/pages"
	"tipring/t38/t30"
)

// An Intake takes a fax from a call, as the Sink of its t30.Terminal (itself, in no wrapping:
// it is a t30.Keeper and t30.Busy too). A page is on the disk, with its record, before it is
// confirmed; with error correction RNR holds a sender that the disk makes wait. After the last
// page's confirmation the fax is accepted, whatever becomes of the call.
//
// Open and what follows it belong to the Terminal's goroutine; Page may be called from it,
// and waits for nothing. Commit or Abandon ends the Intake, once.
type Intake struct {
	store *Store
	entry *entry
	file  file
	sink  *pages.Sink
	ecm   bool // of the page opened last
	ended bool
	drop  bool // nothing of it is to be kept

	mu   sync.Mutex
	kept int           // pages on the disk
	last bool          // the last one is
	done chan struct{} // closed when the disk has what Keep gave it; nil: nothing is on its way
	err  error
}

// Begin begins a fax that comes in over a line (Mailbox, ToMachine) or from the machine on a
// port (Machine). ErrFull and ErrDraining refuse it.
func (s *Store) Begin(m Meta) (*Intake, error) {
	e, err := s.admit(m.record())
	if err != nil {
		return nil, err
	}
	in := &Intake{store: s, entry: e}
	err = s.accept(e, func(dir string) (err error) {
		s.mu.Lock()
		e.State = Receiving
		s.mu.Unlock()
		if in.file, err = s.fs.Create(dir + "/" + documentFile); err != nil {
			return err
		}
		in.sink, err = pages.NewSink(bounded{in.file, s, e})
		return err
	})
	if err != nil {
		if in.file != nil {
			_ = in.file.Close()
		}
		return nil, err
	}
	in.sink.Software, in.sink.Now = s.cfg.Software, s.cfg.Now
	r, err := s.Get(e.ID)
	s.cfg.Changed(r)
	return in, err
}

// ID is the fax's.
func (in *Intake) ID() string { return in.entry.ID }

// Open implements t30.Sink.
func (in *Intake) Open(n int, f t30.Format) (t30.PageWriter, error) {
	if most := in.store.cfg.MaxPages; n >= most {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.err = fmt.Errorf("page %d: %w: %d at most", n+1, ErrTooManyPages, most)
		return nil, in.err
	}
	in.ecm = f.ECM
	return in.sink.Open(n, f)
}

// Keep implements t30.Keeper.
func (in *Intake) Keep(last bool) error {
	in.mu.Lock()
	if in.done == nil && in.err == nil && (in.kept < in.sink.Pages() || last && !in.last) {
		in.begin(last)
	}
	done, err := in.done, in.err
	in.mu.Unlock()
	if done == nil {
		return err
	}
	if in.ecm {
		patience := time.NewTimer(in.store.cfg.Patience)
		defer patience.Stop()
		select {
		case <-done:
		case <-patience.C: // Busy does the rest
			return nil
		}
	}
	<-done
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

// Busy implements t30.Busy.
func (in *Intake) Busy() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.done != nil
}

// begin has the disk take what the document has. Called with mu.
func (in *Intake) begin(last bool) {
	in.done = make(chan struct{})
	n := in.sink.Pages()
	go func() {
		err := in.toDisk(n, last)
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.err = err; err == nil {
			in.kept, in.last = n, in.last || last
		}
		close(in.done)
		in.done = nil
	}()
}

// toDisk writes the document first: a record never tells of pages that are not there.
func (in *Intake) toDisk(n int, last bool) error {
	if err := in.file.Sync(); err != nil {
		return fmt.Errorf("fax %s: %w", in.ID(), err)
	}
	was := 0
	_, err := in.store.change(in.ID(), func(r *Record) {
		was, r.PageCount = r.PageCount, n
		r.Accepted = r.Accepted || last
	})
	if err == nil {
		err = in.store.save(in.ID())
	}
	if err != nil { // nobody hears that it was accepted
		_, _ = in.store.change(in.ID(), func(r *Record) { r.PageCount, r.Accepted = was, false })
	}
	return err
}

// Page tells how a page went, for who follows the fax.
func (in *Intake) Page(p Page) {
	_, _ = in.store.change(in.ID(), func(r *Record) {
		r.setPage(p)
		r.Rate = max(r.Rate, p.Rate)
	})
}

// Err tells why a page could not be stored, when the call ended with t30.SinkError.
func (in *Intake) Err() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		return in.err
	}
	return in.sink.Err()
}

// Commit ends a fax that came through: it is received, or waits for its delivery.
func (in *Intake) Commit(r Result) (Record, error) { return in.end(r, true) }

// Abandon ends a fax whose call died. The pages that were confirmed are kept, as a fax that
// failed; one whose last page was confirmed came through all the same. A machine's fax that
// was cancelled is not sent on, however far it came, and nothing of it is kept.
func (in *Intake) Abandon(r Result) (Record, error) { return in.end(r, false) }

func (in *Intake) end(r Result, whole bool) (Record, error) {
	if in.ended {
		return Record{}, fmt.Errorf("fax %s: %w", in.ID(), ErrState)
	}
	in.ended = true
	in.wait()
	in.drop = r.Cancelled && in.entry.Kind == Machine
	whole = (whole || in.last) && !in.drop
	switch {
	case whole && in.sink.Pages() == 0:
		whole, r.Error = false, "no page was received"
	case !whole && r.Error == "":
		r.Error = "the call ended before the last page was confirmed"
	}
	err := in.close(whole)
	if err != nil && !in.last && !in.drop {
		whole, r.Error = false, err.Error()
	}
	rec, failure := in.store.ended(in.entry, r, whole)
	if in.drop && failure == nil { // no sooner: a record never tells of pages that are not there
		_ = in.store.fs.Remove(in.store.Path(in.ID()))
	}
	in.store.wake()
	if err = errors.Join(err, failure); err != nil && in.last { // it is safe already
		in.store.cfg.Log.Warn("fax not closed", "fax", in.ID(), "err", err)
		err = nil
	}
	return rec, err
}

// wait waits for the disk.
func (in *Intake) wait() {
	in.mu.Lock()
	done := in.done
	in.mu.Unlock()
	if done != nil {
		<-done
	}
}

// close ends the document behind its confirmed pages, or behind all of them if it is whole.
func (in *Intake) close(whole bool) (err error) {
	n := in.kept
	switch {
	case in.drop:
		n = 0
	case whole:
		n = in.sink.Pages()
	}
	// The numbers that Close writes are not worth a fax: without them it is whole up to there.
	if n > 0 && (n < in.sink.Pages() || in.sink.Close() != nil) {
		err = cutChain(in.file, n)
	}
	if err == nil && n > 0 {
		err = in.file.Sync()
	}
	if e := in.file.Close(); err == nil {
		err = e
	}
	if n == 0 && !in.drop {
		_ = in.store.fs.Remove(in.store.Path(in.ID()))
	}
	in.store.settled(in.entry, n, whole && err == nil)
	return err
}

// settled enters what the document came to.
func (s *Store) settled(e *entry, n int, whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == 0 {
		s.octets -= e.Octets
		e.Octets = 0
	}
	e.PageCount, e.Accepted = n, n > 0 && (e.Accepted || whole)
	e.stale = true
}

// ended makes a fax that came in one that is received, waits or failed.
func (s *Store) ended(e *entry, result Result, whole bool) (Record, error) {
	_, err := s.change(e.ID, func(r *Record) {
		result.enter(r)
		if r.Accepted || whole {
			r.received(s)
			return
		}
		r.loseBehind(r.PageCount)
		if result.Cancelled {
			r.finish(s, Cancelled)
			return
		}
		r.fail(s, result.Error)
	})
	if err == nil {
		err = s.save(e.ID)
	}
	s.mu.Lock()
	e.busy = false
	r := e.clone()
	s.mu.Unlock()
	return r, err
}

// loseBehind takes note that the disk has not taken the pages behind the first n, though they
// were good enough to be confirmed.
func (r *Record) loseBehind(n int) {
	for i := range r.Pages {
		if p := &r.Pages[i]; p.N > n && p.Result == Confirmed {
			p.Result = "lost"
		}
	}
}

// PageOf is a page as a t30.Terminal reports it. rate is in bit/s, what is for people.
func PageOf(p t30.Page, what string) Page {
	result := "rejected"
	switch {
	case p.Confirmed:
		result = Confirmed
	case p.Damaged:
		result = "lost"
	}
	resolution := p.Format.Resolution.String()
	if p.Format.Resolution == t30.Ultrafine {
		resolution = "400"
	}
	return Page{
		N: p.Number + 1, Result: result, Rows: p.Copy.Rows, BadRows: p.Copy.BadRows,
		Rate: p.Modulation.BitRate(), Resolution: resolution, What: what,
	}
}
