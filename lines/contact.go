package lines

import (
	"net/netip"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// remapGap is the least time between two registrations that a changed address causes: a
// NAT that maps every packet anew must not make a storm.
const remapGap = 30 * time.Second

// A remapping is how the line follows the address that its servers see.
type remapping struct {
	last  time.Time // registration for a changed address
	again time.Time // when to look again; zero: nothing to look at
}

// mapped takes the news that a server sees us at another address.
func (l *Line) mapped(now time.Time, f transport.Flow, seen netip.AddrPort) {
	l.log.Debug("seen at another address", "server", f.Target(), "address", seen)
	l.checkContacts(now)
}

// checkContacts registers anew where a binding does not name the address by which its
// server sees us: calls would not arrive.
func (l *Line) checkContacts(now time.Time) {
	l.mapping.again = time.Time{}
	for _, s := range l.servers {
		if s == nil || s.flow == nil || !s.contact.IsValid() || s.contact == l.ep.Address(s.flow) {
			continue
		}
		if soonest := l.mapping.last.Add(remapGap); now.Before(soonest) {
			l.mapping.again = soonest
			return
		}
		l.mapping.last = now
		l.do(now, l.reg.AddressChanged(now))
		return
	}
}

// bound notes the Contact that a server has accepted for its binding.
func (s *server) bound(f transport.Flow, req *sipmsg.Message) {
	s.flow, s.contact = f, netip.AddrPort{}
	if len(req.Contact) == 0 {
		return
	}
	u := req.Contact[0].URI
	if ip, err := netip.ParseAddr(u.Host); err == nil {
		s.contact = netip.AddrPortFrom(ip, uint16(u.Port))
	}
}

// unbound forgets it.
func (s *server) unbound() { s.flow, s.contact = nil, netip.AddrPort{} }

// contacts completes the Contact of a REGISTER. A binding that names an address of the
// past goes with the one that replaces it, so that no call is sent both ways.
func (l *Line) contacts(s *server, p registrar.Purpose, m *sipmsg.Message, f transport.Flow) {
	if len(m.Contact) == 0 || !s.contact.IsValid() || s.contact == l.ep.Address(f) {
		return
	}
	old := l.ep.ContactAt(s.contact, f.Target().Proto)
	old.Params.Set("expires", "0")
	if p == registrar.Unbind {
		m.Contact = []sipmsg.Addr{old}
		return
	}
	m.Contact = append(m.Contact, old)
}
