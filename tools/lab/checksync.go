package lab

import (
	"context"
	"fmt"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
)

// A notice is a NOTIFY of our own on its way.
type notice struct {
	user string
	way  way
	msg  *sipmsg.Message
	auth *digest.Exchange
	done func(error)
}

// CheckSync asks the device of a user to look for new settings: a NOTIFY with the event
// check-sync, which no RFC knows and all makers do, to the user's latest contact at this
// server. A challenge is answered with the user's password. The error is nil after a 2xx.
func (s *Server) CheckSync(ctx context.Context, user string) error {
	done := make(chan error, 1)
	s.post(func(now time.Time) { s.core.checkSync(now, user, func(err error) { done <- err }) })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.quit:
		return errClosed
	}
}

func (c *core) checkSync(now time.Time, user string, done func(error)) {
	b, ok := c.location.latest(user, now)
	if !ok {
		done(fmt.Errorf("NOTIFY %s: not registered at the %s", user, c.name))
		return
	}
	here := c.routeEntry(b.way.proto)
	here.URI.Params.Del("lr")
	to := here.Clone()
	to.URI.User = user
	m := &sipmsg.Message{
		Method: sipmsg.NOTIFY, RequestURI: b.Contact.URI.Clone(), From: here.WithTag(ua.NewTag()), To: to,
		CallID: ua.NewTag(), CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.NOTIFY}, Contact: []sipmsg.Addr{here},
	}
	m.RequestURI.Headers = ""
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Event", "check-sync")
	m.Header.Add("Subscription-State", "active")
	own := digest.Credentials{Username: user, Password: c.cfg.Users[user]}
	c.notify(now, &notice{user, b.way, m, digest.NewClient(own, digest.Credentials{}).Exchange("device", true), done})
}

// notify sends it, with the credentials that are known by now.
func (c *core) notify(now time.Time, n *notice) {
	n.msg.Via = []sipmsg.Via{c.via(n.way, "")}
	n.auth.Authorize(n.msg)
	tx, err := transaction.NewClient(n.msg, n.way.conn != nil, c.cfg.Timers, transaction.Unlimited)
	if err != nil {
		n.done(fmt.Errorf("NOTIFY %s: %w", n.user, err))
		return
	}
	out := &outbound{tx: tx, way: n.way, notice: n}
	c.outbounds[transaction.Key(n.msg)] = out
	c.stepOut(now, out, tx.Start(now))
}

// notified takes what a step of a NOTIFY's transaction brought.
func (c *core) notified(now time.Time, n *notice, s transaction.Step) {
	switch res := s.Response; {
	case s.Err != nil:
		n.done(fmt.Errorf("NOTIFY %s: %w", n.user, s.Err))
	case res == nil || res.IsProvisional():
	case res.IsSuccess():
		n.done(nil)
	case res.StatusCode == 401:
		again := *n
		again.msg = n.msg.Clone()
		if err := n.auth.Challenged(n.msg, res); err != nil {
			n.done(fmt.Errorf("NOTIFY %s: %w", n.user, err))
			return
		}
		again.msg.CSeq.Seq++
		c.tell(Event{Kind: Challenged, User: n.user})
		c.notify(now, &again)
	default:
		n.done(fmt.Errorf("NOTIFY %s: %d %s", n.user, res.StatusCode, res.Reason))
	}
}
