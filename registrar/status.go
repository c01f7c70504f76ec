package registrar

import (
	"fmt"
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
	Why      string // a sentence: where the line is, for what reason, and what it does next; the times are beside it

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

// Status describes the machine.
func (m *Machine) Status() Status { return m.Facts().Told() }

// Facts is the Status without its sentence. Two of them compare with ==.
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

// Told completes Facts with the sentence Why.
func (st Status) Told() Status {
	st.Why = st.why()
	return st
}

// why tells in a sentence where the line is, and what it does.
func (st Status) why() string {
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
		return fmt.Sprintf("no server: %v", err)
	}
	return st.whyRegistered() + st.whatNext()
}

func (st Status) whyRegistered() string {
	switch moved := st.tale.moved; {
	case st.tale.register && moved != nil:
		return fmt.Sprintf("registered at the %s server, because the primary failed: %v", st.Server, moved)
	case st.tale.register:
		return fmt.Sprintf("registered at the %s server", st.Server)
	case moved != nil:
		return fmt.Sprintf("calling through the %s server, because the primary failed: %v", st.Server, moved)
	}
	return fmt.Sprintf("calling through the %s server", st.Server)
}

// whatNext goes on with what is under way, and what keeps the line from the primary.
func (st Status) whatNext() (text string) {
	if st.tale.asks != None {
		text = fmt.Sprintf("; asking the %s server now", st.tale.asks)
	}
	switch {
	case st.Server != Backup:
	case !st.tale.failback:
		text += "; failback is off"
	case st.tale.probing:
		text += "; probing the primary now"
	case st.tale.homesick:
		text += "; the primary is well, going home when the call ends"
	case st.tale.probed != nil:
		text += fmt.Sprintf("; the last probe of the primary failed: %v", st.tale.probed)
	}
	return text
}
