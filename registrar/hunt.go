package registrar

import "time"

// A hunt asks servers in order until one binds the line (the document's Register
// Failover and Failover Failure). Each gets its span, the last 64*T1.
type hunt struct {
	order   []Server // what is still to ask, the one being asked first
	attempt uint64   // under way when not 0
	cause   error    // what started it, then the last failure: why a server was left

	planned time.Time // when the next hunt was due, before somebody asked for this one; zero: nobody did
}

func (h *hunt) running() bool { return h.attempt != 0 }

// fromPrimary is the order of a manual registration, of a failed keep-alive and of
// every retry.
func (m *Machine) fromPrimary() []Server {
	if m.cfg.HasBackup {
		return []Server{Primary, Backup}
	}
	return []Server{Primary}
}

// refreshOrder is the current server, then the document's order.
func (m *Machine) refreshOrder() []Server {
	if m.current == Backup {
		return []Server{Backup, Primary, Backup}
	}
	return m.fromPrimary()
}

// beginHunt starts with the first server that did not ask to be left alone.
func (m *Machine) beginHunt(now time.Time, order []Server) {
	m.retryAt, m.hunt.planned = time.Time{}, time.Time{}
	m.briefs = [3]uint8{}
	m.hunt.order = m.unblocked(now, order)
	m.ask(now)
}

// huntNow is a hunt that somebody asks for, out of turn.
func (m *Machine) huntNow(now time.Time) {
	planned := m.retryAt
	m.beginHunt(now, m.fromPrimary())
	m.hunt.planned = planned
}

// nextHunt is when to try again after a hunt without success. One that was asked for out of
// turn changes nothing: who redials in an outage must not put the line's return off.
func (m *Machine) nextHunt(now time.Time) time.Time {
	if m.hunt.planned.After(now) {
		return m.hunt.planned
	}
	if m.hunt.planned.IsZero() || m.failures == 0 {
		m.failures++
	}
	return now.Add(m.backoff(m.failures))
}

