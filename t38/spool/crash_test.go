package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tipring/internal/durable/fakedisk"
	"tipring/t38/t4"
	"tipring/t38/t4/tiff"
)

const where = "/faxes"

// small is a page of some sectors.
func small(seed int) sheetOf { return sheetOf{1728, 30, 204, 196, uint64(seed)} }

// A life is what happens to a store on a model, with what is promised from which op on.
type life struct {
	t *testing.T
	m *model
	s *Store
	q *Queue

	faxes []*promise
}

// A promise is what must be true of a fax after a cut, by the number of ops before the cut.
// A moment that did not come is never.
type promise struct {
	id     string
	sheets []sheetOf
	kind   Kind

	begun              int   // it may be there
	kept               []int // page n+1 is confirmed to whoever sent it
	offered, accepted  int   // the last page is on its way to the disk; it is confirmed
	marking, marked    int   // the last page of the delivery: the mark is being written; it is
	confirmed, settled int   // by the far end; the record says so
	ended              State // once it is settled
	deleting, deleted  int
}

const never = 1 << 30

func newLife(t *testing.T, m *model) *life {
	l := &life{t: t, m: m}
	l.open()
	return l
}

func (l *life) open() {
	s, r, err := open(l.m, where, Config{Now: fixed, MaxFaxes: 6})
	must(l.t, err)
	if lines := r.Lines(); len(lines) > 0 {
		l.t.Fatalf("not in order: %v", lines)
	}
	l.s, l.q = s, NewQueue(QueueConfig{Store: s, Retries: 3})
}

func (l *life) promise(kind Kind, sheets ...sheetOf) *promise {
	p := &promise{kind: kind, sheets: sheets, begun: l.m.Done(), accepted: never, offered: never, marking: never, marked: never, confirmed: never, settled: never, deleting: never, deleted: never}
	l.faxes = append(l.faxes, p)
	return p
}

// submit is Submit behind the conversion of the file, which the model does not have.
func (l *life) submit(sheets ...sheetOf) *promise {
	l.t.Helper()
	p := l.promise(Submitted, sheets...)
	p.offered = p.begun
	e, err := l.s.admit(Meta{Kind: Submitted, Peer: "1"}.record())
	must(l.t, err)
	must(l.t, l.s.accept(e, func(dir string) error {
		return l.s.write(e, dir, func(w *tiff.Writer) (int, error) { return len(sheets), writeSheets(l.t, w, sheets) })
	}))
	p.id = l.s.accepted(e).ID
	p.accepted = l.m.Done()
	return p
}

func writeSheets(t testing.TB, w *tiff.Writer, sheets []sheetOf) error {
	for _, s := range sheets {
		if err := w.BeginPage(tiff.PageConfig{Columns: s.columns, XDPI: s.x, YDPI: s.y, Coding: t4.MMR}); err != nil {
			return err
		}
		if _, err := t4.Copy(w, s.reader(t), s.columns); err != nil {
			return err
		}
		if err := w.EndPage(); err != nil {
			return err
		}
	}
	return nil
}

// receive takes a fax from a call; the last page comes twice, as after RTN. Without its end
// the call dies behind the last page given.
func (l *life) receive(m Meta, whole bool, sheets ...sheetOf) *promise {
	l.t.Helper()
	p := l.promise(m.Kind, sheets...)
	in, err := l.s.Begin(m)
	must(l.t, err)
	p.id = in.ID()
	for n, s := range sheets {
		last := whole && n == len(sheets)-1
		if last {
			give(l.t, in, n, small(99), false)
			p.offered = l.m.Done()
		}
		give(l.t, in, n, s, n%2 == 0)
		must(l.t, in.Keep(last))
		in.wait()
		must(l.t, in.Err())
		p.kept = append(p.kept, l.m.Done())
		if last {
			p.accepted = l.m.Done()
		}
	}
	if whole {
		_, err = in.Commit(Result{OK: true, RemoteID: "far"})
	} else {
		give(l.t, in, len(sheets), small(98), false) // never confirmed
		_, err = in.Abandon(Result{Error: "line lost"})
	}
	must(l.t, err)
	return p
}

// deliver makes a try, in which all pages are confirmed, or all but the last.
func (l *life) deliver(p *promise, whole bool) {
	l.q.cfg.Deliver = func(_ context.Context, j *Job) Result {
		n := len(p.sheets)
		for k := j.Record.FirstPage + 1; k < n; k++ {
			j.Page(Page{N: k, Result: Confirmed})
			l.s.work.Wait()
		}
		p.marking = l.m.Done()
		j.LastPageSent()
		p.marked = l.m.Done()
		if !whole {
			return Result{Error: "no answer"}
		}
		p.confirmed = l.m.Done()
		return Result{OK: true, Pages: []Page{{N: n, Result: Confirmed}}}
	}
	l.q.running[p.id] = &running{}
	l.q.try(context.Background(), p.id)
	delete(l.q.running, p.id)
	p.ended, p.settled = p.kind.done(), l.m.Done()
	if !whole {
		p.ended = Queued
	}
}

