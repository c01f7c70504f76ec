// Package lines is a SIP line: an account at a primary and a backup server, and the
// calls made with it.
//
// A Line joins three things and adds no clock of its own: the registrar's machine, which
// says where the line is bound; an ua.Endpoint, which carries its requests; and its
// calls, which fail over between the servers (RFC 3261, and the primary/backup
// document's invite and bye failover). One goroutine, Run, owns all of them. What other
// goroutines want of a line or a call goes there as a message, and what they learn of it
// comes from there through the interfaces Owner and Handler, which must not block.
//
// Sound is not its business: a call names the RTP port that its owner opened and tells
// what was agreed with the far end.
package lines

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/config"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// A Device is what all lines of the device share.
type Device struct {
	Stack     *ua.Stack
	Monitor   *ua.Monitor
	Resolver  transport.Resolver
	Timers    transaction.Timers
	UserAgent string
	Owner     Owner
	Log       *slog.Logger
}

// An Owner is told what happens to a line, on the line's goroutine. It must not block,
// nor wait for the line.
type Owner interface {
	// Incoming offers a call. The handler takes what becomes of it; a nil handler
	// refuses it with code.
	Incoming(c *Call) (h Handler, code int)
	// Changed tells that Snapshot has something new.
	Changed(line int)
	// CallChanged tells that a call's Info has something new.
	CallChanged(c *Call)
	// Messages tells what a message-summary NOTIFY says (RFC 3842).
	Messages(line int, waiting bool, text string)
}

// A Line is one SIP line.
type Line struct {
	cfg config.Line
	dev Device
	log *slog.Logger
	ep  *ua.Endpoint
	reg *registrar.Machine

	servers  [3]*server // by registrar.Server; nil: the line has none such
	tries    map[uint64]*tour
	calls    map[*Call]struct{}
	credits  *digest.Client
	mailbox  *mailbox
	stopping bool
	stopped  chan struct{} // closed when unregistered

	accepts  atomic.Pointer[map[netip.Addr]bool] // sources, for the transport's goroutines
	current  atomic.Pointer[transport.Target]    // for the health hook
	snapshot atomic.Pointer[Snapshot]

	lookups sync.WaitGroup
	ctx     context.Context // ends with Run: for lookups
	cancel  context.CancelFunc
	watches []func()
}

