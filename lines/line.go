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
// Sound and T.38 are not its business: a call names the ports that its owner opened and tells
// what was agreed with the far end. Switch asks for T.38 in the place of sound, and back; what
// the far end asks for is taken at any moment.
package lines

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/capture"
	"tipring/internal/config"
	"tipring/internal/deadline"
	"tipring/internal/offer"
	"tipring/internal/ua"
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

	// Trace keeps the ladders of calls and registrations; nil: nobody does.
	Trace *capture.Store

	// Contact is the user part of a line's Contact, which nobody must be able to guess:
	// the same after a restart, so that the line finds its binding again. Nil: random.
	Contact func(c *config.Line) string

	// Permit is asked before a call goes out, but for emergencies, and tells why it must not;
	// nil: every call may. It is called on the lines' goroutines, and must not block.
	Permit func(r Request) error

	// Emergencies outlives the lines; nil: each line has its own.
	Emergencies *Emergencies

	// T38 is what calls of fax machines and mailboxes do by T.38. An INVITE of T.38 alone is
	// offered to Owner where it is set and does not return nil, and refused otherwise. It is
	// called on the lines' goroutines.
	T38 func() *offer.T38
}

func (d *Device) contact(c *config.Line) string {
	if d.Contact == nil {
		return ""
	}
	return d.Contact(c)
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
	Messages(line int, s Summary)
	// Text tells of a message that came to the line (RFC 3428). kept must be called, on any
	// goroutine, once it is safe from a cut of the power, or cannot be.
	Text(line int, t Text, kept func(error))
	// CheckSync tells that a server of the line asks to look for new settings, and has
	// proved that it knows the line's password.
	CheckSync(line int)
}

// A Line is one SIP line.
type Line struct {
	cfg *config.Line
	dev Device
	log *slog.Logger
	ep  *ua.Endpoint
	reg *registrar.Machine

	servers [3]*server // by registrar.Server; nil: the line has none such
	tours   map[uint64]*tour
	calls   map[*Call]struct{}
	mailbox *mailbox
	syncer  *syncer // nil: never asked
	mapping remapping
	watches []func()

	rewritten bool // the last answer to a REGISTER says so; see Snapshot

	stopping bool
	ended    bool
	stopped  chan struct{} // closed when unregistered

	sources  atomic.Pointer[[]netip.Addr]     // of the servers, for the transport's goroutines
	current  atomic.Pointer[transport.Target] // for the health hook; nil: none
	snapshot atomic.Pointer[Snapshot]

	lookups sync.WaitGroup
	ctx     context.Context // ends with Run: for lookups
	cancel  context.CancelFunc
}

// New makes a line from its section of the configuration, which nobody changes any more.
// Nothing is sent before Run.
func New(cfg *config.Line, dev Device) *Line {
	l := &Line{
		cfg: cfg, dev: dev, log: slog.New(numbered{dev.Log.Handler(), cfg.N}),
		stopped: make(chan struct{}),
	}
	if dev.Emergencies == nil {
		l.dev.Emergencies = new(Emergencies)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.setServers()
	l.reg = registrar.New(l.registrarConfig(), rand.Float64)
	l.ep = dev.Stack.NewEndpoint(ua.EndpointConfig{
		Owner: cfg.N, Timers: dev.Timers, Credentials: newCredits(cfg), UserAgent: dev.UserAgent,
		Contact:      dev.contact(cfg),
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

// usable reports a line that is switched on and has a server to talk to.
func (l *Line) usable() bool { return l.cfg.Enabled && l.servers[registrar.Primary] != nil }

// Run works the line until ctx is done, which ends it without a word to the servers;
// see Stop.
func (l *Line) Run(ctx context.Context) {
	defer l.end()
	forget := l.dev.Stack.Health.Subscribe(l.healthChanged)
	defer forget()
	if l.usable() {
		now := time.Now()
		l.do(now, l.reg.Start(now))
	}
	l.ep.Run(ctx, l.work, l.deadline)
}

// work does what is due besides the endpoint's own, and tells what has changed.
func (l *Line) work(now time.Time) {
	l.expire(now)
	l.publish(now)
	l.shed()
}

// shed drops empty maps: with hundreds of idle lines their buckets are worth the memory.
func (l *Line) shed() {
	if len(l.tours) == 0 {
		l.tours = nil
	}
	if len(l.calls) == 0 {
		l.calls = nil
	}
}

// Close ends a line that Run was never called for.
func (l *Line) Close() { l.end() }

func (l *Line) end() {
	l.ended = true
	for _, remove := range l.watches {
		remove()
	}
	l.cancel()
	l.ep.Close()
	l.lookups.Wait()
	for c := range l.calls {
		c.finish(time.Now(), Reason{Text: "the line was closed"})
	}
	l.dev.Trace.ForgetLine(l.cfg.N)
	l.release()
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
	if l.stopping && len(l.tours) == 0 && len(l.calls) == 0 {
		l.release()
	}
}

func (l *Line) release() {
	select {
	case <-l.stopped:
	default:
		close(l.stopped)
	}
}

// deadline is when the line has something to do although nothing came in.
func (l *Line) deadline() time.Time {
	d := deadline.Earlier(l.reg.Deadline(), l.mapping.again)
	for c := range l.calls {
		d = deadline.Earlier(d, c.deadline())
	}
	if l.mailbox != nil {
		d = deadline.Earlier(d, l.mailbox.deadline())
	}
	return d
}

func (l *Line) expire(now time.Time) {
	if deadline.Due(now, l.reg.Deadline()) {
		l.do(now, l.reg.Expire(now))
	}
	if deadline.Due(now, l.mapping.again) {
		l.checkContacts(now)
	}
	for c := range l.calls {
		if deadline.Due(now, c.deadline()) {
			c.expire(now)
		}
	}
	if l.mailbox != nil && deadline.Due(now, l.mailbox.deadline()) {
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
	switch down, _, _ := l.dev.Stack.Health.State(t); {
	case down && cur != nil && *cur == t:
		l.ep.Post(func(now time.Time) { l.serverDown(now, t) })
	case !down && cur == nil:
		l.ep.Post(func(now time.Time) { l.serverSeen(now, t) })
	}
}

// serverDown has the registrar look after a current server that somebody found dead.
func (l *Line) serverDown(now time.Time, t transport.Target) {
	s := l.reg.Current()
	if s == registrar.None || l.servers[s].target().Normal() != t {
		return
	}
	if down, _, cause := l.dev.Stack.Health.State(t); down {
		l.do(now, l.reg.KeepaliveFailed(now, s, cause))
	}
}

// serverSeen tells the registrar of a server that answers another line.
func (l *Line) serverSeen(now time.Time, t transport.Target) {
	for _, s := range l.servers {
		if s != nil && s.has(t) {
			l.reg.ServerSeen(now, s.id)
		}
	}
}

// flowFailed tells the registrar of a lost connection that carried a binding.
func (l *Line) flowFailed(now time.Time, f transport.Flow, err error) {
	if !f.Reliable() {
		return
	}
	for _, s := range l.servers {
		if s != nil && s.flow == f {
			s.flow = nil
			l.do(now, l.reg.FlowLost(now, s.id, err))
		}
	}
}
