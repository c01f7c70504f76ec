package netlab

import (
	"fmt"
	"net/netip"
)

// Where a host behind a router is, and the ports that the router maps it to.
const (
	insideNet   = "192.168.7"
	MappedFirst = 40000
	MappedLast  = 49999
)

// Behind adds a machine, 192.168.7.10, behind h, which becomes a home router: what the
// machine sends has h's address and a UDP port from MappedFirst to MappedLast, the same
// toward everybody, and only who was sent something may answer (RFC 4787: mapping
// independent of the endpoint, filtering by address and port). Its cable is in the router,
// so that Unplug is not for it. A mapping is forgotten after h.Sysctl's
// netfilter.nf_conntrack_udp_timeout and netfilter.nf_conntrack_udp_timeout_stream.
func (h *Host) Behind(name string) *Host {
	h.t.Helper()
	in := &Host{Name: name, Addr: netip.MustParseAddr(insideNet + ".10"), t: h.t, lan: h.lan}
	in.ns = newNamespace(h.t, h.ns.name+"-in")
	h.ip(
		fmt.Sprintf("link add in0 type veth peer name eth0 netns %s", in.ns.name),
		fmt.Sprintf("addr add %s.1/24 dev in0", insideNet),
		"link set in0 up",
	)
	in.ip(
		"link set lo up",
		fmt.Sprintf("addr add %s/24 dev eth0", in.Addr),
		"link set eth0 up",
		fmt.Sprintf("route add default via %s.1", insideNet),
	)
	h.Sysctl("ipv4.ip_forward", "1")
	h.tables("POSTROUTING", "-t", "nat", "-o", "eth0", "-p", "udp", "-j", "MASQUERADE", "--to-ports", fmt.Sprintf("%d-%d", MappedFirst, MappedLast))
	// Strangers' packets to a port that is to be mapped would take it away otherwise.
	h.tables("INPUT", "-i", "eth0", "-p", "udp", "-j", "DROP")
	return in
}
