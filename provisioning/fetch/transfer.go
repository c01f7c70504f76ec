package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// The times of a transfer.
const (
	firstWait    = time.Second // before a packet is sent again; doubled each time
	longestWait  = 4 * time.Second
	maxSends     = 5                      // of one packet: 15 s of silence
	notAnEcho    = 200 * time.Millisecond // a block that comes again after this was sent again
	dallyTime    = 1500 * time.Millisecond
	maxStrangers = 16 // packets of strangers that are answered
)

var (
	errSilent  = errors.New("no answer")
	errStopped = errors.New("the server stopped sending")
	errOptions = errors.New("the server takes no options") // and is asked without
)

type transferState uint8

const (
	asking    transferState = iota // the request is sent, nobody has answered
	receiving                      // the server's port is known, blocks come
	dallying                       // the file is here; the last ACK may have been lost (RFC 1350 section 6)
	ended
)

// A transfer is one file on its way by TFTP. It opens no socket and reads no clock: its
// owner passes in what comes and when, sends what it returns, and calls Expire at
// Deadline.
//
// The first packet of sense from the server's address names its port, its transfer
// identifier (RFC 1350 section 4); whoever else sends anything gets error 5 and changes
// nothing. A block is acknowledged when it comes first; when it comes again, only if so
// late that the server must have sent it again, so that one doubled packet does not
// double all that follow (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1). Our own
// timer repeats what stays without an answer.
type transfer struct {
	server  netip.AddrPort // where the request goes
	options bool           // asked for
	limit   int            // octets of the file

	state    transferState
	err      error
	peer     netip.AddrPort // who answered
	agreed   agreed
	next     uint16 // the block awaited
	data     []byte
	deadline time.Time

	last     []byte // what is sent again
	sentAt   time.Time
	wait     time.Duration
	sends    int
	refusals int // ICMP errors
	pace     pace

	strangers int // packets of others
	ignored   int // the peer's that make no sense
}

// newTransfer begins a transfer and returns its request.
func newTransfer(now time.Time, server netip.AddrPort, name string, options bool, limit int) (*transfer, []byte) {
	t := &transfer{server: server, options: options, limit: limit, agreed: agreed{block: plainBlock, size: -1}, next: 1}
	t.pace.start(now)
	return t, t.send(now, readRequest(name, options))
}

// Deadline is when to call Expire.
func (t *transfer) Deadline() time.Time { return t.deadline }

// Ended reports whether the transfer is over: err says how.
func (t *transfer) Ended() bool { return t.state == ended }

// to is where the request and its repetitions go, and all that Expire returns.
func (t *transfer) to() netip.AddrPort {
	if t.peer.IsValid() {
		return t.peer
	}
	return t.server
}

// send makes a packet the one that is repeated.
func (t *transfer) send(now time.Time, p []byte) []byte {
	t.last, t.wait, t.sends = p, firstWait, 0
	return t.repeat(now)
}

func (t *transfer) repeat(now time.Time) []byte {
	t.sends++
	t.sentAt, t.deadline = now, now.Add(t.wait)
	t.wait = min(2*t.wait, longestWait)
	return t.last
}

// fail ends the transfer; the server is told.
func (t *transfer) fail(code uint16, err error) []byte {
	t.state, t.err = ended, err
	return errorPacket(code, err.Error())
}

// Expire is to be called at Deadline. It returns what is to be sent to the server.
func (t *transfer) Expire(now time.Time) []byte {
	switch {
	case t.state == ended || now.Before(t.deadline):
		return nil
	case t.state == dallying:
		t.state = ended
		return nil
	case t.state == receiving && t.pace.took(now, 0) != nil:
		return t.fail(codeUndefined, ErrSlow)
	case t.sends < maxSends:
		return t.repeat(now)
	case t.state == asking:
		t.state, t.err = ended, errSilent
		return nil
	}
	return t.fail(codeUndefined, fmt.Errorf("%w: %w after %d octets", ErrCut, errStopped, len(t.data)))
}

// Unreachable takes an ICMP error, which anybody can send: the second one is believed,
// and only while nobody has answered.
func (t *transfer) Unreachable(err error) {
	if t.refusals++; t.state == asking && t.refusals > 1 && t.err == nil {
		t.state, t.err = ended, err
	}
}

