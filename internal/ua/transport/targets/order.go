package targets

import (
	"cmp"
	"hash/fnv"
	"math"
	"net"
	"net/netip"
	"slices"
	"sort"
	"strconv"
)

// chooseNAPTR picks the records of a service by order, then preference (RFC 3403
// section 4.1), one for each replacement.
func chooseNAPTR(all []naptr, service string) []naptr {
	var chosen []naptr
	for _, n := range all {
		if n.service == service {
			chosen = append(chosen, n)
		}
	}
	sort.SliceStable(chosen, func(i, j int) bool {
		a, b := &chosen[i], &chosen[j]
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.preference, b.preference)) < 0
	})
	return chosen[:min(len(chosen), maxNAPTR)]
}

// orderSRV orders records by priority and, within one, by chance in proportion to their
// weights (RFC 2782). The chance is drawn once for each seed and server, not for each
// lookup: the devices of a fleet spread over the servers, but a device stays with its
// own, and all of its lines with the same.
func orderSRV(all []srv, seed uint64) []srv {
	all = slices.Clone(all)
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(draw(a, seed), draw(b, seed))) < 0
	})
	return slices.CompactFunc(all, func(a, b srv) bool { return a.target == b.target && a.port == b.port })
}

// draw is the moment at which a server comes in, in a race in which each has a chance in
// proportion to its weight: exponentially distributed, with the weight as rate. The
// order of arrival is that of RFC 2782's repeated drawing. A weight of 0 has a very
// small chance.
func draw(s srv, seed uint64) float64 {
	h := fnv.New64a()
	h.Write(strconv.AppendUint(nil, seed, 16))
	h.Write([]byte(s.target))
	h.Write(strconv.AppendUint([]byte{':'}, uint64(s.port), 10))
	x := h.Sum64() // whose high bits are not yet mixed well
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 32
	chance := (float64(x>>11) + 0.5) / (1 << 53)
	return -math.Log(chance) / max(float64(s.weight), 0.001)
}

// orderAddrs puts the addresses first that this host can send to now, and of these
// global IPv6 before IPv4 (RFC 6724), if it has a global IPv6 address to send from. A
// Bind address leaves its own family only.
func (r *Resolver) orderAddrs(addrs []netip.Addr) []netip.Addr {
	var kept []netip.Addr
	rank := make(map[netip.Addr]int, len(addrs))
	for _, a := range addrs {
		if _, double := rank[a]; double || !r.wants(a) {
			continue
		}
		rank[a] = r.rank(a)
		kept = append(kept, a)
	}
	sort.SliceStable(kept, func(i, j int) bool { return rank[kept[i]] < rank[kept[j]] })
	return kept
}

// wants reports whether addresses of that family are of use.
func (r *Resolver) wants(a netip.Addr) bool {
	bind := r.cfg.Bind.Unmap()
	return !bind.IsValid() || bind.IsUnspecified() || bind.Is4() == a.Is4()
}

func (r *Resolver) rank(a netip.Addr) int {
	source, ok := r.source(a)
	switch {
	case !ok:
		return 3
	case a.Is4():
		return 1
	case source.IsGlobalUnicast() && !source.IsPrivate() && !a.IsPrivate():
		return 0
	}
	return 2
}

// sourceOf is the address that packets to a leave from. Nothing is sent.
func sourceOf(a netip.Addr) (netip.Addr, bool) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 5060)))
	if err != nil {
		return netip.Addr{}, false
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), true
}
