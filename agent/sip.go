package agent

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/config"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/targets"
)

// rebindWait is how long the agent waits before it tries again to open its SIP ports.
const rebindWait = 10 * time.Second

// sip is what all lines share: sockets, servers' health, keep-alives, names.
type sip struct {
	stack    *ua.Stack
	monitor  *ua.Monitor
	resolver *targets.Resolver
	timers   transaction.Timers
	stun     *stunServer                     // nil: none
	contacts contactKey                      // of the lines
	layer    atomic.Pointer[transport.Layer] // nil until its ports are open
	err      atomic.Pointer[error]           // why they are not
	trust    atomic.Pointer[trust]           // of its TLS connections; nil until its ports are open
	open     bool                            // lines may start

	cancel context.CancelFunc
	work   sync.WaitGroup
}

func (a *Agent) newSIP(c *config.Config) *sip {
	s := &sip{
		stack:    ua.NewStack(a.log),
		timers:   transaction.WithT1(time.Duration(c.SIP.T1MS) * time.Millisecond),
		resolver: targets.New(targets.Config{Bind: c.SIP.Bind, Log: a.log}),
	}
	s.stack.SetTap(a.sighted)
	s.contacts = a.contactKey()
	s.stun = newSTUNServer(c.SIP.STUNServer, s.resolver)
	s.monitor = s.stack.NewMonitor(s.timers, a.userAgent(), nil)
	return s
}

// logMessage writes the first line of a SIP message, which holds no secret.
func (a *Agent) logMessage(s ua.Sight) {
	if !a.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	direction, peer, m := "in", s.From, s.Message()
	if s.Out {
		direction, peer = "out", s.Flow.Target().Addr
	}
	a.log.Debug("message", "direction", direction, "peer", peer, "message", m.String(), "call_id", m.CallID)
}

// openSIP opens the SIP ports. A port that is taken leaves the rest of the device running:
// it is tried again until it is free.
func (a *Agent) openSIP(ctx context.Context, s *sip) error {
	c := a.config()
	for {
		layer, err := transport.New(a.transportConfig(c, s), s.stack)
		if err == nil {
			s.stack.Attach(layer)
			s.layer.Store(layer)
			s.err.Store(nil)
			return nil
		}
		err = fmt.Errorf("SIP ports not opened: %w", err)
		if old := s.err.Swap(&err); old == nil || (*old).Error() != err.Error() {
			a.log.Error("SIP ports not opened; the lines wait", "err", err, "retry_s", int(rebindWait/time.Second))
		}
		timer := time.NewTimer(rebindWait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

func (a *Agent) transportConfig(c *config.Config, s *sip) transport.Config {
	return transport.Config{
		Bind:    c.SIP.Bind,
		UDPPort: c.SIP.UDPPort, TCPPort: c.SIP.TCPPort, TLSPort: c.SIP.TLSPort,
		TLS:            a.tlsConfig(s, c.SIP.TLSCAFile),
		Accept:         a.acceptsSource,
		DSCP:           c.SIP.SIPDSCP,
		ConnectTimeout: 64 * s.timers.T1,
		UserTimeout:    longestSpan(c, s.timers),
		Log:            a.log,
	}
}

// longestSpan is how long data on a connection may stay without an acknowledgement: no
// line's request waits longer for a server that is not the last.
func longestSpan(c *config.Config, t transaction.Timers) time.Duration {
	var span time.Duration
	for _, l := range c.Lines {
		span = max(span, transaction.Span(t, sipmsg.INVITE, l.SignalRetryCounts))
	}
	return span
}

// tlsConfig trusts the authorities of [sip] tls_ca_file, or the system's.
func (a *Agent) tlsConfig(s *sip, file string) *tls.Config {
	t, err := readTrust(file)
	if err != nil { // it was good when the configuration was read
		a.log.Error("no authorities for TLS: every server will be refused", "err", err)
	}
	s.trust.Store(&t)
	return &tls.Config{RootCAs: t.pool, Time: a.clock.Now}
}

// acceptsSource reports an address that some line takes requests from.
func (a *Agent) acceptsSource(addr netip.Addr) bool {
	for _, u := range *a.lineList.Load() {
		if u.line.AcceptsSource(addr) {
			return true
		}
	}
	return false
}
