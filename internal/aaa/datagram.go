package aaa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// A dialer connects to a server by "udp" or "tcp".
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// A socket is a connected UDP socket for one query to one server. Being connected it
// takes datagrams from the server's address only, and hears of ICMP errors; having
// a port of its own it never has two questions with one identifier.
type socket struct {
	conn net.Conn
	q    *query
	a    *attempt
	over atomic.Bool // nobody waits for its answer any more

	answers chan Response
	faults  chan fault
}

// A fault is an ICMP error, or one of our own network.
type fault struct{ err error }

// askDatagram asks a server by UDP.
func (x *exchange) askDatagram(ctx context.Context, s *server, waits []time.Duration, a *attempt) (Response, error) {
	var id [1]byte
	if _, err := rand.Read(id[:]); err != nil {
		return Response{}, err
	}
	q, err := s.query(x.request, id[0])
	if err != nil {
		return Response{}, err
	}
	conn, err := s.dial(ctx, "udp", s.Addr)
	if err != nil {
		return Response{}, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	k := &socket{conn: conn, q: q, a: a, answers: make(chan Response, 1), faults: make(chan fault, 1)}
	defer k.over.Store(true)
	x.sockets = append(x.sockets, k)
	x.readers.Add(1)
	go func() {
		defer x.readers.Done()
		k.read(x.ctx)
	}()
	return k.ask(ctx, waits)
}

// faultPause is the time between an ICMP error and the transmission that tells
// whether to believe it: anybody can forge one.
const faultPause = 200 * time.Millisecond

// ask transmits the query, with those waits after each time, until it is answered.
func (k *socket) ask(ctx context.Context, waits []time.Duration) (Response, error) {
	var unreachable error
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; i < len(waits); i++ {
		k.transmit()
		timer.Reset(waits[i])
		faults := k.faults
		for waiting := true; waiting; {
			select {
			case r := <-k.answers:
				return r, nil
			case f := <-faults:
				if unreachable != nil {
					return Response{}, unreachable
				}
				unreachable = fmt.Errorf("%w: %w", errUnreachable, f.err)
				faults = nil
				timer.Reset(min(faultPause, waits[i]))
				if i == len(waits)-1 {
					waits = append(waits[:len(waits):len(waits)], waits[i])
				}
			case <-timer.C:
				waiting = false
			case <-ctx.Done():
				return Response{}, ctx.Err()
			}
		}
	}
	return Response{}, context.DeadlineExceeded
}

func (k *socket) transmit() {
	select {
	case <-k.faults: // of an earlier transmission
	default:
	}
	_, err := k.conn.Write(k.q.wire)
	if errors.Is(err, syscall.ECONNREFUSED) {
		// An ICMP error for what was sent before took this transmission's place.
		_, err = k.conn.Write(k.q.wire)
	}
	k.a.transmitted()
	if err != nil {
		k.fault(err)
	}
}

func (k *socket) fault(err error) {
	select {
	case k.faults <- fault{err}:
	default:
	}
}

// read judges what arrives until the socket is closed. Each datagram costs a bounded
// amount of work, and none ends the exchange but a genuine answer.
func (k *socket) read(ctx context.Context) {
	b := make([]byte, MaxPacket)
	for faults := 0; ; {
		n, err := k.conn.Read(b)
		switch {
		case errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF):
			return
		case err != nil:
			k.fault(err)
			// A socket that has nothing else to tell must not keep a processor busy.
			if faults++; faults > 100 && !pause(ctx, 10*time.Millisecond) {
				return
			}
		case k.over.Load():
			k.a.server.counts.late.Add(1)
		default:
			k.judge(b[:n])
		}
	}
}

func (k *socket) judge(datagram []byte) {
	r, why := k.q.answer(datagram, time.Now())
	if why != 0 {
		k.a.refuse(why)
		return
	}
	select {
	case k.answers <- r:
	default:
		k.a.server.counts.late.Add(1)
	}
}

// pause waits, and says whether it was for so long.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
