package pcap

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// A Datagram is a UDP datagram that was captured.
type Datagram struct {
	Time     time.Time
	From, To netip.AddrPort
	Payload  []byte // part of the frame's Data
	Cut      bool   // the capture holds less of it than was sent
}

// The values of an EtherType and of an IP protocol that matter here.
const (
	etherIPv4, etherIPv6          = 0x0800, 0x86DD
	etherVLAN, etherQinQ          = 0x8100, 0x88A8
	protoHopByHop, protoRouting   = 0, 43
	protoFragment, protoDestOpts  = 44, 60
	protoUDP                      = 17
	maxTags, maxIPv6Headers       = 4, 8
	ipv4Head, ipv6Head, udpHeader = 20, 40, 8
)

// UDP returns the datagram in a frame. ok is false if there is none, or only a fragment
// of one.
func (f Frame) UDP() (d Datagram, ok bool) {
	ip := f.packet()
	d.Time = f.Time
	if len(ip) == 0 {
		return d, false
	}
	var from, to netip.Addr
	switch ip[0] >> 4 {
	case 4:
		from, to, ip = inIPv4(ip)
	case 6:
		from, to, ip = inIPv6(ip)
	default:
		return d, false
	}
	if len(ip) < udpHeader {
		return d, false
	}
	d.From = netip.AddrPortFrom(from, binary.BigEndian.Uint16(ip))
	d.To = netip.AddrPortFrom(to, binary.BigEndian.Uint16(ip[2:]))
	length := int(binary.BigEndian.Uint16(ip[4:]))
	if length < udpHeader {
		return d, false
	}
	d.Cut = length > len(ip)
	d.Payload = ip[udpHeader:min(length, len(ip))]
	return d, true
}

// packet returns the IP packet in a frame, nil if there is none.
func (f Frame) packet() []byte {
	switch f.Link {
	case Raw, RawBSD, RawOpen, IPv4, IPv6:
		return f.Data
	case Null, Loop:
		return from(f.Data, 4)
	case Ethernet:
		return inEthernet(f.Data)
	case Cooked:
		return ofType(f.Data, 14, 16)
	case Cooked2:
		return ofType(f.Data, 0, 20)
	}
	return nil
}

// from returns b without its first n octets, nil if it has none after them.
func from(b []byte, n int) []byte {
	if len(b) <= n {
		return nil
	}
	return b[n:]
}

// ofType returns b from begin on if the EtherType at the place says that it is IP.
func ofType(b []byte, at, begin int) []byte {
	if len(b) < begin {
		return nil
	}
	if t := binary.BigEndian.Uint16(b[at:]); t != etherIPv4 && t != etherIPv6 {
		return nil
	}
	return from(b, begin)
}

func inEthernet(b []byte) []byte {
	at := 12
	for range maxTags {
		if len(b) < at+2 {
			return nil
		}
		if t := binary.BigEndian.Uint16(b[at:]); t != etherVLAN && t != etherQinQ {
			break
		}
		at += 4
	}
	return ofType(b, at, at+2)
}

// inIPv4 returns what an IPv4 packet of UDP carries, nil for a fragment or anything else.
func inIPv4(b []byte) (from, to netip.Addr, carried []byte) {
	if len(b) < ipv4Head {
		return
	}
	head, length := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	fragment := binary.BigEndian.Uint16(b[6:]) & 0x3FFF
	if length == 0 {
		length = len(b) // the network card was to fill it in
	}
	length = min(length, len(b))
	if head < ipv4Head || head > length || fragment != 0 || b[9] != protoUDP {
		return
	}
	from, _ = netip.AddrFromSlice(b[12:16])
	to, _ = netip.AddrFromSlice(b[16:20])
	return from, to, b[head:length]
}

// inIPv6 does the same behind the headers that IPv6 may put before UDP.
func inIPv6(b []byte) (from, to netip.Addr, carried []byte) {
	if len(b) < ipv6Head {
		return
	}
	next, rest := b[6], b[ipv6Head:]
	if length := int(binary.BigEndian.Uint16(b[4:])); length > 0 && length < len(rest) {
		rest = rest[:length]
	}
	for range maxIPv6Headers {
		if next == protoUDP {
			from, _ = netip.AddrFromSlice(b[8:24])
			to, _ = netip.AddrFromSlice(b[24:40])
			return from, to, rest
		}
		if len(rest) < 8 {
			return
		}
		size := 8
		switch next {
		case protoFragment:
			if binary.BigEndian.Uint16(rest[2:])&0xFFF9 != 0 {
				return
			}
		case protoHopByHop, protoRouting, protoDestOpts:
			size += 8 * int(rest[1])
		default:
			return
		}
		if size > len(rest) {
			return
		}
		next, rest = rest[0], rest[size:]
	}
	return
}
