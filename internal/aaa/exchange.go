package aaa

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A NoAnswerError is that no server answered in a way that could be believed. It is
// ErrNoAnswer and wraps what each server did.
type NoAnswerError struct {
	Code    Code    // of the request
	Servers []error // in the order in which they were asked
}

// Error names every server and what it did.
func (e *NoAnswerError) Error() string {
	var what []string
	for _, err := range e.Servers {
		what = append(what, err.Error())
	}
	return fmt.Sprintf("%v: %v: %s", e.Code, ErrNoAnswer, strings.Join(what, "; "))
}

// Unwrap returns ErrNoAnswer and the servers' errors.
func (e *NoAnswerError) Unwrap() []error { return append([]error{ErrNoAnswer}, e.Servers...) }

// errUnreachable is that a server said, or the network for it, that it is not there.
var errUnreachable = errors.New("unreachable")

// Exchange asks the servers in turn until one answers. An Access-Accept, -Reject or
// -Challenge or an Accounting-Response is a Response; no answer is a NoAnswerError.
// Without a Budget each server has all its transmissions (30 s as configured at
// first). An end of ctx ends the exchange, and says nothing of the server.
func (c *Client) Exchange(ctx context.Context, r Request) (Response, error) {
	if err := r.check(); err != nil {
		return Response{}, err
	}
	if !c.begin() {
		return Response{}, ErrClosed
	}
	defer c.busy.Done()
	x := c.exchange(ctx, r)
	defer x.close()
	return x.run()
}

// An exchange is one request on its way through the servers. Its sockets stay open
// to its end, so that what comes late is counted.
type exchange struct {
	*Client
	ctx     context.Context // the caller's, and the client's
	cancel  context.CancelFunc
	stop    func() bool
	request Request
	sockets []*socket
	readers sync.WaitGroup
	errs    []error
}

func (c *Client) exchange(ctx context.Context, r Request) *exchange {
	x := &exchange{Client: c, request: r}
	x.ctx, x.cancel = context.WithCancel(ctx)
	x.stop = context.AfterFunc(c.ctx, x.cancel)
	return x
}

func (x *exchange) close() {
	x.stop()
	x.cancel()
	for _, k := range x.sockets {
		_ = k.conn.Close()
	}
	x.readers.Wait()
}

// A turn is one server's, in the order of an exchange.
type turn struct {
	*server
	deciding bool // half-open: one transmission decides whether it is back
}

func (x *exchange) run() (Response, error) {
	var end time.Time
	now := time.Now()
	if x.request.Budget > 0 {
		end = now.Add(x.request.Budget)
		if d, ok := x.ctx.Deadline(); ok && d.Before(end) {
			end = d
		}
	}
	first, others := x.plan(now)
	for _, turns := range [][]turn{first, others} {
		for i, t := range turns {
			waits, ok := x.schedule(t, end, len(turns)-i)
			if !ok || x.ctx.Err() != nil {
				x.passOver(t, ok)
				continue
			}
			r, err := x.take(t, waits)
			if err == nil {
				for _, left := range turns[i+1:] {
					x.giveBack(left)
				}
				return r, nil
			}
			x.errs = append(x.errs, fmt.Errorf("%s: %w", t.Addr, err))
		}
	}
	if x.Client.ctx.Err() != nil {
		return Response{}, ErrClosed
	}
	if err := x.ctx.Err(); err != nil {
		x.errs = append(x.errs, err)
	}
	return Response{}, &NoAnswerError{Code: x.request.Code, Servers: x.errs}
}

func (x *exchange) passOver(t turn, inTime bool) {
	x.giveBack(t)
	if !inTime {
		x.errs = append(x.errs, fmt.Errorf("%s: not asked: no time was left", t.Addr))
	}
}

func (x *exchange) giveBack(t turn) {
	if t.deciding {
		t.undecided()
	}
}

