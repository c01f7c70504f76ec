package transaction

import (
	"errors"
	"fmt"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// timerD is how long an INVITE client absorbs repeated final responses on an
// unreliable flow. RFC 3261 section 17.1.1.2: at least 32 s, whatever our T1, because
// the server's T1 is not known.
const timerD = 32 * time.Second

// A Client is the client side of one transaction (RFC 3261 section 17.1, RFC 6026
// section 7.2), for INVITE and for every other method but ACK.
type Client struct {
	req      *sipmsg.Message
	wire     []byte // the request while it may be sent again, later the ACK
	timers   Timers
	startAt  time.Time
	resendAt time.Time     // timer A or E; zero: not running
	endAt    time.Time     // timer B, D, F, K or M; zero: not running
	interval time.Duration // between the last send and resendAt
	limit    int           // retransmissions without a response, or Unlimited
	sent     int           // sends of the request
	state    State
	reliable bool
}

// NewClient prepares the transaction of req, which must be complete with its topmost
// Via and branch, and must not be changed while the transaction lives: the ACK of a
// non-2xx response is made from it. reliable says that the flow is TCP or TLS, where
// nothing is repeated. retransmissions is how often the request is repeated while no
// response came, or Unlimited; see Span.
func NewClient(req *sipmsg.Message, reliable bool, t Timers, retransmissions int) (*Client, error) {
	switch {
	case !req.IsRequest() || req.Method == sipmsg.ACK:
		return nil, fmt.Errorf("client transaction: %v is no request with a response", req)
	case req.Branch() == "":
		return nil, fmt.Errorf("client transaction: %s without a Via branch", req.Method)
	}
	wire, err := wireOf(req)
	if err != nil {
		return nil, fmt.Errorf("client transaction: %s: %w", req.Method, err)
	}
	return &Client{
		req: req, wire: wire, timers: t.filled(), limit: max(retransmissions, Unlimited), reliable: reliable,
	}, nil
}

// Request is the request the transaction was made for.
func (c *Client) Request() *sipmsg.Message { return c.req }

// State is the state the machine is in.
func (c *Client) State() State { return c.state }

// Done reports that the transaction has ended; its owner forgets it.
func (c *Client) Done() bool { return c.state == Terminated }

// Spent reports that all which may still come are repetitions of the final response to a
// request other than INVITE. Timer K (RFC 3261 section 17.1.2.2) has the machine absorb
// them without a word; an owner that drops what belongs to no transaction may forget it now.
func (c *Client) Spent() bool { return c.state == Completed && !c.invite() }

// Retransmitted is how often the request was sent beyond the first time.
func (c *Client) Retransmitted() int { return max(c.sent-1, 0) }

// Deadline is when Expire is to be called next; zero for not at all.
func (c *Client) Deadline() time.Time { return deadline.Earlier(c.resendAt, c.endAt) }

func (c *Client) invite() bool { return c.req.Method == sipmsg.INVITE }

// Start sends the request and starts its timers. A second Start does nothing.
func (c *Client) Start(now time.Time) Step {
	if c.state != Idle {
		return Step{}
	}
	c.state = Trying
	if c.invite() {
		c.state = Calling
	}
	c.sent, c.startAt, c.interval = 1, now, c.timers.T1
	c.endAt = now.Add(Span(c.timers, c.req.Method, c.limit)) // timer B or F
	send := c.wire
	if c.reliable {
		c.wire = nil // never sent again
	} else if c.limit != 0 {
		c.resendAt = now.Add(c.interval) // timer A or E
	}
	return Step{Send: send}
}

// EndBy ends the wait for a first response sooner than the span would: part of it had
// passed before Start, as while the connection was made.
func (c *Client) EndBy(at time.Time) {
	if (c.state == Calling || c.state == Trying) && at.Before(c.endAt) {
		c.endAt = at
	}
}

// Receive takes a response that matches the transaction by Key.
func (c *Client) Receive(now time.Time, res *sipmsg.Message) Step {
	if res.IsRequest() || res.StatusCode < 100 || res.StatusCode > 699 {
		return Step{}
	}
	switch c.state {
	case Calling, Trying, Proceeding:
		switch {
		case res.StatusCode < 200:
			return c.provisional(now, res)
		case !c.invite():
			return c.complete(now, res, c.timers.T4) // timer K
		case res.StatusCode < 300:
			return c.accept(now, res)
		}
		return c.refused(now, res)
	case Completed:
		// RFC 3261 section 17.1.1.2: a repeated final response MUST cause the ACK to be
		// sent again at once and is not passed up.
		if c.invite() && res.StatusCode >= 300 {
			return Step{Send: c.wire}
		}
	case Accepted:
		// RFC 6026 section 8.4: every 2xx goes up, repeated or of another branch; the
		// user sends its ACK.
		if res.IsSuccess() {
			return Step{Response: res}
		}
	}
	return Step{}
}

// provisional: an INVITE is not repeated any more and waits without a limit of this
// layer; any other request is repeated every T2 and gets all of its 64*T1, because the
// count is of sends that were not answered.
func (c *Client) provisional(now time.Time, res *sipmsg.Message) Step {
	first := c.state != Proceeding
	c.state = Proceeding
	switch {
	case !first:
	case c.invite():
		c.resendAt, c.endAt, c.wire = time.Time{}, time.Time{}, nil
	default:
		c.endAt = c.startAt.Add(c.timers.life())
		if !c.reliable && c.resendAt.IsZero() {
			c.resendAt = now.Add(c.timers.T2)
		}
	}
	return Step{Response: res}
}

// accept is the first 2xx to an INVITE (RFC 6026 section 8.4). Timer M is 64*T1 on
// any flow.
func (c *Client) accept(now time.Time, res *sipmsg.Message) Step {
	c.state, c.wire = Accepted, nil
	c.resendAt, c.endAt = time.Time{}, now.Add(c.timers.life())
	return Step{Response: res}
}

// refused is the first non-2xx final response to an INVITE: this layer acknowledges
// it, on a reliable flow too.
func (c *Client) refused(now time.Time, res *sipmsg.Message) Step {
	ack, err := wireOf(Ack(c.req, res))
	if err != nil { // the response's To cannot be written; its server gives up by timer H
		ack = nil
	}
	step := c.complete(now, res, max(timerD, c.timers.life()))
	step.Send = ack
	if c.state == Completed {
		c.wire = step.Send
	}
	return step
}

// complete waits, on an unreliable flow, for repetitions of the final response.
func (c *Client) complete(now time.Time, res *sipmsg.Message, wait time.Duration) Step {
	c.state, c.wire = Completed, nil
	c.resendAt, c.endAt = time.Time{}, now.Add(wait)
	if c.reliable {
		c.end()
	}
	return Step{Response: res}
}

func (c *Client) end() {
	c.state, c.wire = Terminated, nil
	c.resendAt, c.endAt = time.Time{}, time.Time{}
}

// FlowFailed ends a transaction without a final response when its flow failed: RFC
// 3261 section 17.1.4. Call it only when the failure means that no response will come:
// an INVITE that got a 1xx may still be answered over another connection. A
// transaction that has its final response stays, to acknowledge repetitions.
func (c *Client) FlowFailed(now time.Time, cause error) Step {
	switch c.state {
	case Calling, Trying, Proceeding:
		if cause == nil {
			cause = errFlow
		}
		c.end()
		return Step{Err: cause}
	}
	return Step{}
}

var errFlow = errors.New("flow failed")

// Abandon bounds an INVITE that was answered by a 1xx alone, once its user has sent a
// CANCEL: RFC 3261 section 9.1: without a final response in 64*T1 the transaction is
// considered ended.
func (c *Client) Abandon(now time.Time) {
	if c.state == Proceeding && c.invite() {
		c.endAt = now.Add(c.timers.life())
	}
}

// Expire acts on the timers that have run out by now.
func (c *Client) Expire(now time.Time) Step {
	switch {
	case deadline.Due(now, c.endAt):
		answered := c.state == Completed || c.state == Accepted
		c.end()
		if answered {
			return Step{}
		}
		return Step{Err: &TimeoutError{Method: c.req.Method, Sends: c.sent, Waited: now.Sub(c.startAt)}}
	case deadline.Due(now, c.resendAt):
		return c.resend(now)
	}
	return Step{}
}

// resend is timer A or E.
func (c *Client) resend(now time.Time) Step {
	c.sent++
	c.interval = c.timers.double(c.interval, c.invite())
	if c.state == Proceeding {
		c.interval = c.timers.T2 // RFC 3261 section 17.1.2.2
	}
	c.resendAt = after(c.resendAt, now, c.interval)
	if c.state != Proceeding && c.limit >= 0 && c.sent > c.limit {
		c.resendAt = time.Time{}
	}
	return Step{Send: c.wire}
}
