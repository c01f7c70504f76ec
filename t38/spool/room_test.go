package spool

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tipring/t38/t30"
)

// clock is a time that a test moves.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time         { return fixed().Add(time.Duration(c.seconds.Load()) * time.Second) }
func (c *clock) passes(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

// finish ends a fax that waits.
func finish(t *testing.T, s *Store, id string, state State) {
	t.Helper()
	_, err := s.change(id, func(r *Record) { r.finish(s, state) })
	must(t, err)
	must(t, s.save(id))
}

func mailbox(t *testing.T, s *Store, sheets ...sheetOf) Record {
	t.Helper()
	in, err := s.Begin(Meta{Kind: Mailbox})
	must(t, err)
	receive(t, in, sheets...)
	r, err := in.Commit(Result{OK: true})
	must(t, err)
	return r
}

// A fax that never got to its machine is as worth keeping as one in the mailbox.
func TestOnlyCopy(t *testing.T) {
	for _, tt := range []struct {
		kind  Kind
		state State
		pages int
		want  bool
	}{
		{Mailbox, Received, 1, true}, {Mailbox, Failed, 1, true}, {Mailbox, Failed, 0, false},
		{ToMachine, Failed, 1, true}, {ToMachine, Cancelled, 1, true}, {ToMachine, Received, 1, false},
		{Machine, Sent, 1, false}, {Machine, Failed, 1, false}, {Submitted, Failed, 1, false}, {Notice, Failed, 1, false},
	} {
		if r := (Record{Kind: tt.kind, State: tt.state, PageCount: tt.pages}); r.onlyCopy() != tt.want {
			t.Errorf("%s, %s, %d pages: %v", tt.kind, tt.state, tt.pages, !tt.want)
		}
	}
}

func peers(s *Store) (list []string) {
	for _, r := range s.List() {
		list = append(list, string(r.Kind)+" "+r.Peer)
	}
	return list
}

func wantPeers(t *testing.T, s *Store, want ...string) {
	t.Helper()
	if got := peers(s); !slices.Equal(got, want) {
		t.Errorf("faxes %q, want %q", got, want)
	}
}

// The oldest finished faxes make room; what waits and what was received stay, and then the
// store is full.
func TestRoomByNumber(t *testing.T) {
	var c clock
	s := opened(t, t.TempDir(), Config{MaxFaxes: 4, Now: c.now})
	ids := map[string]string{}
	for _, peer := range []string{"1", "2", "3"} {
		ids[peer] = submit(t, s, Meta{Peer: peer}, small(1)).ID
	}
	c.passes(time.Minute)
	finish(t, s, ids["2"], Sent)
	c.passes(time.Minute)
	finish(t, s, ids["1"], Failed)
	mailbox(t, s, small(1))
	submit(t, s, Meta{Peer: "4"}, small(1))
	wantPeers(t, s, "document 1", "document 3", "mailbox ", "document 4")
	submit(t, s, Meta{Peer: "5"}, small(1))
	wantPeers(t, s, "document 3", "mailbox ", "document 4", "document 5")
	if _, err := s.Submit(context.Background(), bytes.NewReader(tiffOf(t, small(1))), Meta{Peer: "6"}); !errors.Is(err, ErrFull) {
		t.Errorf("a fifth: %v", err)
	}
	if _, err := s.Begin(Meta{Kind: Mailbox}); !errors.Is(err, ErrFull) {
		t.Errorf("a fifth: %v", err)
	}
	c.passes(31 * 24 * time.Hour)
	submit(t, s, Meta{Peer: "6"}, small(1)) // what was received has been kept long enough
	wantPeers(t, s, "document 3", "document 4", "document 5", "document 6")
	must(t, s.Close())
}

// Finished faxes go when they are old, also with the start; what was received waits until
// its room is wanted.
func TestRoomByAge(t *testing.T) {
	var c clock
	dir := t.TempDir()
	s := opened(t, dir, Config{KeepFor: time.Hour, Now: c.now})
	old := submit(t, s, Meta{Peer: "old"}, small(1))
	finish(t, s, old.ID, Sent)
	mailbox(t, s, small(1))
	told := submit(t, s, Meta{Peer: "told"}, small(1))
	_, err := s.change(told.ID, func(r *Record) { r.finish(s, Failed); r.NoticeDue = true })
	must(t, err)
	must(t, s.save(told.ID))
	c.passes(time.Hour + time.Second)
	submit(t, s, Meta{Peer: "waits"}, small(1))
	wantPeers(t, s, "mailbox ", "document told", "document waits")
	c.passes(2 * time.Hour)
	must(t, s.Close())
	s = opened(t, dir, Config{KeepFor: time.Hour, Now: c.now})
	wantPeers(t, s, "mailbox ", "document told", "document waits")
	must(t, s.Close())
}

// A fax that is being received ends where the store does, and what was confirmed of it stays.
func TestRoomByOctets(t *testing.T) {
	big := sheetOf{1728, 600, 204, 196, 1}
	s := opened(t, t.TempDir(), Config{MaxOctets: 60000})
	done := submit(t, s, Meta{Peer: "1"}, big)
	finish(t, s, done.ID, Sent)
	in, err := s.Begin(Meta{Kind: Mailbox})
	must(t, err)
	pages := 0
	for ; err == nil && pages < 10; pages++ {
		format := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MMR, ECM: true}
		if _, err = pour(t, in, pages, big, format); err == nil {
			must(t, in.Keep(false))
		}
	}
	if !errors.Is(err, ErrFull) || !errors.Is(in.Err(), ErrFull) || pages < 3 {
		t.Fatalf("%d pages: %v", pages, err)
	}
	wantPeers(t, s, "mailbox ")
	r, err := in.Abandon(Result{Error: "no room"})
	must(t, err)
	if r.PageCount != pages-1 {
		t.Errorf("%d pages, want %d", r.PageCount, pages-1)
	}
	if u := s.Usage(); u.Octets > 60000 || u.Octets < r.Octets {
		t.Errorf("%+v", u)
	}
	must(t, s.Delete(r.ID))
	if u := s.Usage(); u.Octets != 0 || u.Faxes != 0 {
		t.Errorf("%+v", u)
	}
	must(t, s.Close())
}

// A store that nothing happens to wakes nobody.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s, _, err := Open(t.TempDir(), Config{Now: func() time.Time { asked.Add(1); return time.Now() }})
		must(t, err)
		q := NewQueue(QueueConfig{Store: s})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); q.Run(ctx) }()
		synctest.Wait()
		before := asked.Load()
		time.Sleep(24 * time.Hour)
		if n := asked.Load() - before; n != 0 {
			t.Errorf("looked %d times in a day", n)
		}
		cancel()
		<-done
		must(t, s.Close())
	})
}
