package registrar

import (
	"errors"
	"time"
)

// homing is the way back from the backup to the primary (the document's Failback): a
// REGISTER of its own, each FailbackInterval, until 64*T1. The binding at the backup
// is not touched while it runs.
type homing struct {
	at      time.Time // next probe; zero: none is wanted
	attempt uint64    // under way when not 0
	purpose Purpose   // of the one under way
	good    int       // good probes in a row
	ready   bool      // bound at the primary, or proven well: only a call keeps the line here
	bound   bool      // ready, and the last probe made a binding
	last    error     // why the last probe did not count
}

// scheduleProbe sets the next probe one interval away.
func (m *Machine) scheduleProbe(now time.Time) {
	if !m.cfg.Failback || !m.cfg.HasBackup {
		return
	}
	d := m.cfg.FailbackInterval
	if j := m.cfg.JitterPct; j > 0 {
		d += time.Duration((2*m.rand() - 1) * float64(j) / 100 * float64(d))
	}
	m.home.at = now.Add(d)
	if m.home.at.Before(m.blocked[Primary]) {
		m.home.at = m.blocked[Primary]
	}
}

// probe asks the primary. Every probe but the one that brings the line home goes
// without Contact and so makes no binding.
func (m *Machine) probe(now time.Time) {
	m.home.at = time.Time{}
	m.home.purpose = Verify
	if m.mayGoHome(now) && m.home.good+1 >= m.cfg.GoodProbes && m.cfg.Register {
		m.home.purpose = Probe
	}
	var expires time.Duration
	if m.home.purpose == Probe {
		expires = m.ttlOf(Primary)
	}
	m.home.attempt = m.register(Primary, m.home.purpose, expires, true)
}

// mayGoHome reports that neither a call nor the least stay keeps the line at the backup.
func (m *Machine) mayGoHome(now time.Time) bool {
	return (m.calls == 0 || m.cfg.FailbackBusy) && !now.Before(m.since.Add(m.cfg.Hold))
}

// probed takes the primary's answer to a probe.
func (m *Machine) probed(now time.Time, r Result) {
	m.home.attempt = 0
	m.note(now, Primary, r)
	if r.Outcome != OK {
		if r.Outcome == Refused && m.adopt(Primary, r) {
			m.probe(now)
			return
		}
		// Unavailable, or alive and not usable: both leave the line where it is.
		m.home.good, m.home.ready, m.home.bound, m.home.last = 0, false, false, r.Cause
		m.scheduleProbe(now)
		return
	}
	m.home.good++
	m.home.last = nil
	if m.home.purpose == Probe {
		m.bind(now, Primary, r.Expires)
	}
	m.home.bound = m.home.purpose == Probe
	m.scheduleProbe(now)
	if m.home.good < m.cfg.GoodProbes && !m.home.bound {
		return
	}
	m.home.ready = true
	if !m.mayGoHome(now) {
		// The least stay ends at a known time; the end of a call is told by Calls.
		if end := m.since.Add(m.cfg.Hold); now.Before(end) {
			m.home.at = end
		}
		return
	}
	m.goHome(now)
}

// homeWhenIdle goes home when only a call kept the line away.
func (m *Machine) homeWhenIdle(now time.Time) {
	if m.current == Backup && m.home.ready && m.home.attempt == 0 && m.mayGoHome(now) {
		m.goHome(now)
	}
}

// goHome makes the primary current. A line that proved the primary well without
// binding there binds first.
func (m *Machine) goHome(now time.Time) {
	if m.cfg.Register && !(m.home.bound && m.isBound(now, Primary)) {
		m.home.good = max(m.home.good, m.cfg.GoodProbes-1)
		m.probe(now)
		return
	}
	if m.hunt.running() {
		m.dropHunt()
		m.endHunt(now)
	}
	m.hunt.cause = nil
	m.lastErr = nil
	m.become(now, Primary, nil)
	if !m.cfg.WarmBackup && m.cfg.Register {
		m.unbind(now, Backup)
	}
}

// PrimaryAnswered reports that the primary answered another request while the line is
// at the backup (Signal Failback). The next probe is made now.
func (m *Machine) PrimaryAnswered(now time.Time) []Action {
	if m.idle() || m.current != Backup || m.home.attempt != 0 || m.home.at.IsZero() || now.Before(m.blocked[Primary]) {
		return nil
	}
	m.probe(now)
	return m.take()
}

// warmed takes the answer of the second binding of warm_backup.
func (m *Machine) warmed(now time.Time, r Result) {
	s := m.warm.server
	m.warm.attempt = 0
	m.note(now, s, r)
	if r.Outcome == OK {
		m.warm = aside{}
		m.bind(now, s, r.Expires)
		return
	}
	if m.adopt(s, r) {
		return // due again at once
	}
	m.bound[s] = binding{}
	m.warm.failures++
	m.warm.retryAt = now.Add(m.backoff(m.warm.failures))
	if r.Lasting {
		m.warm.retryAt = now.Add(m.spread(refusedWait))
	}
}

// wantsWarm reports that a second binding is to be kept at the backup. At the backup
// it is Failback's probes that look after the primary.
func (m *Machine) wantsWarm() bool {
	return m.cfg.WarmBackup && m.cfg.HasBackup && m.cfg.Register && m.current == Primary
}

// warmDue is when the second binding wants its next REGISTER.
func (m *Machine) warmDue() time.Time {
	at := m.since
	if b := m.bound[Backup]; !b.until.IsZero() {
		at = b.refresh
	}
	for _, t := range []time.Time{m.warm.retryAt, m.blocked[Backup]} {
		if t.After(at) {
			at = t
		}
	}
	return at
}

// sided takes the answer of the binding that a moved call needs.
func (m *Machine) sided(now time.Time, r Result) {
	s := m.side.server
	m.side.attempt = 0
	m.note(now, s, r)
	if r.Outcome == OK {
		m.bind(now, s, r.Expires)
	} else if m.adopt(s, r) {
		m.side.attempt = m.register(s, Side, m.ttlOf(s), true)
		return
	} else {
		m.side = aside{}
	}
	m.settle()
}

// errNoServer is the cause when there is none to name.
var errNoServer = errors.New("no server is available")
