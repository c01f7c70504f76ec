package transport

import (
	"fmt"
	"net/netip"
)

// A Proto is a transport protocol, numbered as the configuration does.
type Proto uint8

// The protocols that carry SIP here.
const (
	UDP Proto = 0
	TCP Proto = 1
	TLS Proto = 3
)

// String is the configuration's word: udp, tcp or tls.
func (p Proto) String() string {
	switch p {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	}
	return fmt.Sprintf("proto(%d)", uint8(p))
}

// Via is the transport token of a Via header (RFC 3261 section 20.42).
func (p Proto) Via() string {
	switch p {
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	}
	return "UDP"
}

// DefaultPort is the port meant when none is given: 5061 for TLS, else 5060 (RFC 3261
// section 19.1.2).
func (p Proto) DefaultPort() uint16 {
	if p == TLS {
		return 5061
	}
	return 5060
}

// Reliable reports a protocol that delivers or fails: any but UDP.
func (p Proto) Reliable() bool { return p != UDP }

// A Target is one place to send to. It is comparable and serves as map key, once
// brought into its normal form: sockets and health states are kept by Normal.
type Target struct {
	Proto  Proto
	Addr   netip.AddrPort
	Name   string // host name asked for; with TLS the certificate must be valid for it
	Device string // network interface to send through; empty: as routed
}

// Normal is the form that flows and health states are keyed by: an IPv4 address as
// such, and a name only where one is verified, so that all lines that reach a server
// over UDP or TCP share it whatever they call it, and none ever shares a TLS
// connection that was verified under another name.
func (t Target) Normal() Target {
	t.Addr = netip.AddrPortFrom(t.Addr.Addr().Unmap(), t.Addr.Port())
	if t.Proto != TLS {
		t.Name = ""
	}
	return t
}

// String is proto:address, then the name, unless it is the address itself, and the
// interface where there are such: "tls:192.0.2.7:5061 (pbx.example) via tun0".
func (t Target) String() string {
	s := t.Proto.String() + ":no address"
	if t.Addr.IsValid() {
		s = t.Proto.String() + ":" + t.Addr.String()
	}
	if t.Name != "" && t.Name != t.Addr.Addr().Unmap().String() {
		s += " (" + t.Name + ")"
	}
	if t.Device != "" {
		s += " via " + t.Device
	}
	return s
}
