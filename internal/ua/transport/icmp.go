package transport

import (
	"fmt"
	"net/netip"
	"syscall"
)

// An ICMPError says that a datagram did not arrive: an ICMP message that came back, or
// one that this host's own stack made, as for a neighbour that answers no ARP. It wraps
// the errno, such as syscall.ECONNREFUSED.
type ICMPError struct {
	Errno      syscall.Errno
	Version    int   // 4 or 6
	Type, Code uint8 // RFC 792, RFC 4443
	From       netip.Addr
}

// Error reads "connection refused: ICMP port unreachable (type 3 code 3) from 192.0.2.7".
func (e *ICMPError) Error() string {
	s := e.Errno.Error() + ": " + e.name()
	if e.From.IsValid() {
		s += " from " + e.From.String()
	}
	return s
}

func (e *ICMPError) Unwrap() error { return e.Errno }

func (e *ICMPError) name() string {
	protocol, names := "ICMP", icmp4Names[:]
	if e.Version == 6 {
		protocol, names = "ICMPv6", icmp6Names[:]
	}
	for _, n := range names {
		if n.typ == e.Type && n.code == e.Code {
			return fmt.Sprintf("%s %s (type %d code %d)", protocol, n.name, e.Type, e.Code)
		}
	}
	return fmt.Sprintf("%s type %d code %d", protocol, e.Type, e.Code)
}

type icmpName struct {
	typ, code uint8
	name      string
}

// RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1.
var icmp4Names = [...]icmpName{
	{3, 0, "net unreachable"},
	{3, 1, "host unreachable"},
	{3, 2, "protocol unreachable"},
	{3, 3, "port unreachable"},
	{3, 4, "fragmentation needed"},
	{3, 5, "source route failed"},
	{3, 6, "net unknown"},
	{3, 7, "host unknown"},
	{3, 9, "net prohibited"},
	{3, 10, "host prohibited"},
	{3, 11, "net unreachable for service"},
	{3, 12, "host unreachable for service"},
	{3, 13, "administratively prohibited"},
	{11, 0, "time to live exceeded"},
	{12, 0, "parameter problem"},
}

// RFC 4443 section 3.
var icmp6Names = [...]icmpName{
	{1, 0, "no route"},
	{1, 1, "administratively prohibited"},
	{1, 2, "beyond scope"},
	{1, 3, "address unreachable"},
	{1, 4, "port unreachable"},
	{1, 5, "source address failed policy"},
	{1, 6, "reject route"},
	{3, 0, "hop limit exceeded"},
	{4, 0, "parameter problem"},
	{4, 1, "unknown next header"},
}
