// Package targets finds where a SIP server is: from its name to the addresses to try,
// in order (RFC 3263 section 4), by NAPTR, SRV, A and AAAA records, /etc/hosts and the
// name servers of /etc/resolv.conf.
//
// It asks the name servers itself, as only so it learns how long an answer holds.
// Answers are kept that long; one that has run out is used on while no name server
// answers (RFC 8767), so that lines stay up when DNS does not. Whoever asks waits;
// no goroutine outlives a lookup.
package targets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tipring/internal/ua/transport"
)

// Config is what a Resolver needs to know. The zero value of every field works.
type Config struct {
	ResolvConf string           // empty: /etc/resolv.conf
	Hosts      string           // empty: /etc/hosts
	Servers    []netip.AddrPort // name servers, instead of ResolvConf's
	Bind       netip.Addr       // local address: only its family is asked for; zero: both
	Timeout    time.Duration    // for one server to answer; 0: ResolvConf's, else 2 s
	Attempts   int              // rounds over the servers; 0: ResolvConf's, else 2
	Seed       uint64           // decides among SRV records of one priority; 0: by chance
	Log        *slog.Logger     // nil: none
}

// Limits on what one lookup may lead to, so that no zone can make this program work
// for long.
const (
	maxTargets = 32 // of one answer
	maxSRV     = 16 // records whose addresses are looked up
	maxNAPTR   = 4  // records followed
	maxChain   = 8  // CNAMEs in a row
	maxRecords = 64 // read of one message
)

// How long answers hold.
const (
	fixedTTL = 24 * time.Hour  // literal addresses
	hostsTTL = time.Minute     // /etc/hosts
	minTTL   = 5 * time.Second // whatever a zone says
	maxTTL   = 24 * time.Hour
)

// A Resolver is a transport.Resolver. It may be used by several goroutines.
type Resolver struct {
	cfg    Config
	now    func() time.Time
	ipv6   func() bool                            // whether addresses of that kind are of use
	source func(to netip.Addr) (netip.Addr, bool) // what packets leave from

	mu      sync.Mutex // guards what follows
	cache   map[question]*entry
	servers serverList
}

// New returns a Resolver.
func New(cfg Config) *Resolver {
	if cfg.ResolvConf == "" {
		cfg.ResolvConf = "/etc/resolv.conf"
	}
	if cfg.Hosts == "" {
		cfg.Hosts = "/etc/hosts"
	}
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64() | 1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Resolver{cfg: cfg, now: time.Now, ipv6: hasIPv6, source: sourceOf, cache: make(map[question]*entry)}
}

// A found is the result of a step of a lookup.
type found struct {
	addrs []netip.AddrPort
	ttl   time.Duration
}

func (f *found) add(o found) {
	if len(f.addrs) == 0 || o.ttl < f.ttl {
		f.ttl = o.ttl
	}
	for _, a := range o.addrs {
		if len(f.addrs) < maxTargets {
			f.addrs = append(f.addrs, a)
		}
	}
}

// Lookup finds the targets of a server. An error is a *transport.LookupError, or the
// context's.
func (r *Resolver) Lookup(ctx context.Context, q transport.Query) ([]transport.Target, time.Duration, error) {
	if q.Port < 0 || q.Port > 65535 {
		return nil, 0, fmt.Errorf("lookup %s: no such port: %d", q.Host, q.Port)
	}
	host := strings.TrimSuffix(q.Host, ".")
	f, err := r.find(ctx, host, q)
	if err != nil {
		return nil, 0, named(q.Host, err)
	}
	targets := make([]transport.Target, len(f.addrs))
	for i, a := range f.addrs {
		targets[i] = transport.Target{Proto: q.Proto, Addr: a, Name: host, Device: q.Device}.Normal()
	}
	return targets, f.ttl, nil
}

// named puts the host that was asked for into an error of a name on the way.
func named(host string, err error) error {
	var e *transport.LookupError
	if !errors.As(err, &e) || e.Host == host {
		return err
	}
	if e.Err == nil {
		return &transport.LookupError{Host: host, Fault: e.Fault, Err: errors.New("at " + e.Host)}
	}
	return &transport.LookupError{Host: host, Fault: e.Fault, Err: fmt.Errorf("at %s: %w", e.Host, e.Err)}
}

func (r *Resolver) find(ctx context.Context, host string, q transport.Query) (found, error) {
	port := q.Proto.DefaultPort()
	if q.Port != 0 {
		port = uint16(q.Port)
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return found{[]netip.AddrPort{netip.AddrPortFrom(a, port)}, fixedTTL}, nil
	}
	host = strings.ToLower(host)
	if !validName(host) {
		return found{}, &transport.LookupError{Host: host, Fault: transport.NotFound, Err: errors.New("not a host name")}
	}
	if q.Mode == transport.DNSAuto || q.Mode == transport.DNSA {
		if addrs := r.hosts(host); addrs != nil {
			return r.withPort(addrs, port, hostsTTL), nil
		}
	}
	r.refresh()
	var err error
	for _, name := range r.candidates(host) {
		var f found
		if f, err = r.findAt(ctx, name, port, q); err == nil || !isAbsent(err) {
			return f, err
		}
	}
	return found{}, err
}

