// Package registrar keeps a line bound at one of two SIP servers: it registers,
// refreshes, fails over when a server is unavailable, and fails back.
//
// It follows the primary/backup document whose eleven items tipring.ini keeps
// (register failover, failover failure, failback), RFC 3261 section 10 for the binding
// and RFC 5626 section 4.5 for the waits between attempts. On top of the document it
// damps the way home: good probes in a row, a least stay, jitter, and no move under a
// running call.
//
// A Machine reads no clock, opens no socket and sends nothing. Its owner, the line,
// carries out its Actions (a REGISTER to a server with its span), reports every Result,
// tells it what the line learns elsewhere (a request that no server answered, a lost
// connection, a call that begins) and calls Expire at Deadline. No state is final: a
// machine that is not stopped has an attempt under way or a Deadline.
package registrar

import (
	"time"

	"tipring/internal/deadline"
)

// A Machine is the registration of one line.
type Machine struct {
	cfg  Config
	rand func() float64 // in [0, 1)

	started, stopped bool
	lasting          bool     // the last hunt ended in an answer that repetition will not change
	briefs           [3]uint8 // 423s in a row by server
	attempts         uint64
	calls            int

	current Server
	since   time.Time // when current became so
	moved   error     // why the line left the other server; nil when it did not

	bound   [3]binding   // by Server
	blocked [3]time.Time // Retry-After: ask the server nothing before
	ttl     [3]time.Duration

	hunt     hunt
	failures int       // hunts in a row that found no server
	retryAt  time.Time // next hunt, when none is under way and nothing is bound
	huntedAt time.Time // end of the last hunt
	lastErr  error

	home homing
	warm aside     // warm_backup's second binding
	side aside     // the binding that one moved call needed
	lift [3]uint64 // running Unbind by server

	counts  Counts
	actions []Action
}

// Counts are the totals of a line.
type Counts struct {
	Failovers int // moves from the primary to the backup
	Failbacks int // moves from the backup to the primary
	Refusals  int // answers that refused a registration: the server is up and does not take the line
}

// A binding is what the line holds at one server.
type binding struct {
	since   time.Time
	until   time.Time // zero: none
	refresh time.Time
	granted time.Duration
}

// An aside is a binding kept beside the current one.
type aside struct {
	attempt  uint64 // under way when not 0
	server   Server
	failures int
	retryAt  time.Time
}

// New makes the registration of a line. Random yields numbers in [0, 1) and spreads
// every wait; tests hand in a seeded one.
func New(cfg Config, random func() float64) *Machine {
	if cfg.GoodProbes < 1 {
		cfg.GoodProbes = 1
	}
	return &Machine{cfg: cfg, rand: random}
}

// Start begins: it registers at the primary, then at the backup.
func (m *Machine) Start(now time.Time) []Action {
	m.started, m.since = true, now
	if !m.cfg.Register {
		m.become(now, Primary, nil)
		return m.take()
	}
	m.beginHunt(now, m.fromPrimary())
	return m.take()
}

// Stop removes every binding. The owner waits for the results as long as it likes and
// then forgets the machine.
func (m *Machine) Stop(now time.Time) []Action {
	m.dropHunt()
	m.abandon(&m.home.attempt)
	m.abandon(&m.warm.attempt)
	m.abandon(&m.side.attempt)
	m.hunt = hunt{}
	for _, s := range []Server{Primary, Backup} {
		m.unbind(now, s)
	}
	m.stopped = true
	return m.take()
}

// Manual is a registration that the user asks for: the primary first, then the backup.
func (m *Machine) Manual(now time.Time) []Action {
	if m.idle() || m.hunt.running() || !m.cfg.Register {
		return nil
	}
	m.huntNow(now)
	return m.take()
}

// Demand is asked when a call is dialled and no server is current. It reports whether
// the call may wait for Settled: a hunt is under way, or begins now rather than at the
// end of its back-off.
func (m *Machine) Demand(now time.Time) (wait bool, do []Action) {
	switch {
	case m.idle(), !m.cfg.Register:
		return false, nil
	case m.hunt.running():
		return true, nil
	case m.lasting || now.Before(m.huntedAt.Add(demandGap)):
		return false, nil
	}
	m.huntNow(now)
	return true, m.take()
}

// KeepaliveFailed reports that an OPTIONS or a CANCEL to server had no answer.
func (m *Machine) KeepaliveFailed(now time.Time, server Server, cause error) []Action {
	if m.idle() || m.hunt.running() {
		return nil
	}
	if server != m.current {
		if server != None {
			m.bound[server] = binding{}
		}
		return nil
	}
	if !m.cfg.Register {
		m.moveUnregistered(now, server, cause)
		return m.take()
	}
	m.hunt.cause = cause
	m.beginHunt(now, m.fromPrimary())
	return m.take()
}

