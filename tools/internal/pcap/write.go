package pcap

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// A Writer writes a classic capture of raw IP.
type Writer struct {
	out   io.Writer
	frame []byte
}

// NewWriter writes a capture's beginning.
func NewWriter(out io.Writer) (*Writer, error) {
	h := binary.BigEndian.AppendUint32(nil, microseconds)
	h = append(h, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0) // version 2.4, UTC
	h = binary.BigEndian.AppendUint32(h, MaxFrame)
	h = binary.BigEndian.AppendUint32(h, uint32(Raw))
	_, err := out.Write(h)
	return &Writer{out: out}, err
}

// WriteUDP writes a datagram that was sent at a time, with headers of IP and UDP made for
// it. Addresses of different families, or a payload over 65,507 octets, are an error.
func (w *Writer) WriteUDP(at time.Time, from, to netip.AddrPort, payload []byte) error {
	source, dest := from.Addr().Unmap(), to.Addr().Unmap()
	if !source.IsValid() || source.Is4() != dest.Is4() || !dest.IsValid() || len(payload) > 65507 {
		return fmt.Errorf("capture of %d octets from %v to %v: no such datagram", len(payload), from, to)
	}
	b := appendRecord(w.frame[:0], at)
	record := len(b)
	b = appendIP(b, source, dest, udpHeader+len(payload))
	b = appendUDP(b, netip.AddrPortFrom(source, from.Port()), netip.AddrPortFrom(dest, to.Port()), payload)
	length := uint32(len(b) - record)
	binary.BigEndian.PutUint32(b[record-8:], length)
	binary.BigEndian.PutUint32(b[record-4:], length)
	w.frame = b
	_, err := w.out.Write(b)
	return err
}

// appendRecord adds a record's beginning; its two lengths are still 0.
func appendRecord(b []byte, at time.Time) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(at.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(at.Nanosecond()/1000))
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

// appendIP adds the header of a packet that carries so many octets of UDP.
func appendIP(b []byte, from, to netip.Addr, udp int) []byte {
	if from.Is6() {
		b = append(b, 0x60, 0, 0, 0, byte(udp>>8), byte(udp), protoUDP, 64)
		return append(append(b, from.AsSlice()...), to.AsSlice()...)
	}
	length, begin := ipv4Head+udp, len(b)
	b = append(b, 0x45, 0, byte(length>>8), byte(length), 0, 0, 0x40, 0, 64, protoUDP, 0, 0)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(b[begin+10:], ^sum(0, b[begin:]))
	return b
}

func appendUDP(b []byte, from, to netip.AddrPort, payload []byte) []byte {
	begin, length := len(b), udpHeader+len(payload)
	b = binary.BigEndian.AppendUint16(b, from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = append(b, byte(length>>8), byte(length), 0, 0)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[begin+6:], udpSum(from.Addr(), to.Addr(), b[begin:]))
	return b
}

// udpSum is the checksum over the pseudo header and the datagram (RFC 768, RFC 8200
// clause 8.1): never 0, which says that there is none.
func udpSum(from, to netip.Addr, udp []byte) uint16 {
	n := sum(sum(0, from.AsSlice()), to.AsSlice())
	n = sum(n, []byte{0, protoUDP, byte(len(udp) >> 8), byte(len(udp))})
	if n = ^sum(n, udp); n == 0 {
		return 0xFFFF
	}
	return n
}

// sum adds 16-bit words to n in ones' complement (RFC 1071).
func sum(n uint16, b []byte) uint16 {
	total := uint32(n)
	for i, o := range b {
		total += uint32(o) << (8 * (1 - i%2))
		total = total&0xFFFF + total>>16
	}
	return uint16(total)
}
