package transaction

import (
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// A Resend repeats a response that a UAS core answers for itself, on reliable flows
// too, because a hop behind them may lose it: a 2xx to an INVITE until its ACK comes
// (RFC 3261 section 13.3.1.4: from T1, doubling up to T2), or a reliable provisional
// response until its PRACK comes (RFC 3262 section 3: from T1, doubling). Either ends
// after 64*T1.
type Resend struct {
	wire     []byte
	timers   Timers
	startAt  time.Time
	resendAt time.Time
	endAt    time.Time
	interval time.Duration
	status   int
	sent     int
}

// NewResend begins with a response to an INVITE that was sent now, in the form in which
// Server.Respond returned it.
func NewResend(now time.Time, res *sipmsg.Message, wire []byte, t Timers) *Resend {
	t = t.filled()
	return &Resend{
		wire: wire, timers: t, status: res.StatusCode, sent: 1, interval: t.T1,
		startAt: now, resendAt: now.Add(t.T1), endAt: now.Add(t.life()),
	}
}

// Stop ends the repetition: the ACK or PRACK came, or the user has given up.
func (r *Resend) Stop() { r.wire, r.resendAt, r.endAt = nil, time.Time{}, time.Time{} }

// Done reports that it has ended.
func (r *Resend) Done() bool { return r.endAt.IsZero() }

// Deadline is when Expire is to be called next; zero for not at all.
func (r *Resend) Deadline() time.Time { return deadline.Earlier(r.resendAt, r.endAt) }

// Expire sends the response again, or ends with a *TimeoutError: after an unacknowledged
// 2xx the user ends the dialog with a BYE, after an unacknowledged provisional response
// it refuses the INVITE with a 5xx.
func (r *Resend) Expire(now time.Time) Step {
	switch {
	case deadline.Due(now, r.endAt):
		r.Stop()
		return Step{Err: &TimeoutError{Method: sipmsg.INVITE, Status: r.status, Sends: r.sent, Waited: now.Sub(r.startAt)}}
	case deadline.Due(now, r.resendAt):
		r.sent++
		r.interval = r.timers.double(r.interval, r.status < 200)
		r.resendAt = after(r.resendAt, now, r.interval)
		return Step{Send: r.wire}
	}
	return Step{}
}