func (l *life) remove(p *promise) {
	p.deleting = l.m.Done()
	must(l.t, l.s.Delete(p.id))
	p.deleted = l.m.Done()
}

// check holds a store against the promises of the first n ops.
func (l *life) check(s *Store, r Report, n int) (faults []string) {
	if len(r.Damaged)+len(r.Newer)+len(r.Unread)+len(r.Unwritten)+r.Aside > 0 {
		faults = append(faults, r.Lines()...)
	}
	known := map[string]bool{}
	for _, p := range l.faxes {
		known[p.id] = true
		if fault := l.checkOne(s, p, n); fault != "" {
			faults = append(faults, fmt.Sprintf("%s of %d pages: %s", p.kind, len(p.sheets), fault))
		}
	}
	for _, r := range s.List() {
		if !known[r.ID] {
			faults = append(faults, "nobody handed in "+r.ID)
		}
	}
	return faults
}

func (l *life) checkOne(s *Store, p *promise, n int) string {
	r, err := s.Get(p.id)
	if err != nil {
		mustBe := n >= p.accepted && n <= p.deleting || len(p.kept) > 0 && n >= p.kept[0] && n <= p.deleting
		if mustBe {
			return "lost"
		}
		return ""
	}
	pages := 0
	for _, at := range p.kept {
		if n >= at {
			pages++
		}
	}
	if p.kind == Submitted {
		pages = len(p.sheets)
	}
	switch {
	case n < p.begun:
		return "there too early"
	case n >= p.deleted:
		// The name may come back with a cut; what it stands for is whole then.
	case r.PageCount < pages || r.PageCount > pages+1:
		return fmt.Sprintf("%d pages, want %d", r.PageCount, pages)
	}
	if fault := l.checkState(r, p, n); fault != "" {
		return fmt.Sprintf("%s: %+v", fault, r)
	}
	if r.PageCount > 0 {
		samePages(l.t, s, p.id, p.sheets[:r.PageCount]...)
	}
	return ""
}

func (l *life) checkState(r Record, p *promise, n int) string {
	next := Queued
	if p.kind == Mailbox {
		next = Received
	}
	switch {
	case n < p.offered:
		if r.State != Failed || r.Accepted || r.Uncertain {
			return "want a part of a fax, that failed"
		}
	case n < p.accepted:
		if r.State != Failed && r.State != next || r.Uncertain {
			return "want failed or accepted"
		}
	case n <= p.marking:
		if r.State != next || r.Uncertain {
			return "want accepted, and not uncertain"
		}
	case n < p.marked:
		if r.State != next {
			return "want accepted"
		}
	case n < p.settled:
		// The window: from the mark to the record.
		if !(r.State == Queued && r.Uncertain) && !(r.State == p.ended && !r.Uncertain) {
			return "want uncertain, or the end"
		}
	default:
		if r.State != p.ended || r.Uncertain || r.Committing {
			return "want " + string(p.ended)
		}
	}
	return ""
}

// lives are the things that a cut may interrupt.
var lives = []struct {
	name string
	live func(l *life)
}{
	{"submitted and sent", func(l *life) { l.deliver(l.submit(small(1), small(2)), true) }},
	{"submitted, failed, then sent", func(l *life) {
		p := l.submit(small(1), small(2), small(3))
		l.deliver(p, false)
		l.m.settle(l)
		l.deliver(p, true)
	}},
	{"from a machine, sent", func(l *life) {
		l.deliver(l.receive(Meta{Kind: Machine, Port: 1, Line: 1, Peer: "1"}, true, small(1), small(2)), true)
	}},
	{"from a machine that hung up", func(l *life) { l.receive(Meta{Kind: Machine, Port: 1}, false, small(1), small(2)) }},
	{"from a machine that sent nothing", func(l *life) { l.receive(Meta{Kind: Machine, Port: 1}, false) }},
	{"into the mailbox", func(l *life) { l.receive(Meta{Kind: Mailbox, Line: 1}, true, small(1)) }},
	{"for a machine", func(l *life) {
		l.deliver(l.receive(Meta{Kind: ToMachine, Port: 1, Line: 1}, true, small(1), small(2), small(3)), true)
	}},
	{"two, the first deleted", func(l *life) {
		p := l.submit(small(1))
		l.deliver(p, true)
		l.submit(small(2))
		l.remove(p)
	}},
}

// settle makes what was done so far the durable beginning: its promises hold from now on.
func (m *model) settle(l *life) {
	n := m.Done()
	m.Settle()
	for _, p := range l.faxes {
		for _, at := range []*int{&p.begun, &p.offered, &p.accepted} {
			*at = max(0, *at-n)
		}
		for i := range p.kept {
			p.kept[i] = 0
		}
		p.marking, p.marked, p.confirmed, p.settled = never, never, never, never
	}
}