// New makes a line from its section of the configuration. Nothing is sent before Run.
func New(cfg config.Line, dev Device) *Line {
	l := &Line{
		cfg: cfg, dev: dev, log: dev.Log.With("line", cfg.N),
		tries: map[uint64]*tour{}, calls: map[*Call]struct{}{}, stopped: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.setServers()
	l.credits = newCredits(cfg)
	l.reg = registrar.New(l.registrarConfig(), rand.Float64)
	l.ep = dev.Stack.NewEndpoint(ua.EndpointConfig{
		Timers: dev.Timers, Credentials: l.credits, UserAgent: dev.UserAgent,
		Accepts:      l.AcceptsSource,
		Incoming:     l.incoming,
		Acknowledged: l.acknowledged,
		FlowFailed:   l.flowFailed,
		Mapped:       l.mapped,
		Log:          l.log,
	})
	l.publish(time.Now())
	return l
}

// Number is N of [sipN].
func (l *Line) Number() int { return l.cfg.N }

// Run works the line until ctx is done, which ends it without a word to the servers;
// see Stop.
func (l *Line) Run(ctx context.Context) {
	defer l.end()
	forget := l.dev.Stack.Health.Subscribe(l.healthChanged)
	defer forget()
	now := time.Now()
	if l.cfg.Enabled {
		l.do(now, l.reg.Start(now))
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now = time.Now()
		l.ep.Work(now)
		l.expire(now)
		l.publish(now)
		wait := time.Hour
		if d := l.deadline(); !d.IsZero() {
			wait = max(0, d.Sub(now))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-l.ep.Ready():
		case <-timer.C:
		}
	}
}

// Close ends a line that Run was never called for.
func (l *Line) Close() { l.end() }

func (l *Line) end() {
	for _, remove := range l.watches {
		remove()
	}
	l.cancel()
	l.ep.Close()
	l.lookups.Wait()
	for c := range l.calls {
		c.finish(time.Now(), Reason{Text: "the line was closed"})
	}
}

// Stop ends all calls and bindings in good order and waits for the servers to confirm
// it, until ctx is done. Run goes on; its context ends it.
func (l *Line) Stop(ctx context.Context) {
	ok := l.ep.Post(func(now time.Time) {
		if l.stopping {
			return
		}
		l.stopping = true
		for c := range l.calls {
			c.hangup(now)
		}
		if l.mailbox != nil {
			l.mailbox.stop(now)
		}
		l.do(now, l.reg.Stop(now))
		l.stopWhenQuiet()
	})
	if !ok {
		return
	}
	select {
	case <-ctx.Done():
	case <-l.stopped:
	}
}

// stopWhenQuiet tells Stop when nothing is left to wait for.
func (l *Line) stopWhenQuiet() {
	if !l.stopping || len(l.tries) > 0 || len(l.calls) > 0 {
		return
	}
	select {
	case <-l.stopped:
	default:
		close(l.stopped)
	}
}

// deadline is when the line has something to do although nothing came in.
func (l *Line) deadline() time.Time {
	d := earlier(l.ep.Deadline(), l.reg.Deadline())
	for c := range l.calls {
		d = earlier(d, c.deadline())
	}
	if l.mailbox != nil {
		d = earlier(d, l.mailbox.deadline())
	}
	return d
}

func (l *Line) expire(now time.Time) {
	if due(now, l.reg.Deadline()) {
		l.do(now, l.reg.Expire(now))
	}
	for c := range l.calls {
		if due(now, c.deadline()) {
			c.expire(now)
		}
	}
	if l.mailbox != nil && due(now, l.mailbox.deadline()) {
		l.mailbox.expire(now)
	}
}

// Register is a registration that the user asks for.
func (l *Line) Register() {
	l.ep.Post(func(now time.Time) { l.do(now, l.reg.Manual(now)) })
}

// healthChanged is called on any goroutine when a server changed between up and down.
func (l *Line) healthChanged(t transport.Target) {
	cur := l.current.Load()
	if cur == nil || *cur != t {
		return
	}
	l.ep.Post(func(now time.Time) {
		s := l.reg.Current()
		if s == registrar.None || l.servers[s].target().Normal() != t {
			return
		}
		if down, _, cause := l.dev.Stack.Health.State(t); down {
			l.do(now, l.reg.KeepaliveFailed(now, s, cause))
		}
	})
}

// flowFailed tells the registrar of a lost connection that carried a binding, and the
// calls that sent something over it.
func (l *Line) flowFailed(now time.Time, f transport.Flow, err error) {
	if !f.Reliable() {
		return
	}
	for _, s := range []registrar.Server{registrar.Primary, registrar.Backup} {
		if srv := l.servers[s]; srv != nil && srv.flow == f {
			srv.flow = nil
			l.do(now, l.reg.FlowLost(now, s, err))
		}
	}
}

// mapped tells that a server sees us at another address: the binding names the old one.
func (l *Line) mapped(now time.Time, f transport.Flow, seen netip.AddrPort) {
	l.log.Debug("seen at another address", "server", f.Target(), "address", seen)
	for _, s := range []registrar.Server{registrar.Primary, registrar.Backup} {
		if srv := l.servers[s]; srv != nil && srv.flow == f && srv.contact != seen {
			l.do(now, l.reg.AddressChanged(now))
			return
		}
	}
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

func earlier(a, b time.Time) time.Time {
	switch {
	case b.IsZero():
		return a
	case a.IsZero(), b.Before(a):
		return b
	}
	return a
}
