package demo

import (
	"context"
	"sync"

	"tipring/tools/lab"
)

// A journal keeps what the lab's servers told, in order.
type journal struct {
	mu     sync.Mutex
	events []any         // lab.Event, lab.RadiusEvent, lab.FileEvent
	news   chan struct{} // closed and made anew with each event
}

func newJournal() *journal { return &journal{news: make(chan struct{})} }

// add is what the lab's hooks call.
func (j *journal) add(e any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
	close(j.news)
	j.news = make(chan struct{})
}

// now is a place in the journal: what is told later comes after it.
func (j *journal) now() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.events)
}

// wait waits for an event after a place at a SIP server.
func (j *journal) wait(ctx context.Context, from int, match func(lab.Event) bool) error {
	return j.waitAny(ctx, from, func(e any) bool {
		sip, ok := e.(lab.Event)
		return ok && match(sip)
	})
}

// waitAny waits for an event after a place.
func (j *journal) waitAny(ctx context.Context, from int, match func(any) bool) error {
	for {
		j.mu.Lock()
		events, news := j.events[from:], j.news
		j.mu.Unlock()
		for _, e := range events {
			if match(e) {
				return nil
			}
		}
		from += len(events)
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
