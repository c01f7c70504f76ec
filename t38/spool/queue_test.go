package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/header"
	"tipring/t38/t4/tiff"
)

// A bench is a store with a queue, whose deliveries a script answers.
type bench struct {
	t     *testing.T
	store *Store
	queue *Queue
	begun time.Time
	stop  func()

	mu      sync.Mutex
	calls   []call
	answers map[string][]func(ctx context.Context, j *Job) Result // by Peer, or "port N"
	events  map[string][]State
}

// call is a delivery that was asked for.
type call struct {
	who   string
	after time.Duration // since the bench began
	first int
}

func newBench(t *testing.T, c QueueConfig) *bench {
	t.Helper()
	return benchIn(t, filepath.Join(t.TempDir(), "faxes"), c)
}

func benchIn(t *testing.T, dir string, c QueueConfig) *bench {
	t.Helper()
	b := &bench{t: t, begun: time.Now(), answers: map[string][]func(context.Context, *Job) Result{}, events: map[string][]State{}}
	s, _, err := Open(dir, Config{Changed: b.changed})
	must(t, err)
	c.Store, c.Deliver, c.Zone = s, b.deliver, time.UTC
	b.store, b.queue = s, NewQueue(c)
	b.run()
	return b
}

func (b *bench) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.queue.Run(ctx)
	}()
	b.stop = func() { cancel(); <-done }
}

func (b *bench) close() {
	b.t.Helper()
	b.stop()
	must(b.t, b.store.Close())
}

func (b *bench) changed(r Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.events[r.ID]; len(e) == 0 || e[len(e)-1] != r.State {
		b.events[r.ID] = append(e, r.State)
	}
}

func who(r Record) string {
	if r.Kind.ToPort() {
		return fmt.Sprint("port ", r.Port)
	}
	return r.Peer
}

func (b *bench) deliver(ctx context.Context, j *Job) Result {
	b.mu.Lock()
	to := who(j.Record)
	b.calls = append(b.calls, call{to, time.Since(b.begun), j.Record.FirstPage})
	var answer func(context.Context, *Job) Result
	if a := b.answers[to]; len(a) > 0 {
		answer, b.answers[to] = a[0], a[1:]
	}
	b.mu.Unlock()
	if answer == nil {
		return Result{OK: true}
	}
	return answer(ctx, j)
}

// says are results of the next deliveries to somebody.
func (b *bench) says(to string, results ...Result) {
	for _, r := range results {
		b.does(to, func(context.Context, *Job) Result { return r })
	}
}

func (b *bench) does(to string, f func(context.Context, *Job) Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[to] = append(b.answers[to], f)
}

func (b *bench) wants(calls ...call) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.calls, calls) {
		b.t.Errorf("calls %v, want %v", b.calls, calls)
	}
}

// sort puts the calls in the order of whom they are for.
func (b *bench) sort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.SortStableFunc(b.calls, func(x, y call) int { return strings.Compare(x.who, y.who) })
}

// went is the states that a fax went through.
func (b *bench) went(id string) []State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events[id])
}

func (b *bench) get(id string) Record {
	b.t.Helper()
	r, err := b.store.Get(id)
	must(b.t, err)
	return r
}

// lasting takes so long, unless it is cancelled.
func lasting(d time.Duration, r Result) func(context.Context, *Job) Result {
	return func(ctx context.Context, _ *Job) Result {
		select {
		case <-time.After(d):
			return r
		case <-ctx.Done():
			return Result{Error: "cut short"}
		}
	}
}

func confirmed(ns ...int) (pages []Page) {
	for _, n := range ns {
		pages = append(pages, Page{N: n, Result: Confirmed, Rate: 14400})
	}
	return pages
}

const second = time.Second

func TestFaxIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		b.does("123", func(_ context.Context, j *Job) Result {
			j.State(Probing)
			j.State(Dialling)
			j.State(Sending)
			j.State(Sent) // not its business
			j.Page(Page{N: 1, Result: Confirmed, Rate: 9600})
			return Result{OK: true, Rate: 14400, ECM: true, Transport: "t38", RemoteID: "+49 30 123", CalledNumberResult: CalledSuccess, Session: "s1"}
		})
		r := submit(t, b.store, Meta{Line: 1, Peer: "123"}, a4)
		time.Sleep(second)
		got := b.get(r.ID)
		if got.State != Sent || got.Tries != 1 || got.Rate != 14400 || !got.ECM || got.Transport != "t38" || got.RemoteID != "+49 30 123" ||
			got.CalledNumberResult != CalledSuccess || got.Session != "s1" || got.Ended.IsZero() || got.Uncertain || len(got.Pages) != 1 || got.FirstPage != 1 {
			t.Errorf("%+v", got)
		}
		if want := []State{Queued, Dialling, Probing, Dialling, Sending, Sent}; !slices.Equal(b.went(r.ID), want) {
			t.Errorf("events %v, want %v", b.went(r.ID), want)
		}
		b.close()
	})
}

// A minute passes after busy, 15 s after anything else, three times; a permanent error ends
// it at once.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		busy, failed := Result{Busy: true, Error: "busy"}, Result{Error: "no answer"}
		b.says("1", busy, failed, failed, failed)
		b.says("2", failed, Result{Permanent: true, Error: "number not in service"})
		b.says("3", Result{Error: "503", After: 40 * second}, Result{OK: true})
		var ids []string
		for n := range 3 {
			ids = append(ids, submit(t, b.store, Meta{Line: n + 1, Peer: fmt.Sprint(n + 1)}, a4).ID)
		}
		time.Sleep(time.Hour)
		b.sort()
		b.wants(call{"1", 0, 0}, call{"1", 60 * second, 0}, call{"1", 75 * second, 0}, call{"1", 90 * second, 0},
			call{"2", 0, 0}, call{"2", 15 * second, 0}, call{"3", 0, 0}, call{"3", 40 * second, 0})
		for n, want := range []struct {
			state State
			tries int
			err   string
		}{{Failed, 4, "no answer"}, {Failed, 2, "number not in service"}, {Sent, 2, ""}} {
			if r := b.get(ids[n]); r.State != want.state || r.Tries != want.tries || r.Error != want.err || !r.NextTry.IsZero() {
				t.Errorf("fax %d: %+v", n+1, r)
			}
		}
		b.close()
	})
}

// How often a fax is tried may change while it waits.
func TestRetriesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		failed := Result{Error: "no answer"}
		b.says("1", failed, failed, failed, failed)
		id := submit(t, b.store, Meta{Line: 1, Peer: "1"}, a4).ID
		time.Sleep(20 * time.Second)
		b.queue.Set(1, time.UTC)
		time.Sleep(time.Hour)
		if r := b.get(id); r.State != Failed || r.Tries != 3 {
			t.Errorf("%s after %d tries", r.State, r.Tries)
		}
		b.close()
	})
}

