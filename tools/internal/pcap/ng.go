package pcap

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"time"
)

// The block types of pcapng that matter here.
const (
	sectionHeader = 0x0A0D0D0A // the same in either byte order
	interfaceDesc = 1
	oldPacket     = 2
	simplePacket  = 3
	enhancedPack  = 6
)

const (
	byteOrderMagic = 0x1A2B3C4D
	maxInterfaces  = 4096

	optionEnd        = 0
	optionResolution = 9
	optionOffset     = 14
)

// An ng is a capture of the pcapng format.
type ng struct {
	interfaces []captured
}

// A captured is an interface that frames were captured on.
type captured struct {
	link     LinkType
	snap     uint32 // octets of a frame that are kept; 0: all
	binary   bool   // a unit of time is 2 to the minus exponent seconds, else 10
	exponent uint8
	offset   int64 // seconds
}

func (n *ng) next(r *Reader) (Frame, error) {
	for {
		kind, body, err := n.block(r)
		if err != nil {
			return Frame{}, err
		}
		switch kind {
		case sectionHeader:
			n.interfaces = n.interfaces[:0]
		case interfaceDesc:
			err = n.describe(r.order, body)
		case enhancedPack, oldPacket, simplePacket:
			return n.frame(r.order, kind, body)
		}
		if err != nil {
			return Frame{}, err
		}
	}
}

// block reads one block. Its body is without lengths; that of a section header begins
// with the version.
func (n *ng) block(r *Reader) (kind uint32, body []byte, err error) {
	var h [12]byte
	if _, err = io.ReadFull(r.in, h[:8]); err != nil {
		return 0, nil, err
	}
	head := uint32(8)
	if binary.BigEndian.Uint32(h[:]) == sectionHeader {
		if _, err = io.ReadFull(r.in, h[8:]); err != nil {
			return 0, nil, cutOff(err)
		}
		head = 12
		if r.order = byteOrder(h[8:]); r.order == nil {
			return 0, nil, ErrFormat
		}
	}
	if r.order == nil {
		return 0, nil, ErrFormat
	}
	kind = r.order.Uint32(h[:])
	length := r.order.Uint32(h[4:])
	if length < head+4 || length%4 != 0 {
		return 0, nil, fmt.Errorf("block of %d octets: %w", length, ErrFormat)
	}
	body, err = r.octets(length - head)
	if err != nil {
		return 0, nil, cutOff(err)
	}
	return kind, body[:len(body)-4], nil
}

func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func byteOrder(magic []byte) binary.ByteOrder {
	switch uint32(byteOrderMagic) {
	case binary.BigEndian.Uint32(magic):
		return binary.BigEndian
	case binary.LittleEndian.Uint32(magic):
		return binary.LittleEndian
	}
	return nil
}

// describe reads an interface description.
func (n *ng) describe(order binary.ByteOrder, b []byte) error {
	if len(b) < 8 || len(n.interfaces) == maxInterfaces {
		return fmt.Errorf("interface description: %w", ErrFormat)
	}
	c := captured{link: LinkType(order.Uint16(b)), snap: order.Uint32(b[4:]), exponent: 6}
	for b = b[8:]; len(b) >= 4; {
		code, length := order.Uint16(b), int(order.Uint16(b[2:]))
		padded := 4 + (length+3)&^3
		if code == optionEnd || padded > len(b) {
			break
		}
		c.option(order, code, b[4:4+length])
		b = b[padded:]
	}
	n.interfaces = append(n.interfaces, c)
	return nil
}

func (c *captured) option(order binary.ByteOrder, code uint16, value []byte) {
	switch {
	case code == optionResolution && len(value) == 1:
		c.binary, c.exponent = value[0]&0x80 != 0, value[0]&0x7F
	case code == optionOffset && len(value) == 8:
		c.offset = int64(order.Uint64(value))
	}
}

// frame reads a packet block of any kind.
func (n *ng) frame(order binary.ByteOrder, kind uint32, b []byte) (Frame, error) {
	head := map[uint32]int{enhancedPack: 20, oldPacket: 20, simplePacket: 4}[kind]
	on := uint32(0)
	switch {
	case len(b) < head:
		return Frame{}, fmt.Errorf("packet block: %w", ErrFormat)
	case kind == enhancedPack:
		on = order.Uint32(b)
	case kind == oldPacket:
		on = uint32(order.Uint16(b))
	}
	if on >= uint32(len(n.interfaces)) {
		return Frame{}, fmt.Errorf("packet of interface %d of %d: %w", on, len(n.interfaces), ErrFormat)
	}
	c := n.interfaces[on]
	f := Frame{Link: c.link}
	if kind == simplePacket {
		f.Data = b[head:min(len(b), head+int(c.kept(order.Uint32(b))))]
		return f, nil
	}
	f.Time = c.time(uint64(order.Uint32(b[4:]))<<32 | uint64(order.Uint32(b[8:])))
	length := order.Uint32(b[12:])
	if length > uint32(len(b)-head) {
		return Frame{}, fmt.Errorf("packet of %d octets in a block of %d: %w", length, len(b), ErrFormat)
	}
	f.Data = b[head : head+int(length)]
	return f, nil
}

// kept is how much of a frame the interface keeps.
func (c *captured) kept(length uint32) uint32 {
	if c.snap > 0 {
		length = min(length, c.snap)
	}
	return min(length, MaxFrame)
}

// time converts a count of the interface's units since 1970.
func (c *captured) time(units uint64) time.Time {
	second := uint64(1)
	if c.binary {
		if c.exponent > 63 {
			return time.Time{}
		}
		second <<= c.exponent
	} else {
		if c.exponent > 19 {
			return time.Time{}
		}
		for range c.exponent {
			second *= 10
		}
	}
	hi, lo := bits.Mul64(units%second, 1e9)
	fraction, _ := bits.Div64(hi, lo, second)
	return time.Unix(int64(units/second)+c.offset, int64(fraction)).UTC()
}
