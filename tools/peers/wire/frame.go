package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// RTPPacket is the fixed header of RFC 3550 section 5.1 and the payload.
type RTPPacket struct {
	PayloadType uint8
	Marker      bool
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
	Payload     []byte
}

func (w *Watch) frame(at time.Time, b []byte) {
	if len(b) < 14 {
		return
	}
	kind, b := binary.BigEndian.Uint16(b[12:]), b[14:]
	switch kind {
	case 0x0806:
		if len(b) >= 28 && binary.BigEndian.Uint16(b[6:]) == 1 {
			w.add(Event{At: at, Kind: ARP, Src: hostPort(b[14:18], 0), Dst: hostPort(b[24:28], 0)})
		}
	case 0x0800:
		if len(b) < 20 {
			return
		}
		head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if head < 20 || total < head || total > len(b) {
			return
		}
		w.packet(at, b[9], b[12:16], b[16:20], b[head:total])
	case 0x86dd:
		if len(b) < 40 {
			return
		}
		total := 40 + int(binary.BigEndian.Uint16(b[4:]))
		if total > len(b) {
			return
		}
		w.packet(at, b[6], b[8:24], b[24:40], b[40:total])
	}
}

func (w *Watch) packet(at time.Time, proto uint8, src, dst, b []byte) {
	switch {
	case proto == 17 && len(b) >= 8:
		w.udp(at, hostPort(src, binary.BigEndian.Uint16(b)), hostPort(dst, binary.BigEndian.Uint16(b[2:])), b[8:])
	case proto == 6 && len(b) >= 20:
		w.tcp(at, hostPort(src, binary.BigEndian.Uint16(b)), hostPort(dst, binary.BigEndian.Uint16(b[2:])), b)
	case proto == 1 && len(b) >= 8 && b[0] == 3:
		name := map[uint8]string{0: "net", 1: "host", 3: "port"}[b[1]]
		if name == "" {
			name = fmt.Sprintf("3/%d", b[1])
		}
		w.add(Event{At: at, Kind: ICMP, Src: hostPort(src, 0), Dst: hostPort(dst, 0), ICMP: name})
	}
}

func (w *Watch) udp(at time.Time, src, dst netip.AddrPort, b []byte) {
	if m, _ := parse(b); m != nil {
		w.add(Event{At: at, Kind: m.kind(), Proto: "udp", Src: src, Dst: dst, Message: m})
		return
	}
	if m, ok := parseSTUN(b); ok {
		w.add(Event{At: at, Kind: STUN, Proto: "udp", Src: src, Dst: dst, STUN: m})
		return
	}
	// RTCP (RFC 5761 section 4: types 192 to 223) is not audio.
	if len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) {
		skip := 12 + 4*int(b[0]&15)
		if b[0]&0x10 != 0 && len(b) >= skip+4 {
			skip += 4 + 4*int(binary.BigEndian.Uint16(b[skip+2:]))
		}
		if skip > len(b) {
			return
		}
		w.add(Event{At: at, Kind: RTP, Proto: "udp", Src: src, Dst: dst, RTP: RTPPacket{
			PayloadType: b[1] & 127, Marker: b[1]&128 != 0,
			Sequence: binary.BigEndian.Uint16(b[2:]), Timestamp: binary.BigEndian.Uint32(b[4:]),
			SSRC: binary.BigEndian.Uint32(b[8:]), Payload: append([]byte(nil), b[skip:]...),
		}})
	}
}

// A stream puts one direction of a TCP connection together, in order; what was
// overtaken is waited for, what comes twice is dropped.
type stream struct {
	next    uint32
	pending map[uint32][]byte
	buf     []byte
	tls     bool
}

func (w *Watch) tcp(at time.Time, src, dst netip.AddrPort, b []byte) {
	seq, flags, head := binary.BigEndian.Uint32(b[4:]), b[13], int(b[12]>>4)*4
	if head < 20 || head > len(b) {
		return
	}
	key := [2]netip.AddrPort{src, dst}
	if flags&2 != 0 {
		w.flows[key] = &stream{next: seq + 1, pending: map[uint32][]byte{}}
		if flags&16 == 0 {
			w.add(Event{At: at, Kind: SYN, Proto: "tcp", Src: src, Dst: dst})
		}
		return
	}
	if flags&4 != 0 {
		w.add(Event{At: at, Kind: Reset, Proto: "tcp", Src: src, Dst: dst})
	}
	s, data := w.flows[key], b[head:]
	if s == nil || len(data) == 0 {
		return
	}
	if behind := s.next - seq; behind > 0 && behind < 1<<31 {
		if int(behind) >= len(data) {
			return // seen before
		}
		seq, data = s.next, data[behind:]
	}
	s.pending[seq] = append([]byte(nil), data...)
	for {
		part, ok := s.pending[s.next]
		if !ok {
			break
		}
		delete(s.pending, s.next)
		s.next += uint32(len(part))
		s.buf = append(s.buf, part...)
	}
	w.messages(at, src, dst, s)
}

func (w *Watch) messages(at time.Time, src, dst netip.AddrPort, s *stream) {
	for len(s.buf) > 0 {
		if s.tls || s.buf[0] == 22 { // a TLS handshake record; what follows stays TLS
			kind := TLSData
			if !s.tls && len(s.buf) > 5 && s.buf[5] == 1 {
				kind = ClientHello
			}
			s.tls, s.buf = true, nil
			w.add(Event{At: at, Kind: kind, Proto: "tcp", Src: src, Dst: dst})
			return
		}
		if s.buf[0] == '\r' || s.buf[0] == '\n' {
			s.buf = s.buf[1:]
			continue
		}
		m, used := parse(s.buf)
		if m == nil {
			if used < 0 {
				s.buf = nil
			}
			return
		}
		s.buf = s.buf[used:]
		w.add(Event{At: at, Kind: m.kind(), Proto: "tcp", Src: src, Dst: dst, Message: m})
	}
}

func hostPort(ip []byte, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), port)
}