// The next try begins behind the pages that were confirmed, and what it sends are those that
// are left, with the numbers they have in the whole.
func TestPageResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		var sheets []sheetOf
		for n := range 4 {
			sheets = append(sheets, sheetOf{1728, 200 + 50*n, 204, 196, uint64(n)})
		}
		b.says("1", Result{Error: "line lost", Pages: append(confirmed(1, 2), Page{N: 3, Result: "lost"})})
		b.does("1", func(_ context.Context, j *Job) Result {
			j.Sent30(t30.Page{Number: 0, Sent: true, Confirmed: true}, "") // the third
			return Result{Error: "line lost again"}
		})
		b.does("1", func(ctx context.Context, j *Job) Result {
			if j.Pages() != 1 {
				t.Errorf("%d pages left", j.Pages())
			}
			s, err := j.Source(ctx, &header.Fields{When: fixed(), Ident: "Acme"})
			must(t, err)
			defer s.Close()
			form, ok := s.Page(0)
			if !ok || form != (t30.Form{Resolution: t30.Fine}) {
				t.Errorf("form %+v, %v", form, ok)
			}
			got := codedPage(t, s, 0)
			strip, err := header.Draw(header.Fields{When: fixed(), Ident: "Acme", Page: 4, Pages: 4}.Line(), 1728, 204, 196)
			must(t, err)
			if len(got) != 350+strip.Rows() || string(got[20]) != string(strip.Row(20)) {
				t.Errorf("%d rows, or the header does not say page 4 of 4", len(got))
			}
			if j.Record.Committing || b.get(j.ID()).Committing {
				t.Error("the last page is not yet sent")
			}
			if _, ok := s.Page(1); ok || !b.get(j.ID()).Committing {
				t.Error("behind the last page: its end is not marked")
			}
			return Result{OK: true, Pages: confirmed(4)}
		})
		r := submit(t, b.store, Meta{Line: 1, Peer: "1"}, sheets...)
		time.Sleep(time.Hour)
		b.wants(call{"1", 0, 0}, call{"1", 15 * second, 2}, call{"1", 30 * second, 3})
		if r = b.get(r.ID); r.State != Sent || r.Committing || r.Uncertain || len(r.Pages) != 4 {
			t.Errorf("%+v", r)
		}
		b.close()
	})
}

// A clock that is set back while a fax waits does not hold it.
func TestClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		tries := make(chan time.Duration, 5)
		begun := time.Now()
		s := opened(t, t.TempDir(), Config{Now: c.now})
		q := NewQueue(QueueConfig{Store: s, Retries: 1, Deliver: func(context.Context, *Job) Result {
			tries <- time.Since(begun)
			return Result{Error: "no answer"}
		}})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); q.Run(ctx) }()
		submit(t, s, Meta{Line: 1, Peer: "1"}, a4)
		if first := <-tries; first != 0 {
			t.Errorf("first try after %v", first)
		}
		synctest.Wait()
		c.passes(-74 * 365 * 24 * time.Hour)
		if second := <-tries; second != 15*time.Second {
			t.Errorf("second try after %v", second)
		}
		cancel()
		<-done
		must(t, s.Close())
	})
}

// A last page that is rejected, and sent once more, is not yet confirmed by anybody.
func TestMarkIsTakenBack(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	r := submit(t, s, Meta{Peer: "1"}, small(1))
	_, err := s.change(r.ID, func(r *Record) { r.State = Sending })
	must(t, err)
	source, err := (&Job{Record: r, store: s}).Source(context.Background(), nil)
	must(t, err)
	onDisk := func() bool {
		s.work.Wait()
		data, err := os.ReadFile(filepath.Join(dir, r.ID, recordFile))
		must(t, err)
		r, err := decode(r.ID, data)
		must(t, err)
		return r.Committing
	}
	for range 2 {
		codedPage(t, source, 0)
		if onDisk() {
			t.Error("marked while the page is on its way")
		}
		if _, more := source.Page(1); more || !onDisk() {
			t.Error("not marked behind the page")
		}
	}
	must(t, source.Close())
	must(t, s.Close())
}

// A cut between the last confirmation and the end of the call finds the fax delivered: it is not
// sent again, and what is due is told.
func TestCutBehindTheLastConfirmation(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	r := submit(t, s, Meta{Peer: "1", Port: 1, NotifyDn: true}, small(1), small(2))
	_, err := s.change(r.ID, func(r *Record) { r.State = Sending })
	must(t, err)
	j := &Job{Record: r, store: s}
	j.Page(Page{N: 1, Result: Confirmed})
	j.LastPageSent()
	j.Page(Page{N: 2, Result: Confirmed})
	s.work.Wait() // the disk has it; and then there is no power
	cut := t.TempDir()
	must(t, os.CopyFS(cut, os.DirFS(dir)))
	must(t, s.Close())
	s, _, err = Open(cut, Config{})
	must(t, err)
	got, err := s.Get(r.ID)
	must(t, err)
	if got.State != Sent || got.Uncertain || got.Committing || got.FirstPage != 2 || got.Ended.IsZero() || !got.NoticeDue {
		t.Errorf("%+v", got)
	}
	must(t, s.Close())
}

