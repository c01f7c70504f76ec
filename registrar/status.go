package registrar

import (
	"fmt"
	"strings"
	"time"
)

// A State is what an operator sees of a line's registration.
type State uint8

// States of a line.
const (
	Disabled    State = iota // not started, or stopped
	Registering              // a server is being asked and none is current
	Registered               // a server is current
	Failed                   // no server is current; a wait runs
)

func (s State) String() string {
	return [...]string{"disabled", "registering", "registered", "failed"}[s]
}

// A Status is a snapshot of a Machine.
type Status struct {
	State    State
	Server   Server
	Since    time.Time     // when Server became current, or was lost
	Expires  time.Duration // what the current binding was granted
	Refresh  time.Time     // next REGISTER of the current binding; zero: none
	Failback time.Time     // next probe of the primary; zero: none
	Retry    time.Time     // next hunt when none is current
	Counts   Counts
	LastErr  error
	Why      string // a sentence: where the line is, since when, and what it does next

	tale tale
}

// A tale is what the sentence Why needs besides.
type tale struct {
	asks     Server // by the hunt under way; None: none is
	register bool
	failback bool  // switched on
	probing  bool  // a probe of the primary is under way
	homesick bool  // the primary is well, and a call keeps the line where it is
	moved    error // why the line left the primary
	probed   error // what the last probe ended in
}

// Current is the server that requests go to; None while there is none.
func (m *Machine) Current() Server { return m.current }

// Usable reports that requests may be sent to s: a binding stands there, or none is needed.
func (m *Machine) Usable(now time.Time, s Server) bool {
	switch {
	case m.idle(), s == None, s == Backup && !m.cfg.HasBackup:
		return false
	}
	return !m.cfg.Register || m.isBound(now, s)
}

// First is the server that a new call tries first: the current one, or with Signal
// Failback the primary.
func (m *Machine) First() Server {
	if m.cfg.SignalFailback && m.current == Backup {
		return Primary
	}
	return m.current
}

// Hunting reports that servers are being asked and Settled will follow.
func (m *Machine) Hunting() bool { return m.hunt.running() || m.side.attempt != 0 }

// Status describes the machine at now.
func (m *Machine) Status(now time.Time) Status { return m.Facts().At(now) }

// Facts is the Status without its sentence, which changes with every second that passes.
// Two of them compare with ==.
func (m *Machine) Facts() Status {
	st := Status{Server: m.current, Since: m.since, Counts: m.counts, LastErr: m.lastErr}
	if m.hunt.running() {
		st.tale.asks = m.hunt.order[0]
	}
	switch {
	case m.idle():
		st.State = Disabled
	case m.current != None:
		st.State = Registered
		st.Expires = m.bound[m.current].granted
		st.Refresh = m.bound[m.current].refresh
		st.Failback = m.home.at
		st.tale.register = m.cfg.Register
		m.tellOfHome(&st.tale)
	case m.hunt.running():
		st.State = Registering
	default:
		st.State, st.Retry = Failed, m.retryAt
	}
	return st
}

func (m *Machine) tellOfHome(t *tale) {
	if m.current != Backup {
		return
	}
	t.failback, t.moved, t.probed = m.cfg.Failback, m.moved, m.home.last
	t.probing = m.home.attempt != 0
	t.homesick = m.home.ready && m.calls > 0 && !m.cfg.FailbackBusy
}

// At completes Facts with the sentence Why as it is at now.
func (st Status) At(now time.Time) Status {
	st.Why = st.why(now)
	return st
}

// why tells in a sentence where the line is, since when, and when it acts next.
func (st Status) why(now time.Time) string {
	switch st.State {
	case Disabled:
		return "this line is switched off"
	case Registering:
		if st.LastErr != nil {
			return fmt.Sprintf("asking the %s server for a registration; last: %v", st.tale.asks, st.LastErr)
		}
		return fmt.Sprintf("asking the %s server for a registration", st.tale.asks)
	case Failed:
		err := st.LastErr
		if err == nil {
			err = errNoServer
		}
		return fmt.Sprintf("no server for %s: %v; next try %s", ago(now, st.Since), err, in(now, st.Retry))
	}
	return st.whyRegistered(now)
}

func (st Status) whyRegistered(now time.Time) string {
	var b strings.Builder
	verb := "registered at"
	if !st.tale.register {
		verb = "calling through"
	}
	fmt.Fprintf(&b, "%s the %s server for %s", verb, st.Server, ago(now, st.Since))
	if st.tale.moved != nil {
		fmt.Fprintf(&b, ", because the primary failed: %v", st.tale.moved)
	}
	if st.tale.asks != None {
		fmt.Fprintf(&b, "; asking the %s server now", st.tale.asks)
	} else if st.tale.register && !st.Refresh.IsZero() {
		fmt.Fprintf(&b, "; next refresh %s", in(now, st.Refresh))
	}
	if st.Server != Backup {
		return b.String()
	}
	switch {
	case !st.tale.failback:
		b.WriteString("; failback is off")
	case st.tale.probing:
		b.WriteString("; probing the primary now")
	case st.tale.homesick:
		b.WriteString("; the primary is well, going home when the call ends")
	default:
		fmt.Fprintf(&b, "; next probe of the primary %s", in(now, st.Failback))
		if st.tale.probed != nil {
			fmt.Fprintf(&b, " (last: %v)", st.tale.probed)
		}
	}
	return b.String()
}

func ago(now, t time.Time) string { return round(now.Sub(t)).String() }

func in(now, t time.Time) string {
	if d := round(t.Sub(now)); d > 0 {
		return "in " + d.String()
	}
	return "now"
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