// plan says which servers are asked: those that answer, as far as is known, and then
// the others. A half-open one is found out about with a Status-Server on the side;
// where that had no answer, with this request. With all of them dead each is asked
// in order, as if it were not.
func (x *exchange) plan(now time.Time) (first, others []turn) {
	living := 0
	for _, s := range x.servers {
		if s.state(now) == alive {
			living++
		}
	}
	for _, s := range x.servers {
		if living == 0 || s.state(now) == alive {
			first = append(first, turn{server: s})
			continue
		}
		switch mine, byRequest := s.decide(now); {
		case mine && byRequest:
			first = append(first, turn{server: s, deciding: true})
		case mine:
			x.probe(s)
			fallthrough
		default:
			others = append(others, turn{server: s})
		}
	}
	return first, others
}

// schedule is how long is waited for a server that has so many after it, itself
// counted, with the same right to the time that is left.
func (x *exchange) schedule(t turn, end time.Time, left int) ([]time.Duration, bool) {
	tries := x.tries
	short := t.deciding && left > 1 // the last one may have all the time
	if short {
		tries = 1
	}
	if end.IsZero() {
		return x.waits(tries), true
	}
	share := time.Until(end) / time.Duration(left)
	if short {
		share = min(share, maxCallWait)
	}
	return x.within(share), share > 0
}

// take gives a server its turn.
func (x *exchange) take(t turn, waits []time.Duration) (Response, error) {
	begun := time.Now()
	r, err := x.ask(t.server, waits)
	now := time.Now()
	switch {
	case err == nil:
		x.believed(t.server, r, now)
	case x.ctx.Err() != nil:
		x.giveBack(t)
	default:
		if t.silent(begun, now) {
			x.log.Warn("RADIUS server does not answer", "server", t.Addr, "dead_s", int(t.dead/time.Second), "error", err)
		}
	}
	return r, err
}

func (x *exchange) believed(s *server, r Response, now time.Time) {
	if s.answered(now, false) {
		x.log.Info("RADIUS server answers again", "server", s.Addr)
	}
	if !r.Signed && signed(x.request.Code) && s.radsec == nil && s.firstLegacy() { // TLS has proved who answers
		x.log.Warn("RADIUS answer without Message-Authenticator believed: this is insecure (CVE-2024-3596)", "server", s.Addr, "because", "legacy", "cure", unsignedCure)
	}
}

// ask asks one server and returns its answer, or what it did instead.
func (x *exchange) ask(s *server, waits []time.Duration) (Response, error) {
	ctx, cancel := context.WithTimeout(x.ctx, total(waits))
	defer cancel()
	a := &attempt{server: s}
	begun := time.Now()
	var r Response
	var err error
	if s.radsec != nil {
		r, err = s.radsec.ask(ctx, x.request, waits, a)
	} else {
		r, err = x.askDatagram(ctx, s, waits, a)
	}
	x.tell(a)
	if err == nil {
		s.counts.accepted.Add(1)
		s.timed(time.Since(begun))
		r.Server, r.Secure = s.Addr, s.radsec != nil
		return r, nil
	}
	if x.ctx.Err() == nil {
		s.counts.timeouts.Add(1)
	}
	return Response{}, a.failure(err, time.Since(begun))
}

// probe finds out with a Status-Server (RFC 5997) whether a half-open server is back.
func (c *Client) probe(s *server) {
	if !c.begin() {
		s.undecided()
		return
	}
	go func() {
		defer c.busy.Done()
		x := c.exchange(c.ctx, Request{Code: StatusServer})
		defer x.close()
		_, err := x.ask(s, c.waits(1))
		now := time.Now()
		switch {
		case err == nil && s.answered(now, true):
			c.log.Info("RADIUS server answers again", "server", s.Addr)
		case err != nil && x.ctx.Err() != nil:
			s.undecided()
		case err != nil:
			s.ignoresStatus(now, errors.Is(err, errUnreachable))
		}
	}()
}
