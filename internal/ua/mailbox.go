package ua

import (
	"net/netip"
	"sync"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// maxMail bounds the messages that wait for an owner. Beyond it they are lost, as a full
// socket buffer would lose them, and retransmission brings them again.
const maxMail = 512

type eventKind uint8

const (
	received eventKind = iota
	flowUp
	flowFailed
	mapped // from is our address as the far end of flow sees it
	call   // run fn: an owner's own message to itself
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

// post queues an event and reports whether it will be seen. Only messages may find no
// room: what this program tells itself must not be lost.
func (b *mailbox) post(ev event) bool {
	b.mu.Lock()
	ok := !b.closed && (ev.kind != received || len(b.mail) < maxMail)
	if ok && !b.repeats(ev) {
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

// repeats reports the failure of a flow that is the latest news anyway: a dead server
// sends as many ICMP errors as it is sent datagrams, by all lines together.
func (b *mailbox) repeats(ev event) bool {
	if n := len(b.mail); ev.kind == flowFailed && n > 0 {
		last := &b.mail[n-1]
		return last.kind == flowFailed && last.flow == ev.flow
	}
	return false
}

// take empties the queue.
func (b *mailbox) take() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	mail := b.mail
	b.mail = nil
	return mail
}

// close takes nothing more and returns what was left.
func (b *mailbox) close() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	rest := b.mail
	b.mail = nil
	return rest
}
