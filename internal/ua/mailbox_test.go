package ua

import (
	"testing"
	"time"

	"tipring/internal/ua/transport"
)

// Messages beyond the bound are lost, as in a full socket buffer; what this program tells
// itself is not.
func TestMailboxBounds(t *testing.T) {
	b := newMailbox()
	for range 2 * maxMail {
		b.post(event{kind: received})
	}
	if b.post(event{kind: received}) {
		t.Error("a full mailbox takes messages")
	}
	one, other := &movingFlow{}, &movingFlow{}
	var told []transport.Flow
	for range 100 {
		for _, f := range []transport.Flow{one, other} {
			if !b.post(event{kind: flowUp, flow: f}) || !b.post(event{kind: call, fn: func(time.Time) {}}) {
				t.Error("a full mailbox loses our own messages")
			}
		}
	}
	for _, ev := range b.take() {
		if ev.kind == flowUp {
			told = append(told, ev.flow)
		}
	}
	if len(told) != 200 {
		t.Errorf("%d of 200 events came through", len(told))
	}
}

// The same failure of a flow, again and again, is one piece of news; an event between two
// of them keeps both.
func TestRepeatedFailuresAreOne(t *testing.T) {
	b := newMailbox()
	f, g := &movingFlow{}, &movingFlow{}
	for range 1000 {
		b.post(event{kind: flowFailed, flow: f})
	}
	b.post(event{kind: flowFailed, flow: g})
	b.post(event{kind: flowFailed, flow: f})
	b.post(event{kind: call})
	b.post(event{kind: flowFailed, flow: f})
	if n := len(b.take()); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
}

// Ready holds one token however much mail there is, and a closed mailbox takes nothing
// and gives back what it had.
func TestMailboxReadyAndClose(t *testing.T) {
	b := newMailbox()
	b.post(event{kind: call})
	b.post(event{kind: call})
	if len(b.ready) != 1 {
		t.Errorf("%d tokens, want 1", len(b.ready))
	}
	if rest := b.close(); len(rest) != 2 {
		t.Errorf("%d events left, want 2", len(rest))
	}
	if b.post(event{kind: call}) {
		t.Error("a closed mailbox takes mail")
	}
}