// At whatever moment the power is cut, no accepted fax is lost, what is there is whole, and
// only a fax between its last page and the record of its delivery is uncertain. And so at
// every moment of the start after it.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	states := 0
	for _, tt := range lives {
		l := newLife(t, newModel())
		tt.live(l)
		seen := map[string]bool{}
		fresh := func(n int, m *model) bool {
			id := fmt.Sprint(n, m.String())
			was := seen[id]
			seen[id] = true
			return !was
		}
		look := func(m *model, n int, what string) {
			s, r, err := open(m, where, Config{Now: fixed, MaxFaxes: 6})
			if err != nil {
				t.Fatalf("%s, %s: %v", tt.name, what, err)
			}
			if faults := l.check(s, r, n); len(faults) > 0 {
				t.Fatalf("%s, %s: %s\n%s", tt.name, what, strings.Join(faults, "\n"), m.String())
			}
			if left := m.Left(newSuffix, goneSuffix); len(left) > 0 {
				t.Fatalf("%s, %s: left behind: %s", tt.name, what, left)
			}
			must(t, s.Close())
		}
		for n := range l.m.Done() + 1 {
			for seed, known := uint64(0), 0; known < 6; seed++ {
				once := l.m.crash(n, fakedisk.Keeps(seed))
				if !fresh(n, once) {
					known++
					continue
				}
				look(once, n, fmt.Sprintf("cut after %d of %d changes, seed %d", n, l.m.Done(), seed))
				for k := range once.Done() + 1 {
					if twice := once.crash(k, fakedisk.Keeps(seed+uint64(k))); fresh(n, twice) {
						look(twice, n, fmt.Sprintf("cut after %d of %d changes, seed %d, and after %d of the start", n, l.m.Done(), seed, k))
					}
				}
			}
		}
		states += len(seen)
		must(t, l.s.Close())
	}
	t.Logf("%d states", states)
	if states < 2000 {
		t.Errorf("%d states: want at least 2000", states)
	}
}

var errDisk = []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS}

// Whatever call to the disk fails: a fax that was not accepted is not there, or failed, and
// one that was is whole; nothing panics, and what a page's confirmation waits for is told.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	for _, failure := range errDisk {
		for _, stays := range []bool{false, true} {
			for n := 1; ; n++ {
				m := newModel()
				s, _, err := open(m, where, Config{Now: fixed})
				must(t, err)
				calls, failed := 0, false
				m.Fail = func(call, path string) error {
					if calls++; calls == n || stays && calls > n && call != "read" && call != "list" && call != "open" {
						failed = true
						return failure
					}
					return nil
				}
				kept, err := takeTwo(t, s)
				m.Fail = nil
				if err != nil && !errors.Is(err, failure) {
					t.Fatalf("%v at call %d: %v", failure, n, err)
				}
				if list := s.List(); len(list) > 0 && list[0].State == Receiving {
					t.Fatalf("%v at call %d: nobody ends %+v", failure, n, list)
				}
				_ = s.Close()
				for _, seed := range []uint64{0, 1} {
					again := m.crash(m.Done(), fakedisk.Keeps(seed))
					s, r, err := open(again, where, Config{Now: fixed})
					must(t, err)
					list := s.List()
					switch {
					case len(r.Damaged) > 0:
						t.Fatalf("%v at call %d: %v", failure, n, r.Lines())
					case kept == 2 && (len(list) != 1 || list[0].State != Queued || list[0].PageCount != 2):
						t.Fatalf("%v at call %d, seed %d: lost: %+v", failure, n, seed, list)
					case kept > 0 && (len(list) != 1 || list[0].PageCount < kept):
						t.Fatalf("%v at call %d, seed %d: a page is lost: %+v", failure, n, seed, list)
					case len(list) > 0 && list[0].PageCount > 0:
						samePages(t, s, list[0].ID, []sheetOf{small(1), small(2)}[:list[0].PageCount]...)
					}
					must(t, s.Close())
				}
				if !failed {
					break
				}
			}
		}
	}
}

// takeTwo receives a fax of two pages, as far as the disk lets it, and tells how many were
// confirmed.
func takeTwo(t *testing.T, s *Store) (kept int, err error) {
	t.Helper()
	in, err := s.Begin(Meta{Kind: Machine, Port: 1})
	if err != nil {
		return 0, err
	}
	for n := range 2 {
		if err = tryToGive(t, in, n, small(n+1)); err == nil {
			err = in.Keep(n == 1)
		}
		if err != nil {
			_, _ = in.Abandon(Result{Error: err.Error()})
			return kept, err
		}
		kept++
	}
	_, err = in.Commit(Result{OK: true})
	return kept, err
}

// The order of a fax's steps is that of its acceptance, over starts too.
func TestSequenceGoesOn(t *testing.T) {
	l := newLife(t, newModel())
	first := l.submit(small(1))
	must(t, l.s.Close())
	l.open()
	second := l.submit(small(2))
	var ids []string
	for _, r := range l.s.List() {
		ids = append(ids, r.ID)
	}
	if !slices.Equal(ids, []string{first.id, second.id}) {
		t.Errorf("%v, want %s before %s", ids, first.id, second.id)
	}
	must(t, l.s.Close())
}
