package lab

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/ua/transport"
)

// A Server is a registrar and proxy on UDP, TCP and, if wanted, TLS. UDP and TCP share a
// port number.
type Server struct {
	core  *core // owned by the goroutine that runs run
	inbox chan func(now time.Time)
	quit  chan struct{}
	ended sync.WaitGroup
	mute  atomic.Bool // for the readers: shake no hands

	certificate tls.Certificate
	ca          []byte

	mu      sync.Mutex // of what follows: opening and closing
	sockets *sockets   // nil: refused
	addrs   map[transport.Proto]netip.AddrPort
}

// NewServer starts a server at an address, on free ports.
func NewServer(name string, at netip.Addr, cfg Config) (*Server, error) {
	s := &Server{
		inbox: make(chan func(time.Time), 256), quit: make(chan struct{}),
		addrs: map[transport.Proto]netip.AddrPort{},
	}
	s.core = newCore(name, cfg, s.send)
	want := map[transport.Proto]netip.AddrPort{
		transport.UDP: netip.AddrPortFrom(at, 0), transport.TCP: netip.AddrPortFrom(at, 0),
	}
	var err error
	if cfg.TLS {
		want[transport.TLS] = netip.AddrPortFrom(at, 0)
		if s.certificate, s.ca, err = certify(at); err != nil {
			return nil, fmt.Errorf("lab server %s: %w", name, err)
		}
	}
	sockets, err := open(want, s)
	if err != nil {
		return nil, fmt.Errorf("lab server %s: %w", name, err)
	}
	s.sockets = sockets
	for p, a := range sockets.addrs {
		s.addrs[p] = a
		s.core.listens(p, a)
	}
	s.ended.Add(1)
	go s.run()
	return s, nil
}

// Close ends the server without a word to anybody and waits for it.
func (s *Server) Close() error {
	s.shut()
	select {
	case <-s.quit:
	default:
		close(s.quit)
	}
	s.ended.Wait()
	return nil
}

// Addr is where the server listens; zero for a protocol that it does not speak.
func (s *Server) Addr(p transport.Proto) netip.AddrPort { return s.addrs[p] }

// CA is what a tls_ca_file must hold for this server's certificate to be believed.
func (s *Server) CA() []byte { return s.ca }

// Join makes the other server its peer: one domain, and calls for what is bound there.
func (s *Server) Join(peer *Server) {
	s.do(func(time.Time) { s.core.join(peer.core, peer.addrs) })
}

// Route has calls for a user sent to a fixed address, by UDP. What comes from there is
// not asked for credentials.
func (s *Server) Route(user string, at netip.AddrPort) {
	s.do(func(time.Time) { s.core.routes[user] = at })
}

// Bindings lists where a user is bound at this server, the latest last.
func (s *Server) Bindings(user string) []Binding { return s.core.location.of(user, time.Now()) }

// Silence makes the server a black hole: it reads what comes and says nothing at all.
// A TLS connection made meanwhile is never shaken hands with.
func (s *Server) Silence() {
	s.mute.Store(true)
	s.do(func(time.Time) { s.core.setFault(fault{kind: silent}) })
}

// Answer503 makes the server answer every request by 503, with a Retry-After unless it
// is 0.
func (s *Server) Answer503(retryAfterS int) {
	s.mute.Store(false)
	s.do(func(time.Time) { s.core.setFault(fault{kind: refusing, retryAfterS: retryAfterS}) })
}

// Refuse closes the server's sockets: datagrams are answered by ICMP port unreachable,
// connections are cut and refused.
func (s *Server) Refuse() {
	s.Silence()
	s.shut()
}

// Revive ends whatever is wrong. What was bound before is still bound. The error is that
// of a port that somebody else has taken in the meantime.
func (s *Server) Revive() error {
	s.mu.Lock()
	if s.sockets == nil {
		sockets, err := open(s.addrs, s)
		if err != nil {
			s.mu.Unlock()
			return fmt.Errorf("lab server %s: %w", s.core.name, err)
		}
		s.sockets = sockets
	}
	s.mu.Unlock()
	s.mute.Store(false)
	s.do(func(time.Time) { s.core.setFault(fault{}) })
	return nil
}

func (s *Server) shut() {
	s.mu.Lock()
	sockets := s.sockets
	s.sockets = nil
	s.mu.Unlock()
	if sockets != nil {
		sockets.close()
	}
}

// run owns the core.
func (s *Server) run() {
	defer s.ended.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		if next := s.core.next; !next.IsZero() {
			wait = max(0, time.Until(next))
		}
		timer.Reset(wait)
		select {
		case <-s.quit:
			return
		case fn := <-s.inbox:
			fn(time.Now())
		case <-timer.C:
		}
		s.core.expire(time.Now())
	}
}

// post hands fn to the goroutine of the core.
func (s *Server) post(fn func(now time.Time)) {
	select {
	case s.inbox <- fn:
	case <-s.quit:
	}
}

// do runs fn there and waits for it.
func (s *Server) do(fn func(now time.Time)) {
	done := make(chan struct{})
	s.post(func(now time.Time) {
		fn(now)
		close(done)
	})
	select {
	case <-done:
	case <-s.quit:
	}
}

// send is what the core transmits by.
func (s *Server) send(w way, wire []byte) {
	if w.conn != nil {
		w.conn.write(wire)
		return
	}
	s.mu.Lock()
	sockets := s.sockets
	s.mu.Unlock()
	if sockets != nil {
		sockets.writeUDP(w.addr, wire)
	}
}
