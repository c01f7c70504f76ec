package lines

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tipring/internal/config"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// A server is one of the two servers of a line: a registrar, or the proxy in front of
// it, at one or several addresses.
type server struct {
	id     registrar.Server
	query  transport.Query // the first hop: the proxy when there is one
	domain sipmsg.URI      // the registrar: Request-URI of REGISTER
	route  []sipmsg.Addr   // the proxy as a preloaded Route (RFC 3261 section 8.1.1.1)

	targets  []transport.Target // where the first hop is, the preferred first
	freshTil time.Time          // TTL of targets
	err      error              // of the last lookup
	asking   []func(now time.Time, err error)

	flow    transport.Flow // that carried the last 200 to a REGISTER
	contact netip.AddrPort // our address in the binding

	callID  string // of the binding's REGISTERs
	seq     uint32
	probeID string // of Failback's REGISTERs
}

// dnsModes are the configuration's words.
var dnsModes = map[string]transport.DNSMode{
	"auto": transport.DNSAuto, "a": transport.DNSA, "srv": transport.DNSSRV, "naptr": transport.DNSNAPTR,
}

// setServers makes the servers that the configuration names.
func (l *Line) setServers() {
	c := &l.cfg
	l.servers[registrar.Primary] = l.newServer(registrar.Primary,
		hop{c.RegisterAddr, c.RegisterPort}, hop{c.ProxyAddr, c.ProxyPort}, c.Transport)
	backup, backupProxy := hop{c.BackupAddr, c.BackupPort}, hop{c.BackupProxyAddr, c.BackupProxyPort}
	proto := c.BackupTransport
	if backup.addr == "" && backupProxy.addr != "" {
		// One registrar behind a pair of proxies.
		backup, proto = hop{c.RegisterAddr, c.RegisterPort}, c.Transport
	}
	l.servers[registrar.Backup] = l.newServer(registrar.Backup, backup, backupProxy, proto)
	l.publishSources()
}

// A hop is an address and a port as configured; port 0 was not given.
type hop struct {
	addr string
	port int
}

func (l *Line) newServer(id registrar.Server, reg, proxy hop, proto config.Transport) *server {
	first := reg
	if proxy.addr != "" {
		first = proxy
	}
	if first.addr == "" {
		return nil
	}
	s := &server{id: id, callID: ua.NewTag(), probeID: ua.NewTag()}
	s.query = transport.Query{
		Host: first.addr, Port: first.port, Proto: transport.Proto(proto),
		Mode: dnsModes[l.cfg.DNSMode], Device: l.cfg.UseVPN,
	}
	s.domain = sipmsg.URI{Scheme: "sip", Host: reg.addr}
	if l.cfg.ServerName != "" {
		s.domain.Host = l.cfg.ServerName
	} else if l.cfg.RequestWithPort {
		s.domain.Port = reg.port
	}
	if s.domain.Host == "" {
		s.domain.Host, s.domain.Port = proxy.addr, proxy.port
	}
	if proxy.addr != "" {
		u := sipmsg.URI{Scheme: "sip", Host: proxy.addr, Port: proxy.port}
		if s.query.Proto != transport.UDP {
			u.Params.Set("transport", s.query.Proto.String())
		}
		u.Params.SetFlag("lr")
		s.route = []sipmsg.Addr{{URI: u}}
	}
	if t, ok := literalTarget(s.query); ok {
		s.targets = []transport.Target{t}
	}
	return s
}

// literalTarget is the target of a server that is given by address: nothing to look up.
func literalTarget(q transport.Query) (transport.Target, bool) {
	ip, err := netip.ParseAddr(strings.Trim(q.Host, "[]"))
	if err != nil {
		return transport.Target{}, false
	}
	port := uint16(q.Port)
	if port == 0 {
		port = q.Proto.DefaultPort()
	}
	return transport.Target{Proto: q.Proto, Addr: netip.AddrPortFrom(ip, port), Name: ip.String(), Device: q.Device}, true
}

// literal reports a server that is given by address.
func (s *server) literal() bool {
	_, ok := literalTarget(s.query)
	return ok
}

// target is the preferred address, zero while none is known.
func (s *server) target() transport.Target {
	if s == nil || len(s.targets) == 0 {
		return transport.Target{}
	}
	return s.targets[0]
}

// prefer makes t the first of the targets.
func (s *server) prefer(t transport.Target) {
	for i, x := range s.targets {
		if x.Normal() == t.Normal() {
			copy(s.targets[1:i+1], s.targets[:i])
			s.targets[0] = x
			return
		}
	}
}

// uri is the server as a Route entry that its own dialogs could hold.
func (s *server) uri() sipmsg.URI {
	if len(s.route) > 0 {
		return s.route[0].URI
	}
	u := sipmsg.URI{Scheme: "sip", Host: s.query.Host, Port: s.query.Port}
	if s.query.Proto != transport.UDP {
		u.Params.Set("transport", s.query.Proto.String())
	}
	return u
}

// names reports whether host and port of a URI mean this server.
func (s *server) names(u sipmsg.URI) bool {
	if u.Host == s.query.Host || u.Host == s.domain.Host {
		return true
	}
	ip, err := netip.ParseAddr(u.Host)
	if err != nil {
		return false
	}
	for _, t := range s.targets {
		if t.Addr.Addr().Unmap() == ip.Unmap() && (u.Port == 0 || u.Port == int(t.Addr.Port())) {
			return true
		}
	}
	return false
}

