// Package dhcp finds where the device's configuration is by DHCP (RFC 2131, RFC 2132):
// from the lease that the system's DHCP client holds (Lease), or by asking the servers for
// options alone (Inform). It leases no address, configures nothing and fetches nothing.
//
// Options.Offers reads these options, in this order, which is that of the table in
// offers.go:
//
//	66   server name, address, host:port, or whole URL; 67 names the file
//	160  the same, without 67
//	159  the same, without 67
//	150  TFTP server addresses, each an offer (RFC 5859); 67 names the file
//	43   a whole URL, or sub-options 66 and 67 with the meaning above
//	125  nothing of ours; TR-069's (enterprise 3561) and others' are told in a note
//	120  SIP servers (RFC 3361), names or addresses: no URL
//
// A server without a scheme is asked by TFTP. A URL that ends in its host, or in a slash, is
// completed by the file that option 67 names, else by {mac}.cfg. Macros stay as they
// are, for provisioning/fetch. Of a 67 in the form image;config the second part counts; a
// 67 that is a whole URL counts where 66 and 150 name no file themselves. Sub-option 1 of
// option 43 is TR-069's in most networks, so it is told in a note and not asked.
//
// Whatever has control characters or blanks inside, names a user before the host, or is of
// another scheme than tftp, http or https is refused with a note: anybody on the
// network can answer. What a URL leads to is to be checked by what it holds.
package dhcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Options are the values of a DHCP message by option code, each joined of its parts (RFC
// 3396), without pad and end.
type Options map[byte][]byte

// The option codes that this package reads or writes (RFC 2132 unless told otherwise).
const (
	optPad         = 0
	optVendor      = 43
	optLeaseTime   = 51
	optOverload    = 52
	optMessageType = 53
	optServerID    = 54
	optParameters  = 55
	optMaxSize     = 57
	optVendorClass = 60
	optClientID    = 61
	optServer      = 66
	optBootFile    = 67
	optSIP         = 120 // RFC 3361
	optIdentified  = 125 // RFC 3925
	optTFTP        = 150 // RFC 5859
	optURL159      = 159 // by custom
	optURL160      = 160 // by custom
	optEnd         = 255
)

const (
	maxMessage = 8 << 10 // octets of a message
	maxValue   = 4 << 10 // octets of one option's value, joined
)

// Message types (RFC 2132 section 9.6).
const (
	typeACK    = 5
	typeInform = 8
)

// The fixed part of a message (RFC 2131 section 2): where its fields begin.
const (
	opRequest, opReply = 1, 2

	atXID    = 4
	atSecs   = 8
	atCIAddr = 12
	atYIAddr = 16
	atCHAddr = 28
	atSName  = 44
	atFile   = 108
	atCookie = 236
	atOption = 240
)

const cookie = 0x63825363 // RFC 2131 section 3

// A message is what this package needs of one.
type message struct {
	op             byte
	xid            uint32
	ciaddr, yiaddr netip.Addr
	chaddr         []byte
	options        Options
}

// Parse reads the options of a whole DHCP message, as it is on the wire or as dhcpcd keeps
// it. Options in the sname and file fields count (option 52); where those fields
// are not taken for options, they stand for options 66 and 67 that are absent
// (RFC 2132 sections 9.4 and 9.5). A message that is cut short, or whose options do not
// end as RFC 2131 section 4.1 demands, is an error.
func Parse(data []byte) (Options, error) {
	m, err := parse(data)
	return m.options, err
}

func parse(data []byte) (message, error) {
	var m message
	switch {
	case len(data) > maxMessage:
		return m, fmt.Errorf("DHCP message: longer than %d octets", maxMessage)
	case len(data) < atOption:
		return m, errors.New("DHCP message: cut short")
	case binary.BigEndian.Uint32(data[atCookie:]) != cookie:
		return m, errors.New("DHCP message: no magic cookie")
	case data[2] > 16:
		return m, errors.New("DHCP message: hardware address longer than 16 octets")
	}
	m.op = data[0]
	m.xid = binary.BigEndian.Uint32(data[atXID:])
	m.ciaddr = netip.AddrFrom4([4]byte(data[atCIAddr:]))
	m.yiaddr = netip.AddrFrom4([4]byte(data[atYIAddr:]))
	m.chaddr = append(m.chaddr, data[atCHAddr:atCHAddr+int(data[2])]...)
	var err error
	m.options, err = parseFields(data[atOption:], data[atFile:atCookie], data[atSName:atFile])
	return m, err
}

// parseFields reads the options field and, as option 52 in it says, the file and sname
// fields after it (RFC 3396 section 5: in that order).
func parseFields(field, file, sname []byte) (Options, error) {
	o := Options{}
	if err := o.add("options", field); err != nil {
		return nil, err
	}
	var overload byte
	if v := o[optOverload]; len(v) == 1 && v[0] <= 3 {
		overload = v[0]
	} else if v != nil {
		return nil, errors.New("DHCP message: option 52 is not 1, 2 or 3")
	}
	for _, f := range []struct {
		bit, option byte
		name        string
		data        []byte
	}{{1, optBootFile, "file", file}, {2, optServer, "sname", sname}} {
		if overload&f.bit != 0 {
			if err := o.add(f.name, f.data); err != nil {
				return nil, err
			}
		} else if text, _, _ := strings.Cut(string(f.data), "\x00"); text != "" && o[f.option] == nil {
			o[f.option] = []byte(text)
		}
	}
	return o, nil
}

// add reads one field of options (RFC 2132 section 2), whose last must be the end option.
func (o Options) add(name string, field []byte) error {
	for i := 0; i < len(field); {
		code := field[i]
		i++
		switch code {
		case optPad:
			continue
		case optEnd:
			return nil
		}
		if i == len(field) || int(field[i]) > len(field)-i-1 {
			return fmt.Errorf("DHCP message: option %d goes beyond the %s field", code, name)
		}
		n := int(field[i])
		i++
		if len(o[code])+n > maxValue {
			return fmt.Errorf("DHCP message: option %d is longer than %d octets", code, maxValue)
		}
		if o[code] == nil {
			o[code] = []byte{}
		}
		o[code] = append(o[code], field[i:i+n]...)
		i += n
	}
	return fmt.Errorf("DHCP message: the %s field has no end option", name)
}

// appendOption writes an option, in several parts if need be (RFC 3396 section 6).
func appendOption(b []byte, code byte, value []byte) []byte {
	for {
		n := min(len(value), 255)
		b = append(append(b, code, byte(n)), value[:n]...)
		value = value[n:]
		if len(value) == 0 {
			return b
		}
	}
}
