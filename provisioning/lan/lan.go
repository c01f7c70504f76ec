// Package lan holds what the two ways of finding a configuration on the local network,
// provisioning/dhcp and provisioning/pnp, have in common: the interface to ask through,
// what a URL may be that a stranger on that network gave, and the loop that gives an
// asking machine its datagrams and the time. It knows neither protocol.
package lan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// An Interface is where a question goes out and its answer comes in.
type Interface struct {
	Name  string
	Index int
	MAC   net.HardwareAddr // six octets; empty on the loopback interface
	Addr  netip.Addr       // an IPv4 address of it
}

// Pick finds an interface by its name; or without one by its address addr; or without
// either the one that the default route leaves by, else the first, by index. Of those that
// are not named, it takes only what is up, is not loopback and can broadcast. The
// interface's address is addr, or the one that the route has, or its first IPv4 address.
func Pick(name string, addr netip.Addr) (Interface, error) {
	if name != "" {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return Interface{}, fmt.Errorf("interface %s: %w", name, err)
		}
		return take(*i, addr)
	}
	all, err := net.Interfaces()
	if err != nil {
		return Interface{}, fmt.Errorf("network interfaces: %w", err)
	}
	if !addr.IsValid() {
		if i, err := first(all, byDefault()); err == nil {
			return i, nil
		}
	}
	return first(all, addr)
}

// byDefault is the address that the kernel would leave the network from; not valid
// without a route. Nothing is sent to the address asked for, which is nobody's (RFC 5737).
func byDefault() netip.Addr {
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return netip.Addr{}
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// first is the first interface that can be asked through and has the address.
func first(all []net.Interface, addr netip.Addr) (Interface, error) {
	const wanted = net.FlagUp | net.FlagBroadcast
	for _, i := range all {
		if i.Flags&(wanted|net.FlagLoopback) != wanted {
			continue
		}
		if picked, err := take(i, addr); err == nil {
			return picked, nil
		}
	}
	if addr.IsValid() {
		return Interface{}, fmt.Errorf("no network interface that is up has the address %v", addr)
	}
	return Interface{}, errors.New("no network interface but loopback is up and has an IPv4 address")
}

func take(i net.Interface, addr netip.Addr) (Interface, error) {
	picked := Interface{Name: i.Name, Index: i.Index, MAC: i.HardwareAddr}
	addrs, err := i.Addrs()
	if err != nil {
		return picked, fmt.Errorf("interface %s: %w", i.Name, err)
	}
	for _, a := range addrs {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		own, _ := netip.AddrFromSlice(network.IP)
		if own = own.Unmap(); own.Is4() && (!addr.IsValid() || own == addr) {
			picked.Addr = own
			return picked, nil
		}
	}
	if addr.IsValid() {
		return picked, fmt.Errorf("interface %s does not have the address %v", i.Name, addr)
	}
	return picked, fmt.Errorf("interface %s has no IPv4 address", i.Name)
}
