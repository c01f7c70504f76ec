package dhcp

import (
	"encoding/binary"
	"errors"
)

// readDhcpcd reads a lease of dhcpcd: the server's acknowledgment as it came. The file
// is written when the lease is obtained and when it is renewed.
func readDhcpcd(f file) ([]Found, error) {
	if f.cut {
		return nil, errors.New("too long")
	}
	m, err := parse(f.data)
	switch {
	case err != nil:
		return nil, err
	case m.op != opReply || !m.yiaddr.IsValid() || m.yiaddr.IsUnspecified():
		return nil, errors.New("damaged: no reply with an address")
	}
	l := Found{Options: m.options, Obtained: f.mod}
	if v := m.options[optLeaseTime]; len(v) == 4 {
		l.Expires = expiry(f.mod, binary.BigEndian.Uint32(v))
	}
	return []Found{l}, nil
}
