package media

import (
	"encoding/binary"
	"time"
)

// RTCP packet types (RFC 3550 section 12.1).
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
)

// A reportBlock is what one side tells of the other's stream (RFC 3550 section 6.4.1).
type reportBlock struct {
	ssrc     uint32
	fraction uint8
	lost     int32 // 24 bits, signed
	highest  uint32
	jitter   uint32
	lastSR   uint32
	delay    uint32 // since lastSR, in 1/65536 s
}

// A senderInfo is the middle of a sender report.
type senderInfo struct {
	ntp     uint64
	ts      uint32
	packets uint32
	octets  uint32
}

// appendReport writes SR or RR, with the block if there is one.
func appendReport(b []byte, ssrc uint32, info *senderInfo, block *reportBlock) []byte {
	at := len(b)
	kind, count := byte(rtcpRR), byte(0)
	if info != nil {
		kind = rtcpSR
	}
	if block != nil {
		count = 1
	}
	b = append(b, 2<<6|count, kind, 0, 0)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	if info != nil {
		b = binary.BigEndian.AppendUint64(b, info.ntp)
		b = binary.BigEndian.AppendUint32(b, info.ts)
		b = binary.BigEndian.AppendUint32(b, info.packets)
		b = binary.BigEndian.AppendUint32(b, info.octets)
	}
	if block != nil {
		b = binary.BigEndian.AppendUint32(b, block.ssrc)
		b = binary.BigEndian.AppendUint32(b, uint32(block.fraction)<<24|uint32(block.lost)&0xffffff)
		b = binary.BigEndian.AppendUint32(b, block.highest)
		b = binary.BigEndian.AppendUint32(b, block.jitter)
		b = binary.BigEndian.AppendUint32(b, block.lastSR)
		b = binary.BigEndian.AppendUint32(b, block.delay)
	}
	return setLength(b, at)
}

// appendCNAME writes the SDES that every compound packet has (RFC 3550 section 6.1).
func appendCNAME(b []byte, ssrc uint32, cname string) []byte {
	at := len(b)
	b = append(b, 2<<6|1, rtcpSDES, 0, 0)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = append(b, 1, byte(len(cname)))
	b = append(b, cname...)
	b = append(b, 0) // ends the items
	for (len(b)-at)%4 != 0 {
		b = append(b, 0)
	}
	return setLength(b, at)
}

func appendBYE(b []byte, ssrc uint32) []byte {
	at := len(b)
	b = append(b, 2<<6|1, rtcpBYE, 0, 0)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return setLength(b, at)
}

// setLength fills in the length of the packet that begins at at.
func setLength(b []byte, at int) []byte {
	binary.BigEndian.PutUint16(b[at+2:], uint16((len(b)-at)/4-1))
	return b
}

// A report is what a compound packet says to us.
type report struct {
	ssrc  uint32 // of its sender
	info  senderInfo
	isSR  bool
	block reportBlock
	has   bool // block is about us
	bye   bool // its sender leaves
}

const maxRTCPParts = 32 // packets of one compound packet

// parseRTCP reads a compound packet; own is the SSRC whose report block is wanted. It is
// checked as RFC 3550 section A.2 says, but for a first packet that is no report (RFC 5506).
func parseRTCP(b []byte, own uint32) (r report, ok bool) {
	for parts := 0; len(b) > 0; parts++ {
		if len(b) < 4 || b[0]>>6 != 2 || parts == maxRTCPParts {
			return r, false
		}
		size := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if size > len(b) {
			return r, false
		}
		part, count := b[4:size], int(b[0]&31)
		if b[0]&0x20 != 0 {
			if len(part) == 0 {
				return r, false
			}
			padding := int(part[len(part)-1])
			if padding == 0 || padding > len(part) || size != len(b) { // only the last may have any
				return r, false
			}
			part = part[:len(part)-padding]
		}
		if !r.part(b[1], count, part, own) {
			return r, false
		}
		b = b[size:]
		ok = true
	}
	return r, ok
}

// part reads one packet of the compound, without its header.
func (r *report) part(kind byte, count int, b []byte, own uint32) bool {
	switch kind {
	case rtcpSR, rtcpRR:
		head := 4
		if kind == rtcpSR {
			head = 24
		}
		if len(b) < head+24*count {
			return false
		}
		r.ssrc = binary.BigEndian.Uint32(b)
		if kind == rtcpSR {
			r.isSR = true
			r.info = senderInfo{
				ntp: binary.BigEndian.Uint64(b[4:]), ts: binary.BigEndian.Uint32(b[12:]),
				packets: binary.BigEndian.Uint32(b[16:]), octets: binary.BigEndian.Uint32(b[20:]),
			}
		}
		for b = b[head:]; count > 0; b, count = b[24:], count-1 {
			if binary.BigEndian.Uint32(b) == own {
				r.has = true
				r.block = parseBlock(b)
			}
		}
	case rtcpBYE:
		if len(b) < 4*count {
			return false
		}
		for ; count > 0; b, count = b[4:], count-1 {
			if r.ssrc == 0 || binary.BigEndian.Uint32(b) == r.ssrc {
				r.ssrc = binary.BigEndian.Uint32(b)
				r.bye = true
			}
		}
		if len(b) > 0 && int(b[0]) > len(b)-1 { // the reason's length
			return false
		}
	}
	return true
}

func parseBlock(b []byte) reportBlock {
	word := binary.BigEndian.Uint32(b[4:])
	return reportBlock{
		ssrc:     binary.BigEndian.Uint32(b),
		fraction: uint8(word >> 24),
		lost:     int32(word<<8) >> 8,
		highest:  binary.BigEndian.Uint32(b[8:]),
		jitter:   binary.BigEndian.Uint32(b[12:]),
		lastSR:   binary.BigEndian.Uint32(b[16:]),
		delay:    binary.BigEndian.Uint32(b[20:]),
	}
}

// ntp is t as seconds and 2^-32 of them since 1900 (RFC 3550 section 4).
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// middle is the part of an NTP time that reports carry: 1/65536 s.
func middle(ntp uint64) uint32 { return uint32(ntp >> 16) }