// codedPage reads a page of a Source, as a receiver gets it.
func codedPage(t testing.TB, s t30.Source, n int) [][]byte {
	t.Helper()
	in, err := s.Open(n, t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MMR, ECM: true})
	must(t, err)
	octets, err := io.ReadAll(in)
	must(t, err)
	d, err := t4.NewDecoder(t4.DecoderConfig{Coding: t4.MMR, Columns: 1728})
	must(t, err)
	d.Feed(octets)
	d.End()
	var rows [][]byte
	for d.Next() {
		rows = append(rows, slices.Clone(d.Row()))
	}
	return rows
}

// A call that fails behind the last confirmation has sent the fax.
func TestLastConfirmationIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		b.does("1", func(_ context.Context, j *Job) Result {
			j.Page(confirmed(1)[0])
			return Result{Error: "the line was lost", Pages: confirmed(1, 2)}
		})
		r := submit(t, b.store, Meta{Line: 1, Peer: "1"}, a4, a4)
		time.Sleep(time.Hour)
		b.wants(call{"1", 0, 0})
		if r = b.get(r.ID); r.State != Sent || r.Error != "" {
			t.Errorf("%+v", r)
		}
		b.close()
	})
}

// Faxes to one number go in their order, however it is written and though the first has to
// wait; others pass. A line has two calls, a port one.
func TestOrderAndLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3, Parallel: 3})
		b.says("030 1", Result{Busy: true, Error: "busy"})
		b.does("2", lasting(10*second, Result{OK: true}))
		b.does("3", lasting(10*second, Result{OK: true}))
		b.does("5", lasting(10*second, Result{OK: true}))
		for _, m := range []Meta{{Line: 1, Peer: "030 1"}, {Line: 2, Peer: "0301"}, {Line: 1, Peer: "2"}, {Line: 1, Peer: "3"}, {Line: 1, Peer: "4"}} {
			submit(t, b.store, m, a4)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(5*second - 50*time.Millisecond)
		submit(t, b.store, Meta{Line: 2, Peer: "5"}, a4)
		submit(t, b.store, Meta{Line: 2, Peer: "6"}, a4) // three are under way
		time.Sleep(time.Hour)
		const ms = time.Millisecond
		b.wants(call{"030 1", 0, 0}, call{"2", 20 * ms, 0}, call{"3", 30 * ms, 0}, call{"5", 5 * second, 0},
			call{"4", 10*second + 20*ms, 0}, call{"6", 10*second + 20*ms, 0}, call{"030 1", 60 * second, 0}, call{"0301", 60 * second, 0})
		b.close()
	})
}

// A machine that is off is tried for a day, and at once when it is back.
func TestDeliveryToMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{})
		off := Result{NotTried: true, Error: "no line card is connected"}
		b.says("port 3", slices.Repeat([]Result{off}, 12)...)
		in, err := b.store.Begin(Meta{Kind: ToMachine, Port: 3, Line: 1, CallerID: "555"})
		must(t, err)
		receive(t, in, a4)
		_, err = in.Commit(Result{OK: true})
		must(t, err)
		other, err := b.store.Begin(Meta{Kind: ToMachine, Port: 3, Line: 1, CallerID: "556"})
		must(t, err)
		receive(t, other, a4)
		_, err = other.Commit(Result{OK: true})
		must(t, err)
		time.Sleep(16 * time.Minute)
		b.queue.PortReady(2) // another port
		b.queue.LineReady()  // the line that it came over
		time.Sleep(second)
		b.queue.PortReady(3)
		time.Sleep(time.Hour)
		var want []call
		for n := range 11 {
			want = append(want, call{"port 3", time.Duration(n) * time.Minute, 0})
		}
		want = append(want, call{"port 3", 15 * time.Minute, 0}, call{"port 3", 16*time.Minute + second, 0}, call{"port 3", 16*time.Minute + second, 0})
		b.wants(want...)
		if r := b.get(in.ID()); r.State != Received || r.Direction != In {
			t.Errorf("%+v", r)
		}
		if events := b.went(in.ID()); events[0] != Receiving || events[1] != Queued || events[2] != Delivering || events[len(events)-1] != Received {
			t.Errorf("%v", events)
		}
		b.close()
	})
}

func TestMachineThatStaysOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{})
		b.says("port 3", slices.Repeat([]Result{{Busy: true, Error: "off-hook"}}, 400)...)
		in, err := b.store.Begin(Meta{Kind: ToMachine, Port: 3})
		must(t, err)
		receive(t, in, a4)
		_, err = in.Commit(Result{OK: true})
		must(t, err)
		time.Sleep(30 * time.Hour)
		if r := b.get(in.ID()); r.State != Failed || r.Tries != 300 || r.Ended.Sub(b.begun).Round(time.Hour) != 24*time.Hour || r.PageCount != 1 {
			t.Errorf("%+v", r)
		}
		b.close()
	})
}

// While no line is up no try is used up.
func TestNoLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 0})
		down := Result{NotTried: true, Error: "line 1 is not registered"}
		b.says("1", down, down, down, down, down, down, down)
		r := submit(t, b.store, Meta{Line: 1, Peer: "1"}, a4)
		time.Sleep(20 * time.Minute)
		s := func(n int) call { return call{"1", time.Duration(n) * second, 0} }
		b.wants(s(0), s(15), s(45), s(105), s(225), s(465), s(765), s(1065))
		if r = b.get(r.ID); r.State != Sent || r.Tries != 1 || r.Untried != 7 {
			t.Errorf("%+v", r)
		}
		b.says("2", down)
		r = submit(t, b.store, Meta{Line: 1, Peer: "2"}, a4)
		time.Sleep(second)
		b.queue.LineReady()
		time.Sleep(second)
		if r = b.get(r.ID); r.State != Sent {
			t.Errorf("the line is back: %+v", r)
		}
		b.queue.Set(1, time.UTC)
		b.says("3", down, Result{Busy: true, Error: "busy"})
		r = submit(t, b.store, Meta{Line: 1, Peer: "3"}, a4)
		time.Sleep(20 * second) // it was called once, and found busy
		b.queue.LineReady()
		time.Sleep(second)
		if r = b.get(r.ID); r.State != Queued || r.Untried != 0 {
			t.Errorf("a line is back, which it does not wait for: %+v", r)
		}
		b.close()
	})
}

func TestCancelAndResend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		b.does("1", lasting(time.Hour, Result{OK: true}))
		b.says("2", Result{Error: "no answer"})
		b.does("3", func(ctx context.Context, j *Job) Result {
			<-ctx.Done()
			return Result{OK: true, Pages: confirmed(1)}
		})
		running := submit(t, b.store, Meta{Line: 1, Peer: "1"}, a4)
		waiting := submit(t, b.store, Meta{Line: 2, Peer: "2"}, a4)
		nearly := submit(t, b.store, Meta{Line: 3, Peer: "3"}, a4)
		time.Sleep(second)
		for _, id := range []string{running.ID, waiting.ID, nearly.ID} {
			must(t, b.queue.Cancel(id))
		}
		time.Sleep(second)
		for id, want := range map[string]State{running.ID: Cancelled, waiting.ID: Cancelled, nearly.ID: Sent} {
			if r := b.get(id); r.State != want {
				t.Errorf("%s: %+v, want %s", r.Peer, r, want)
			}
			if err := b.queue.Cancel(id); !errors.Is(err, ErrState) {
				t.Errorf("cancelled once more: %v", err)
			}
		}
		if err := b.queue.Cancel("nobody"); !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
		must(t, b.queue.Resend(running.ID))
		time.Sleep(second)
		if r := b.get(running.ID); r.State != Sent || r.Tries != 1 {
			t.Errorf("sent again: %+v", r)
		}
		must(t, b.store.Delete(running.ID))
		if err := b.queue.Resend(running.ID); !errors.Is(err, ErrUnknown) {
			t.Error(err)
		}
		b.close()
	})
}

