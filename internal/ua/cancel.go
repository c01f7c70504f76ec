package ua

import (
	"errors"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// canceling is a CANCEL that is sent, or waits for the 1xx that allows it (RFC 3261
// section 9.1).
type canceling struct {
	sent            bool
	retransmissions int
	done            func(now time.Time, a Answer)
}

// Cancel gives up an INVITE. The CANCEL goes out once a provisional response has come;
// done, which may be nil, learns what becomes of it. The INVITE ends as it ends: by 487,
// by a 2xx that was faster, or after 64*T1.
func (e *Endpoint) Cancel(now time.Time, r *Request, retransmissions int, done func(now time.Time, a Answer)) {
	if r.cancel != nil || r.over || e.ended {
		return
	}
	if done == nil {
		done = func(time.Time, Answer) {}
	}
	r.cancel = &canceling{retransmissions: retransmissions, done: done}
	switch {
	case r.tx == nil:
		delete(e.waiting, r)
		e.failLater(r, ErrCancelled)
	case r.heard >= 100:
		e.sendCancel(now, r)
	}
}

func (e *Endpoint) sendCancel(now time.Time, r *Request) {
	c := r.cancel
	c.sent = true
	r.tx.Abandon(now)
	e.cancelOn(now, r.flow, r.tx.Request(), c.retransmissions, c.done)
}

// cancelOn sends the CANCEL of invite on the flow that carried it.
func (e *Endpoint) cancelOn(now time.Time, f transport.Flow, invite *sipmsg.Message, retransmissions int, done func(time.Time, Answer)) {
	msg := transaction.Cancel(invite)
	tx, err := transaction.NewClient(msg, f.Reliable(), e.cfg.Timers, retransmissions)
	if err != nil {
		e.log.Error("CANCEL not written", "err", err)
		return
	}
	r := &Request{Msg: msg, Target: f.Target(), Retransmissions: retransmissions, tx: tx, flow: f}
	r.On = func(now time.Time, a Answer) {
		if a.Response == nil || !a.Response.IsProvisional() {
			done(now, a)
		}
	}
	t := &try{r, tx, f}
	e.keep(transaction.Key(msg), t)
	e.step(now, t, tx.Start(now))
}

// A ghost is an INVITE that was given up without any response. Its server may be slow
// rather than dead: what it still answers must not leave a telephone ringing.
type ghost struct {
	r         *Request
	invite    *sipmsg.Message
	flow      transport.Flow
	until     time.Time
	cancelled bool
}

// haunt remembers an INVITE for another 64*T1.
func (e *Endpoint) haunt(now time.Time, r *Request) {
	if e.ghosts == nil {
		e.ghosts = map[transaction.ID]*ghost{}
	}
	span := transaction.Span(e.cfg.Timers, sipmsg.INVITE, transaction.Unlimited)
	e.ghosts[transaction.Key(r.Msg)] = &ghost{r: r, invite: r.Msg, flow: r.flow, until: now.Add(span)}
}

// ErrCancelled ends an INVITE that was cancelled before its connection was up: it never
// left.
var ErrCancelled = errors.New("cancelled before it was sent")

// errGivenUp tells of a response to a request that had been given up.
var errGivenUp = errors.New("answered after it was given up")

// late takes a response that no transaction waits for. To a given-up INVITE a 1xx is
// answered by CANCEL, a refusal by ACK, and a 2xx goes to the owner, who ends that call.
func (e *Endpoint) late(now time.Time, id transaction.ID, ev event) {
	g := e.ghosts[id]
	if g == nil {
		e.stack.Counts.StrayResponses.Add(1)
		return
	}
	switch c := ev.msg.StatusCode; {
	case c < 200:
		if !g.cancelled {
			g.cancelled = true
			e.cancelOn(now, g.flow, g.invite, transaction.Unlimited, func(time.Time, Answer) {})
		}
	case c < 300:
		g.r.On(now, Answer{Request: g.invite, Response: ev.msg, Flow: g.flow, Err: errGivenUp, Late: true})
	default:
		ack := transaction.Ack(g.invite, ev.msg)
		if wire, err := ack.Append(nil); err == nil {
			_ = e.transmit(g.flow, ack, wire) // the refusal is repeated, and so is this
		}
	}
}
