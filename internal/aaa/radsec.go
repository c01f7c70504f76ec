package aaa

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"
)

// radsec asks one server over TLS (RFC 6614). One connection serves all questions
// of a while, up to 256 at the same time.
type radsec struct {
	server *server
	tls    *tls.Config
	idle   time.Duration

	mu       sync.Mutex
	tunnel   *tunnel  // the one that takes new questions
	dialing  *dialing // under way
	lastDial time.Time
	closed   bool
	tunnels  map[*tunnel]bool // not ended yet
	readers  sync.WaitGroup
}

// A dialing is a connection being made, for all who wait for it.
type dialing struct {
	done   chan struct{}
	tunnel *tunnel
	err    error
	own    bool // err is of the dialler's own, whose time was over
}

func newRadsec(s *server, host string, cfg Config) *radsec {
	t := &tls.Config{}
	if cfg.TLS != nil {
		t = cfg.TLS.Clone()
	}
	t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	t.InsecureSkipVerify = false
	t.ServerName = host
	return &radsec{server: s, tls: t, idle: orElse(cfg.Idle, 60*time.Second), tunnels: map[*tunnel]bool{}}
}

// Limits of making a connection.
const (
	dialPace  = time.Second      // at most one is begun in it
	dialLimit = 10 * time.Second // name, connection and handshake
)

// errTunnel is that a connection ended.
var errTunnel = errors.New("connection ended")

// ask asks the server. A question is sent once on a connection (RFC 6613 section
// 2.6.1), and again on the next when the connection ends, with a new identifier. That
// a connection from before turns out to have ended costs no try.
func (r *radsec) ask(ctx context.Context, request Request, waits []time.Duration, a *attempt) (Response, error) {
	var last error
	begun := time.Now()
	for tries := 0; tries < len(waits); {
		t, err := r.get(ctx)
		if err != nil {
			return Response{}, err
		}
		sent := a.sent
		w, err := t.send(ctx, request, a)
		if errors.Is(err, errFull) {
			r.retire(t, errIdle)
			continue
		}
		if a.sent > sent && !t.made.Before(begun) {
			tries++
		}
		if err == nil {
			var answer Response
			if answer, err = t.await(ctx, w, waits[0]); err == nil {
				return answer, nil
			}
		}
		if ctx.Err() != nil {
			if w != nil && t.quietSince(w.sent) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				r.retire(t, errSilent) // its peer may have gone without a word
			}
			return Response{}, ctx.Err()
		}
		if !errors.Is(err, errTunnel) {
			return Response{}, err
		}
		last = err
	}
	return Response{}, last
}

// get returns a connection that takes questions, and makes one if there is none.
func (r *radsec) get(ctx context.Context) (*tunnel, error) {
	for {
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			return nil, ErrClosed
		}
		if t := r.tunnel; t != nil {
			r.mu.Unlock()
			return t, nil
		}
		d, mine := r.dialing, r.dialing == nil
		if mine {
			d = &dialing{done: make(chan struct{})}
			r.dialing = d
		}
		pace := time.Until(r.lastDial.Add(dialPace))
		r.mu.Unlock()

		if mine {
			r.connect(ctx, d, pace)
		}
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if d.err == nil {
			return d.tunnel, nil
		}
		if mine || !d.own {
			return nil, d.err
		}
	}
}

// connect makes a connection, not sooner than pace says.
func (r *radsec) connect(ctx context.Context, d *dialing, pace time.Duration) {
	if pause(ctx, pace) {
		r.mu.Lock()
		r.lastDial = time.Now()
		r.mu.Unlock()
		d.tunnel, d.err = r.dial(ctx)
	} else {
		d.err = ctx.Err()
	}
	d.own = d.err != nil && ctx.Err() != nil

	r.mu.Lock()
	r.dialing = nil
	if d.err == nil && r.closed {
		d.tunnel.idle.Stop()
		_ = d.tunnel.conn.Close()
		d.tunnel, d.err = nil, ErrClosed
	}
	if d.err == nil {
		r.tunnel = d.tunnel
		r.tunnels[d.tunnel] = true
		r.readers.Add(1)
		go func() {
			defer r.readers.Done()
			d.tunnel.read()
		}()
	}
	r.mu.Unlock()
	close(d.done)
}

func (r *radsec) dial(ctx context.Context) (*tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	raw, err := r.server.dial(ctx, "tcp", r.server.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	config, asked := r.tls.Clone(), ""
	config.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		var shown *tls.Certificate
		shown, asked = identify(info, r.tls.Certificates)
		return shown, nil
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: TLS: %w%s", errUnreachable, err, asked)
	}
	return newTunnel(r, raw, conn, asked), nil
}

// identify chooses the certificate that a server gets which asks for one, and describes
// that for errors: many servers that do not like it, or its lack, say only good-bye.
func identify(info *tls.CertificateRequestInfo, own []tls.Certificate) (*tls.Certificate, string) {
	for _, c := range own {
		if info.SupportsCertificate(&c) == nil {
			return &c, ", after it was shown this device's certificate"
		}
	}
	return new(tls.Certificate), ", after it asked for a certificate of this device, which has none for it"
}

// retire keeps new questions off a connection; it ends after its last one.
func (r *radsec) retire(t *tunnel, why error) {
	r.mu.Lock()
	if r.tunnel == t {
		r.tunnel = nil
	}
	r.mu.Unlock()
	t.retire(why)
}

// forget is called once for each connection, when it has ended.
func (r *radsec) forget(t *tunnel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tunnel == t {
		r.tunnel = nil
	}
	delete(r.tunnels, t)
}

func (r *radsec) close() {
	r.mu.Lock()
	r.closed = true
	var open []*tunnel
	for t := range r.tunnels {
		open = append(open, t)
	}
	r.mu.Unlock()
	for _, t := range open {
		t.end(ErrClosed)
	}
	r.readers.Wait()
}
