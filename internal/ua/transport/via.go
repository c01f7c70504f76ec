package transport

import (
	"net/netip"
	"strconv"

	"tipring/internal/sipmsg"
)

// Stamp writes into the topmost Via of a request where it came from: received, when
// sent-by is another address or a name (RFC 3261 section 18.2.1), and both received
// and rport when the client asks for them (RFC 3581 section 4). What the client
// itself put there is not believed.
func Stamp(m *sipmsg.Message, from netip.AddrPort) {
	if len(m.Via) == 0 {
		return
	}
	via := &m.Via[0]
	addr := from.Addr().Unmap().WithZone("")
	_, rport := via.Params.Get("rport")
	if rport {
		via.Params.Set("rport", strconv.Itoa(int(from.Port())))
	}
	sentBy, err := netip.ParseAddr(via.Host)
	if rport || err != nil || sentBy.Unmap() != addr {
		via.Params.Set("received", addr.String())
	} else {
		via.Params.Del("received")
	}
}

// ReplyAddr is where the response to a request that came in a datagram goes (RFC 3261
// section 18.2.2, RFC 3581 section 4): to maddr, to the port it came from if rport
// is there, else to the port of sent-by. A maddr that is a name is not looked up.
func ReplyAddr(m *sipmsg.Message, from netip.AddrPort) netip.AddrPort {
	if m == nil || len(m.Via) == 0 {
		return from
	}
	via := m.Via[0]
	port := uint16(via.Port)
	if via.Port <= 0 || via.Port > 65535 {
		port = UDP.DefaultPort()
	}
	if maddr, ok := via.Params.Get("maddr"); ok {
		if a, err := netip.ParseAddr(maddr); err == nil && a.Is4() == from.Addr().Is4() {
			return netip.AddrPortFrom(a, port)
		}
	}
	if _, ok := via.Params.Get("rport"); ok {
		return from
	}
	return netip.AddrPortFrom(from.Addr(), port)
}

// ReplyTarget is where the response to a request goes when the connection that brought
// it is gone: the received address, at the port of sent-by (RFC 3261 section 18.2.2).
// Its Name is sent-by's, so that TLS verifies who is there.
func ReplyTarget(m *sipmsg.Message, over Flow) Target {
	t := over.Target()
	if len(m.Via) == 0 {
		return t
	}
	via := m.Via[0]
	port := t.Proto.DefaultPort()
	if via.Port > 0 && via.Port <= 65535 {
		port = uint16(via.Port)
	}
	t.Addr = netip.AddrPortFrom(t.Addr.Addr(), port)
	t.Name = via.Host
	return t.Normal()
}
