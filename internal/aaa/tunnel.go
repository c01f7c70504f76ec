package aaa

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A tunnel is one RadSec connection.
type tunnel struct {
	radsec *radsec
	raw    net.Conn // below TLS
	conn   net.Conn
	made   time.Time
	asked  string // for errors: what it was shown as the device's certificate

	writing chan struct{} // holds a token while a packet is written

	mu      sync.Mutex
	waiting map[byte]*waiter // by identifier; one given up keeps its identifier
	live    int              // those not given up
	last    byte             // the identifier last given
	heard   time.Time        // when a packet last came
	watched time.Time        // when a Status-Server went out that nothing came after; zero: none
	retired bool             // takes no more questions
	idle    *time.Timer
	err     error // why it ended
	done    chan struct{}
}

// A waiter waits for the answer to one query.
type waiter struct {
	q       *query
	a       *attempt
	sent    time.Time
	answer  chan outcome
	givenUp bool
}

// An outcome is an answer, or that it was not believed.
type outcome struct {
	Response
	err error
}

var (
	errFull   = errors.New("256 questions under way")
	errIdle   = errors.New("idle")
	errSilent = errors.New("the watchdog had no answer")

	// Nobody but the server can have sent it, and the server sends no other.
	errRefused = errors.New("its answer is not believed")
)

func newTunnel(r *radsec, raw, conn net.Conn, asked string) *tunnel {
	t := &tunnel{radsec: r, raw: raw, conn: conn, made: time.Now(), asked: asked, writing: make(chan struct{}, 1), waiting: map[byte]*waiter{}, done: make(chan struct{})}
	t.idle = time.AfterFunc(r.idle, t.expire)
	return t
}

// expire ends the connection when nobody waits for anything.
func (t *tunnel) expire() {
	t.mu.Lock()
	unused := t.live == 0
	if unused {
		t.retired = true
	}
	t.mu.Unlock()
	if unused {
		t.end(errIdle)
	}
}

// Bounds of how long a packet may take to be written. Only a peer that has not read
// for long makes it wait at all, and its connection is ended.
const (
	minWrite = 100 * time.Millisecond
	maxWrite = 2 * time.Second
)

// send sends a request under an identifier of its own.
func (t *tunnel) send(ctx context.Context, r Request, a *attempt) (*waiter, error) {
	w, err := t.register(r, a)
	if err != nil {
		return nil, err
	}
	select {
	case t.writing <- struct{}{}:
		defer t.written()
	case <-t.done:
		t.giveUp(w)
		return nil, fmt.Errorf("%w: %w", errTunnel, t.why())
	case <-ctx.Done():
		t.giveUp(w)
		return nil, ctx.Err()
	}
	a.transmitted()
	limit := maxWrite
	if end, ok := ctx.Deadline(); ok {
		limit = max(minWrite, min(maxWrite, time.Until(end)))
	}
	_ = t.raw.SetWriteDeadline(time.Now().Add(limit))
	if _, err := t.conn.Write(w.q.wire); err != nil {
		t.broken(err)
		t.giveUp(w)
		return nil, fmt.Errorf("%w: %w", errTunnel, t.why())
	}
	_ = t.raw.SetWriteDeadline(time.Time{}) // TLS writes by itself too, such as when keys change
	return w, nil
}

// broken ends a connection that cannot be written to. Why its peer ended it may have
// come before: with TLS 1.3 that is how it tells that it wants another certificate.
func (t *tunnel) broken(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		_ = t.raw.SetReadDeadline(time.Now().Add(minWrite))
		select {
		case <-t.done:
			return
		case <-time.After(minWrite):
		}
	}
	t.end(err)
}

func (t *tunnel) written() { <-t.writing }

func (t *tunnel) register(r Request, a *attempt) (*waiter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, fmt.Errorf("%w: %w", errTunnel, t.err)
	}
	if t.retired || len(t.waiting) == 256 {
		return nil, errFull
	}
	id := t.last + 1
	for t.waiting[id] != nil {
		id++
	}
	q, err := t.radsec.server.query(r, id)
	if err != nil {
		return nil, err
	}
	t.last = id
	w := &waiter{q: q, a: a, sent: time.Now(), answer: make(chan outcome, 1)}
	t.waiting[id] = w
	t.live++
	t.idle.Stop()
	return w, nil
}

// await waits for an answer. Whenever it has waited for another period it sees to
// it that the connection is not one that nobody listens to.
func (t *tunnel) await(ctx context.Context, w *waiter, period time.Duration) (Response, error) {
	defer t.giveUp(w)
	timer := time.NewTimer(period)
	defer timer.Stop()
	for {
		select {
		case o := <-w.answer:
			return o.Response, o.err
		case <-t.done:
			select {
			case o := <-w.answer:
				return o.Response, o.err
			default:
				return Response{}, fmt.Errorf("%w: %w", errTunnel, t.why())
			}
		case <-timer.C:
			t.watch(ctx, w.sent, period)
			timer.Reset(period)
		case <-ctx.Done():
			return Response{}, ctx.Err()
		}
	}
}

