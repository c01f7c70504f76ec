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
	// Rewritten: something on the way, such as the SIP helper (ALG) of a router, changes what this
	// line writes.
	Rewritten bool
	registrar.Status

	hunting bool
	target  transport.Target
}

// Snapshot is the line as it was when it last did something. Told completes it.
func (l *Line) Snapshot() Snapshot { return *l.snapshot.Load() }

// NoServer is why a line that is switched on does nothing, where it is so.
const NoServer = "this line has no server: neither a SIP server nor a proxy is set"

// Told adds the sentence Why.
func (s Snapshot) Told() Snapshot {
	s.Status = s.Status.Told()
	if s.Enabled && s.AOR == "" {
		s.Why = NoServer
	}
	return s
}

// publish makes a new snapshot when something worth telling has changed. Finding that
// nothing has allocates nothing.
func (l *Line) publish(time.Time) {
	st := l.reg.Facts()
	hunting, calls, target := l.reg.Hunting(), l.running(), l.servers[st.Server].target()
	old := l.snapshot.Load()
	if old != nil && old.Status == st && old.hunting == hunting && old.Calls == calls && old.target == target && old.Rewritten == l.rewritten {
		return
	}
	s := &Snapshot{Line: l.cfg.N, Enabled: l.cfg.Enabled, Calls: calls, Status: st, hunting: hunting, target: target, Rewritten: l.rewritten}
	if target.Addr.IsValid() {
		s.ServerAddr, s.Transport = target.Addr.String(), target.Proto.String()
	}
	at := l.servers[st.Server]
	if at == nil {
		at = l.servers[registrar.Primary]
	}
	if at != nil {
		s.AOR = l.aor(at).String()
	}
	l.snapshot.Store(s)
	l.dev.Owner.Changed(l.cfg.N)
}

// running counts the calls that are not over but for their BYE on its way.
func (l *Line) running() (n int) {
	for c := range l.calls {
		if !c.over {
			n++
		}
	}
	return n
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
				// Neither the section nor what is asked of the server ever changes.
				Parties: func() (from, to sipmsg.URI, route []sipmsg.Addr) {
					return l.aor(s), sipmsg.URI{Scheme: "sip", Host: s.domain.Host, Port: s.domain.Port}, s.route
				},
			}))
		}
	}
}
