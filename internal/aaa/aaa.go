// Package aaa asks RADIUS servers and believes only what cannot be forged (RFC
// 2865, 2866, 5997 and 6614). Every Access-Request is signed with a
// Message-Authenticator as its first attribute (RFC 3579 section 3.2), and every
// answer to one must hold exactly one, and a right one. A server that does not
// answer is asked again with the same octets, then the next server is asked with a
// new identifier, authenticator and hidden password; after that it is left alone for
// a while.
//
// What the attributes mean is left to others: internal/faxback reads them, the
// accounting journal keeps them.
package aaa

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// A Request is a question to the servers.
type Request struct {
	Code Code // AccessRequest or AccountingRequest

	// Attributes stand in wire order, without Message-Authenticator. A User-Password
	// stands in clear and is hidden anew for each server (RFC 2865 section 5.2).
	Attributes Attributes

	// Budget is the time for all servers together; 0: as configured. A question
	// inside a call has one: its tries wait at most 1 s each.
	Budget time.Duration

	// Repeats lists the single-valued standard attributes (RFC 2865 section 5.44)
	// that the answer to this question may hold several times all the same. FaxBack's
	// list of a load-balance group's members repeats User-Name.
	Repeats []byte
}

// A Response is a server's answer that was found to be genuine.
type Response struct {
	Code       Code
	Attributes Attributes // without Message-Authenticator
	Server     string     // host:port
	Secure     bool       // came by RadSec
	Signed     bool       // held a Message-Authenticator, which was right
	At         time.Time  // when it came
	Stored     bool       // the last good answer, from disk: no server answered now
}

// A Server is one RADIUS server.
type Server struct {
	Addr   string // host:port
	Secret string // shared with it; over TLS "radsec" when empty (RFC 6614 section 2.3)
	Legacy bool   // its answers are believed without Message-Authenticator, never with a wrong one
	TLS    bool   // RadSec
}

// FaxBack is the vendor number of FaxBack's attributes.
const FaxBack = 30694

// Config says which servers are asked, and how patiently.
type Config struct {
	Servers []Server      // in the order in which they are asked
	Timeout time.Duration // wait after the first transmission; doubled after each, to 16 s; 0: 2 s
	Tries   int           // transmissions to one server; 0: 4
	Dead    time.Duration // how long a server that did not answer is left alone; 0: it never is
	Idle    time.Duration // a RadSec connection without a question is closed after it; 0: 60 s
	TLS     *tls.Config   // of RadSec: roots, client certificate, time; nil: the system's roots
	Vendors []uint32      // an answer's Vendor-Specific attributes of these must be well formed; nil: FaxBack
	Log     *slog.Logger  // nil: none

	// Dial connects to a server by "udp" or "tcp"; nil: net.Dialer's.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Client asks the servers of a Config. Its methods may be called at the same time.
type Client struct {
	servers []*server
	timeout time.Duration
	tries   int
	log     *slog.Logger
	jitter  func(time.Duration) time.Duration

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup // exchanges and probes
}

// Errors that callers tell apart.
var (
	ErrClosed   = errors.New("the RADIUS client is closed")
	ErrNoAnswer = errors.New("no RADIUS server answered")
)

// New makes a client. It opens nothing until something is asked.
func New(cfg Config) (*Client, error) {
	if len(cfg.Servers) == 0 {
		return nil, errors.New("no RADIUS server")
	}
	if cfg.Timeout < 0 || cfg.Tries < 0 || cfg.Dead < 0 || cfg.Idle < 0 {
		return nil, errors.New("a RADIUS timeout or count below zero")
	}
	if cfg.Vendors == nil {
		cfg.Vendors = []uint32{FaxBack}
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		timeout: orElse(cfg.Timeout, 2*time.Second),
		tries:   orElse(cfg.Tries, 4),
		log:     cfg.Log,
		jitter:  jitter,
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, s := range cfg.Servers {
		known, err := newServer(s, cfg)
		if err != nil {
			c.cancel()
			return nil, fmt.Errorf("RADIUS server %s: %w", s.Addr, err)
		}
		c.servers = append(c.servers, known)
	}
	return c, nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Close ends every exchange and connection and waits for them.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	for _, s := range c.servers {
		if s.radsec != nil {
			s.radsec.close()
		}
	}
	c.busy.Wait()
	return nil
}

// begin counts something that Close waits for, unless it is too late.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.busy.Add(1)
	return true
}
