package capture

import (
	"encoding/binary"
	"net/netip"
	"sort"
)

// A frame is one datagram of a capture.
type frame struct {
	at       int64 // Unix time in ns
	from, to netip.AddrPort
	data     []byte
}

const (
	linkRaw     = 101 // LINKTYPE_RAW: each frame begins with its IP header
	maxPayload  = 65507
	snapLength  = 1 << 18
	protocolUDP = 17
	hops        = 64
)

// Pcap is what is kept of a call as a capture file, as tcpdump writes them: its SIP messages,
// without their secrets, and its media, in the order of their times. What went by TCP or TLS
// stands there as UDP, so that it can be read as SIP. ok is false when nothing ever was kept.
func (s *Store) Pcap(id string) (file []byte, ok bool) {
	if s == nil {
		return nil, false
	}
	c, ok := s.kept(id)
	if !ok {
		return nil, false
	}
	return appendPcap(nil, c.frames()), true
}

// frames are the messages and the packets of a call in their order.
func (c *call) frames() (all []frame) {
	for _, e := range c.entries {
		w := c.ways[e.way]
		if e.event || e.note != "" || !w.remote.IsValid() {
			continue
		}
		all = append(all, directed(e.at, e.out, w.local, w.remote, []byte(e.text)))
	}
	c.packets.each(c.packets.blocks, func(p packet) {
		all = append(all, directed(p.at, p.out, netip.AddrPortFrom(c.local, p.local), p.remote, p.data))
	})
	for i := range all {
		all[i].place(c.local)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at < all[j].at })
	return all
}

func directed(at int64, out bool, local, remote netip.AddrPort, data []byte) frame {
	if out {
		return frame{at, local, remote, data}
	}
	return frame{at, remote, local, data}
}

// place gives both ends an address of one family: ours is here where the socket's is not known.
func (f *frame) place(here netip.Addr) {
	f.from, f.to = unmap(f.from), unmap(f.to)
	for _, end := range []struct{ ours, theirs *netip.AddrPort }{{&f.from, &f.to}, {&f.to, &f.from}} {
		a := end.ours.Addr()
		if a.IsValid() && !a.IsUnspecified() && a.Is4() == end.theirs.Addr().Is4() {
			continue
		}
		if !end.theirs.Addr().IsValid() || end.theirs.Addr().IsUnspecified() {
			continue
		}
		a = here.Unmap()
		if !a.IsValid() || a.Is4() != end.theirs.Addr().Is4() {
			a = netip.IPv6Unspecified()
			if end.theirs.Addr().Is4() {
				a = netip.IPv4Unspecified()
			}
		}
		*end.ours = netip.AddrPortFrom(a, end.ours.Port())
	}
}

// appendPcap writes a capture of frames (draft-ietf-opsawg-pcap): version 2.4, microseconds.
func appendPcap(b []byte, frames []frame) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, 0xA1B2C3D4)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = le.AppendUint64(b, 0) // reserved
	b = le.AppendUint32(b, snapLength)
	b = le.AppendUint32(b, linkRaw)
	for _, f := range frames {
		f.data = f.data[:min(len(f.data), maxPayload)]
		if !f.from.Addr().IsValid() || !f.to.Addr().IsValid() || f.from.Addr().Is4() != f.to.Addr().Is4() {
			continue
		}
		b = le.AppendUint32(b, uint32(f.at/1e9))
		b = le.AppendUint32(b, uint32(f.at%1e9/1e3))
		at := len(b)
		b = le.AppendUint64(b, 0)
		b = f.appendIP(b)
		n := uint32(len(b) - at - 8)
		le.PutUint32(b[at:], n)
		le.PutUint32(b[at+4:], n)
	}
	return b
}

// appendIP writes the frame as an IPv4 (RFC 791) or IPv6 (RFC 8200) packet with UDP.
func (f *frame) appendIP(b []byte) []byte {
	be := binary.BigEndian
	length := uint16(8 + len(f.data))
	at := len(b)
	if f.from.Addr().Is4() {
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, 20+length)
		b = append(b, 0, 0, 0x40, 0, hops, protocolUDP, 0, 0) // not to be fragmented
	} else {
		b = append(b, 0x60, 0, 0, 0)
		b = be.AppendUint16(b, length)
		b = append(b, protocolUDP, hops)
	}
	from := len(b)
	b = append(b, f.from.Addr().AsSlice()...)
	b = append(b, f.to.Addr().AsSlice()...)
	if f.from.Addr().Is4() {
		be.PutUint16(b[at+10:], checksum(0, b[at:]))
	}
	pseudo := sum(uint32(protocolUDP)+uint32(length), b[from:])
	udp := len(b)
	b = be.AppendUint16(b, f.from.Port())
	b = be.AppendUint16(b, f.to.Port())
	b = be.AppendUint16(b, length)
	b = append(b, 0, 0)
	b = append(b, f.data...)
	check := checksum(pseudo, b[udp:])
	if check == 0 {
		check = 0xFFFF // RFC 768: zero says that there is none
	}
	be.PutUint16(b[udp+6:], check)
	return b
}

// sum adds up 16-bit words.
func sum(n uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		n += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		n += uint32(b[0]) << 8
	}
	return n
}

// checksum is the one's complement of the one's complement sum (RFC 1071).
func checksum(n uint32, b []byte) uint16 {
	n = sum(n, b)
	for n > 0xFFFF {
		n = n>>16 + n&0xFFFF
	}
	return ^uint16(n)
}