// resolve sees to it that s.targets are fresh and calls then, at once when they are. A
// lookup that fails leaves the old ones in use: name servers go down too.
func (l *Line) resolve(now time.Time, s *server, then func(now time.Time, err error)) {
	if s.literal() || (len(s.targets) > 0 && now.Before(s.freshTil)) {
		then(now, nil)
		return
	}
	s.asking = append(s.asking, then)
	if len(s.asking) > 1 {
		return
	}
	l.lookup(s.query, func(now time.Time, targets []transport.Target, ttl time.Duration, err error) {
		s.err = err
		if err == nil {
			s.targets, s.freshTil = l.livingFirst(targets), now.Add(ttl)
			l.publishSources()
			l.watch()
		}
		if len(s.targets) > 0 {
			err = nil
		}
		asking := s.asking
		s.asking = nil
		for _, then := range asking {
			then(now, err)
		}
	})
}

// lookup resolves in the background and tells the line.
func (l *Line) lookup(q transport.Query, then func(time.Time, []transport.Target, time.Duration, error)) {
	l.lookups.Add(1)
	go func() {
		defer l.lookups.Done()
		ctx, cancel := context.WithTimeout(l.ctx, lookupTimeout)
		defer cancel()
		targets, ttl, err := l.dev.Resolver.Lookup(ctx, q)
		l.ep.Post(func(now time.Time) { then(now, targets, ttl, err) })
	}()
}

// lookupTimeout bounds a DNS lookup with all its records.
const lookupTimeout = 10 * time.Second

// livingFirst orders targets so that those known to be dead come last.
func (l *Line) livingFirst(targets []transport.Target) []transport.Target {
	dead := func(t transport.Target) int {
		if down, _, _ := l.dev.Stack.Health.State(t); down {
			return 1
		}
		return 0
	}
	targets = slices.Clone(targets)
	slices.SortStableFunc(targets, func(a, b transport.Target) int { return dead(a) - dead(b) })
	return targets
}

// publishSources lets the transport's goroutines know which addresses are servers.
func (l *Line) publishSources() {
	m := map[netip.Addr]bool{}
	for _, s := range l.servers {
		if s == nil {
			continue
		}
		for _, t := range s.targets {
			m[t.Addr.Addr().Unmap()] = true
		}
		if ip, err := netip.ParseAddr(s.domain.Host); err == nil {
			m[ip.Unmap()] = true
		}
	}
	l.accepts.Store(&m)
}

// AcceptsSource decides by accept_from whether an address may send requests.
func (l *Line) AcceptsSource(a netip.Addr) bool {
	switch l.cfg.AcceptFrom.Word {
	case "any":
		return true
	case "":
		return l.cfg.AcceptFrom.Contains(a)
	}
	m := l.accepts.Load()
	return m != nil && (*m)[a]
}

// isOwn reports a target that belongs to one of the line's servers: only such a one is
// given credentials.
func (l *Line) isOwn(t transport.Target) bool {
	for _, s := range l.servers {
		if s == nil {
			continue
		}
		for _, x := range s.targets {
			if x.Addr.Addr().Unmap() == t.Addr.Addr().Unmap() {
				return true
			}
		}
	}
	return false
}

// retransmissions is the count for a request: Signal Retry Counts, but for the last
// server, which gets 64*T1.
func (l *Line) retransmissions(last bool) int {
	if last {
		return transaction.Unlimited
	}
	return l.cfg.SignalRetryCounts
}

// A tour sends one request to the targets of a server in turn, until one answers (RFC
// 3263 section 4.3). What makes a target unavailable is ua.Answer.Unavailable.
type tour struct {
	l     *Line
	s     *server
	last  bool // nobody is left to ask after this server
	build func(t transport.Target) *sipmsg.Message
	done  func(now time.Time, t transport.Target, a ua.Answer)

	targets []transport.Target
	i       int
	dropped bool
}

// start begins the tour. An unknown host counts as an unavailable server.
func (t *tour) start(now time.Time) {
	t.l.resolve(now, t.s, func(now time.Time, err error) {
		switch {
		case t.dropped:
		case err != nil:
			t.done(now, transport.Target{}, ua.Answer{Err: err})
		default:
			t.targets = t.l.livingFirst(t.s.targets)
			t.next(now)
		}
	})
}

// again makes the repetition after a challenge. Its CSeq is taken from the server's
// count, since the next REGISTER must be higher (RFC 3261 section 10.2).
func (s *server) again(m *sipmsg.Message) *sipmsg.Message {
	next := m.Clone()
	s.seq++
	next.CSeq.Seq = s.seq
	return next
}

func (t *tour) next(now time.Time) {
	target := t.targets[t.i]
	t.i++
	last := t.i == len(t.targets)
	t.l.ep.Send(now, &ua.Request{
		Msg: t.build(target), Target: target, Contact: true, Own: true, Server: t.s.id.String(),
		Retransmissions: t.l.retransmissions(t.last && last),
		Again:           t.s.again,
		On: func(now time.Time, a ua.Answer) {
			switch {
			case t.dropped, a.Response != nil && a.Response.IsProvisional():
			case a.Unavailable() != nil && !last:
				t.next(now)
			default:
				t.done(now, target, a)
			}
		},
	})
}
