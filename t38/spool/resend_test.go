package spool

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// The pages of a fax that is over are those of another one, which outlives the first.
func TestResend(t *testing.T) {
	m := newModel()
	s, _, err := open(m, where, Config{})
	must(t, err)
	in, err := s.Begin(Meta{Kind: Mailbox, CallerID: "5"})
	must(t, err)
	if _, err := s.Resend(in.ID(), Meta{Kind: Submitted}); !errors.Is(err, ErrState) {
		t.Errorf("while it comes: %v", err)
	}
	receive(t, in, small(2))
	_, err = in.Commit(Result{OK: true})
	must(t, err)
	var before bytes.Buffer
	must(t, s.WriteTIFF(in.ID(), &before))
	used := s.Usage().Octets

	r, err := s.Resend(in.ID(), Meta{Kind: Submitted, Line: 1, Peer: "7"})
	must(t, err)
	if r.ID == in.ID() || r.State != Queued || r.Direction != Out || r.PageCount != 1 || r.Peer != "7" || !r.Accepted || s.Usage().Octets < 2*used-1 {
		t.Errorf("%+v, %d octets", r, s.Usage().Octets)
	}
	must(t, s.Delete(in.ID()))
	must(t, s.Close())
	s, _, err = open(m, where, Config{})
	must(t, err)
	var after bytes.Buffer
	must(t, s.WriteTIFF(r.ID, &after))
	if !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Error("other pages")
	}
	if x, err := s.Get(r.ID); err != nil || x.State != Queued || x.PageCount != 1 {
		t.Errorf("behind a start: %+v, %v", x, err)
	}
	if _, err := s.Resend("none", Meta{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("of nothing: %v", err)
	}
	in, err = s.Begin(Meta{Kind: Mailbox})
	must(t, err)
	_, _ = in.Abandon(Result{})
	if _, err := s.Resend(in.ID(), Meta{Kind: Submitted}); !errors.Is(err, ErrNoPages) {
		t.Errorf("without pages: %v", err)
	}
	s.Refuse(true)
	if _, err := s.Resend(in.ID(), Meta{Kind: Submitted}); !errors.Is(err, ErrNoPages) && !errors.Is(err, ErrDraining) {
		t.Errorf("while draining: %v", err)
	}
	must(t, s.Close())
}

// A fax that is cancelled while the queue looks whether it can go is cancelled.
func TestCancelWhileItIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, err := open(newModel(), where, Config{})
		must(t, err)
		var q *Queue
		q = NewQueue(QueueConfig{
			Store:    s,
			Hindered: func(r Record) string { must(t, q.Cancel(r.ID)); return "no line is registered" },
			Deliver:  func(context.Context, *Job) Result { t.Error("it was delivered"); return Result{} },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { q.Run(ctx); close(ended) }()
		in, err := s.Begin(Meta{Kind: Machine, Peer: "1", Line: 1})
		must(t, err)
		receive(t, in, small(1))
		_, err = in.Commit(Result{OK: true})
		must(t, err)
		synctest.Wait()
		if r, _ := s.Get(in.ID()); r.State != Cancelled {
			t.Errorf("%+v", r)
		}
		cancel()
		<-ended
		must(t, s.Close())
	})
}
