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

// Pick finds an interface by its name, or without one the first, by index, that is up,
// is not loopback and can broadcast. It takes the interface's address addr, or where that
// is not valid its first IPv4 address.
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
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || !prefix.Addr().Is4() || addr.IsValid() && prefix.Addr() != addr {
			continue
		}
		picked.Addr = prefix.Addr()
		return picked, nil
	}
	if addr.IsValid() {
		return picked, fmt.Errorf("interface %s does not have the address %v", i.Name, addr)
	}
	return picked, fmt.Errorf("interface %s has no IPv4 address", i.Name)
}
