package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tipring/t38"
	"tipring/t38/t30"
	"tipring/t38/t4"
)

// give hands a page to an Intake as a Terminal does, up to the moment of its confirmation.
func give(t testing.TB, in *Intake, n int, s sheetOf, ecm bool) {
	t.Helper()
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH}
	if ecm {
		f.Coding, f.ECM = t30.MMR, true
	}
	c, err := pour(t, in, n, s, f)
	must(t, err)
	if c.Rows != s.rows || c.BadRows != 0 {
		t.Fatalf("%+v", c)
	}
}

// tryToGive is give on a disk that may fail.
func tryToGive(t testing.TB, in *Intake, n int, s sheetOf) error {
	_, err := pour(t, in, n, s, t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MH})
	return err
}

func pour(t testing.TB, in *Intake, n int, s sheetOf, f t30.Format) (t30.Copy, error) {
	w, err := in.Open(n, f)
	if err != nil {
		return t30.Copy{}, err
	}
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: []t4.Coding{t4.MH, t4.MR, t4.MMR}[f.Coding], Columns: s.columns})
	must(t, err)
	for _, row := range rowsIn(t, s.reader(t), s.columns) {
		if _, err := w.Write(e.AppendRow(nil, row)); err != nil {
			return t30.Copy{}, err
		}
	}
	if _, err = w.Write(e.AppendEnd(nil)); err != nil {
		return t30.Copy{}, err
	}
	return w.Close(false)
}

// receive hands all pages of a fax to an Intake, each of which is confirmed.
func receive(t testing.TB, in *Intake, sheets ...sheetOf) {
	t.Helper()
	for n, s := range sheets {
		give(t, in, n, s, true)
		must(t, in.Keep(n == len(sheets)-1))
		in.Page(Page{N: n + 1, Result: Confirmed})
	}
}

// slowDisk is a disk whose Sync of a document waits to be let go.
type slowDisk struct {
	files
	let chan error
}

type slowFile struct {
	file
	let chan error
}

func (d slowDisk) Create(name string) (file, error) {
	f, err := d.files.Create(name)
	if err == nil && strings.HasSuffix(name, documentFile) {
		return slowFile{f, d.let}, nil
	}
	return f, err
}

func (f slowFile) Sync() error {
	if err := <-f.let; err != nil {
		return err
	}
	return f.file.Sync()
}

// Without error correction the page's confirmation waits in Keep; with it a moment, and then
// the sender is held by RNR.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan error)
		s, _, err := open(slowDisk{newModel(), let}, where, Config{})
		must(t, err)
		in, err := s.Begin(Meta{Kind: Mailbox})
		must(t, err)
		give(t, in, 0, a4, false)
		go func() { time.Sleep(2 * time.Second); let <- nil }()
		begun := time.Now()
		must(t, in.Keep(false))
		if took := time.Since(begun); took != 2*time.Second || in.Busy() {
			t.Errorf("without ECM Keep took %v, busy %v", took, in.Busy())
		}
		if r, err := s.Get(in.ID()); err != nil || r.PageCount != 1 || r.Accepted || r.State != Receiving {
			t.Errorf("%+v, %v", r, err)
		}

		give(t, in, 1, a4, true)
		begun = time.Now()
		must(t, in.Keep(true))
		if took := time.Since(begun); took != 100*time.Millisecond || !in.Busy() {
			t.Errorf("with ECM Keep took %v, busy %v", took, in.Busy())
		}
		let <- nil
		synctest.Wait()
		if in.Busy() {
			t.Error("busy, though the disk has it")
		}
		must(t, in.Keep(true))
		go func() { let <- nil }() // the document's end
		r, err := in.Abandon(Result{Error: "the last MCF was not heard"})
		must(t, err)
		if r.State != Received || r.PageCount != 2 {
			t.Errorf("accepted, and then %+v", r)
		}
		must(t, s.Close())
	})
}

// A page that the disk does not take, though it had time, is not confirmed.
func TestDiskThatFailsBehindRNR(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan error)
		s, _, err := open(slowDisk{newModel(), let}, where, Config{})
		must(t, err)
		in, err := s.Begin(Meta{Kind: Machine, Port: 1})
		must(t, err)
		give(t, in, 0, a4, true)
		must(t, in.Keep(true))
		let <- syscall.EIO
		synctest.Wait()
		if err := in.Keep(true); !errors.Is(err, syscall.EIO) || in.Busy() || !errors.Is(in.Err(), syscall.EIO) {
			t.Errorf("%v, busy %v", err, in.Busy())
		}
		r, err := in.Abandon(Result{Error: "a page could not be stored", Pages: []Page{{N: 1, Result: Confirmed}}})
		if err != nil || r.State != Failed || r.PageCount != 0 || r.NoticeDue || r.Pages[0].Result != "lost" {
			t.Errorf("%+v, %v", r, err)
		}
		must(t, s.Close())
	})
}

