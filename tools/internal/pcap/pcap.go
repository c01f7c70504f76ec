// Package pcap reads and writes packet captures as tcpdump and Wireshark do: the classic
// format, in any byte order and with microseconds or nanoseconds, and pcapng (the drafts
// draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng); and it finds UDP in the frames of
// Ethernet, Linux cooked captures, loopbacks and raw IP. A capture may come from anywhere:
// what it says of its own lengths is believed only within bounds.
package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// MaxFrame is the longest frame that is read or written, in octets: tcpdump's own bound.
const MaxFrame = 262144

// ErrFormat is what NewReader and Next return for what is no capture.
var ErrFormat = errors.New("not a packet capture")

// A Frame is a captured frame.
type Frame struct {
	Time time.Time // UTC; zero if the capture does not say
	Link LinkType
	Data []byte // as much as was captured; valid until the next one is read
}

// LinkType says how frames begin (the list of tcpdump.org).
type LinkType uint16

// The link types that UDP is found in.
const (
	Null     LinkType = 0   // BSD loopback: address family in the capturing host's order
	Ethernet LinkType = 1   // also with VLAN tags
	RawBSD   LinkType = 12  // raw IP, as some systems number it
	RawOpen  LinkType = 14  // the same on OpenBSD
	Raw      LinkType = 101 // IPv4 or IPv6
	Loop     LinkType = 108 // OpenBSD loopback: address family in network order
	Cooked   LinkType = 113 // Linux "any", version 1
	IPv4     LinkType = 228
	IPv6     LinkType = 229
	Cooked2  LinkType = 276 // Linux "any", version 2
)

// A Reader reads frames from a capture.
type Reader struct {
	in     *bufio.Reader
	order  binary.ByteOrder
	frame  []byte
	format interface{ next(*Reader) (Frame, error) }
}

// NewReader reads a capture's beginning. The error is ErrFormat or the one of in.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReader(in)}
	magic, err := r.in.Peek(4)
	if err != nil {
		return nil, noFormat(err)
	}
	if binary.BigEndian.Uint32(magic) == sectionHeader {
		r.format = &ng{}
		return r, nil
	}
	r.format, err = r.classic()
	return r, err
}

// Next returns the next frame, io.EOF after the last one.
func (r *Reader) Next() (Frame, error) { return r.format.next(r) }

// noFormat makes a capture that ends in its beginning one that is no capture.
func noFormat(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrFormat
	}
	return err
}

// octets reads n octets into the reader's own buffer.
func (r *Reader) octets(n uint32) ([]byte, error) {
	if n > MaxFrame {
		return nil, fmt.Errorf("%d octets of a frame: %w", n, ErrFormat)
	}
	r.frame = slices.Grow(r.frame[:0], int(n))[:n]
	_, err := io.ReadFull(r.in, r.frame)
	return r.frame, err
}

// The first four octets of classic captures, read as big-endian.
const (
	microseconds        = 0xA1B2C3D4
	microsecondsSwapped = 0xD4C3B2A1
	nanoseconds         = 0xA1B23C4D
	nanosecondsSwapped  = 0x4D3CB2A1
)

// A classic is a capture of the classic format.
type classic struct {
	link LinkType
	unit time.Duration // of the fraction of a second
}

func (r *Reader) classic() (*classic, error) {
	h, err := r.octets(24)
	if err != nil {
		return nil, noFormat(err)
	}
	c := &classic{unit: time.Microsecond}
	r.order = binary.BigEndian
	switch magic := r.order.Uint32(h); magic {
	case microsecondsSwapped, nanosecondsSwapped:
		r.order = binary.LittleEndian
		if magic == nanosecondsSwapped {
			c.unit = time.Nanosecond
		}
	case nanoseconds:
		c.unit = time.Nanosecond
	case microseconds:
	default:
		return nil, ErrFormat
	}
	c.link = LinkType(r.order.Uint32(h[20:]) & 0xFFFF) // above: the length of an FCS
	return c, nil
}

func (c *classic) next(r *Reader) (Frame, error) {
	h, err := r.octets(16)
	if err != nil {
		return Frame{}, err
	}
	at := time.Unix(int64(r.order.Uint32(h)), int64(r.order.Uint32(h[4:]))*int64(c.unit)).UTC()
	data, err := r.octets(r.order.Uint32(h[8:]))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return Frame{Time: at, Link: c.link, Data: data}, err
}
