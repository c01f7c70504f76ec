package lines

import (
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/registrar"
)

// A Snapshot is what the outside is shown of a line. It is never changed.
type Snapshot struct {
	Line       int
	AOR        string
	Enabled    bool
	ServerAddr string // of the current server; empty: none
	Transport  string // udp tcp tls
	Calls      int    // running ones
	registrar.Status

	hunting bool
	reg     registrar.Machine // as it was, for a sentence that is true now
}

// Snapshot is the line as it was when it last did something.
func (l *Line) Snapshot() Snapshot { return *l.snapshot.Load() }

// At brings the sentence Why to now.
func (s Snapshot) At(now time.Time) Snapshot {
	s.Status = s.reg.Status(now)
	return s
}

// publish makes a new snapshot when something visible changed.
func (l *Line) publish(now time.Time) {
	st := l.reg.Status(now)
	s := Snapshot{Line: l.cfg.N, Enabled: l.cfg.Enabled, Calls: len(l.calls), Status: st, hunting: l.reg.Hunting()}
	first := l.servers[registrar.Primary]
	if cur := l.servers[st.Server]; cur != nil {
		t := cur.target()
		s.ServerAddr, s.Transport = t.Addr.String(), t.Proto.String()
		first = cur
	}
	if first != nil {
		s.AOR = l.aor(first).String()
	}
	old := l.snapshot.Load()
	if old != nil && !old.differs(&s) {
		return
	}
	s.reg = *l.reg
	l.snapshot.Store(&s)
	l.dev.Owner.Changed(l.cfg.N)
}

// differs compares what is worth telling: not the sentence, which changes with time.
func (s *Snapshot) differs(o *Snapshot) bool {
	a, b := &s.Status, &o.Status
	return a.State != b.State || a.Server != b.Server || !a.Refresh.Equal(b.Refresh) || !a.Failback.Equal(b.Failback) ||
		!a.Retry.Equal(b.Retry) || a.Counts != b.Counts || s.hunting != o.hunting ||
		s.ServerAddr != o.ServerAddr || s.Calls != o.Calls || errText(a.LastErr) != errText(b.LastErr)
}

// keepAlives are the configuration's words.
var keepAlives = map[string]ua.KeepAlive{
	"none": ua.NoKeepAlive, "crlf": ua.CRLFPing, "options": ua.OptionsPing, "stun": ua.STUNPing,
}

// watch has the current server, or with warm_backup both, kept under watch.
func (l *Line) watch() {
	for _, remove := range l.watches {
		remove()
	}
	l.watches = l.watches[:0]
	for id, s := range l.servers {
		if s == nil || (registrar.Server(id) != l.reg.Current() && !l.cfg.WarmBackup) {
			continue
		}
		for _, t := range s.targets {
			l.watches = append(l.watches, l.dev.Monitor.Add(ua.Watch{
				Target: t, Kind: keepAlives[l.cfg.Keepalive],
				Interval:        time.Duration(l.cfg.KeepaliveIntervalS) * time.Second,
				Retransmissions: l.cfg.SignalRetryCounts,
				From:            l.aor(s), To: sipmsg.URI{Scheme: "sip", Host: s.domain.Host, Port: s.domain.Port},
				Route: s.route,
			}))
		}
	}
}