// The pages that were confirmed are kept when the call dies, as a fax that failed.
func TestPartialFax(t *testing.T) {
	s := opened(t, t.TempDir(), Config{})
	defer s.Close()
	in, err := s.Begin(Meta{Kind: Mailbox, Line: 1, CallerID: "555", Peer: "030 1"})
	must(t, err)
	give(t, in, 0, small(1), true)
	must(t, in.Keep(false))
	in.Page(Page{N: 1, Result: Confirmed, Rate: 14400, Rows: 30})
	give(t, in, 1, small(2), true) // its end is never confirmed
	if err := s.Delete(in.ID()); !errors.Is(err, ErrState) {
		t.Errorf("deleted while being received: %v", err)
	}
	r, err := in.Abandon(Result{Error: "the line was lost", RemoteID: "far", Pages: []Page{{N: 2, Result: "lost"}}})
	must(t, err)
	if r.State != Failed || r.Error != "the line was lost" || r.PageCount != 1 || len(r.Pages) != 2 || r.Rate != 14400 || r.RemoteID != "far" || r.Accepted {
		t.Errorf("%+v", r)
	}
	samePages(t, s, r.ID, small(1))
	if _, err := in.Commit(Result{OK: true}); !errors.Is(err, ErrState) {
		t.Errorf("ended twice: %v", err)
	}

	in, err = s.Begin(Meta{Kind: Mailbox})
	must(t, err)
	r, err = in.Commit(Result{OK: true})
	must(t, err)
	if r.State != Failed || r.Error != "no page was received" {
		t.Errorf("%+v", r)
	}
	if _, err := s.OpenDocument(r.ID); !errors.Is(err, ErrNoPages) {
		t.Error(err)
	}
}

// Who sends without end is stopped, and his confirmed pages stay.
func TestTooManyPagesReceived(t *testing.T) {
	s := opened(t, t.TempDir(), Config{MaxPages: 2})
	defer s.Close()
	in, err := s.Begin(Meta{Kind: Mailbox})
	must(t, err)
	for n := range 2 {
		give(t, in, n, small(n), true)
		must(t, in.Keep(false))
	}
	_, err = in.Open(2, t30.Format{})
	if !errors.Is(err, ErrTooManyPages) || !errors.Is(in.Err(), ErrTooManyPages) {
		t.Error(err)
	}
	if r, err := in.Abandon(Result{Error: "too many"}); err != nil || r.PageCount != 2 || r.State != Failed {
		t.Errorf("%+v, %v", r, err)
	}
}

// A page that comes again takes the place of the one before.
func TestPageAgain(t *testing.T) {
	s := opened(t, t.TempDir(), Config{})
	defer s.Close()
	in, err := s.Begin(Meta{Kind: Mailbox})
	must(t, err)
	give(t, in, 0, small(1), false)
	must(t, in.Keep(false))
	give(t, in, 1, small(9), false) // rejected
	give(t, in, 1, small(2), false)
	must(t, in.Keep(true))
	r, err := in.Commit(Result{OK: true})
	must(t, err)
	samePages(t, s, r.ID, small(1), small(2))
}

// heldIntake lets the disk go when the sender has asked three times whether the page is safe.
type heldIntake struct {
	*Intake
	let   chan error
	asked int
}

func (in *heldIntake) Busy() bool {
	if in.asked++; in.asked%3 == 0 {
		in.let <- nil
		in.wait()
	}
	return in.Intake.Busy()
}

// RNR holds a real sender until its page is safe, and it loses nothing by that.
func TestRNRHoldsTheSender(t *testing.T) {
	let := make(chan error)
	s, _, err := open(slowDisk{newModel(), let}, where, Config{Patience: time.Millisecond})
	must(t, err)
	far := opened(t, t.TempDir(), Config{})
	sent := submit(t, far, Meta{Peer: "1"}, small(1), small(2))
	source, err := (&Job{Record: sent, store: far}).Source(context.Background(), nil)
	must(t, err)
	in, err := s.Begin(Meta{Kind: Machine, Port: 1})
	must(t, err)
	held := &heldIntake{Intake: in, let: let}
	a, b := faxCall(t, t30.Config{Source: source, ECM: true}, t30.Config{Sink: held, ECM: true})
	if a.Code != t30.OK || b.Code != t30.OK || held.asked != 6 {
		t.Errorf("%v, %v; asked %d times", a.Code, b.Code, held.asked)
	}
	if r, err := s.Get(in.ID()); err != nil || !r.Accepted || r.PageCount != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	go func() { let <- nil }()
	r, err := in.Commit(Result{OK: true})
	must(t, err)
	samePages(t, s, r.ID, small(1), small(2))
	must(t, source.Close())
	must(t, s.Close())
	must(t, far.Close())
}

