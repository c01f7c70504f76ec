package netlab

import (
	"fmt"
	"net/netip"
	"strings"
)

// The faults below befall one host's traffic with one peer, at the host's
// side, until Heal. All are seen from the peer as a fault of the host.

// BlackHole loses everything between host and peer, both ways.
func (h *Host) BlackHole(peer netip.Addr) {
	h.t.Helper()
	h.tables("INPUT", "-s", peer.String(), "-j", "DROP")
	h.tables("OUTPUT", "-d", peer.String(), "-j", "DROP")
}

// LoseReplies lets the peer's packets in and loses all that the host sends back.
func (h *Host) LoseReplies(peer netip.Addr) {
	h.t.Helper()
	h.tables("OUTPUT", "-d", peer.String(), "-j", "DROP")
}

// Reject answers the peer's packets with an ICMP error: icmp-port-unreachable,
// icmp-host-unreachable, icmp-net-unreachable or icmp-admin-prohibited. What
// the host itself would send is lost.
func (h *Host) Reject(peer netip.Addr, with string) {
	h.t.Helper()
	h.tables("INPUT", "-s", peer.String(), "-j", "REJECT", "--reject-with", with)
	h.tables("OUTPUT", "-d", peer.String(), "!", "-p", "icmp", "-j", "DROP")
}

// RefuseTCP resets every TCP segment of the peer: connections that are open
// are cut at their next segment, new ones are refused.
func (h *Host) RefuseTCP(peer netip.Addr) {
	h.t.Helper()
	h.tables("INPUT", "-s", peer.String(), "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")
	h.tables("OUTPUT", "-d", peer.String(), "-p", "tcp", "!", "--tcp-flags", "RST", "RST", "-j", "DROP")
}

// DropSYN swallows connection attempts and everything on open connections.
func (h *Host) DropSYN(peer netip.Addr) {
	h.t.Helper()
	h.tables("INPUT", "-s", peer.String(), "-p", "tcp", "-j", "DROP")
	h.tables("OUTPUT", "-d", peer.String(), "-p", "tcp", "-j", "DROP")
}

// AcceptThenSilence lets connections open and then swallows what is sent on
// them, both ways.
func (h *Host) AcceptThenSilence(peer netip.Addr) {
	h.t.Helper()
	h.tables("INPUT", "-s", peer.String(), "-p", "tcp", "--tcp-flags", "PSH", "PSH", "-j", "DROP")
	h.tables("OUTPUT", "-d", peer.String(), "-p", "tcp", "--tcp-flags", "PSH", "PSH", "-j", "DROP")
}

// Unplug takes the host's cable out of the switch. Its neighbours then ask for
// its hardware address in vain, once what they remember of it is forgotten.
func (h *Host) Unplug() {
	h.t.Helper()
	h.lan.ip("link set " + h.port + " down")
}

// Plug puts the cable back.
func (h *Host) Plug() {
	h.t.Helper()
	h.lan.ip("link set " + h.port + " up")
}

// Forget makes the host forget the hardware address of a neighbour, as it
// would by itself after a while.
func (h *Host) Forget(peer netip.Addr) {
	h.t.Helper()
	h.ip(fmt.Sprintf("neigh flush to %s dev eth0", peer))
}

// Heal ends every fault at the host.
func (h *Host) Heal() {
	h.t.Helper()
	h.tables("-F")
	h.Plug()
}

func (h *Host) tables(args ...string) {
	h.t.Helper()
	if args[0] != "-F" {
		args = append([]string{"-A"}, args...)
	}
	out, err := h.Run("iptables", append([]string{"-w"}, args...)...)
	if err != nil {
		h.t.Fatalf("netlab: %s: iptables %s: %v: %s", h.Name, strings.Join(args, " "), err, out)
	}
}