// Receive takes a packet. What it returns goes to the address it returns.
func (t *transfer) Receive(now time.Time, from netip.AddrPort, p []byte) ([]byte, netip.AddrPort) {
	if t.state == ended {
		return nil, from
	}
	if from.Addr().WithZone("") != t.server.Addr().WithZone("") || t.peer.IsValid() && from != t.peer {
		if t.strangers++; t.strangers > maxStrangers || isError(p) {
			return nil, from
		}
		return errorPacket(codeUnknownTID, "unknown transfer ID"), from
	}
	if len(p) < 4 || !t.peer.IsValid() && !opens(p) {
		t.ignored++
		return nil, from
	}
	if !t.peer.IsValid() {
		t.peer, t.state = from, receiving
		t.pace.start(now)
	}
	switch binary.BigEndian.Uint16(p) {
	case opData:
		return t.block(now, binary.BigEndian.Uint16(p[2:]), p[4:]), from
	case opOACK:
		return t.accept(now, p[2:]), from
	case opError:
		t.refused(parseError(p[2:]))
	default:
		t.ignored++
	}
	return nil, from
}

// opens reports whether a packet can be a server's first one.
func opens(p []byte) bool {
	switch binary.BigEndian.Uint16(p) {
	case opData:
		return binary.BigEndian.Uint16(p[2:]) == 1
	case opOACK, opError:
		return true
	}
	return false
}

func isError(p []byte) bool { return len(p) >= 2 && binary.BigEndian.Uint16(p) == opError }

func (t *transfer) refused(e *TFTPError) {
	switch {
	case t.state == dallying: // the file is here
	case t.options && e.Code == codeOptions && len(t.data) == 0:
		t.state, t.err = ended, errOptions
	default:
		t.state, t.err = ended, e
	}
}

// accept takes an OACK: the first packet, or the server's repetition of it.
func (t *transfer) accept(now time.Time, options []byte) []byte {
	if t.state != receiving || t.next != 1 || len(t.data) > 0 {
		t.ignored++
		return nil
	}
	if len(t.last) == 4 { // ACK 0 is sent
		return t.again(now)
	}
	if !t.options {
		return t.fail(codeOptions, errors.New("an answer to options that were not asked for"))
	}
	a, err := parseOACK(options)
	switch {
	case err != nil:
		return t.fail(codeOptions, err)
	case a.size > t.limit:
		return t.fail(codeFull, fmt.Errorf("%w: %d octets announced, want %d at most", ErrTooBig, a.size, t.limit))
	}
	t.agreed = a
	return t.send(now, ackPacket(0))
}

// block takes a DATA packet.
func (t *transfer) block(now time.Time, number uint16, data []byte) []byte {
	switch {
	case number == t.next-1 && (number != 0 || t.state == dallying):
		return t.again(now)
	case t.state == dallying || number != t.next:
		t.ignored++
		return nil
	case len(data) > t.agreed.block:
		return t.fail(codeIllegal, fmt.Errorf("a block of more than %d octets", t.agreed.block))
	case len(t.data)+len(data) > t.limit:
		return t.fail(codeFull, fmt.Errorf("%w: more than %d octets", ErrTooBig, t.limit))
	}
	t.data = append(t.data, data...)
	if t.pace.took(now, len(data)) != nil {
		return t.fail(codeUndefined, ErrSlow)
	}
	if len(data) < t.agreed.block {
		return t.finish(now, number)
	}
	if number == 0xffff { // no RFC says what comes then: 0 for some, 1 for others
		return t.fail(codeIllegal, fmt.Errorf("%w: more than 65535 blocks", ErrTooBig))
	}
	t.next++
	return t.send(now, ackPacket(number))
}

// finish takes the last block. A server that says tsize=0 only repeats what it was asked.
func (t *transfer) finish(now time.Time, number uint16) []byte {
	if t.agreed.size > 0 && t.agreed.size != len(t.data) {
		return t.fail(codeUndefined, fmt.Errorf("%w: %d octets of %d", ErrCut, len(t.data), t.agreed.size))
	}
	t.next = number + 1
	p := t.send(now, ackPacket(number))
	t.state, t.deadline = dallying, now.Add(dallyTime)
	return p
}

// again acknowledges what came again, unless it is an echo of the network.
func (t *transfer) again(now time.Time) []byte {
	if now.Sub(t.sentAt) < notAnEcho {
		t.ignored++
		return nil
	}
	t.sentAt = now
	return t.last
}
