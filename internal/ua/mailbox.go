package ua

import (
	"net/netip"
	"sync"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// maxMail bounds what waits for an owner. Beyond it messages are lost, as a full
// socket buffer would lose them, and retransmission brings them again.
const maxMail = 512

type eventKind uint8

const (
	received eventKind = iota
	flowUp
	flowFailed
	call // run fn: an owner's own message to itself
)

type event struct {
	kind eventKind
	flow transport.Flow
	from netip.AddrPort
	msg  *sipmsg.Message
	err  error
	fn   func(now time.Time)
}

// A mailbox is the queue into an endpoint. Any goroutine posts; the owner takes.
type mailbox struct {
	ready chan struct{} // holds one token while mail waits

	mu     sync.Mutex
	mail   []event
	closed bool
}

func newMailbox() mailbox { return mailbox{ready: make(chan struct{}, 1)} }

// post queues an event and reports whether there was room. Calls always have room:
// they come from this program and none may be lost.
func (b *mailbox) post(ev event) bool {
	b.mu.Lock()
	ok := !b.closed && (len(b.mail) < maxMail || ev.kind == call)
	if ok {
		b.mail = append(b.mail, ev)
	}
	b.mu.Unlock()
	if ok {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	}
	return ok
}

// take empties the queue.
func (b *mailbox) take() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	mail := b.mail
	b.mail = nil
	return mail
}

func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.mail = true, nil
}