// unblocked drops servers whose Retry-After runs, unless that leaves none.
func (m *Machine) unblocked(now time.Time, order []Server) []Server {
	var open []Server
	for _, s := range order {
		if !now.Before(m.blocked[s]) {
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		return order
	}
	return open
}

// ask asks the next server, unless it is being asked for a moved call, or has just taken
// that call's binding.
func (m *Machine) ask(now time.Time) {
	s := m.hunt.order[0]
	switch side := m.side.server == s; {
	case side && m.side.attempt != 0:
		m.hunt.attempt = m.side.attempt
	case side && m.isBound(now, s) && now.Sub(m.bound[s].since) < freshSide && now.Before(m.bound[s].refresh):
		m.endHunt(now)
		m.found(now, s)
	default:
		m.hunt.attempt = m.register(s, Bind, m.ttlOf(s), len(m.hunt.order) == 1)
	}
}

// dropHunt forgets the answer that the hunt waits for.
func (m *Machine) dropHunt() {
	if m.hunt.attempt == m.side.attempt {
		m.hunt.attempt = 0 // the moved call waits for it still
	}
	m.abandon(&m.hunt.attempt)
}

// skip leaves a server that is being asked while a request to it, or all that is known of
// it, proves it dead: the call that waits for the end of the hunt shall not wait for the
// rest of its span. With nobody left to ask it is given its time.
func (m *Machine) skip(now time.Time, s Server, cause error) {
	if m.hunt.order[0] != s || len(m.hunt.order) == 1 {
		return
	}
	m.dropHunt()
	m.bound[s] = binding{}
	m.lastErr, m.hunt.cause = cause, cause
	m.hunt.order = m.hunt.order[1:]
	m.ask(now)
}

// hunted takes the answer of the server that was asked.
func (m *Machine) hunted(now time.Time, r Result) {
	s := m.hunt.order[0]
	m.hunt.attempt = 0
	m.note(now, s, r)
	switch r.Outcome {
	case OK:
		m.bind(now, s, r.Expires)
		m.endHunt(now)
		m.found(now, s)
	case Refused:
		if m.adopt(s, r) {
			m.ask(now)
			return
		}
		if r.Unbound {
			m.bound[s] = binding{}
		}
		m.lastErr = r.Cause
		m.refused(now, r)
	case Unavailable:
		m.lastErr, m.hunt.cause = r.Cause, r.Cause
		m.bound[s] = binding{}
		m.hunt.order = m.hunt.order[1:]
		if len(m.hunt.order) > 0 {
			m.ask(now)
			return
		}
		m.exhausted(now)
	}
}

// adopt takes over a longer lifetime that the server asks for (423 Interval Too
// Brief, RFC 3261 section 10.2.8) and reports whether asking again makes sense.
func (m *Machine) adopt(s Server, r Result) bool {
	if r.Code != 423 || r.MinExpires <= m.ttlOf(s) || r.MinExpires > longestTTL || m.briefs[s] == maxBriefs {
		return false
	}
	m.briefs[s]++
	m.ttl[s] = r.MinExpires
	return true
}

// A server that raises its least lifetime each time it is asked is not followed for ever.
const (
	maxBriefs  = 2 // 423s in a row
	longestTTL = 7 * 24 * time.Hour
)

// note counts a refusal and keeps a Retry-After.
func (m *Machine) note(now time.Time, s Server, r Result) {
	if r.Outcome == Refused {
		m.counts.Refusals++
	}
	if r.Outcome == OK {
		m.briefs[s] = 0
	} else if r.RetryAfter > 0 {
		m.blocked[s] = now.Add(min(r.RetryAfter, retryAfterCap))
	}
}

func (m *Machine) endHunt(now time.Time) {
	m.huntedAt = now
	m.settle()
}

// found ends a hunt at server s.
func (m *Machine) found(now time.Time, s Server) {
	cause := m.hunt.cause
	m.hunt.cause = nil
	m.lastErr = nil
	m.become(now, s, cause)
	if s == Primary && !m.cfg.WarmBackup && m.side.server != Backup {
		m.unbind(now, Backup)
	}
}

// refused ends a hunt at a server that answered, but did not bind. Such an answer
// never moves the line to the other server.
func (m *Machine) refused(now time.Time, r Result) {
	// A backup that refuses says nothing about the primary that was left as dead:
	// only an answer of the first server asked makes the long wait.
	m.lasting = r.Lasting && m.hunt.cause == nil
	m.endHunt(now)
	m.hunt.cause = nil
	m.retryAt = m.nextHunt(now)
	if m.lasting {
		m.retryAt = now.Add(m.spread(refusedWait))
	}
	if soonest := now.Add(min(r.RetryAfter, retryAfterCap)); soonest.After(m.retryAt) {
		m.retryAt = soonest
	}
	m.loseCurrent(now, r.Lasting)
	m.refreshWithRetry()
}

// refreshWithRetry makes the next try of a line whose binding runs on its refresh too: one
// that is due already would begin the next hunt at once.
func (m *Machine) refreshWithRetry() {
	if m.current != None {
		m.bound[m.current].refresh = m.retryAt
	}
}

// exhausted ends a hunt that found no server.
func (m *Machine) exhausted(now time.Time) {
	m.endHunt(now)
	m.hunt.cause = nil
	m.lasting = false
	at := m.nextHunt(now)
	// When every server named a time, the earliest of them is soon enough.
	if free := m.earliestFree(); free.After(at) {
		at = free.Add(m.spread(retryBase))
	}
	m.retryAt = at
	m.loseCurrent(now, false)
	m.refreshWithRetry()
}

func (m *Machine) earliestFree() time.Time {
	free := m.blocked[Primary]
	if m.cfg.HasBackup && m.blocked[Backup].Before(free) {
		free = m.blocked[Backup]
	}
	return free
}

// loseCurrent leaves the line without a server when its binding is gone or refused
// for good. A binding that still runs keeps serving calls until it ends.
func (m *Machine) loseCurrent(now time.Time, forGood bool) {
	s := m.current
	if s == None || (!forGood && m.isBound(now, s)) {
		return
	}
	m.bound[s] = binding{}
	m.abandon(&m.home.attempt)
	m.home = homing{}
	m.current, m.since = None, now
	m.actions = append(m.actions, Action{Kind: Switched, From: s, Cause: m.lastErr})
}

// backoff is the wait of RFC 5626 section 4.5 after that many failures in a row: half
// to all of base*2^failures, never beyond the cap.
func (m *Machine) backoff(failures int) time.Duration {
	upper := retryCap
	if failures < 6 {
		upper = min(retryCap, retryBase<<failures)
	}
	return upper/2 + time.Duration(m.rand()*float64(upper/2))
}

// spread is d and up to a fifth more.
func (m *Machine) spread(d time.Duration) time.Duration {
	return d + time.Duration(0.2*m.rand()*float64(d))
}
