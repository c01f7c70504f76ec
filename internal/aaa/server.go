package aaa

import (
	"errors"
	"net"
	"sync"
	"time"
)

// A server is a Server with what was seen of it.
type server struct {
	Server
	vendors []uint32
	dead    time.Duration
	dial    dialer
	radsec  *radsec // with TLS
	counts  counts

	mu           sync.Mutex
	deadUntil    time.Time     // zero: it answers, as far as is known
	deciding     bool          // a half-open probe is under way
	knowsStatus  bool          // it answered a Status-Server once
	statusSilent bool          // half-open, and the Status-Server had no answer: a request decides
	heard        time.Time     // when it last answered
	changed      time.Time     // since when it answers, or does not; zero: it has not been asked
	took         time.Duration // its latest answer
	toldLegacy   bool          // its lack of Message-Authenticators was logged
}

func newServer(s Server, cfg Config) (*server, error) {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	if host == "" || port == "" {
		return nil, errors.New("want host:port")
	}
	if s.Secret == "" && s.TLS {
		s.Secret = "radsec"
	}
	if s.Secret == "" {
		// RFC 2865 section 3: "The secret MUST NOT be empty (length 0)".
		return nil, errors.New("no shared secret")
	}
	known := &server{Server: s, vendors: cfg.Vendors, dead: cfg.Dead, dial: cfg.Dial}
	if s.TLS {
		known.radsec = newRadsec(known, host, cfg)
	}
	return known, nil
}

// query makes the request that this server gets.
func (s *server) query(r Request, id byte) (*query, error) {
	q, err := newQuery(r, id, []byte(s.Secret))
	if err != nil {
		return nil, err
	}
	q.legacy, q.vendors = s.Legacy, s.vendors
	return q, nil
}

// A state is what is known of a server's health.
type state byte

const (
	alive    state = iota // it answers, as far as is known
	halfOpen              // it did not answer; its dead time is over
	dead                  // it is left alone
)

func (s *server) state(now time.Time) state {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.deadUntil.IsZero():
		return alive
	case now.Before(s.deadUntil) || s.deciding:
		return dead
	}
	return halfOpen
}

// decide makes the caller the one who finds out about a half-open server, and says
// whether with a request of its own; otherwise with a Status-Server.
func (s *server) decide(now time.Time) (mine, byRequest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadUntil.IsZero() || now.Before(s.deadUntil) || s.deciding {
		return false, false
	}
	s.deciding = true
	return true, s.statusSilent
}

// undecided gives up finding out: the caller was cancelled.
func (s *server) undecided() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deciding = false
}

// answered notes an answer, and says whether the server was dead before.
func (s *server) answered(now time.Time, status bool) (back bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if back = !s.deadUntil.IsZero(); back || s.changed.IsZero() {
		s.changed = now
	}
	s.deadUntil, s.deciding, s.statusSilent = time.Time{}, false, false
	s.heard = now
	s.knowsStatus = s.knowsStatus || status
	return back
}

// silent notes that a question begun at a time had no answer, and says whether the
// server is dead for that now and was not before.
func (s *server) silent(begun, now time.Time) (gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deciding, s.statusSilent = false, false
	if s.dead == 0 || s.heard.After(begun) {
		return false // others have its answers: a packet was lost
	}
	if gone = s.deadUntil.IsZero(); gone {
		s.changed = now
	}
	s.deadUntil = now.Add(s.dead)
	return gone
}

// ignoresStatus notes that a Status-Server had no answer. Many servers answer none
// (RFC 5997 section 4), so unless this one did before, the next request decides.
func (s *server) ignoresStatus(now time.Time, unreachable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deciding = false
	if s.deadUntil.IsZero() {
		return
	}
	if s.statusSilent = !s.knowsStatus && !unreachable; !s.statusSilent {
		s.deadUntil = now.Add(s.dead)
	}
}

// firstLegacy says once that the server's answers lack a Message-Authenticator.
func (s *server) firstLegacy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.toldLegacy
	s.toldLegacy = true
	return first
}

// timed notes how long an answer took.
func (s *server) timed(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = d
}

func (s *server) health() (since time.Time, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed, s.took
}
