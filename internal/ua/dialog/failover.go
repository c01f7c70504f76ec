package dialog

import (
	"strings"

	"tipring/internal/sipmsg"
)

// ReplaceRoute sends what follows in the dialog through another server, since the one on
// its way is dead: the Route entry that names the dead server becomes the other's, with
// lr. Request-URI, Call-ID and tags stay, and the next request has the next CSeq, so that
// the far end takes it for what it is. Neighbouring entries of the dead server, which a
// proxy records for its two sides, become one. Without a route set a Route to the other
// server is put in front; when no entry names the dead server (it recorded another of its
// names), the first one, where our requests went, is replaced.
func (d *Dialog) ReplaceRoute(dead, other sipmsg.URI) {
	first, last := 0, 0
	for i, r := range d.Routes {
		if sameServer(r.URI, dead) {
			first, last = i, i+1
			for last < len(d.Routes) && (sameServer(d.Routes[last].URI, dead) || otherSide(d.Routes[last].URI, r.URI)) {
				last++
			}
			break
		}
	}
	if last == 0 && len(d.Routes) > 0 {
		last = 1
	}
	routes := cloneAddrs(d.Routes[:first])
	routes = append(routes, sipmsg.Addr{URI: looseURI(other)})
	d.Routes = append(routes, cloneAddrs(d.Routes[last:])...)
}

// looseURI is the URI of a server as a loose route: without a user, with lr.
func looseURI(u sipmsg.URI) sipmsg.URI {
	u = u.Clone()
	u.User, u.Password, u.Headers = "", "", ""
	if !loose(u) {
		u.Params.SetFlag("lr")
	}
	return u
}

// sameServer compares host and port, an absent port being that of the scheme.
func sameServer(a, b sipmsg.URI) bool {
	return strings.EqualFold(a.Host, b.Host) && portOf(a) == portOf(b)
}

// otherSide reports whether two entries are one proxy that took a request by one
// transport and sent it on by another (RFC 5658 section 3): one host, each with a port of
// its own.
func otherSide(a, b sipmsg.URI) bool {
	return strings.EqualFold(a.Host, b.Host) && (a.Transport() != b.Transport() || a.Scheme != b.Scheme)
}

func portOf(u sipmsg.URI) int {
	switch {
	case u.Port != 0:
		return u.Port
	case u.Scheme == "sips" || u.Transport() == "tls":
		return 5061
	}
	return 5060
}