func (t *tunnel) why() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// watch is the watchdog (RFC 3539 section 3.4): when nothing came for a period after
// a time it sends a Status-Server, and when nothing came for a period after that it
// ends the connection.
func (t *tunnel) watch(ctx context.Context, since time.Time, period time.Duration) {
	now := time.Now()
	t.mu.Lock()
	if t.heard.After(since) {
		since = t.heard
	}
	quiet, asked := now.Sub(since) >= period, !t.watched.IsZero()
	over := asked && now.Sub(t.watched) >= period
	if quiet && !asked {
		t.watched = now
	}
	t.mu.Unlock()
	switch {
	case !quiet || asked && !over:
	case over:
		t.end(errSilent)
	default:
		if w, err := t.send(ctx, Request{Code: StatusServer}, &attempt{server: t.radsec.server}); err == nil {
			t.giveUp(w)
		}
	}
}

// quietSince says whether nothing came since a time.
func (t *tunnel) quietSince(since time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heard.Before(since)
}

// giveUp says that nobody waits for w any more. Its identifier stays taken until its
// answer has come: it would be another's.
func (t *tunnel) giveUp(w *waiter) {
	t.mu.Lock()
	if w.givenUp {
		t.mu.Unlock()
		return
	}
	w.givenUp = true
	t.live--
	last := t.live == 0 && t.err == nil
	retired := t.retired
	if last && !retired {
		t.idle.Reset(t.radsec.idle)
	}
	t.mu.Unlock()
	if last && retired {
		t.end(errIdle)
	}
}

// retire lets the connection end with its last question, for a reason.
func (t *tunnel) retire(why error) {
	t.mu.Lock()
	t.retired = true
	unused := t.live == 0
	t.mu.Unlock()
	if unused {
		t.end(why)
	}
}

// read takes packets, cut by their Length (RFC 6613 section 2.6.4), to the
// connection's end.
func (t *tunnel) read() {
	b := make([]byte, MaxPacket)
	for {
		n, err := readPacket(t.conn, b)
		if err == nil {
			err = t.deliver(b[:n])
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return // broken knows more
		}
		if err != nil {
			t.end(err)
			return
		}
	}
}

// readPacket reads one packet into b, which has room for the longest.
func readPacket(from io.Reader, b []byte) (int, error) {
	if _, err := io.ReadFull(from, b[:4]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < header || n > MaxPacket {
		return 0, fmt.Errorf("a packet of %d octets", n)
	}
	_, err := io.ReadFull(from, b[4:n])
	return n, err
}

// deliver hands a packet to who waits for it. A packet that is malformed or not
// authentic is an error, which ends the connection (RFC 6613 section 2.6.4).
func (t *tunnel) deliver(packet []byte) error {
	now := time.Now()
	t.mu.Lock()
	t.heard, t.watched = now, time.Time{}
	w := t.waiting[packet[1]]
	if w == nil || w.givenUp {
		delete(t.waiting, packet[1])
		t.mu.Unlock()
		if w == nil || !w.q.probe {
			t.radsec.server.counts.late.Add(1)
		}
		return nil
	}
	t.mu.Unlock()

	r, why := w.q.answer(packet, now)
	o := outcome{Response: r}
	switch why {
	case 0:
	case BadLength, BadAttribute, BadAuthenticator, BadSignature:
		w.a.refuse(why)
		return fmt.Errorf("an answer refused: %v", why)
	default:
		w.a.refuse(why)
		o.err = errRefused
	}
	t.mu.Lock()
	delete(t.waiting, packet[1])
	t.mu.Unlock()
	w.answer <- o
	return nil
}

// end ends the connection, once.
func (t *tunnel) end(why error) {
	t.mu.Lock()
	if t.err != nil {
		t.mu.Unlock()
		return
	}
	t.err = why
	if t.heard.IsZero() && t.asked != "" {
		t.err = fmt.Errorf("%w%s", why, t.asked) // with TLS 1.3 it is judged after the handshake
	}
	t.idle.Stop()
	close(t.done)
	t.mu.Unlock()
	t.radsec.forget(t)
	if errors.Is(why, errIdle) || errors.Is(why, ErrClosed) {
		enough := time.AfterFunc(minWrite, func() { _ = t.raw.Close() })
		defer enough.Stop()
		_ = t.conn.Close() // says good-bye, and would have 5 s for it
	}
	_ = t.raw.Close()
}