// findAt goes the way of the query's mode from a fully qualified name: NAPTR, SRV,
// addresses. A step without an answer leads to the next; so does one that fails, for
// there are home routers that know A and AAAA only.
func (r *Resolver) findAt(ctx context.Context, name string, port uint16, q transport.Query) (found, error) {
	mode := q.Mode
	if mode == transport.DNSAuto {
		mode = transport.DNSA
		if q.Port == 0 {
			mode = transport.DNSNAPTR
		}
	}
	if mode == transport.DNSNAPTR {
		if f, err := r.byNAPTR(ctx, name, q.Proto); err == nil || final(ctx, err) {
			return f, err
		}
	}
	if mode != transport.DNSA {
		if f, err := r.bySRV(ctx, service(q.Proto)+name); err == nil || final(ctx, err) {
			return f, err
		}
	}
	return r.byAddress(ctx, name, port)
}

// final reports an error after which no other records are asked for.
func final(ctx context.Context, err error) bool {
	return ctx.Err() != nil || faultOf(err) == transport.NoService
}

func isAbsent(err error) bool {
	f := faultOf(err)
	return f == transport.NotFound || f == transport.NoAddress
}

func faultOf(err error) transport.LookupFault {
	var e *transport.LookupError
	if errors.As(err, &e) {
		return e.Fault
	}
	return 0
}

// service is the prefix of SRV names (RFC 3263 section 4.1).
func service(p transport.Proto) string {
	switch p {
	case transport.TLS:
		return "_sips._tcp."
	case transport.TCP:
		return "_sip._tcp."
	}
	return "_sip._udp."
}

// naptrService is the service field of NAPTR records (RFC 3263 section 4.1).
func naptrService(p transport.Proto) string {
	switch p {
	case transport.TLS:
		return "sips+d2t"
	case transport.TCP:
		return "sip+d2t"
	}
	return "sip+d2u"
}

// byNAPTR follows the records for the protocol, in their order.
func (r *Resolver) byNAPTR(ctx context.Context, name string, p transport.Proto) (found, error) {
	a, err := r.ask(ctx, question{name, typeNAPTR})
	if err != nil {
		return found{}, err
	}
	var all found
	err = &transport.LookupError{Host: name, Fault: transport.NoAddress}
	for _, n := range chooseNAPTR(a.naptr, naptrService(p)) {
		f, stepErr := r.bySRV(ctx, n.replacement)
		if stepErr != nil {
			err = stepErr
			continue
		}
		f.ttl = min(f.ttl, a.ttl)
		all.add(f)
	}
	if len(all.addrs) == 0 {
		return found{}, err
	}
	return all, nil
}

// bySRV finds the addresses of a service's servers. Servers that are not found are left
// out, unless it is all of them.
func (r *Resolver) bySRV(ctx context.Context, name string) (found, error) {
	a, err := r.ask(ctx, question{name, typeSRV})
	if err != nil {
		return found{}, err
	}
	records := orderSRV(a.srv, r.cfg.Seed)
	if len(records) == 1 && records[0].target == "" {
		// RFC 2782: a target of "." means that the service is decidedly not available.
		return found{}, &transport.LookupError{Host: name, Fault: transport.NoService}
	}
	records = records[:min(len(records), maxSRV)]
	steps := make([]found, len(records))
	errs := make([]error, len(records))
	var wg sync.WaitGroup
	for i, s := range records {
		wg.Go(func() { steps[i], errs[i] = r.byAddress(ctx, s.target, s.port) })
	}
	wg.Wait()
	var all found
	for i, f := range steps {
		if errs[i] == nil {
			f.ttl = min(f.ttl, a.ttl)
			all.add(f)
		}
	}
	if len(all.addrs) == 0 {
		return found{}, errs[0]
	}
	return all, nil
}

// byAddress finds the addresses of a host.
func (r *Resolver) byAddress(ctx context.Context, name string, port uint16) (found, error) {
	if addrs := r.hosts(name); addrs != nil {
		return r.withPort(addrs, port, hostsTTL), nil
	}
	addrs, ttl, err := r.addresses(ctx, name)
	if err != nil {
		return found{}, err
	}
	return r.withPort(addrs, port, ttl), nil
}

func (r *Resolver) withPort(addrs []netip.Addr, port uint16, ttl time.Duration) found {
	f := found{ttl: ttl}
	for _, a := range r.orderAddrs(addrs) {
		f.addrs = append(f.addrs, netip.AddrPortFrom(a, port))
	}
	return f
}

// validName reports a name that DNS can hold: labels of 1 to 63 octets, letters,
// digits, hyphens and underscores, 253 in all (RFC 1123 section 2.1, RFC 2181 section
// 11). A name in other letters has to be written in its xn-- form.
func validName(name string) bool {
	if len(name) == 0 || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return true
}
