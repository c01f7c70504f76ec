package nat

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/pion/stun/v3"
)

// IsMessage tells STUN from RTP, RTCP and SIP: its first two bits are zero and the magic
// cookie stands where it must (RFC 5389 section 6, RFC 5764 section 5.1.2).
func IsMessage(data []byte) bool { return stun.IsMessage(data) && data[0]>>6 == 0 }

// An Answer is a response to a Binding request.
type Answer struct {
	ID      [stun.TransactionIDSize]byte
	Mapped  netip.AddrPort // of a success
	Refusal *Refusal       // of an error
}

var errNotAnAnswer = errors.New("not an answer to a STUN Binding request")

// Parse reads a Binding response, whosever it is.
func Parse(data []byte) (Answer, error) {
	if !IsMessage(data) || len(data) != 20+int(binary.BigEndian.Uint16(data[2:])) {
		return Answer{}, errNotAnAnswer
	}
	m := &stun.Message{Raw: append([]byte(nil), data...)}
	if m.Decode() != nil {
		return Answer{}, errNotAnAnswer
	}
	// RFC 5389 section 7.3: one with a wrong fingerprint is dropped.
	if m.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(m) != nil {
		return Answer{}, errNotAnAnswer
	}
	a := Answer{ID: m.TransactionID}
	switch m.Type {
	case stun.BindingSuccess:
		var ok bool
		if a.Mapped, ok = mapped(m); !ok {
			return Answer{}, errNotAnAnswer
		}
	case stun.BindingError:
		a.Refusal = &Refusal{}
		var code stun.ErrorCodeAttribute
		if code.GetFrom(m) == nil {
			a.Refusal.Code, a.Refusal.Reason = int(code.Code), string(code.Reason[:min(len(code.Reason), 128)])
		}
	default:
		return Answer{}, errNotAnAnswer
	}
	return a, nil
}

// mapped reads XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of an old server (RFC 5389 sections
// 15.1 and 15.2), which some NATs spoil on its way.
func mapped(m *stun.Message) (netip.AddrPort, bool) {
	if v, err := m.Get(stun.AttrXORMappedAddress); err == nil {
		a, ok := address(v)
		return unmask(a, m.TransactionID), ok && usable(unmask(a, m.TransactionID))
	}
	v, err := m.Get(stun.AttrMappedAddress)
	if err != nil {
		return netip.AddrPort{}, false
	}
	a, ok := address(v)
	return a, ok && usable(a)
}

// address reads an attribute's value: a zero octet, the family, the port, the address. pion's
// own reader takes one whose address is shorter than its family says.
func address(v []byte) (netip.AddrPort, bool) {
	if len(v) < 4 {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(v[2:])
	switch family := v[1]; {
	case family == 1 && len(v) == 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(v[4:])), port), true
	case family == 2 && len(v) == 20:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(v[4:])), port), true
	}
	return netip.AddrPort{}, false
}

// magicCookie is the fixed part that an XOR-MAPPED-ADDRESS is masked with.
const magicCookie = 0x2112a442

// unmask undoes the masking of an XOR-MAPPED-ADDRESS.
func unmask(a netip.AddrPort, id [stun.TransactionIDSize]byte) netip.AddrPort {
	mask := binary.BigEndian.AppendUint32(nil, magicCookie)
	mask = append(mask, id[:]...)
	b := a.Addr().AsSlice()
	for i := range b {
		b[i] ^= mask[i]
	}
	ip, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), a.Port()^(magicCookie>>16))
}

// usable refuses what cannot be a peer's target.
func usable(a netip.AddrPort) bool {
	ip := a.Addr()
	return a.Port() != 0 && ip.IsValid() && !ip.IsUnspecified() && !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// Respond answers a Binding request that came from from, as a server does for keep-alives
// (RFC 5626 section 8); ok is false for anything else.
func Respond(request []byte, from netip.AddrPort) (response []byte, ok bool) {
	if !IsMessage(request) {
		return nil, false
	}
	m := &stun.Message{Raw: append([]byte(nil), request...)}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return nil, false
	}
	r, err := stun.Build(stun.BindingSuccess, stun.NewTransactionIDSetter(m.TransactionID),
		&stun.XORMappedAddress{IP: from.Addr().Unmap().AsSlice(), Port: int(from.Port())})
	if err != nil {
		return nil, false
	}
	return r.Raw, true
}
