package targets

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxFile bounds what is read of a system file.
const maxFile = 1 << 20

// hosts are the addresses that /etc/hosts gives a name, nil for none. localhost needs
// no entry (RFC 6761 section 6.3). The file is read each time it is needed, which is
// seldom, and not kept.
func (r *Resolver) hosts(name string) []netip.Addr {
	var addrs []netip.Addr
	lines(r.cfg.Hosts, "#", func(fields []string) {
		a, err := netip.ParseAddr(fields[0])
		if err != nil || !r.wants(a) {
			return
		}
		for _, n := range fields[1:] {
			if strings.EqualFold(strings.TrimSuffix(n, "."), name) {
				addrs = append(addrs, a.Unmap())
				return
			}
		}
	})
	if addrs == nil && (name == "localhost" || strings.HasSuffix(name, ".localhost")) {
		for _, a := range []string{"127.0.0.1", "::1"} {
			if a := netip.MustParseAddr(a); r.wants(a) {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs
}

// lines calls take with the fields of each line of a file that is no comment. A file
// that cannot be read has none.
func lines(file, comment string, take func(fields []string)) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	s := bufio.NewScanner(io.LimitReader(f, maxFile))
	for s.Scan() {
		line := s.Text()
		if i := strings.IndexAny(line, comment); i >= 0 {
			line = line[:i]
		}
		if fields := strings.Fields(line); len(fields) > 0 {
			take(fields)
		}
	}
}

// A serverList is what resolv.conf says, and how the servers do.
type serverList struct {
	file     os.FileInfo // when it was read; nil: not there
	read     bool
	addrs    []netip.AddrPort
	search   []string
	ndots    int
	timeout  time.Duration
	attempts int
	silent   map[netip.AddrPort]time.Time // did not answer: asked last until then
}

// refresh reads resolv.conf when it has changed. Then the answers of the old servers
// are forgotten, for they may have been those of another network.
func (r *Resolver) refresh() {
	info, err := os.Stat(r.cfg.ResolvConf)
	if err != nil {
		info = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.servers.read && sameFile(r.servers.file, info) {
		return
	}
	again := r.servers.read
	r.servers = r.readServers()
	r.servers.file = info
	if again {
		clear(r.cache)
		r.cfg.Log.Info("name servers have changed", "servers", r.servers.addrs)
	}
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// readServers reads resolv.conf (resolv.conf(5)); the Config goes before it.
func (r *Resolver) readServers() serverList {
	l := serverList{
		read: true, ndots: 1, timeout: 2 * time.Second, attempts: 2,
		silent: make(map[netip.AddrPort]time.Time),
	}
	lines(r.cfg.ResolvConf, "#;", l.take)
	if r.cfg.Servers != nil {
		l.addrs = r.cfg.Servers
	}
	if len(l.addrs) == 0 {
		l.addrs = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}
	if r.cfg.Timeout != 0 {
		l.timeout = r.cfg.Timeout
	}
	if r.cfg.Attempts != 0 {
		l.attempts = r.cfg.Attempts
	}
	return l
}

// take reads one line.
func (l *serverList) take(fields []string) {
	switch fields[0] {
	case "nameserver":
		if len(fields) > 1 && len(l.addrs) < 3 {
			if a, err := netip.ParseAddr(fields[1]); err == nil {
				l.addrs = append(l.addrs, netip.AddrPortFrom(a, 53))
			}
		}
	case "domain", "search":
		l.search = nil
		for _, s := range fields[1:] {
			if s = strings.ToLower(strings.TrimSuffix(s, ".")); validName(s) && len(l.search) < 6 {
				l.search = append(l.search, s)
			}
		}
	case "options":
		for _, o := range fields[1:] {
			l.option(o)
		}
	}
}

func (l *serverList) option(o string) {
	name, value, _ := strings.Cut(o, ":")
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return
	}
	switch name {
	case "ndots":
		l.ndots = min(n, 15)
	case "timeout":
		l.timeout = time.Duration(clampInt(n, 1, 30)) * time.Second
	case "attempts":
		l.attempts = clampInt(n, 1, 5)
	}
}

func clampInt(n, low, high int) int { return max(low, min(n, high)) }

// candidates are the full names that a name may stand for: itself, or, where it has too
// few dots for that, itself in each domain of the search list first.
func (r *Resolver) candidates(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	if strings.Count(name, ".") < r.servers.ndots {
		for _, domain := range r.servers.search {
			if full := name + "." + domain; validName(full) {
				names = append(names, full)
			}
		}
	}
	return append(names, name)
}
