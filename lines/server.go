package lines

import (
	"net/netip"
	"slices"
	"sort"
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

	targets   []transport.Target // where the first hop is, in the order of the records
	preferred transport.Target   // where it took the last REGISTER; zero: none has
	regained  time.Time          // when targets known to be dead were last tried again
	freshTil  time.Time          // TTL of targets
	asking    []func(now time.Time, err error)

	// suspect: a request in a dialog was not answered, which may be the far end's doing.
	// Until a REGISTER has told, no call is sent there while another server is left.
	suspect bool

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
	c := l.cfg
	l.servers[registrar.Primary] = l.newServer(registrar.Primary,
		hop{c.RegisterAddr, c.RegisterPort}, hop{c.ProxyAddr, c.ProxyPort}, c.Transport)
	backup, backupProxy := hop{c.BackupAddr, c.BackupPort}, hop{c.BackupProxyAddr, c.BackupProxyPort}
	proto := c.BackupTransport
	if backup.addr == "" && backupProxy.addr != "" {
		// One registrar behind a pair of proxies.
		backup, proto = hop{c.RegisterAddr, c.RegisterPort}, c.Transport
	}
	if l.servers[registrar.Primary] != nil {
		l.servers[registrar.Backup] = l.newServer(registrar.Backup, backup, backupProxy, proto)
	}
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
	if reg.addr == "" {
		reg = proxy
	}
	s := &server{id: id, callID: ua.NewTag(), probeID: ua.NewTag()}
	s.query = transport.Query{
		Host: first.addr, Port: first.port, Proto: transport.Proto(proto),
		Mode: dnsModes[l.cfg.DNSMode], Device: l.cfg.UseVPN,
	}
	s.domain = sipmsg.URI{Scheme: "sip", Host: reg.addr}
	switch {
	case l.cfg.ServerName != "":
		s.domain.Host = l.cfg.ServerName
	case l.cfg.RequestWithPort && reg.port != int(s.query.Proto.DefaultPort()):
		s.domain.Port = reg.port
	}
	if proxy.addr != "" {
		u := s.uri()
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
func (s *server) literal() bool { return isLiteral(s.query.Host) }

// target is the one address that the line's requests go to: where it is registered, or
// where it would register first; zero while none is known.
func (s *server) target() transport.Target {
	switch {
	case s == nil || len(s.targets) == 0:
		return transport.Target{}
	case s.has(s.preferred.Normal()):
		return s.preferred
	}
	return s.targets[0]
}

// targetOf is the target that a URI means which names the server: the one at its address,
// or for a host name the one in use.
func (s *server) targetOf(u sipmsg.URI) transport.Target {
	ip, err := netip.ParseAddr(u.Host)
	if err != nil {
		return s.target()
	}
	for _, t := range s.targets {
		if t.Addr.Addr().Unmap() == ip.Unmap() && (u.Port == 0 || u.Port == int(t.Addr.Port())) {
			return t
		}
	}
	return s.target()
}

// has reports a target of the server, in its normal form.
func (s *server) has(t transport.Target) bool {
	return slices.ContainsFunc(s.targets, func(x transport.Target) bool { return x.Normal() == t })
}

// hasAddr reports an address of the server.
func (s *server) hasAddr(a netip.Addr) bool {
	return slices.ContainsFunc(s.targets, func(x transport.Target) bool { return x.Addr.Addr().Unmap() == a.Unmap() })
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

// uriOf is one of the server's addresses as such an entry.
func (s *server) uriOf(t transport.Target) sipmsg.URI {
	u := s.uri().Clone()
	u.Host, u.Port = t.Addr.Addr().Unmap().String(), int(t.Addr.Port())
	return u
}

// names reports whether host, port and transport of a URI mean this server.
func (s *server) names(u sipmsg.URI) bool {
	proto := s.query.Proto
	if u.Transport() != "" || u.Scheme == "sips" {
		proto = protoOf(u)
	}
	if proto != s.query.Proto {
		return false
	}
	port := uint16(u.Port)
	if port == 0 {
		port = proto.DefaultPort()
	}
	if ip, err := netip.ParseAddr(u.Host); err == nil {
		return slices.ContainsFunc(s.targets, func(t transport.Target) bool {
			return t.Addr.Addr().Unmap() == ip.Unmap() && t.Addr.Port() == port
		})
	}
	if !sameHost(u.Host, s.query.Host) && !sameHost(u.Host, s.domain.Host) {
		return false
	}
	// Without a port in the configuration it was found with the name.
	return u.Port == 0 || s.query.Port == 0 || u.Port == s.query.Port
}

// mayName reports a URI that has the server's host and no more, as lazy servers write
// themselves into a route set whatever their port and transport.
func (s *server) mayName(u sipmsg.URI) bool {
	if u.Port != 0 || u.Transport() != "" || u.Scheme == "sips" {
		return false
	}
	ip, err := netip.ParseAddr(u.Host)
	return err == nil && s.hasAddr(ip) || sameHost(u.Host, s.query.Host) || sameHost(u.Host, s.domain.Host)
}

// sameHost compares host names as DNS does.
func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func protoOf(u sipmsg.URI) transport.Proto {
	switch {
	case u.Scheme == "sips", u.Transport() == "tls":
		return transport.TLS
	case u.Transport() == "tcp":
		return transport.TCP
	}
	return transport.UDP
}

// publishSources lets the transport's goroutines know which addresses are servers.
func (l *Line) publishSources() {
	var list []netip.Addr
	for _, s := range l.servers {
		if s == nil {
			continue
		}
		for _, t := range s.targets {
			list = append(list, t.Addr.Addr().Unmap())
		}
		if ip, err := netip.ParseAddr(s.domain.Host); err == nil {
			list = append(list, ip.Unmap())
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Less(list[j]) })
	list = slices.Clip(slices.Compact(list))
	l.sources.Store(&list)
}

// AcceptsSource decides by accept_from whether an address may send requests: a server of
// the line always may.
func (l *Line) AcceptsSource(a netip.Addr) bool {
	return l.cfg.AcceptFrom.Word == "any" || l.mayLeave(a)
}

// mayLeave reports a server of the line, or a host of a network that accept_from names: one that
// may leave messages.
func (l *Line) mayLeave(a netip.Addr) bool {
	return l.trusts(a) || l.cfg.AcceptFrom.Word == "" && l.cfg.AcceptFrom.Contains(a.Unmap())
}

// isOwn reports a target that belongs to one of the line's servers: only such a one is
// given credentials.
func (l *Line) isOwn(t transport.Target) bool {
	for _, s := range l.servers {
		if s != nil && s.hasAddr(t.Addr.Addr()) {
			return true
		}
	}
	return false
}

// serverOf is the server that a request came from; the current one when it is neither.
func (l *Line) serverOf(from netip.AddrPort) registrar.Server {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	found := registrar.None
	for _, id := range []registrar.Server{l.reg.Current(), registrar.Primary, registrar.Backup} {
		s := l.servers[id]
		switch {
		case s == nil:
		case slices.ContainsFunc(s.targets, func(t transport.Target) bool { return t.Normal().Addr == from }):
			return id
		case found == registrar.None && s.hasAddr(from.Addr()):
			found = id
		}
	}
	if found == registrar.None {
		return l.reg.Current()
	}
	return found
}

// retransmissions is the count for a request: Signal Retry Counts, but for the last
// server, which gets 64*T1.
func (l *Line) retransmissions(last bool) int {
	if last {
		return transaction.Unlimited
	}
	return l.cfg.SignalRetryCounts
}
