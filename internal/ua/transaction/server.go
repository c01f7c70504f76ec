package transaction

import (
	"errors"
	"fmt"
	"time"

	"tipring/internal/deadline"
	"tipring/internal/sipmsg"
)

// ErrAnswered reports a response to a request that has its final response already.
var ErrAnswered = errors.New("request already answered")

// A Server is the server side of one transaction (RFC 3261 section 17.2, RFC 6026
// section 7.1), for INVITE and for every other method but ACK.
type Server struct {
	req      *sipmsg.Message // until a final response is sent
	method   string
	last     []byte // the latest response while it may be sent again
	toTag    string // of the final response, which an ACK of RFC 2543 is matched by
	timers   Timers
	startAt  time.Time // of the final response
	resendAt time.Time // timer G, or the automatic 100; zero: not running
	endAt    time.Time // timer H, I, J or L; zero: not running
	interval time.Duration
	status   int // of the final response
	sent     int // sends of the final response
	state    State
	reliable bool
	cookie   bool
}

// NewServer begins the transaction of a request received over a flow that is reliable
// or not. Its first response is the owner's, or the 100 that TryingAt asks for.
func NewServer(req *sipmsg.Message, reliable bool, t Timers) *Server {
	s := &Server{req: req, method: req.Method, timers: t.filled(), reliable: reliable, cookie: hasCookie(req), state: Trying}
	if s.invite() {
		s.state = Proceeding
	}
	return s
}

// TryingAt lets Expire answer an INVITE with 100 Trying at that time if it has no
// response by then. RFC 3261 section 17.2.1: 200 ms after the INVITE, unless its user
// is known to answer sooner.
func (s *Server) TryingAt(at time.Time) {
	if s.invite() && s.state == Proceeding && s.last == nil {
		s.resendAt = at
	}
}

// Method is the method of the request.
func (s *Server) Method() string { return s.method }

// State is the state the machine is in.
func (s *Server) State() State { return s.state }

// Done reports that the transaction has ended; its owner forgets it.
func (s *Server) Done() bool { return s.state == Terminated }

// Deadline is when Expire is to be called next; zero for not at all.
func (s *Server) Deadline() time.Time { return deadline.Earlier(s.resendAt, s.endAt) }

func (s *Server) invite() bool { return s.method == sipmsg.INVITE }

// Respond sends a response. Err tells of one that cannot be written, or ErrAnswered;
// the state is then what it was. To an INVITE a 2xx may be sent repeatedly, as its user
// repeats it until the ACK comes (see Resend).
func (s *Server) Respond(now time.Time, res *sipmsg.Message) Step {
	switch {
	case res.IsRequest() || res.StatusCode < 100 || res.StatusCode > 699:
		return Step{Err: fmt.Errorf("answer to %s: no response: %v", s.method, res)}
	case s.state == Accepted && res.IsSuccess():
	case s.state != Trying && s.state != Proceeding:
		return Step{Err: fmt.Errorf("answer %d to %s: %w", res.StatusCode, s.method, ErrAnswered)}
	}
	wire, err := wireOf(res)
	if err != nil {
		return Step{Err: fmt.Errorf("answer %d to %s: %w", res.StatusCode, s.method, err)}
	}
	switch {
	case s.state == Accepted:
	case res.IsProvisional():
		s.state, s.last, s.resendAt = Proceeding, wire, time.Time{}
	case s.invite() && res.IsSuccess():
		s.finish(now, res, Accepted) // timer L
	default:
		s.finish(now, res, Completed) // timer H or J
		s.last = wire
		switch {
		case s.invite() && !s.reliable:
			s.interval, s.resendAt = s.timers.T1, now.Add(s.timers.T1) // timer G
		case !s.invite() && s.reliable:
			s.end() // timer J is 0
		}
	}
	return Step{Send: wire}
}

// finish enters the state of a final response, which lasts 64*T1 at most.
func (s *Server) finish(now time.Time, res *sipmsg.Message, state State) {
	s.state, s.req, s.last = state, nil, nil
	s.status, s.toTag, s.sent = res.StatusCode, res.To.Tag(), 1
	s.startAt, s.resendAt, s.endAt = now, time.Time{}, now.Add(s.timers.life())
}

// Receive takes a request that matches the transaction by ServerKey: a retransmission,
// or the ACK of an INVITE.
func (s *Server) Receive(now time.Time, req *sipmsg.Message) Step {
	switch {
	case req.Method == sipmsg.ACK:
		return s.acknowledged(now, req)
	case req.Method != s.method:
		return Step{}
	}
	switch s.state {
	case Proceeding, Completed:
		return Step{Send: s.last}
	}
	return Step{} // Trying, Confirmed; Accepted: RFC 6026 section 8.7 absorbs it
}

func (s *Server) acknowledged(now time.Time, ack *sipmsg.Message) Step {
	switch {
	case !s.invite() || !s.cookie && ack.To.Tag() != s.toTag:
	case s.state == Accepted:
		return Step{Ack: ack}
	case s.state == Completed:
		s.state, s.last = Confirmed, nil
		s.resendAt, s.endAt = time.Time{}, now.Add(s.timers.T4) // timer I
		if s.reliable {
			s.end()
		}
	}
	return Step{}
}

// Abandon ends the transaction of a request that no response can be written to.
func (s *Server) Abandon() { s.end() }

func (s *Server) end() {
	s.state, s.req, s.last = Terminated, nil, nil
	s.resendAt, s.endAt = time.Time{}, time.Time{}
}

// FlowFailed tells the user that a response could not be sent. RFC 6026 section 8.8:
// the transaction stays in its state, since the client may repeat its request.
func (s *Server) FlowFailed(now time.Time, cause error) Step {
	if s.state == Terminated || s.state == Confirmed {
		return Step{}
	}
	return Step{Err: cause}
}

// Expire acts on the timers that have run out by now. Err is a *TimeoutError when the
// final response to an INVITE was never acknowledged (timer H).
func (s *Server) Expire(now time.Time) Step {
	switch {
	case deadline.Due(now, s.endAt):
		lost := s.invite() && s.state == Completed
		s.end()
		if lost {
			return Step{Err: &TimeoutError{Method: s.method, Status: s.status, Sends: s.sent, Waited: now.Sub(s.startAt)}}
		}
	case deadline.Due(now, s.resendAt) && s.state == Proceeding:
		s.resendAt = time.Time{}
		return s.Respond(now, trying(s.req))
	case deadline.Due(now, s.resendAt): // timer G
		s.sent++
		s.interval = s.timers.double(s.interval, false)
		s.resendAt = after(s.resendAt, now, s.interval)
		return Step{Send: s.last}
	}
	return Step{}
}

// trying builds the 100 with the request's Timestamp (RFC 3261 section 8.2.6.1).
func trying(req *sipmsg.Message) *sipmsg.Message {
	res := req.Response(100, "")
	if ts, ok := req.Header.Lookup("Timestamp"); ok {
		res.Header.Add("Timestamp", ts)
	}
	return res
}
