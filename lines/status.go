package lines

import (
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport"
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

	facts facts
	reg   registrar.Machine // as it was, for a sentence that is true now
}

// facts are what a snapshot is made of: what is worth telling when it changes. They
// compare with ==, and are found without allocating.
type facts struct {
	registrar.Status
	hunting bool
	calls   int
	target  transport.Target
}

func (l *Line) facts() facts {
	f := facts{Status: l.reg.Facts(), hunting: l.reg.Hunting()}
	for c := range l.calls {
		if !c.over { // else only its BYE is on its way
			f.calls++
		}
	}
	f.target = l.servers[f.Server].target()
	return f
}

// Snapshot is the line as it was when it last did something. At completes it.
func (l *Line) Snapshot() Snapshot { return *l.snapshot.Load() }

// At adds the sentence Why as it is now.
func (s Snapshot) At(now time.Time) Snapshot {
	s.Why = s.reg.Status(now).Why
	if s.Enabled && s.AOR == "" {
		s.Why = "this line has no server: register_addr and proxy_addr are empty"
	}
	return s
}

// publish makes a new snapshot when something visible changed.
func (l *Line) publish(time.Time) {
	f := l.facts()
	if old := l.snapshot.Load(); old != nil && old.facts == f {
		return
	}
	s := Snapshot{Line: l.cfg.N, Enabled: l.cfg.Enabled, Calls: f.calls, Status: f.Status, facts: f, reg: *l.reg}
	if f.target.Addr.IsValid() {
		s.ServerAddr, s.Transport = f.target.Addr.String(), f.target.Proto.String()
	}
	at := l.servers[f.Server]
	if at == nil {
		at = l.servers[registrar.Primary]
	}
	if at != nil {
		s.AOR = l.aor(at).String()
	}
	l.snapshot.Store(&s)
	l.dev.Owner.Changed(l.cfg.N)
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
