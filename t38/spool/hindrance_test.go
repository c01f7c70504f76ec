package spool

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/durable/fakedisk"
)

// As long as something is in the way of a fax it is looked at now and then, and nothing is written:
// an outage of a day is no reason to wear out the flash. It says what it waits for, and goes when it
// can; one for which that never comes fails in the end.
func TestHindrance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		s, _, err := open(m, where, Config{})
		must(t, err)
		var looks, calls atomic.Int32
		var up atomic.Bool
		q := NewQueue(QueueConfig{
			Store: s,
			Hindered: func(r Record) string {
				looks.Add(1)
				if !up.Load() || r.Peer == "2" {
					return "no line is registered"
				}
				return ""
			},
			Deliver: func(context.Context, *Job) Result { calls.Add(1); return Result{OK: true} },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { q.Run(ctx); close(ended) }()

		take := func(peer string) (id string) {
			in, err := s.Begin(Meta{Kind: Machine, Peer: peer, Line: 1})
			must(t, err)
			receive(t, in, small(1))
			_, err = in.Commit(Result{OK: true})
			must(t, err)
			return in.ID()
		}
		id, never := take("1"), take("2")
		synctest.Wait()
		before := m.Done()
		time.Sleep(6 * time.Hour)
		if r, _ := s.Get(id); r.State != Queued || r.Tries != 0 || r.Untried == 0 || r.Error != "no line is registered" {
			t.Errorf("%+v", r)
		}
		if m.Done() != before || calls.Load() > 0 || looks.Load() < 100 || looks.Load() > 200 {
			t.Errorf("%d writes, %d calls, %d looks", m.Done()-before, calls.Load(), looks.Load())
		}

		up.Store(true)
		q.LineReady()
		synctest.Wait()
		if r, _ := s.Get(id); r.State != Sent || r.Tries != 1 || r.Error != "" || calls.Load() != 1 {
			t.Errorf("%+v", r)
		}
		time.Sleep(30 * time.Hour)
		if r, _ := s.Get(never); r.State != Failed || r.Tries != 0 || !strings.Contains(r.Error, "no line") {
			t.Errorf("%+v", r)
		}
		cancel()
		<-ended
		must(t, s.Close())
		s, _, err = open(m.crash(m.Done(), fakedisk.Keeps(1)), where, Config{})
		must(t, err)
		for id, want := range map[string]State{id: Sent, never: Failed} {
			if r, err := s.Get(id); err != nil || r.State != want {
				t.Errorf("after a cut: %v, %+v", err, r)
			}
		}
		must(t, s.Close())
	})
}