// RequestFailed reports that server did not answer an INVITE or a BYE within its span,
// or could not be reached. The other server is tried; Settled follows, at once when
// there is nothing to wait for.
func (m *Machine) RequestFailed(now time.Time, server Server, cause error) []Action {
	other := server.Other()
	switch {
	case m.idle(), server != m.current:
		m.settle()
	case !m.cfg.Register:
		m.moveUnregistered(now, server, cause)
		m.settle()
	case m.hunt.running():
		m.skip(now, server, cause)
	case !m.cfg.HasBackup:
		m.bound[server] = binding{}
		m.settle()
		m.beginHunt(now, []Server{server})
	case m.cfg.WarmBackup && m.isBound(now, other):
		m.bound[server] = binding{}
		m.become(now, other, cause)
		m.settle()
	default:
		m.bound[server] = binding{}
		m.hunt.cause = cause
		m.beginHunt(now, []Server{other})
	}
	return m.take()
}

// RequestRefused reports a 500 or 503 to an INVITE or a BYE at server, or another sign
// that does not condemn it. It moves that request, not the line: a side binding is made
// at the other server, Settled follows, and the line itself moves only if server fails a
// REGISTER too.
func (m *Machine) RequestRefused(now time.Time, server Server, cause error) []Action {
	other := server.Other()
	if m.idle() || !m.cfg.HasBackup || !m.cfg.Register {
		m.settle()
		return m.take()
	}
	if m.isBound(now, other) {
		m.settle()
	} else if m.side.attempt == 0 {
		m.side = aside{server: other}
		m.side.attempt = m.register(other, Side, m.ttlOf(other), true)
	}
	if server == m.current && !m.hunt.running() {
		m.hunt.cause = cause
		m.beginHunt(now, []Server{server, other})
	}
	return m.take()
}

// FlowLost reports that the connection which carried the binding at server is gone. A
// new one is made soon, spread so that a restarted server does not meet every device
// in the same second.
func (m *Machine) FlowLost(now time.Time, server Server, cause error) []Action {
	if m.idle() || server == None || m.bound[server].until.IsZero() {
		return nil
	}
	soon := now.Add(time.Duration(m.rand() * float64(reconnectSpread)))
	if b := &m.bound[server]; soon.Before(b.refresh) {
		b.refresh = soon
	}
	if server == m.current {
		m.hunt.cause = cause
	}
	return nil
}

// ServerSeen reports that server answers somebody else. A line that waits to try again
// need not wait out a back-off that was made for a dead server.
func (m *Machine) ServerSeen(now time.Time, server Server) {
	if m.idle() || m.current != None || m.lasting || server == None || m.hunt.running() || now.Before(m.blocked[server]) {
		return
	}
	if soon := now.Add(time.Duration(m.rand() * float64(seenSpread))); soon.Before(m.retryAt) {
		m.retryAt = soon
	}
}

// AddressChanged reports that the address by which servers reach the line is another:
// bindings are made anew at once.
func (m *Machine) AddressChanged(now time.Time) []Action {
	if m.idle() {
		return nil
	}
	for _, s := range []Server{Primary, Backup} {
		if !m.bound[s].until.IsZero() {
			m.bound[s].refresh = now
		}
	}
	return m.Expire(now)
}

// Calls tells how many calls the line has.
func (m *Machine) Calls(now time.Time, n int) []Action {
	ended := n == 0 && m.calls > 0
	m.calls = n
	if !ended || m.idle() {
		return nil
	}
	m.lift0(now)
	m.homeWhenIdle(now)
	return m.take()
}

// lift0 removes the side binding that a moved call needed, once no call is left. While
// servers are being asked it may become the line's own.
func (m *Machine) lift0(now time.Time) {
	s := m.side.server
	if s == None || m.side.attempt != 0 || m.calls > 0 || m.hunt.running() {
		return
	}
	m.side = aside{}
	if s != m.current && !m.cfg.WarmBackup {
		m.unbind(now, s)
	}
}

// Result reports how an attempt ended.
func (m *Machine) Result(now time.Time, attempt uint64, r Result) []Action {
	switch attempt {
	case 0:
		return nil
	case m.hunt.attempt:
		if attempt == m.side.attempt {
			m.side.attempt = 0
		}
		m.hunted(now, r)
		m.lift0(now)
	case m.home.attempt:
		m.probed(now, r)
	case m.warm.attempt:
		m.warmed(now, r)
	case m.side.attempt:
		m.sided(now, r)
		m.lift0(now)
	case m.lift[Primary]:
		m.lift[Primary] = 0
	case m.lift[Backup]:
		m.lift[Backup] = 0
	}
	return m.take()
}

