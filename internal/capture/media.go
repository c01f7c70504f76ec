package capture

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// Media says which packets are captured.
type Media uint32

// What is captured. Fax: UDPTL, RTCP and telephone events. All: RTP besides.
const (
	Off Media = iota
	Fax
	All
)

// A PacketKind is what a datagram of a call's media is.
type PacketKind uint8

// Packet kinds.
const (
	RTP PacketKind = iota
	TelephoneEvent
	RTCP
	UDPTL
	Strange // RTP of a payload type that was not agreed, which may be a telephone event; an encrypted one is so to who has the key
)

// Takes tells whether packets of a kind are captured now.
func (s *Store) Takes(k PacketKind) bool {
	if s == nil {
		return false
	}
	switch Media(s.media.Load()) {
	case Off:
		return false
	case All:
		return true
	}
	return k != RTP && k != Strange
}

// Packet takes in a datagram that crossed a port of a call. b is neither kept nor changed.
func (s *Store) Packet(at time.Time, k PacketKind, out bool, local uint16, remote netip.AddrPort, b []byte) {
	if !s.Takes(k) || len(b) > blockSize/2 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.ports[local]
	if c == nil {
		return
	}
	before := c.packets.size()
	kept := c.packets.put(at.UnixNano(), out, local, unmap(remote), b)
	switch digits := s.digits.Load(); {
	case k == TelephoneEvent && !digits:
		hideEvents(kept)
	case k == Strange && !digits:
		clear(kept[min(payloadAt(kept), len(kept)):])
	}
	for c.packets.size() > maxCallMedia {
		c.packets.dropOldest()
	}
	s.packets += c.packets.size() - before
	s.makeRoomForPackets()
}

// makeRoomForPackets keeps to the bound of all calls: the oldest packets of the call that began
// first go.
func (s *Store) makeRoomForPackets() {
	for s.packets > maxAllMedia {
		var victim *call
		for _, c := range s.calls {
			if len(c.packets.blocks) > 0 && (victim == nil || spareMedia(c, victim)) {
				victim = c
			}
		}
		if victim == nil {
			return
		}
		before := victim.packets.size()
		victim.packets.dropOldest()
		s.packets += victim.packets.size() - before
	}
}

// spareMedia tells whether a's packets go before b's: an ended call's, the older one's, and among
// running calls those of the one with the most.
func spareMedia(a, b *call) bool {
	switch {
	case a.ended != b.ended:
		return a.ended
	case a.ended:
		return a.n < b.n
	}
	return a.packets.size() > b.packets.size()
}

// masked is the event that stands for a digit: one that RFC 4733 gives no meaning.
const masked = 255

// hideEvents overwrites the digits of a telephone-event packet: 0 to 15 of each block (RFC 4733
// sections 2.3 and 3.2).
func hideEvents(b []byte) {
	for at := payloadAt(b); at < len(b); at += 4 {
		if b[at] < 16 {
			b[at] = masked
		}
	}
}

// payloadAt is where the payload of an RTP packet begins (RFC 3550 section 5.1). Of one that is
// cut short that is behind its fixed header.
func payloadAt(b []byte) int {
	const fixed = 12
	if len(b) < fixed {
		return 0
	}
	at := fixed + 4*int(b[0]&15)
	if b[0]&0x10 != 0 {
		if at+4 > len(b) {
			return fixed
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if at > len(b) {
		return fixed
	}
	return at
}

// blockSize is the grain in which memory is taken for packets.
const blockSize = 16 << 10

// packets are the newest packets of a call, in blocks, so that many small ones cost little.
type packets struct {
	blocks  [][]byte // oldest first; their lengths are what is used
	remotes []netip.AddrPort
	dropped int
}

// packetHead is in front of each packet: time (8), flags and remote (1+1), local port (2),
// length (2).
const packetHead = 14

func (p *packets) size() (n int) {
	for _, b := range p.blocks {
		n += cap(b)
	}
	return n
}

// put adds a packet and returns where it is kept.
func (p *packets) put(at int64, out bool, local uint16, remote netip.AddrPort, b []byte) []byte {
	last := len(p.blocks) - 1
	if last < 0 || cap(p.blocks[last])-len(p.blocks[last]) < packetHead+len(b) {
		p.blocks = append(p.blocks, make([]byte, 0, blockSize))
		last++
	}
	block := p.blocks[last]
	block = binary.BigEndian.AppendUint64(block, uint64(at))
	flag := byte(0)
	if out {
		flag = 1
	}
	block = append(block, flag, p.remote(remote))
	block = binary.BigEndian.AppendUint16(block, local)
	block = binary.BigEndian.AppendUint16(block, uint16(len(b)))
	block = append(block, b...)
	p.blocks[last] = block
	return block[len(block)-len(b):]
}

func (p *packets) remote(a netip.AddrPort) uint8 {
	if i := slices.Index(p.remotes, a); i >= 0 {
		return uint8(i)
	}
	if len(p.remotes) == 255 {
		return 254
	}
	p.remotes = append(p.remotes, a)
	return uint8(len(p.remotes) - 1)
}

// dropOldest gives up the block that was filled first.
func (p *packets) dropOldest() {
	p.each(p.blocks[:1], func(packet) { p.dropped++ })
	p.blocks = slices.Delete(p.blocks, 0, 1)
}

// trim gives back what the last block has not used, and returns by how much the size changed.
func (p *packets) trim() int {
	last := len(p.blocks) - 1
	if last < 0 {
		return 0
	}
	before := p.size()
	p.blocks[last] = slices.Clone(p.blocks[last])
	return p.size() - before
}

// A packet is one datagram of media.
type packet struct {
	at     int64
	out    bool
	local  uint16
	remote netip.AddrPort
	data   []byte
}

// each yields the packets of blocks.
func (p *packets) each(blocks [][]byte, yield func(packet)) {
	for _, b := range blocks {
		for len(b) >= packetHead {
			n := int(binary.BigEndian.Uint16(b[12:]))
			yield(packet{
				at: int64(binary.BigEndian.Uint64(b)), out: b[8] == 1, remote: p.remotes[b[9]],
				local: binary.BigEndian.Uint16(b[10:]), data: b[packetHead : packetHead+n],
			})
			b = b[packetHead+n:]
		}
	}
}
