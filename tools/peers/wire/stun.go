package wire

import (
	"encoding/binary"
	"net/netip"
)

// A STUNMessage is what a binding request or its answer says (RFC 8489).
type STUNMessage struct {
	Type   uint16         // BindingRequest or BindingSuccess, or something else
	ID     [12]byte       // transaction
	Mapped netip.AddrPort // XOR-MAPPED-ADDRESS of an answer
}

// STUN message types (RFC 8489 section 5).
const (
	BindingRequest = 0x0001
	BindingSuccess = 0x0101
)

const magicCookie = 0x2112a442

func parseSTUN(b []byte) (m STUNMessage, ok bool) {
	if len(b) < 20 || b[0]>>6 != 0 || binary.BigEndian.Uint32(b[4:]) != magicCookie {
		return m, false
	}
	m.Type = binary.BigEndian.Uint16(b)
	copy(m.ID[:], b[8:20])
	for a := b[20:]; len(a) >= 4; {
		kind, n := binary.BigEndian.Uint16(a), int(binary.BigEndian.Uint16(a[2:]))
		if 4+n > len(a) {
			break
		}
		if v := a[4 : 4+n]; kind == 0x0020 && n >= 8 && v[1] == 1 {
			ip := binary.BigEndian.Uint32(v[4:]) ^ magicCookie
			addr := binary.BigEndian.AppendUint32(nil, ip)
			m.Mapped = hostPort(addr, binary.BigEndian.Uint16(v[2:])^magicCookie>>16)
		}
		a = a[min(len(a), 4+(n+3)/4*4):]
	}
	return m, true
}