// A device that drains takes no faxes, ends those that are running, and keeps the others.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 3})
		b.does("1", lasting(20*second, Result{OK: true}))
		b.says("2", Result{Error: "no answer"})
		running := submit(t, b.store, Meta{Line: 1, Peer: "1"}, a4)
		waiting := submit(t, b.store, Meta{Line: 2, Peer: "2"}, a4)
		time.Sleep(second)
		b.queue.Pause()
		if _, err := b.store.Submit(context.Background(), strings.NewReader(""), Meta{Peer: "3"}); !errors.Is(err, ErrDraining) {
			t.Errorf("a new one: %v", err)
		}
		if _, err := b.store.Begin(Meta{Kind: Mailbox}); !errors.Is(err, ErrDraining) {
			t.Errorf("a new one: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*second)
		if err := b.queue.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || b.queue.Running() != 1 {
			t.Errorf("%v with %d running", err, b.queue.Running())
		}
		cancel()
		must(t, b.queue.Wait(context.Background()))
		time.Sleep(time.Hour)
		if r := b.get(running.ID); r.State != Sent || r.Ended.Sub(b.begun) != 20*second {
			t.Errorf("%+v", r)
		}
		if r := b.get(waiting.ID); r.State != Queued || r.Tries != 1 {
			t.Errorf("%+v", r)
		}
		b.queue.Resume()
		time.Sleep(second)
		if r := b.get(waiting.ID); r.State != Sent {
			t.Errorf("%+v", r)
		}
		b.close()
	})
}

// A notice about a fax that fails during a drain is no new fax: it is made, and waits.
func TestNoticeInADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{})
		b.does("1", lasting(20*second, Result{Error: "no fax machine", Permanent: true}))
		submit(t, b.store, Meta{Line: 1, Port: 7, Peer: "1", NotifyNdn: true}, a4)
		time.Sleep(second)
		b.queue.Pause()
		time.Sleep(time.Minute)
		if all := b.store.List(); len(all) != 2 || all[1].Kind != Notice || all[1].State != Queued {
			t.Errorf("%+v", all)
		}
		b.close()
	})
}

// What the end of the program cuts short goes on with the next start, and is uncertain only
// if the last page was out.
func TestStopAndStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "faxes")
		b := benchIn(t, dir, QueueConfig{Retries: 0})
		b.does("1", func(ctx context.Context, j *Job) Result {
			j.Page(confirmed(1)[0])
			return lasting(time.Hour, Result{OK: true})(ctx, j)
		})
		b.does("2", func(ctx context.Context, j *Job) Result {
			j.Page(confirmed(1)[0])
			j.LastPageSent()
			return lasting(time.Hour, Result{OK: true})(ctx, j)
		})
		early := submit(t, b.store, Meta{Line: 1, Peer: "1"}, a4, a4)
		late := submit(t, b.store, Meta{Line: 2, Peer: "2"}, a4, a4)
		time.Sleep(second)
		b.close()
		b = benchIn(t, dir, QueueConfig{Retries: 0})
		time.Sleep(second)
		b.sort()
		b.wants(call{"1", 0, 1}, call{"2", 0, 1})
		if r := b.get(early.ID); r.State != Sent || r.Uncertain || r.Tries != 1 {
			t.Errorf("%+v", r)
		}
		if r := b.get(late.ID); r.State != Sent || !r.Uncertain {
			t.Errorf("%+v", r)
		}
		b.close()
	})
}