// A machine's fax goes through the store into the mailbox of another: real procedures and
// modems on both ways.
func TestFromMachineToMailbox(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		t.Run(fmt.Sprint("ECM ", ecm), func(t *testing.T) {
			t.Parallel()
			sheets := []sheetOf{{1728, 150, 204, 98, 1}, {1728, 200, 204, 98, 2}}
			near := opened(t, t.TempDir(), Config{Patience: time.Hour}) // samples pass faster than time
			far := opened(t, t.TempDir(), Config{Patience: time.Hour})
			defer near.Close()
			defer far.Close()

			machine := submit(t, far, Meta{Peer: "the machine itself"}, sheets...)
			in, err := near.Begin(Meta{Kind: Machine, Port: 1, Line: 1, Peer: "1"})
			must(t, err)
			source, err := (&Job{Record: machine, store: far}).Source(context.Background(), nil)
			must(t, err)
			sent, got := faxCall(t, t30.Config{Source: source, ECM: ecm}, t30.Config{Sink: in, ECM: ecm})
			must(t, source.Close())
			if sent.Code != t30.OK || got.Code != t30.OK {
				t.Fatalf("%v, %v", sent.Code, got.Code)
			}
			_, err = in.Commit(Result{OK: true})
			must(t, err)

			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			q := NewQueue(QueueConfig{Store: near, Deliver: func(ctx context.Context, j *Job) Result {
				defer cancel()
				source, err := j.Source(ctx, nil)
				must(t, err)
				defer source.Close()
				in, err := far.Begin(Meta{Kind: Mailbox})
				must(t, err)
				marked := false
				sent, _ := faxCall(t, t30.Config{Source: source, ECM: ecm, OnPage: func(p t30.Page) {
					r, err := near.Get(j.ID())
					must(t, err)
					marked = r.Committing
					j.Sent30(p, "")
				}}, t30.Config{Sink: in, ECM: ecm})
				if !marked {
					t.Error("the last page was confirmed before its end was marked")
				}
				r, err := in.Commit(Result{OK: true})
				must(t, err)
				samePages(t, far, r.ID, sheets...)
				return Result{OK: sent.Code == t30.OK, Error: sent.Code.String()}
			}})
			go func() { defer close(done); q.Run(ctx) }()
			<-done
			if r, err := near.Get(in.ID()); err != nil || r.State != Sent || len(r.Pages) != 2 || r.Pages[1].Result != Confirmed || r.Uncertain {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// faxCall joins two machines.
func faxCall(t *testing.T, calling, called t30.Config) (from, to t30.Result) {
	t.Helper()
	calling.Calling = true
	x, err := t30.New(calling)
	must(t, err)
	y, err := t30.New(called)
	must(t, err)
	a, b := t38.NewMachine(x, t38.DefaultLevel), t38.NewMachine(y, t38.DefaultLevel)
	a.Start()
	b.Start()
	var aSays, bSays, aHears, bHears [160]int16
	for n := 0; !a.Done() || !b.Done(); n++ {
		if n > 50*600 {
			t.Fatal("the call does not end")
		}
		a.Exchange(aHears[:], aSays[:])
		b.Exchange(bHears[:], bSays[:])
		aHears, bHears = bSays, aSays
	}
	return x.Result(), y.Result()
}

// A machine's fax that is cancelled while it comes in is not sent, even if the last page was
// confirmed meanwhile, and nothing of it is kept; nor is there anything to be sent again.
func TestCancelledWhileItComesIn(t *testing.T) {
	for name, last := range map[string]bool{"behind the first page": false, "behind the last page": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := opened(t, dir, Config{})
			in, err := s.Begin(Meta{Kind: Machine, Port: 1, Line: 1, Peer: "600", NotifyNdn: true})
			must(t, err)
			give(t, in, 0, small(1), true)
			must(t, in.Keep(last))
			in.Page(Page{N: 1, Result: Confirmed})
			r, err := in.Commit(Result{Cancelled: true, Error: "cancelled"})
			must(t, err)
			for range 2 {
				if r.State != Cancelled || r.Error != "cancelled" || r.PageCount != 0 || r.Accepted || r.NoticeDue {
					t.Errorf("%+v", r)
				}
				if _, err := os.Stat(s.Path(in.ID())); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("its pages: %v", err)
				}
				if u := s.Usage(); u.Octets != 0 {
					t.Errorf("%+v", u)
				}
				must(t, s.Close())
				s = opened(t, dir, Config{})
				r, err = s.Get(in.ID())
				must(t, err)
			}
			must(t, s.Close())
		})
	}
}
