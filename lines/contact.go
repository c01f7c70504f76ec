package lines

import (
	"errors"
	"net/netip"
	"strings"
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

// binds reports a REGISTER that is to make a binding.
func binds(p registrar.Purpose) bool { return p != registrar.Verify && p != registrar.Unbind }

// Why a 2xx to a REGISTER is no registration. RFC 3261 section 10.3: it lists every binding
// there is, so that one that is not listed does not exist (section 10.2.4).
var (
	errNotAmong     = errors.New("this line's Contact is not among the bindings that it lists")
	errBoundForZero = errors.New("it binds this line's Contact for 0 s")
)

// granted finds the lifetime of our own binding among those that the registrar lists: the
// expires of its Contact, else the response's Expires, else what was asked for (RFC 3261
// sections 10.2.4 and 10.3), and no more than was asked: a registrar may shorten it, and what
// it says beyond that would put the refresh off for years. A registrar that lists none, as it ought to, has bound it all the
// same: small ones answer so, and a line that refused them would have no service.
func (l *Line) granted(req, res *sipmsg.Message) (time.Duration, error) {
	n, ok := 0, false
	if len(res.Contact) > 0 {
		c := l.ownContact(req, res.Contact)
		if c == nil {
			return 0, errNotAmong
		}
		n, ok = c.Expires()
	}
	if !ok {
		n, ok = res.Expires()
	}
	if len(req.Contact) > 0 {
		if asked, said := req.Contact[0].Expires(); said && (!ok || n > asked) {
			n, ok = asked, true
		}
	}
	if ok && n == 0 {
		return 0, errBoundForZero
	}
	return time.Duration(n) * time.Second, nil
}

// ownContact finds the Contact of ours that means the one sent; nil without one. The user part
// alone says that it is ours, as nobody else has or guesses it; RFC 3261 section 19.1.4 asks
// for more than survives on the way: proxies and registrars change the letters' case, add and
// drop parameters (transport, alias, received, ob), and put the address in that a NAT gave us.
// Among several, of addresses that we had before, the one most like it is the one.
func (l *Line) ownContact(req *sipmsg.Message, list []sipmsg.Addr) (best *sipmsg.Addr) {
	likest := -1
	for i := range list {
		if !strings.EqualFold(list[i].URI.User, l.ep.ContactUser()) {
			continue
		}
		like := 0
		if len(req.Contact) > 0 {
			like = likeness(list[i].URI, req.Contact[0].URI)
		}
		if like > likest {
			best, likest = &list[i], like
		}
	}
	return best
}

// likeness tells one of our contacts from another: by address first, then by transport.
func likeness(a, b sipmsg.URI) (n int) {
	if sameAddress(a, b) {
		n = 2
	}
	if a.Transport() == b.Transport() {
		n++
	}
	return n
}

// sameAddress compares host and port, an absent port being that of the transport.
func sameAddress(a, b sipmsg.URI) bool {
	port := func(u sipmsg.URI) int {
		if u.Port == 0 {
			return int(protoOf(u).DefaultPort())
		}
		return u.Port
	}
	x, errX := netip.ParseAddr(a.Host)
	y, errY := netip.ParseAddr(b.Host)
	if errX == nil && errY == nil {
		return x.Unmap() == y.Unmap() && port(a) == port(b)
	}
	return sameHost(a.Host, b.Host) && port(a) == port(b)
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