// The machine that a fax came from hears of its failure, by one page; of its delivery, if that
// is asked for. Nothing tells of a notice that does not arrive.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, QueueConfig{Retries: 1, PortTries: 2})
		taken := func(m Meta) Record {
			m.Kind, m.Port, m.Line = Machine, 4, 1
			in, err := b.store.Begin(m)
			must(t, err)
			receive(t, in, a4, a4, a4)
			r, err := in.Commit(Result{OK: true, RemoteID: "machine"})
			if r.Sender != "machine" || r.RemoteID != "" {
				t.Errorf("it came from %q, and goes to %q", r.Sender, r.RemoteID)
			}
			must(t, err)
			return r
		}
		no := Result{Error: "the other machine disconnected instead of acknowledging a page", Pages: confirmed(1, 2)}
		b.says("0301", no, no)
		b.says("0302", no, no)
		b.says("port 4", Result{OK: true}, Result{Error: "out of paper"}, Result{Error: "out of paper"})
		failed := taken(Meta{Peer: "0301", NotifyNdn: true})
		taken(Meta{Peer: "0302", NotifyDn: true})
		sent := taken(Meta{Peer: "0303", NotifyDn: true, NotifyNdn: true})
		taken(Meta{Peer: "0304", NotifyNdn: true})
		time.Sleep(time.Hour)
		var notices []Record
		for _, r := range b.store.List() {
			if r.Kind == Notice {
				notices = append(notices, r)
			}
			if r.NoticeDue {
				t.Errorf("still due: %+v", r)
			}
		}
		if len(notices) != 2 || notices[0].About != sent.ID || notices[1].About != failed.ID {
			t.Fatalf("%+v", notices)
		}
		if notices[0].State != Received || notices[1].State != Failed || notices[1].PageCount != 1 || notices[1].Port != 4 || notices[1].Direction != In {
			t.Errorf("%+v", notices)
		}
		looksLikeNotice(t, b.store, notices[1].ID, noticeWords(b.get(failed.ID), time.UTC))
		b.close()
	})
}

// looksLikeNotice checks that a page has the words where they stand, and a picture below.
func looksLikeNotice(t *testing.T, s *Store, id string, words []string) {
	t.Helper()
	d, err := s.OpenDocument(id)
	must(t, err)
	defer d.Close()
	f, err := tiff.Open(d, d.Size())
	must(t, err)
	p, err := f.Page(0)
	must(t, err)
	if i := p.Info(); i.Columns != 1728 || i.Rows > 2287 || i.XDPI != 204 || i.YDPI != 196 {
		t.Errorf("%+v", i)
	}
	rows := rowsIn(t, p, 1728)
	text := newSheet()
	text.title(words[0])
	text.write(words[1:]...)
	for n, want := range rowsIn(t, text.rows(), 1728) {
		if string(rows[n]) != string(want) {
			t.Fatalf("row %d is not that of the words", n)
		}
	}
	black := 0
	for _, row := range rows[text.textRows()+2*frame:] {
		for _, octet := range row[sideMargin/8+1 : (1728-sideMargin)/8-1] {
			if octet != 0 {
				black++
			}
		}
	}
	if black < 500 {
		t.Errorf("%d octets with black in the picture", black)
	}
}

func TestNoticeWords(t *testing.T) {
	r := Record{
		Peer: "030 1", State: Failed, Created: fixed(), Ended: fixed().Add(5 * time.Minute), RemoteID: "Acme", FirstPage: 2, PageCount: 3, Tries: 4,
		Error: "no answer", Uncertain: true,
	}
	want := `Fax not delivered

To:       030 1
Accepted: 2026-11-22 08:00 UTC
Ended:    2026-11-22 08:05 UTC
Answered: Acme
Pages:    2 of 3 sent
Tries:    4

Reason:   no answer

The device stopped while the fax was being confirmed: it may have been delivered twice.

Please send it again. This is its first page:
`
	if got := strings.Join(noticeWords(r, time.UTC), "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for _, s := range wrap("Reason:   "+strings.Repeat("word and another ", 9), 64) {
		if len(s) > 64 || len(s) < 20 {
			t.Errorf("%d letters: %q", len(s), s)
		}
	}
	if got := wrap(strings.Repeat("x", 130), 64); len(got) != 3 {
		t.Errorf("a long word: %q", got)
	}
}
