package agent

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"tipring/internal/config"
	"tipring/internal/ua/transport"
)

// stunPort: RFC 8489 section 18.6.
const stunPort = 3478

// A stunServer knows the address of [sip] stun_server. A name is looked up in the
// background, so that who asks never waits.
type stunServer struct {
	resolver transport.Resolver
	query    transport.Query

	mu     sync.Mutex
	addr   netip.AddrPort
	until  time.Time // the lookup holds so long
	asking bool
}

// newSTUNServer begins to look the server up; nil when there is none.
func newSTUNServer(text string, r transport.Resolver) *stunServer {
	host, port, ok := config.SplitHostPort(text)
	if !ok || host == "" {
		return nil
	}
	if port == 0 {
		port = stunPort
	}
	s := &stunServer{resolver: r, query: transport.Query{Host: host, Port: port, Mode: transport.DNSA}}
	if ip, err := netip.ParseAddr(host); err == nil {
		s.addr, s.until = netip.AddrPortFrom(ip, uint16(port)), time.Now().AddDate(100, 0, 0)
	}
	return s
}

// address is where the server is; zero while that is not known.
func (s *stunServer) address(ctx context.Context, run func(func())) netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asking && time.Now().After(s.until) {
		s.asking = true
		run(func() { s.lookup(ctx) })
	}
	return s.addr
}

func (s *stunServer) lookup(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, ttl, err := s.resolver.Lookup(ctx, s.query)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = false
	if err != nil {
		s.until = time.Now().Add(time.Minute) // the old address stays in use
		return
	}
	s.addr, s.until = found[0].Addr, time.Now().Add(ttl)
}