// Deadline is when Expire wants to be called; zero for never.
func (m *Machine) Deadline() time.Time {
	if m.idle() {
		return time.Time{}
	}
	var d time.Time
	if !m.hunt.running() {
		d = deadline.Earlier(d, m.retryAt)
		if m.current != None {
			d = deadline.Earlier(d, deadline.Earlier(m.bound[m.current].refresh, m.bound[m.current].until))
		}
	}
	if m.home.attempt == 0 {
		d = deadline.Earlier(d, m.home.at)
	}
	if m.warm.attempt == 0 && m.wantsWarm() {
		d = deadline.Earlier(d, m.warmDue())
	}
	return d
}

// Expire does what is due at now.
func (m *Machine) Expire(now time.Time) []Action {
	if m.idle() {
		return nil
	}
	if !m.hunt.running() {
		switch {
		case deadline.Due(now, m.retryAt):
			m.beginHunt(now, m.fromPrimary())
		case m.current != None && deadline.Due(now, m.bound[m.current].refresh):
			m.beginHunt(now, m.refreshOrder())
		case m.current != None && deadline.Due(now, m.bound[m.current].until):
			m.loseCurrent(now, false) // a refresh was refused, and the next try is later
		}
	}
	if m.home.attempt == 0 && deadline.Due(now, m.home.at) {
		m.probe(now)
	}
	if m.warm.attempt == 0 && m.wantsWarm() && deadline.Due(now, m.warmDue()) {
		m.warm.server = m.current.Other()
		m.warm.attempt = m.register(m.warm.server, Warm, m.ttlOf(m.warm.server), true)
	}
	return m.take()
}

// idle reports a machine that must not act: not started, or stopped.
func (m *Machine) idle() bool { return !m.started || m.stopped }

// register asks for a REGISTER and returns the attempt's number.
func (m *Machine) register(s Server, p Purpose, expires time.Duration, last bool) uint64 {
	m.attempts++
	m.actions = append(m.actions, Action{Kind: Register, Attempt: m.attempts, Server: s, Purpose: p, Expires: expires, Last: last})
	return m.attempts
}

func (m *Machine) abandon(attempt *uint64) {
	if *attempt != 0 {
		m.actions = append(m.actions, Action{Kind: Abandon, Attempt: *attempt})
		*attempt = 0
	}
}

// unbind removes the binding at s, if there is one.
func (m *Machine) unbind(now time.Time, s Server) {
	held := m.isBound(now, s)
	m.bound[s] = binding{}
	if held {
		m.lift[s] = m.register(s, Unbind, 0, false)
	}
}

func (m *Machine) settle() { m.actions = append(m.actions, Action{Kind: Settled}) }

// take hands the collected actions over.
func (m *Machine) take() []Action {
	a := m.actions
	m.actions = nil
	return a
}

// become makes s current.
func (m *Machine) become(now time.Time, s Server, cause error) {
	from := m.current
	m.retryAt, m.failures, m.lasting = time.Time{}, 0, false
	if from == s {
		return
	}
	m.current, m.since, m.moved = s, now, cause
	switch {
	case s == Backup:
		if from == Primary || cause != nil {
			m.counts.Failovers++
		}
		m.home = homing{}
		m.scheduleProbe(now)
	case s == Primary:
		if from == Backup {
			m.counts.Failbacks++
		}
		m.abandon(&m.home.attempt)
		m.home = homing{}
	}
	m.actions = append(m.actions, Action{Kind: Switched, Server: s, From: from, Cause: cause})
}

// moveUnregistered changes the server of a line that makes no binding.
func (m *Machine) moveUnregistered(now time.Time, from Server, cause error) {
	m.lastErr = cause
	if m.cfg.HasBackup {
		m.become(now, from.Other(), cause)
	}
}

func (m *Machine) ttlOf(s Server) time.Duration {
	if m.ttl[s] != 0 {
		return m.ttl[s]
	}
	return m.cfg.ttl(s)
}

func (m *Machine) isBound(now time.Time, s Server) bool {
	return s != None && now.Before(m.bound[s].until)
}

// bind notes what server granted.
func (m *Machine) bind(now time.Time, s Server, granted time.Duration) {
	if granted <= 0 {
		granted = m.ttlOf(s)
	}
	// Between 80 and 90 % of the time: early enough for a span and a second try,
	// spread so that lines do not stay in step.
	share := 0.8 + 0.1*m.rand()
	m.bound[s] = binding{
		since:   now,
		until:   now.Add(granted),
		refresh: now.Add(time.Duration(share * float64(granted))),
		granted: granted,
	}
	m.blocked[s] = time.Time{}
}
