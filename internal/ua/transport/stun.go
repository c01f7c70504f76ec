package transport

import (
	"net/netip"
	"sync"

	"github.com/pion/stun/v3"
)

// stunPing is the one binding request of a flow that waits for its answer (RFC 8489
// section 6, as RFC 5626 section 4.4.2 uses it).
type stunPing struct {
	mu      sync.Mutex
	pending bool
	id      [stun.TransactionIDSize]byte
}

// request builds the request, again the same one until it is answered or forgotten.
func (p *stunPing) request() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pending {
		p.id = stun.NewTransactionID()
		p.pending = true
	}
	m := stun.New()
	m.Type = stun.BindingRequest
	m.TransactionID = p.id
	m.WriteHeader()
	return m.Raw
}

// answer reports whether id is that of the request, which is then done with.
func (p *stunPing) answer(id [stun.TransactionIDSize]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok := p.pending && p.id == id
	if ok {
		p.pending = false
	}
	return ok
}

// forget gives the request up: the next one is a new transaction (RFC 8489 section 6.1), which
// an answer to this one that comes too late does not belong to.
func (p *stunPing) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = false
}

// isSTUN tells STUN from SIP: the first two bits are zero, and the magic cookie
// stands where it must (RFC 5626 section 8, RFC 8489 section 5).
func isSTUN(data []byte) bool { return stun.IsMessage(data) && data[0]>>6 == 0 }

// stunAnswer takes a binding response from the server that was asked, and nothing else
// that is STUN. f is nil when nobody was.
func (l *Layer) stunAnswer(f Flow, data []byte) {
	asked, _ := f.(*udpFlow)
	mapped, id, ok := parseBinding(data)
	if asked == nil || !ok || !asked.ping.answer(id) {
		l.counters.DroppedSTUN.Add(1)
		return
	}
	l.counters.KeepAlives.Add(1)
	l.handler.Pong(asked, mapped)
}

// parseBinding reads a binding success response with the address it tells.
func parseBinding(data []byte) (mapped netip.AddrPort, id [stun.TransactionIDSize]byte, ok bool) {
	m := &stun.Message{Raw: data}
	if err := m.Decode(); err != nil || m.Type != stun.BindingSuccess {
		return mapped, id, false
	}
	var x stun.XORMappedAddress
	if err := x.GetFrom(m); err != nil {
		return mapped, id, false
	}
	addr, ok := netip.AddrFromSlice(x.IP)
	if !ok || x.Port < 0 || x.Port > 65535 {
		return mapped, id, false
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(x.Port)), m.TransactionID, true
}
